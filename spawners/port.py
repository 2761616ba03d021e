"""Runs inside the job: find a free port, start the notebook server on it, tell the hub.

Standard library only, so that it starts in a few hundredths of a second:

    python port.py COMMAND [ARGUMENT …]

The process becomes COMMAND (signals of the scheduler reach it directly); a small child waits
until the server answers and then tells the hub the port, and nothing else. Where the hub cannot
reach this node, another child keeps the tunnel (tunnel.py), and the port told is that of its door.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

PATIENCE = 300  # seconds that a server may take until it answers
TUNNEL_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tunnel.py")


def free_port(host: str) -> int:
    """Return a TCP port that is free on `host` at this moment."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def with_port(url: str, port: int) -> str:
    """Return `url` with its port replaced.

    >>> with_port("http://127.0.0.1:0/user/ana/", 4711)
    'http://127.0.0.1:4711/user/ana/'
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit(parts._replace(netloc=f"{host}:{port}"))


def wait_until_answering(host: str, port: int, server: int) -> bool:
    """Return True when `host:port` accepts connections, False if process `server` ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
        if not alive(server):
            return False
    return False


def alive(process: int) -> bool:
    """Return whether a process of ours still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def announce(port: int, environment: dict, server: int) -> None:
    """Tell the hub at JUPYTERHUB_API_URL the port, as the server that the token belongs to.

    The hub may be down just now, or not know yet (5xx), so it is tried again for as long as the
    process `server` lives; any other answer of the hub is final.
    """
    # Here and not above: the server must not wait for what only this child needs.
    import ssl
    import urllib.error
    import urllib.request

    request = urllib.request.Request(  # noqa: S310 (the address comes from the hub itself)
        environment["JUPYTERHUB_API_URL"].rstrip("/") + "/batchspawner",
        data=json.dumps({"port": port}).encode(),
        headers={
            "Authorization": "token " + environment["JUPYTERHUB_API_TOKEN"],
            "Content-Type": "application/json",
        },
        method="POST",
    )
    context = None
    if environment.get("JUPYTERHUB_SSL_CERTFILE"):  # JupyterHub's internal TLS
        context = ssl.create_default_context(cafile=environment["JUPYTERHUB_SSL_CLIENT_CA"])
        context.load_cert_chain(
            environment["JUPYTERHUB_SSL_CERTFILE"], environment["JUPYTERHUB_SSL_KEYFILE"]
        )
    # The hub is spoken to directly; a proxy named in the environment is for the internet.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    pause = 0.5
    while alive(server):
        try:
            opener.open(request, timeout=40).close()
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                print(f"minga: the hub refused port {port}: {error}", file=sys.stderr)
                return
        except OSError:
            pass
        time.sleep(pause)
        pause = min(10, pause * 1.2)


def main(command: list[str]) -> None:
    """Become `command`, with its port in JUPYTERHUB_SERVICE_URL and known to the hub."""
    url = os.environ["JUPYTERHUB_SERVICE_URL"]
    host = urlsplit(url).hostname
    port = free_port(host)
    os.environ["JUPYTERHUB_SERVICE_URL"] = with_port(url, port)
    # sbatch leaves this for srun; a student's own srun should pass on its environment.
    os.environ.pop("SLURM_EXPORT_ENV", None)
    server = os.getpid()
    door, folder = (os.environ.get(f"MINGA_TUNNEL_{name}", "") for name in ("DOOR", "FOLDER"))
    if door:
        words = [TUNNEL_PROGRAM, folder, door, str(port), str(server)]
        python = sys.executable
        beside(lambda: os.execv(python, [python, "-I", "-S", *words]))  # noqa: S606

    def tell():
        local = "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104
        if wait_until_answering(local, port, server):
            announce(int(door.rsplit(":")[-1]) if door else port, dict(os.environ), server)

    beside(tell)
    os.execvp(command[0], command)  # noqa: S606 (an argument list, no shell)


def beside(work: Callable[[], None]) -> None:
    """Do `work` in a process of its own, which this one need not wait for."""
    if os.fork() == 0:
        if os.fork() == 0:  # twice, so that the server does not keep a zombie
            try:
                work()
            finally:
                os._exit(0)
        os._exit(0)
    os.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
