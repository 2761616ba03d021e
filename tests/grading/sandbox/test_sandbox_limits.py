"""Code that eats the machine ends in its own failed submission; the next one is graded."""

import os
import time

import psutil
import pytest
from sandboxed import run, said, text

from grading import kernels_zygote
from grading.errors import SubmissionFailed

pytestmark = pytest.mark.slow

MB = 1 << 20


@pytest.fixture(autouse=True)
def the_grader_survives(request):
    """Whatever happens: the next run works in the same sandbox, this process stays small."""
    parent = kernels_zygote.zygote(())
    before = psutil.Process().memory_info().rss
    yield
    assert text("6 * 7") == "42"
    assert psutil.Process().memory_info().rss - before < 400 * MB
    if "made_anew" not in request.node.name:
        assert kernels_zygote.zygote(()) is parent
        assert psutil.Process(parent._process.pid).memory_info().rss < 50 * MB


FAILING = {
    "prints without end": ("output", "while True:\n    print('x' * 1_000_000)"),
    "one huge line": ("output", "print('x' * (200 << 20))"),
    "many small outputs": ("output", "while True:\n    display(1)"),
    "huge displays": ("output", "while True:\n    display('x' * 1_000_000)"),
    "a huge result": ("output", "'x' * (200 << 20)"),
    "output of another program": ("output", "import subprocess\nsubprocess.run(['yes'])"),
    "updates one display": (
        "output",
        "handle = display('x', display_id=True)\nwhile True:\n    handle.update('x' * 100_000)",
    ),
    "many objects in one message": (
        "output",
        "display({'application/json': [[] for _ in range(3_000_000)]}, raw=True)",
    ),
    "ends its process": ("dead", "import os\nos._exit(0)"),
    "kills its process": ("dead", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    "aborts": ("dead", "import os\nos.abort()"),
    "crashes": ("dead", "import ctypes\nctypes.string_at(0)"),
    "kills all processes": (
        "dead",
        "import os, subprocess\nsubprocess.Popen(['sleep', '100'])\nos.kill(-1, 9)\n"
        "os.kill(os.getpid(), 9)",
    ),
    "ends from a thread": (
        "dead",
        "import os, threading\nthreading.Timer(0.1, os._exit, [0]).start()\nwhile True: pass",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_ends_with_its_reason(name):
    reason, code = FAILING[name]
    with pytest.raises(SubmissionFailed) as caught:
        run(code, cell_seconds=120, tmp_bytes=64 * MB)
    assert caught.value.reason == reason
    spanish, english = (caught.value.message.said_in(language) for language in ("es", "en"))
    assert spanish != english and spanish in str(caught.value) and english in str(caught.value)


def test_a_loop_costs_its_cell_only():
    """As nbgrader does: the cell is interrupted and has an error, the next ones run."""
    nb = run("while True:\n    pass", "1 + 1", cell_seconds=2)
    assert "CellTimeoutError" in said(nb.cells[0])
    assert said(nb.cells[1]) == "2"


@pytest.mark.parametrize(
    "code",
    [
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except KeyboardInterrupt:\n        pass",
        "sum(range(10**15))",  # in C, where no interrupt is looked for
        "import subprocess\nwhile True:\n    subprocess.run(['sleep', '100'])\n".replace(
            "while True:", "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True:"
        ),
    ],
    ids=["ignores the interrupt", "catches it", "in C", "in another process"],
)
def test_a_loop_that_cannot_be_interrupted_ends_the_run(code):
    with pytest.raises(SubmissionFailed) as caught:
        run(code, cell_seconds=2)
    assert caught.value.reason == "timeout"


def test_time_of_all_processes_is_counted():
    code = "import os\nos.fork()\nwhile True:\n    pass"
    with pytest.raises(SubmissionFailed) as caught:
        run(code, cpu_seconds=2)
    # A process that reaches the limit is ended by the system, if the zygote does not look first.
    assert caught.value.reason in ("cpu", "dead")
    with pytest.raises(SubmissionFailed) as caught:
        run("import time\ntime.sleep(1000)", wall_seconds=2)
    assert caught.value.reason == "wall"


def test_a_fork_bomb_stays_within_its_processes():
    code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    most, parent = 0, kernels_zygote.zygote(())
    with pytest.raises(SubmissionFailed) as caught:
        run(code, processes=60, wall_seconds=5, cell_seconds=60)
    assert caught.value.reason in ("wall", "cpu")
    processes = psutil.Process(parent._process.pid).children(recursive=True)
    most = max(most, len(processes))
    assert most < 10  # none is left


def test_a_polite_fork_bomb_gets_an_error():
    code = """
import os, time
count = 0
try:
    while count < 1000:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except BlockingIOError as error:
    print(count < 60, error.errno)
"""
    assert text(code, processes=60) == "True 11\n"


def test_memory_in_one_process():
    assert text("x = bytearray(64 << 30)").startswith("MemoryError")
    assert "MemoryError" in text("x = []\nwhile True:\n    x.append(bytearray(10_000_000))")


@pytest.mark.parametrize(
    "code",
    [
        # many processes, each below the limit of one
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        x = b'x' * (200 << 20)\n        time.sleep(1000)\ntime.sleep(1000)",
        # shared between processes that map it one after the other
        "import mmap, os, time\nfor _ in range(8):\n    if os.fork() == 0:\n"
        "        m = mmap.mmap(-1, 200 << 20)\n        m[:] = b'x' * len(m)\n"
        "        time.sleep(1000)\ntime.sleep(1000)",
    ],
    ids=["private", "shared"],
)
def test_memory_of_many_processes(code):
    with pytest.raises(SubmissionFailed) as caught:
        run(code, memory_bytes=1024 * MB, cell_seconds=60)
    assert caught.value.reason == "memory"


def test_memory_outside_of_processes():
    """Files in memory have a limit too, and what has none cannot be made."""
    code = """
import ctypes, os
def fill(folder):
    size = 0
    try:
        for number in range(10_000):
            with open(f"{folder}/{number}", "wb") as file:
                size += file.write(bytes(1 << 20))
    except OSError as error:
        return size <= 64 << 20, error.errno
print(fill("/tmp"), fill("/dev/shm"), fill("/tmp/work"))
libc = ctypes.CDLL(None, use_errno=True)
print(libc.memfd_create(b"x", 0), ctypes.get_errno())
print(libc.shmget(0, 1 << 20, 0o1600), ctypes.get_errno())
"""
    out = text(code, tmp_bytes=64 * MB, shm_bytes=64 * MB).splitlines()
    assert out == ["(True, 28) (True, 28) (True, 28)", "-1 38", "-1 38"]


def test_a_file_has_a_largest_size():
    code = "open('x', 'wb').truncate(10 << 20)"
    assert text(code, file_bytes=MB).startswith("OSError: [Errno 27]")


def raw(send: str) -> str:
    """Return code that writes to the connections of messages itself, past IPython's sockets.

    Some of its sockets lead elsewhere and are read without end, or never: it goes on to the next.
    """
    return f"""
import os, socket
for name in os.listdir("/proc/self/fd"):
    try:
        s = socket.socket(fileno=os.dup(int(name)))
        if s.family == socket.AF_UNIX and not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            s.setblocking(True)
            s.settimeout(1)
            {send}
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("send", "reasons"),
    [
        # one message of parts without end, which no part ends
        ("for _ in range(500): s.sendall(b'\\x01\\x00' * 50_000)", {"speech", "output"}),
        (
            "for _ in range(500): "
            "s.sendall(b'\\x03' + (1 << 40).to_bytes(8, 'big') + b'x' * 100_000)",
            {"output"},
        ),
        ("s.sendall(os.urandom(1_000_000))", {"speech", "output", "timeout", "dead"}),
        ("s.sendall(b'\\x01\\x09<IDS|MSG>\\x00\\x02{}'); s.sendall(b'\\x00\\x02{}')", {"speech"}),
        ("s.close(); os.close(int(name))", {"dead", "timeout", "speech"}),
    ],
    ids=["endless message", "huge part", "noise", "no message", "closes"],
)
def test_the_wire_is_not_a_way_out(send, reasons):
    with pytest.raises(SubmissionFailed) as caught:
        run(raw(send), "1 + 1", cell_seconds=60)
    assert caught.value.reason in reasons


def test_files_that_do_not_fit_or_have_bad_names():
    for files in ({"../x": b""}, {"/x": b""}, {"a/../../x": b""}, {"x": bytes(2 * MB)}):
        with pytest.raises(SubmissionFailed) as caught:
            run("1", files=files, tmp_bytes=2 * MB)
        assert caught.value.reason == "files"


def test_another_language_is_refused():
    from sandboxed import notebook

    from grading.kernels import run_notebook

    nb = notebook("x <- 1")
    nb.metadata.kernelspec = {"name": "ir", "language": "R", "display_name": "R"}
    with pytest.raises(SubmissionFailed) as caught:
        run_notebook(nb, files={})
    assert caught.value.reason == "notebook"


def test_a_sandbox_that_was_killed_is_made_anew():
    parent = kernels_zygote.zygote(())
    children = psutil.Process(parent._process.pid).children(recursive=True)
    for process in children:
        os.kill(process.pid, 9)
    deadline = time.monotonic() + 60
    while parent.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    assert text("1 + 1") == "2"
    kernels_zygote.close_all()
    assert text("1 + 1") == "2"
