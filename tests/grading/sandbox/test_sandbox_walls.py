"""What a student's code can reach from the sandbox: tried with the real thing."""

import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from sandboxed import run, said, system_processes, text

from grading import kernels_zygote
from grading.sandbox import CHECKOUT

pytestmark = pytest.mark.slow

TRIES = """
def attempt(what, *arguments):
    try:
        return what(*arguments)
    except BaseException as error:
        return type(error).__name__
"""


def test_files_of_the_grader_are_not_there(tmp_path):
    (tmp_path / "gradebook.db").write_text("secreto")
    places = [str(tmp_path / "gradebook.db"), str(CHECKOUT / "pyproject.toml"), "/etc/shadow"]
    places += [str(CHECKOUT / ".minga"), str(CHECKOUT / "courses"), str(Path.home() / ".ssh")]
    assert text(f"import os\n[p for p in {places!r} if os.path.exists(p)]") == "[]"


def test_nothing_but_the_system_and_the_notebook_environment_can_be_read():
    """Every regular file that can be opened lies where it was meant to."""
    code = """
import os
allowed = ALLOWED
found = []
for folder, folders, names in os.walk("/"):
    folders[:] = [n for n in folders if not os.path.join(folder, n).startswith(allowed)]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not path.startswith(allowed) and os.access(path, os.R_OK):
            found.append(path)
print(sorted(found))
"""
    prefixes = (sys.prefix, sys.base_prefix, os.path.realpath(sys.executable))
    allowed = ("/proc", "/usr", "/lib", "/bin", "/sbin", "/etc/ssl", "/etc/fonts", *prefixes)
    allowed += ("/etc/alternatives", "/etc/ld.so.conf.d", "/tmp/home/.ipython")
    got = eval(text(code.replace("ALLOWED", repr(allowed))))
    ours = {"/run/minga/" + p.name for p in (CHECKOUT / "grading").glob("zygote*.py")}
    etc = {"passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache", "ld.so.conf", "localtime"}
    etc |= {"timezone", "mime.types"}
    assert set(got) <= ours | {f"/etc/{name}" for name in etc}


def test_the_checkout_shows_its_environment_only():
    if not Path(sys.prefix).is_relative_to(CHECKOUT):
        pytest.skip("the environment is elsewhere")
    inside = text(f"import os\nos.listdir({str(CHECKOUT)!r})")
    assert inside == repr([Path(sys.prefix).relative_to(CHECKOUT).parts[0]])


def test_no_secret_of_the_environment_comes_in(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "marca-secreta")
    kernels_zygote.close_all()  # one that starts while it is set
    code = """
import glob, os
found = ["here"] if "marca-secreta" in str(os.environ) else []
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        if b"marca-secreta" in open(path, "rb").read():
            found.append(path)
    except OSError:
        pass
found
"""
    assert text(code) == "[]"


def test_no_connection_leaves(tmp_path):
    """Listeners of every kind wait outside; none hears anything."""
    heard, listeners = [], []
    path, name = str(tmp_path / "s"), f"\0minga-test-{os.getpid()}"
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        (socket.AF_UNIX, socket.SOCK_STREAM, path),
        (socket.AF_UNIX, socket.SOCK_STREAM, name),
    ):
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        listener.setblocking(False)
        listeners.append(listener)
    tcp, udp = (listener.getsockname()[1] for listener in listeners[:2])
    code = f"""{TRIES}
import socket
def try_to(family, kind, address):
    s = socket.socket(family, kind)
    s.settimeout(2)
    s.connect(address)
    s.send(b"x")
    return "connected"
U, T = socket.AF_UNIX, socket.SOCK_STREAM
print(attempt(try_to, socket.AF_INET, T, ("127.0.0.1", {tcp})))
print(attempt(try_to, U, T, {path!r}))
print(attempt(try_to, U, T, {name!r}))
print(attempt(try_to, socket.AF_INET, T, ("1.1.1.1", 53)))
print(attempt(try_to, socket.AF_INET6, T, ("2606:4700::1111", 53)))
print(attempt(try_to, getattr(socket, "AF_VSOCK", 40), T, (2, 1024)))
print(attempt(try_to, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", {udp})))
print(attempt(socket.getaddrinfo, "pypi.org", 443))
"""
    answers = text(code).split("\n")
    assert answers[:4] == ["ConnectionRefusedError", "FileNotFoundError"] + [
        "ConnectionRefusedError",
        "OSError",
    ]
    assert answers[4:6] == ["OSError", "OSError"]
    assert answers[7] == "gaierror"
    for listener in listeners:
        try:
            heard.append(listener.recvfrom(1) if listener is listeners[1] else listener.accept())
        except BlockingIOError:
            pass
        listener.close()
    assert heard == []


def test_other_processes_cannot_be_seen_signalled_or_traced():
    code = f"""{TRIES}
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
pids = sorted(int(n) for n in os.listdir("/proc") if n.isdigit())
print(pids == [1, os.getpid()])
print(attempt(os.kill, 1, signal.SIGKILL), attempt(os.kill, 1, signal.SIGTERM))
print(libc.ptrace(16, 1, 0, 0))  # PTRACE_ATTACH
print(attempt(open, "/proc/1/mem", "rb"), attempt(os.listdir, "/proc/1/fd"))
known = pids + [int(n) for n in os.listdir("/proc/self/task")]
others = [p for p in range(2, 5000) if p not in known and attempt(os.kill, p, 0) is None]
print(others)
"""
    assert text(code).split("\n")[:5] == [
        "True",
        "None None",
        "-1",
        "PermissionError PermissionError",
        "[]",
    ]
    assert text("1 + 1") == "2"  # the zygote is well


def test_no_privilege_is_left_nor_to_be_had():
    code = f"""{TRIES}
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print({{status[n].strip() for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}})
print(status["NoNewPrivs"].strip(), status["Uid"].split())
print([libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000)])
print(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None), libc.umount2(b"/tmp", 2))
print(attempt(os.chroot, "/tmp"), attempt(os.setuid, 0), attempt(os.setgroups, [0]))
print(attempt(os.mknod, "/tmp/x", 0o60644, os.makedev(8, 0)))
print([attempt(open, p, "w") for p in ("/x", "/dev/x", "/etc/passwd", "/usr/x", "/run/minga/x")])
print(attempt(open, "/proc/sys/kernel/core_pattern", "w"))
print(attempt(open, "/proc/sys/user/max_user_namespaces", "w"))
"""
    lines = text(code).split("\n")
    assert lines[0] == "{'0000000000000000'}"
    assert lines[1] == "1 ['1000', '1000', '1000', '1000']"
    assert lines[2:4] == ["[-1, -1, -1, -1]", "-1 -1"]
    assert lines[4] == "PermissionError OSError PermissionError"  # there is no 0 in here
    assert lines[5] == "PermissionError"
    assert lines[6].count("OSError") + lines[6].count("PermissionError") == 5
    assert lines[7] == lines[8] == "PermissionError"


def test_the_environment_cannot_be_changed_for_the_next():
    code = f"{TRIES}\nprint(attempt(open, {os.__file__!r}, 'a'))\nimport numpy\n"
    code += "print(attempt(open, numpy.__file__, 'a'))"
    assert set(text(code).split()) <= {"OSError", "PermissionError"}


def test_nothing_is_left_behind_for_the_next_run():
    leave = """
import os, subprocess, sys
for place in ("/tmp/huella", "/dev/shm/huella", "huella", os.path.expanduser("~/huella")):
    open(place, "w").write("x")
os.environ["HUELLA"] = "1"
sys.modules["huella"] = sys
import builtins, collections
builtins.huella = collections.huella = 1
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(1000)
    os._exit(0)
subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(len([n for n in os.listdir("/proc") if n.isdigit()]))
"""
    look = """
import builtins, collections, os, sys
places = ("/tmp/huella", "/dev/shm/huella", "huella", os.path.expanduser("~/huella"))
print([p for p in places if os.path.exists(p)], os.environ.get("HUELLA"), "huella" in sys.modules)
print(hasattr(builtins, "huella"), hasattr(collections, "huella"))
print(sorted(int(n) for n in os.listdir("/proc") if n.isdigit()) == [1, os.getpid()])
"""
    parent = kernels_zygote.zygote(())
    before = len(system_processes(parent._process.pid))
    assert int(text(leave)) >= 4
    assert len(system_processes(parent._process.pid)) == before
    assert text(look) == "[] None False\nFalse False\nTrue\n"


def test_what_the_submission_brings_is_there_and_its_own(tmp_path):
    nb = run(
        "print(open('datos/a.csv').read())\nopen('datos/a.csv', 'w').write('otro')",
        files={"datos/a.csv": b"1,2"},
    )
    assert said(nb.cells[0]).startswith("1,2")
    assert text("import os\nos.listdir('.')") == "[]"


def test_the_sandbox_ends_with_the_process_that_started_it():
    """Killed without a chance to clean up, a grader leaves no process behind."""
    code = "import sys; sys.path[:0] = [sys.argv[1]]\n"
    code += "from grading.kernels_zygote import zygote\nimport os, time\n"
    code += "print(zygote(())._process.pid, flush=True)\ntime.sleep(600)"
    import subprocess

    grader = subprocess.Popen(
        [sys.executable, "-c", code, str(CHECKOUT)], stdout=subprocess.PIPE, text=True
    )
    sandbox = int(grader.stdout.readline())
    processes = system_processes(sandbox)
    assert len(processes) >= 3
    grader.kill()
    grader.wait()
    deadline = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{pid}") for pid in processes):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
