"""A notebook server of 9 MB: what 500 sessions on one machine run instead of JupyterLab.

Standard library only, started with `python -I -S`. It answers every request with 200 and the
version header that JupyterHub looks for. Ours is started by spawners/port.py like any server.
With `--announce` it tells its port itself, in stock batchspawner's protocol: the real
`batchspawner-singleuser` imports the whole hub (70 MB, 1 s of CPU), which 300 nodes can do at
once and this one machine cannot; leaving that out favours stock.
"""

import os
import signal
import socket
import sys

BODY = b'{"version": "2.0"}'


def port_of(url: str) -> int:
    """Return the port in `url` (http://host:port/path), 0 if it names none."""
    host = url.split("//", 1)[-1].split("/", 1)[0]
    port = host.rpartition(":")[2]
    return int(port) if port.isdigit() else 0


def announce(port: int) -> None:
    """POST {"port": port} to the hub, as batchspawner-singleuser does."""
    address, _, path = os.environ["JUPYTERHUB_API_URL"].split("//", 1)[1].partition("/")
    host, _, hub_port = address.partition(":")
    body = b'{"port": %d}' % port
    with socket.create_connection((host, int(hub_port)), timeout=120) as hub:
        hub.sendall(
            f"POST /{path.rstrip('/')}/batchspawner HTTP/1.1\r\nHost: {address}\r\n"
            f"Authorization: token {os.environ['JUPYTERHUB_API_TOKEN']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        while hub.recv(4096):
            pass


def serve(listener: socket.socket, version: str) -> None:
    """Answer one request after another, for ever."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"X-JupyterHub-Version: {version}\r\nContent-Length: {len(BODY)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    while True:
        connection, _ = listener.accept()
        try:
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(4096)
                if not piece:
                    break
                request += piece
            else:
                connection.sendall(head + BODY)
        except OSError:
            pass
        finally:
            connection.close()


def main() -> None:
    """Listen, announce if asked to, serve."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    announcing = "--announce" in sys.argv
    port = 0 if announcing else port_of(os.environ["JUPYTERHUB_SERVICE_URL"])
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(16)
    if announcing:
        announce(listener.getsockname()[1])
    serve(listener, os.environ.get("MINGA_BENCHMARK_HUB_VERSION", ""))


if __name__ == "__main__":
    main()
