"""The real service, killed, without space, without its database, with a wrong clock."""

import concurrent.futures
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.exchange.service.exchange_server import (
    COURSE,
    CRASH,
    ExchangeServer,
    FakeHub,
    parts,
    problem,
)
from tests.faketime import libfaketime

pytestmark = pytest.mark.slow

SUBMISSIONS = f"courses/{COURSE}/assignments/a1/submissions"
NO_RESERVE = json.dumps({"reserve_bytes": 0})


@pytest.fixture
def serving(tmp_path):
    """Start services with a hub of their own; end them all."""
    hub, started = FakeHub(), []

    def start(folder: Path | None = None, **more) -> ExchangeServer:
        environment = {k: v for k, v in more.items() if k.isupper()}
        rest = {k: v for k, v in more.items() if not k.isupper()}
        server = ExchangeServer(folder or tmp_path / "store", hub, **environment)
        started.append(server)
        server.start(**rest)
        assert server.person("instructor").release({"nb.ipynb": b"{}"}).status_code == 200
        return server

    yield start
    for server in started:
        server.stop()
    hub.close()


def send(server: ExchangeServer, student: str, content: bytes, key: str) -> httpx.Response | None:
    """Hand in once; None where no answer came."""
    try:
        with httpx.Client(base_url=server.url, timeout=CRASH, verify=False) as http:
            return http.post(
                SUBMISSIONS,
                files=parts({"nb.ipynb": content, "notas.txt": content[:100]}),
                headers={"Authorization": f"token {student}", "Idempotency-Key": key},
            )
    except httpx.TransportError:
        return None


def assert_kept(server: ExchangeServer, receipts: dict[str, tuple[dict, bytes]]) -> None:
    """Every receipt names a submission that is there, whole, under the same numbers."""
    for student, (receipt, content) in receipts.items():
        person = server.person(student)
        told = person.get(f"submissions/{receipt['id']}").json()
        assert {name: told[name] for name in receipt} == receipt
        file = person.get(f"submissions/{receipt['id']}/files/nb.ipynb")
        assert file.content == content


def test_kill_9_during_two_hundred_submissions(serving):
    server = serving()
    students = [f"s{n}" for n in range(200)]
    for student in students:
        server.hub.user(student, [f"nbgrader-{COURSE}"])
    contents = {student: random.Random(student).randbytes(60_000) for student in students}
    receipts: dict[str, tuple[dict, bytes]] = {}
    enough = threading.Event()

    def hand_in(student: str) -> None:
        answer = send(server, student, contents[student], key=student)
        if answer is not None:
            assert answer.status_code == 201, answer.text
            receipts[student] = (answer.json(), contents[student])
            if len(receipts) >= 60:
                enough.set()

    with concurrent.futures.ThreadPoolExecutor(200) as threads:
        waiting = [threads.submit(hand_in, student) for student in students]
        assert enough.wait(60)
        server.kill()
    for one in waiting:
        one.result()
    given = dict(receipts)
    assert 60 <= len(given) < 200  # it was killed in the middle, not after

    found = server.check()  # before a start could repair anything
    assert found["wrong"] == [] and found["submissions"] >= len(given)

    server.start()
    assert not list((server.folder / "incoming").iterdir())
    assert_kept(server, given)
    # Everybody tries again, those with a receipt too: nobody has two submissions.
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        for student, answer in zip(
            students,
            threads.map(lambda s: send(server, s, contents[s], key=s), students),
            strict=True,
        ):
            assert answer.status_code == 201, answer.text
            if student in given:
                assert answer.json() == given[student][0]
    listed = server.person("instructor").get(SUBMISSIONS).json()
    assert sorted(item["student"] for item in listed) == sorted(students)
    assert {item["attempt"] for item in listed} == {1}
    found = server.check()
    assert (found["status"], found["submissions"], found["incoming"]) == (0, 200, 0)


def test_a_start_sweeps_what_a_crash_left(serving):
    server = serving()
    server.kill()
    left = server.folder / "incoming" / "0123"
    left.write_bytes(b"half a file")
    server.start()
    assert not left.exists()


def test_one_process_has_the_folder(serving, tmp_path):
    server = serving()
    second = ExchangeServer(server.folder, server.hub)
    second.log = tmp_path / "second.log"
    second.start(ready=False)
    assert second.process.wait(CRASH) != 0
    assert "another exchange service uses it" in second.said()
    assert server.person("student").submit({"a": b""}).status_code == 201


def fill(server: ExchangeServer) -> tuple[dict, httpx.Response]:
    """Hand in until it is refused; return the receipts and the refusal."""
    receipts = {}
    for n in range(200):
        student = server.hub.user(f"f{n}", [f"nbgrader-{COURSE}"])
        content = random.Random(n).randbytes(200_000)
        answer = send(server, student, content, key="k")
        if answer.status_code != 201:
            return receipts, answer
        receipts[student] = (answer.json(), content)
    raise AssertionError("it never was full")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_disk_full(serving, tmp_path):
    """A disk of 8 MiB: refused in words; with space again the same request is taken."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "minga-test", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1024**2))
        server = serving(disk / "store", MINGA_EXCHANGE_LIMITS=NO_RESERVE)
        receipts, refused = fill(server)
        assert len(receipts) > 5
        said = problem(refused, 503, "storage_full")
        assert "espacio" in said["detail"] and int(refused.headers["Retry-After"]) > 0
        # Files fit or not; a database that cannot grow is the same to the student.
        for n in range(30):
            answer = send(server, f"f{n}", bytes(random.Random(-n).randbytes(3000)), key="small")
            assert answer.status_code in (201, 503), answer.text
        assert not list((server.folder / "incoming").iterdir())
        assert_kept(server, receipts)
        ballast.unlink()
        last = f"f{len(receipts)}"
        content = random.Random(len(receipts)).randbytes(200_000)
        assert send(server, last, content, key="k").status_code == 201
        found = server.check()
        assert found["wrong"] == [] and found["submissions"] > len(receipts)
    finally:
        if "server" in locals():
            server.stop()
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_the_disk_does_not_take(serving):
    """What an ordinary account can see of a full disk: a limit on the size of files."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))

    server = serving(preexec=limited)
    assert send(server, "student", bytes(100_000), "a").status_code == 201
    problem(send(server, "student", bytes(500_000), "b"), 503, "storage_full")
    assert not list((server.folder / "incoming").iterdir())
    found = server.check()
    assert (found["wrong"], found["submissions"]) == ([], 1)
    server.stop()
    server.start()
    assert send(server, "student", bytes(500_000), "b").status_code == 201


def test_little_space_is_left_for_others(serving):
    free = shutil.disk_usage("/tmp").free
    server = serving(MINGA_EXCHANGE_LIMITS=NO_RESERVE)
    server.stop()
    server.start(MINGA_EXCHANGE_LIMITS=json.dumps({"reserve_bytes": free * 10}))
    problem(send(server, "student", b"x", "k"), 503, "storage_full")
    problem(httpx.get(server.url + "health"), 503, "storage_full")


def test_a_locked_database(serving):
    """Another program holds the lock for longer than the service waits: refused, then taken."""
    server = serving()
    other = sqlite3.connect(server.folder / "exchange.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refused = send(server, "student", b"x", "k")
    said = problem(refused, 503, "try_again")
    assert "base de datos" in said["detail"] and int(refused.headers["Retry-After"]) > 0
    assert server.person("student").get(SUBMISSIONS).json() == []  # who reads is not stopped
    other.execute("COMMIT")
    other.close()
    assert send(server, "student", b"x", "k").json()["attempt"] == 1


def test_a_database_that_is_gone(serving):
    """Its file is moved away: no receipt for what only a deleted file holds. It comes back."""
    server = serving()
    kept = send(server, "student", b"antes", "1").json()
    database = server.folder / "exchange.sqlite"
    away = database.with_name("away")
    database.rename(away)
    problem(send(server, "student", b"x", "2"), 503, "try_again")
    problem(server.person("student").get(SUBMISSIONS), 503, "try_again")
    assert not database.exists()  # and no new, empty one was made
    away.rename(database)
    assert send(server, "student", b"x", "2").json()["attempt"] == 2
    assert_kept(server, {"student": (kept, b"antes")})
    assert server.check()["wrong"] == []


def test_a_folder_that_is_gone(serving):
    server = serving()
    blobs = server.folder / "blobs"
    kept = send(server, "student", b"antes", "1").json()
    blobs.rename(blobs.with_name("away"))
    problem(send(server, "student", b"x", "2"), 503, "storage_failed")
    file = server.person("student").get(f"submissions/{kept['id']}/files/nb.ipynb")
    problem(file, 503, "storage_failed")
    blobs.with_name("away").rename(blobs)
    assert send(server, "student", b"x", "2").status_code == 201


def test_a_hub_that_does_not_answer(serving):
    server = serving()
    server.hub.close()
    refused = server.person("classmate").submit({"a": b""})
    said = problem(refused, 503, "hub_unreachable")
    assert "hub" in said["detail"] and int(refused.headers["Retry-After"]) > 0
    # Whom the hub has just named is believed for a while.
    assert server.person("instructor").get(SUBMISSIONS).status_code == 200


@pytest.fixture(scope="module")
def faketime() -> Path:
    """The library that shifts a program's clock."""
    return libfaketime()


def test_a_clock_that_is_set_back(serving, faketime, tmp_path):
    """While it runs, by two hours: no receipt is earlier than one given before it."""
    shift = tmp_path / "shift"
    shift.write_text("+0")
    server = serving(
        LD_PRELOAD=str(faketime),
        FAKETIME_TIMESTAMP_FILE=str(shift),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    before = [send(server, "student", b"1", f"a{n}").json() for n in range(3)]
    shift.write_text("-2h")
    after = [send(server, "classmate", b"2", f"b{n}").json() for n in range(3)]
    after.append(send(server, "student", b"3", "c").json())
    stamps = [receipt["timestamp"] for receipt in before + after]
    assert stamps == sorted(stamps) and len(set(stamps)) == len(stamps)
    # What the clock said is written down as well.
    for receipt in after:
        clock, stamp = (datetime.fromisoformat(receipt[k]) for k in ("clock", "timestamp"))
        assert timedelta(hours=1) < stamp - clock < timedelta(hours=3)
    # Nobody gains time by it either.
    due = datetime.fromisoformat(stamps[0]) - timedelta(minutes=30)
    server.person("instructor").policy(due=due.isoformat(), late_policy="reject")
    problem(send(server, "classmate", b"4", "d"), 409, "closed")
    # And with the clock right again, time goes on.
    shift.write_text("+0")
    server.person("instructor").policy()
    last = send(server, "student", b"5", "e").json()
    assert last["timestamp"] == last["clock"] > stamps[-1]


def test_an_upload_that_began_in_time_is_in_time(serving):
    """The request arrives before the due date, its last byte after it."""
    server = serving()
    due = datetime.now().astimezone() + timedelta(seconds=3)
    server.person("instructor").policy(due=due.isoformat(), late_policy="reject")

    def slowly():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="nb.ipynb"\r\n\r\n'
        while datetime.now().astimezone() < due + timedelta(seconds=1):
            yield b"x"
            time.sleep(0.2)
        yield b"\r\n--x--\r\n"

    answer = server.person("student").post(
        SUBMISSIONS,
        content=slowly(),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["late_seconds"] == 0
    problem(send(server, "student", b"x", "k"), 409, "closed")
