"""The one program that a hub which is not root runs as a course's account.

Standard library only. It is started as an argument list behind `sudo -n -u minga-ia --`, so that
`sudoers` can name exactly this file (deploy/sudoers), and reads one line of JSON:

    {"program": "publish", "arguments": ["--course", "…"], "environment": {…}, "folder": "/…"}

and runs that program of Minga's until it ends. A formgrader ends with its standard input too: the
hub cannot signal a process of another account, but whoever is gone has closed the pipe.
"""

import json
import os
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = {
    "publish": [sys.executable, "-m", "courses.publish"],
    "send_grades": [sys.executable, "-m", "grading.platforms"],
    "formgrader": [os.path.join(os.path.dirname(sys.executable), "jupyterhub-singleuser")],
    "database": [sys.executable, "-m", "deploy.doctor.data"],  # whether it can be used
}


def main() -> int:
    """Carry out the request on standard input; return the exit status of the program."""
    request = json.loads(sys.stdin.buffer.readline())
    program = PROGRAMS.get(request["program"])
    if program is None:
        print("unknown program", file=sys.stderr)
        return 2
    child = subprocess.Popen(
        [*program, *map(str, request["arguments"])],
        env={str(name): str(value) for name, value in request["environment"].items()},
        # `python -m` takes its modules from there; a server begins in its course's folder.
        cwd=request["folder"] if request["program"] == "formgrader" else ROOT,
        stdin=subprocess.DEVNULL,
    )
    if request["program"] == "formgrader":
        threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    return child.wait()


def _end_with_input(child: subprocess.Popen) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    child.terminate()
    try:
        child.wait(timeout=20)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
