"""The one program that the hub runs as another account: hand a job to Slurm, or take it back.

Standard library only. It reads one JSON object on standard input and is started as an
argument list, behind whatever a site needs to become that person there (nothing, `sudo -n -u
ana`, a site's gate.py), so that `sudoers` can name exactly this file:

    {"action": "submit", "script": "#!/bin/bash…", "environment": {…}, "home": "/home/ana",
     "files": {"tls/0123456789abcdef/key.pem": "…"}}
    {"action": "cancel", "job": "4711", "environment": {…}}
    {"action": "leave", "job": "4711", "qos": "curso", "environment": {…}}  its reservation
    {"action": "shorten", "job": "4711", "minutes": 30, "environment": {…}}
    {"action": "extend", "job": "4711", "minutes": 300, "environment": {…}}

On success it prints one line (the job id for `submit`) and exits 0; otherwise it exits with
Slurm's status and Slurm's words on standard error.
"""

import json
import os
import re
import subprocess
import sys

KEY_FILES = (
    r"(tls/[0-9a-f]{16}/(key|cert|trusted)\.pem|tunnel/[0-9a-f]{16}/(key|known_hosts|config))"
)


def main(request: dict) -> int:
    """Carry out `request`; return the exit status."""
    environment = {str(key): str(value) for key, value in request.get("environment", {}).items()}
    if request["action"] == "submit":
        home = request["home"]
        os.makedirs(os.path.join(home, ".minga"), mode=0o700, exist_ok=True)
        write_files(home, request.get("files", {}))
        return subprocess.run(
            ["sbatch", "--parsable"],
            input=request["script"].encode(),
            env=environment,
            cwd=home,
        ).returncode
    job = request.get("job")
    if not (isinstance(job, str) and job.isascii() and job.isdigit()):
        print("not a job id", file=sys.stderr)
        return 2
    if request["action"] == "cancel":
        return subprocess.run(["scancel", "--full", job], env=environment).returncode
    if request["action"] == "leave":
        # The second is for a job that is held because its reservation has ended.
        update = ["scontrol", "update", f"JobId={job}", "ReservationName="]
        qos = request.get("qos", "")
        if not re.fullmatch(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?", qos):
            print("not a QOS", file=sys.stderr)
            return 2
        update += [f"QOS={qos}"] if qos else []
        if status := subprocess.run(update, env=environment).returncode:
            return status
        released = subprocess.run(
            ["scontrol", "release", job], env=environment, stderr=subprocess.PIPE, text=True
        )
        if "no longer pending" in released.stderr:
            return 0  # it was not held, and has started meanwhile
        sys.stderr.write(released.stderr)
        return released.returncode
    if request["action"] in ("shorten", "extend"):  # Slurm lets only operators do the second
        update = ["scontrol", "update", f"JobId={job}", f"TimeLimit={int(request['minutes'])}"]
        return subprocess.run(update, env=environment).returncode
    print("unknown action", file=sys.stderr)
    return 2


def write_files(home: str, files: dict[str, str]) -> None:
    """Write a session's keys below `home`/.minga, for this account only, each whole or not at all.

    They are its certificate's or its tunnel's. Raises ValueError for any other name, OSError if it
    cannot be written.
    """
    for name, text in files.items():
        if not re.fullmatch(KEY_FILES, name):
            raise ValueError(f"not the name of a certificate or a tunnel: {name!r}")
        target = os.path.join(home, ".minga", name)
        place = os.path.join(".minga", os.path.dirname(name))
        for folder in (".minga", os.path.dirname(place), place):
            os.makedirs(os.path.join(home, folder), mode=0o700, exist_ok=True)
        draft = f"{target}.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
            output.write(text)
        os.replace(draft, target)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        status = main(json.load(sys.stdin))
    except OSError as error:
        print(error, file=sys.stderr)
        status = 74  # EX_IOERR: a home that is missing, full or not ours
    sys.exit(status)
