"""The one program that the hub runs as another account: hand a job to Slurm, or take it back.

Standard library only. It reads one JSON object on standard input and is started as an
argument list, behind whatever a site needs to become that person there (nothing, `sudo -n -u
ana`, `ssh login.site`), so that `sudoers` can name exactly this file:

    {"action": "submit", "script": "#!/bin/bash…", "environment": {…}, "home": "/home/ana"}
    {"action": "cancel", "job": "4711", "environment": {…}}

On success it prints one line (the job id for `submit`) and exits 0; otherwise it exits with
Slurm's status and Slurm's words on standard error.
"""

import json
import os
import subprocess
import sys


def main(request: dict) -> int:
    """Carry out `request`; return the exit status."""
    environment = {str(key): str(value) for key, value in request.get("environment", {}).items()}
    if request["action"] == "submit":
        home = request["home"]
        os.makedirs(os.path.join(home, ".minga"), mode=0o700, exist_ok=True)
        return subprocess.run(
            ["sbatch", "--parsable"],
            input=request["script"].encode(),
            env=environment,
            cwd=home,
        ).returncode
    if request["action"] == "cancel":
        job = request["job"]
        if not (isinstance(job, str) and job.isascii() and job.isdigit()):
            print("not a job id", file=sys.stderr)
            return 2
        return subprocess.run(["scancel", "--full", job], env=environment).returncode
    print("unknown action", file=sys.stderr)
    return 2


if __name__ == "__main__":
    os.umask(0o077)
    try:
        status = main(json.load(sys.stdin))
    except OSError as error:
        print(error, file=sys.stderr)
        status = 74  # EX_IOERR: a home that is missing, full or not ours
    sys.exit(status)
