"""What may be sent: names that stay inside, sizes and numbers within the limits, whole bodies."""

import json
import socket

import pytest

from tests.exchange.service.exchange_server import (
    COURSE,
    PREFIX,
    ExchangeServer,
    FakeHub,
    problem,
)

pytestmark = pytest.mark.slow

LIMITS = {
    "file_bytes": 300_000,
    "submission_bytes": 500_000,
    "files": 5,
    "seconds": 3,
    "student_bytes": 3_000_000,
    "student_seconds": 3600,
    "reserve_bytes": 0,
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A service with small limits."""
    hub = FakeHub()
    folder = tmp_path_factory.mktemp("small") / "store"
    server = ExchangeServer(folder, hub, MINGA_EXCHANGE_LIMITS=json.dumps(LIMITS)).start()
    assert server.person("instructor").release({"nb.ipynb": b"{}"}).status_code == 200
    yield server
    server.stop()
    hub.close()


def tree(server) -> set:
    return {str(p.relative_to(server.folder)) for p in server.folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        "a/./b",
        "..",
        ".",
        "",
        "a\\b",
        "C:\\x",
        "\\\\host\\x",
        "..\\x",
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "a\u202etxt.exe",
        "a\u200bb",
        " a",
        "a /b",
        "n" * 256,
        "ñ" * 128,
        "/".join(["a"] * 21),
        "/".join(["a" * 100] * 11),
    ],
)
def test_names_that_are_refused(small, path):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="'
        + path.encode()
        + b'"\r\n\r\nhola\r\n--x--\r\n'
    )
    before = tree(small)
    answer = small.person("student").post(
        f"courses/{COURSE}/assignments/a1/submissions",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    code = "bad_request" if "\n" in path or "\x00" in path else "bad_name"
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("bad_name", code), answer.text
    assert tree(small) == before


@pytest.mark.parametrize(
    "paths",
    [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"], ["\u00e9.txt", "e\u0301.txt"]],
    ids=["twice", "file and folder", "folder and file", "twice in Unicode"],
)
def test_sets_that_no_disk_can_hold(small, paths):
    files = [("files", (path, b"")) for path in paths]
    address = f"courses/{COURSE}/assignments/a1/submissions"
    problem(small.person("classmate").post(address, files=files), 400, "bad_name")


def test_names_that_are_taken_and_come_back(small, fake_hub):
    names = ["Álgebra lineal 1.ipynb", "datos/año.csv", 'con "comillas".txt', ".oculto", "日本.txt"]
    person = small.person("student")
    made = person.submit({name: name.encode() for name in names}).json()
    listed = person.get(f"submissions/{made['id']}").json()["manifest"]
    assert [file["path"] for file in listed] == sorted(names, key=str.encode)
    for name in names:
        answer = person.get(f"submissions/{made['id']}/files/{name}")
        assert answer.content == name.encode()


def test_a_decomposed_name_is_kept_composed(small):
    person = small.person("student")
    made = person.submit({"cafe\u0301.txt": b""}).json()
    (file,) = person.get(f"submissions/{made['id']}").json()["manifest"]
    assert file["path"] == "caf\u00e9.txt"


@pytest.mark.parametrize("path", ["../../../lock", "..%2f..%2flock", "%2e%2e/lock", "/etc/passwd"])
def test_nothing_but_what_was_handed_in_is_handed_out(small, path):
    made = small.person("student").submit({"a.txt": b"x"}).json()["id"]
    with socket.create_connection(("127.0.0.1", small.port)) as raw:  # httpx would tidy it up
        raw.sendall(
            f"GET {PREFIX}v1/submissions/{made}/files/{path} HTTP/1.1\r\nHost: x\r\n"
            "Authorization: token student\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.split()[1] in (b"400", b"404"), answer


def test_sizes(small):
    person = small.person("student")
    assert person.submit({"a": bytes(300_000)}).status_code == 201
    before = tree(small)
    said = problem(person.submit({"a": bytes(300_001)}), 413, "too_large")
    assert "archivo" in said["detail"]
    files = {"a": b"1" * 250_000, "b": b"2" * 250_001}
    said = problem(person.submit(files), 413, "too_large")
    assert "envío" in said["detail"]
    assert tree(small) == before


def test_a_body_without_a_length_is_measured_while_it_is_read(small):
    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield bytes(16_384)
        yield b"\r\n--x--\r\n"

    before = tree(small)
    answer = small.person("classmate").post(
        f"courses/{COURSE}/assignments/a1/submissions",
        content=body(),
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    problem(answer, 413, "too_large")
    assert tree(small) == before


def test_number_of_files(small):
    person = small.person("student")
    assert person.submit({str(n): b"" for n in range(5)}).status_code == 201
    problem(person.submit({str(n): b"" for n in range(6)}), 413, "too_many_files")
    nothing = person.post(
        f"courses/{COURSE}/assignments/a1/submissions",
        content=b"--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert nothing.status_code == 400, nothing.text


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "not_multipart"),
        ("", b"", 415, "not_multipart"),
        ("multipart/form-data", b"", 400, "bad_request"),
        ("multipart/form-data; boundary=x", b"rubbish", 400, "bad_request"),
        ("multipart/form-data; boundary=x", b"", 400, "cut_off"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nhal',
            400,
            "cut_off",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\n.\r\n--x--',
            400,
            "bad_request",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\n.\r\n--x--\r\n',
            400,
            "bad_request",
        ),
    ],
)
def test_bodies_that_are_none(small, kind, body, status, code):
    before = tree(small)
    answer = small.person("student").post(
        f"courses/{COURSE}/assignments/a1/submissions",
        content=body,
        headers={"Content-Type": kind},
    )
    problem(answer, status, code)
    assert tree(small) == before


def test_a_sender_who_stops_is_not_waited_for(small):
    """Headers and half a body, and then nothing: refused after the limit, nothing kept."""
    before = tree(small)
    with socket.create_connection(("127.0.0.1", small.port), timeout=60) as raw:
        raw.sendall(
            f"POST {PREFIX}v1/courses/{COURSE}/assignments/a1/submissions HTTP/1.1\r\nHost: x\r\n"
            "Authorization: token student\r\nContent-Length: 1000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n".encode()
        )
        assert raw.recv(65536).split()[1] == b"408"
    assert tree(small) == before


def test_a_student_cannot_send_without_end(small, fake_hub):
    small.hub.user("hoarder", [f"nbgrader-{COURSE}"])
    person = small.person("hoarder")
    answers = [person.submit({"a": bytes(299_000)}) for _ in range(12)]
    assert answers[0].status_code == 201
    problem(answers[-1], 429, "too_much")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert small.person("classmate").submit({"a": b""}).status_code == 201


def test_words_in_the_persons_language(small):
    for accept, word in [
        ("en", "Too many files"),
        ("en-GB,en;q=0.9,es;q=0.5", "Too many files"),
        ("pt-BR, es;q=0.8, en;q=0.5", "Demasiados archivos"),
        ("fr", "Demasiados archivos"),
    ]:
        person = small.person("classmate", **{"Accept-Language": accept})
        answer = person.submit({str(n): b"" for n in range(6)})
        assert answer.json()["title"] == word
        assert answer.headers["Content-Language"] == ("en" if word[0] == "T" else "es")
