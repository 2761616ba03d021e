"""Runs at the same time in twins of one warm parent: none can reach, see or outlive another."""

import json
import os
import subprocess
import sys
import time

import pytest
from sandboxed import system_processes

from grading.sandbox import CHECKOUT

pytestmark = pytest.mark.slow

# A process that imports, and two that are forked from it: one waits for visitors, one visits.
FORKED = """
import json, os, sys, time
sys.path[:0] = sys.argv[1:3]
from grading import kernels_zygote
parent = kernels_zygote.zygote(("numpy",))
print(json.dumps({"parent": parent._process.pid}), flush=True)
children = []
for name in ("host", "guest"):
    children.append(os.fork())
    if children[-1] == 0:
        from sandboxed import text
        mine = kernels_zygote.zygote(("numpy",))
        answer = {"name": name, "twin": mine._process is None, "alive": mine.alive}
        if name == "guest":
            time.sleep(2)
        answer["said"] = text(*json.loads(sys.argv[3])[name], imports=("numpy",))
        mine.close()
        answer["closed"] = not mine.alive
        print(json.dumps(answer), flush=True)
        os._exit(0)
for child in children:
    os.waitpid(child, 0)
print(json.dumps({"parent_alive": parent.alive}), flush=True)
parent.close()
"""
HOST = """
import os, socket, time
places = [("127.0.0.1", 50007), "\\0minga"]
servers = [socket.create_server(places[0]), socket.socket(socket.AF_UNIX)]
servers[1].bind(places[1])
servers[1].listen()
socket.create_connection(places[0]).close()  # its own network works
open("/tmp/huella", "w").close()
open("/dev/shm/huella", "w").close()
servers[0].accept()
visitors = 0
for server in servers:
    server.settimeout(5)
    try:
        server.accept()
        visitors += 1
    except TimeoutError:
        pass
print(visitors)
"""
GUEST = """
import os, socket
for family, place in ((socket.AF_INET, ("127.0.0.1", 50007)), (socket.AF_UNIX, "\\0minga")):
    try:
        socket.socket(family).connect(place)
        print("connected")
    except OSError as error:
        print(type(error).__name__)
print(sorted(int(n) for n in os.listdir("/proc") if n.isdigit()) == [1, os.getpid()])
print([p for p in ("/tmp/huella", "/dev/shm/huella") if os.path.exists(p)], os.getuid())
"""


def test_two_at_once_share_nothing_but_what_was_imported():
    cells = json.dumps({"host": [HOST], "guest": [GUEST]})
    here = os.path.dirname(__file__)
    process = subprocess.Popen(
        [sys.executable, "-c", FORKED, str(CHECKOUT), here, cells],
        stdout=subprocess.PIPE,
        text=True,
    )
    sandbox = json.loads(process.stdout.readline())["parent"]
    said = {}
    for _ in range(2):
        answer = json.loads(process.stdout.readline())
        said[answer.pop("name")] = answer
    assert json.loads(process.stdout.readline()) == {"parent_alive": True}
    assert process.wait(30) == 0
    for answer in said.values():
        assert answer["twin"] and answer["alive"] and answer["closed"]
    assert said["host"]["said"] == "0\n"
    refused = "ConnectionRefusedError\nConnectionRefusedError\n"
    assert said["guest"]["said"] == refused + "True\n[] 1000\n"
    assert not os.path.exists(f"/proc/{sandbox}") or not system_processes(sandbox)[1:]


def test_a_twin_ends_with_the_process_that_imported():
    code = "import os, sys, time; sys.path[:0] = [sys.argv[1]]\n"
    code += "from grading.kernels_zygote import zygote\n"
    code += "print(zygote(())._process.pid, flush=True)\n"
    code += "if os.fork() == 0: print(zygote(()).alive, flush=True)\n"
    code += "time.sleep(600)"
    workers = subprocess.Popen(
        [sys.executable, "-c", code, str(CHECKOUT)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    sandbox = int(workers.stdout.readline())
    assert workers.stdout.readline() == "True\n"
    processes = system_processes(sandbox)
    assert len(processes) >= 5  # bubblewrap's two, who imported, and the twin with its keeper
    os.killpg(workers.pid, 9)
    workers.wait()
    deadline = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{pid}") for pid in processes):
        assert time.monotonic() < deadline
        time.sleep(0.05)
