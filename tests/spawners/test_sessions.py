"""Sessions on a real Slurm under a real hub: what works, and what must not get through."""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path

import psutil
import pytest
import requests
import websocket

from hub_config.ending import HUB_MARK
from tests.conftest import Minga, free_port

pytestmark = pytest.mark.slow

CHOICE = {
    "course": "ai-foundations",
    "site": "colombia",
    "profile": "gpu",
    "hours": 1,
    "language": "es",
}


def slurm(minga: Minga, site: str, *command: str) -> str:
    """Run one of Slurm's commands against a site of `minga`."""
    clusters = json.loads((minga.state / "hub" / "clusters.json").read_text())
    return subprocess.run(
        command,
        env={**os.environ, **clusters[site]["environment"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def queue(minga: Minga, site: str) -> list[str]:
    """Jobs that wait or run; those that are being cleaned up have ended."""
    lines = slurm(minga, site, "squeue", "--noheader", "--format=%i %T").splitlines()
    return [line for line in lines if not line.endswith("COMPLETING")]


def hub_log(minga: Minga) -> str:
    """The last lines of the hub's log, for a failed assertion."""
    return (minga.state / "log" / "hub.log").read_text()[-3000:]


def session_environment(minga: Minga, username: str) -> dict[str, str]:
    """The environment of a student's notebook server: what their own code can read."""
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if (
            environment.get("MINGA_SESSION_OF") == str(minga.state)
            and environment.get("JUPYTERHUB_USER") == username
            and "jupyterhub-singleuser" in " ".join(process.cmdline())
        ):
            return environment
    raise AssertionError(f"no session of {username}")


def run_in_kernel(person, code: str, kernel: str | None = None) -> tuple[str, str]:
    """Run `code` in a kernel of the person's session; return the kernel's id and the output."""
    base = f"{person.minga.url}/user/{person.name}/api/kernels"
    headers = {"Authorization": f"token {person.token}"}
    if kernel is None:
        kernel = requests.post(base, headers=headers, timeout=30).json()["id"]
    channel = websocket.create_connection(
        f"{base.replace('http', 'ws', 1)}/{kernel}/channels",
        header=[f"Authorization: token {person.token}"],
        timeout=60,
    )
    message = uuid.uuid4().hex
    header = {"msg_id": message, "msg_type": "execute_request", "username": "", "session": message}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    channel.send(
        json.dumps(
            {
                "header": {**header, "version": "5.3", "date": ""},
                "parent_header": {},
                "metadata": {},
                "content": content,
                "channel": "shell",
                "buffers": [],
            }
        )
    )
    output = ""
    while True:
        answer = json.loads(channel.recv())
        if answer["parent_header"].get("msg_id") != message:
            continue
        if answer["msg_type"] == "stream":
            output += answer["content"]["text"]
        elif answer["msg_type"] == "error":
            output += "\n".join(answer["content"]["traceback"])
        elif answer["content"].get("execution_state") == "idle":  # all output came before it
            channel.close()
            return kernel, output


@pytest.fixture
def student(minga):
    """A student with no session before or after."""
    person = minga.login("estudiante1")
    yield person
    person.stop()


@pytest.fixture
def working(student):
    """A student with a session on a GPU node in colombia."""
    student.start(**CHOICE)
    return student


def test_a_session_is_a_job_on_the_chosen_site_with_its_gpu(minga, working):
    code = "import os, socket; print(os.environ['SLURM_JOB_ID'], os.environ['SLURMD_NODENAME'], "
    code += "os.environ['CUDA_VISIBLE_DEVICES'], os.environ['SLURM_CPUS_PER_TASK'])"
    _, output = run_in_kernel(working, code)
    job, node, gpu, cores = output.split()
    assert [line.split() for line in queue(minga, "colombia")] == [[job, "RUNNING"]]
    assert node.startswith("colombia-n")
    assert gpu in {"0", "1"}
    assert cores == "4"
    assert queue(minga, "chile") == []


def test_the_server_listens_on_loopback_only(minga, working):
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.pid:
            try:
                environment = psutil.Process(connection.pid).environ()
            except psutil.Error:
                continue
            ours = {"MINGA_SESSION_OF", HUB_MARK, "MINGA_CLUSTER"} & set(environment)
            if ours and str(minga.state) in str([environment[key] for key in ours]):
                assert connection.laddr.ip in ("127.0.0.1", "::1"), connection


def test_no_secret_of_the_hub_is_in_a_session(minga, working):
    environment = session_environment(minga, "estudiante1")
    for name in ("CONFIGPROXY_AUTH_TOKEN", HUB_MARK, "MINGA_STATE", "MINGA_DEPLOYMENT"):
        assert name not in environment


BAD_BODIES = [
    {"batch_query_cmd": "touch {file}"},
    {"port": 4711, "batch_query_cmd": "touch {file}"},
    {"port": "4711"},
    {"port": True},
    {"port": 22},
    {"port": 70000},
    {"cmd": ["touch", "{file}"]},
    {"api_token": "x"},
    [],
    "port",
    None,
]


def test_the_announcement_takes_nothing_but_a_port(minga, working, tmp_path):
    token = session_environment(minga, "estudiante1")["JUPYTERHUB_API_TOKEN"]
    file = tmp_path / "made-by-an-injected-command"
    for body in BAD_BODIES:
        text = json.dumps(body).replace("{file}", str(file))
        assert announce(minga, token, data=text).status_code == 400, body
    time.sleep(1)  # an injected query command would run with the next look at the queue
    assert working.server()["ready"]
    assert not file.exists()


def announce(minga, token, **arguments):
    """Announce as port.py does: again while the hub says that it cannot be said now."""
    end = time.monotonic() + 60
    while True:
        answer = requests.post(
            f"{minga.url}/hub/api/batchspawner",
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
            timeout=10,
            **arguments,
        )
        if answer.status_code != 503 or time.monotonic() > end:
            return answer
        time.sleep(0.5)


def test_only_the_session_itself_announces_and_only_once(minga, working):
    other = minga.login("estudiante2")
    own = session_environment(minga, "estudiante1")["JUPYTERHUB_API_TOKEN"]
    before = working.server()
    # A second announcement, by the right token.
    assert announce(minga, own, json={"port": 4711}).status_code == 409
    # Tokens that are not this server's: another person's, the student's own from the token page.
    assert announce(minga, other.token, json={"port": 4711}).status_code == 403
    assert announce(minga, working.token, json={"port": 4711}).status_code == 403
    assert announce(minga, "nonsense", json={"port": 4711}).status_code == 403
    # A cookie is not a token.
    answer = working.http.post(
        f"{working.hub}/api/batchspawner",
        headers={"X-XSRFToken": working.xsrf()},
        json={"port": 4711},
    )
    assert answer.status_code == 403
    assert {**working.server(), "last_activity": 0} == {**before, "last_activity": 0}
    assert run_in_kernel(working, "print(6 * 7)")[1].strip() == "42"


@pytest.mark.parametrize("shape", ["\n", "'", '"', "$({})", ";{};", "`{}`", "|{}", "&&{}"])
def test_an_injection_by_the_rest_api_is_refused(minga, student, tmp_path, shape):
    file = tmp_path / "made-by-an-injected-command"
    attack = "colombia" + shape.replace("{}", f"touch {file}") + f" touch {file}"
    for field in (*CHOICE, "cmd", "gres", "batch_query_cmd"):
        answer = student.api("POST", "/users/estudiante1/server", json=CHOICE | {field: attack})
        assert answer.status_code == 400
        message = answer.json()["message"]
        assert field in message or "horas" in message
    assert not student.server()
    assert queue(minga, "colombia") == []
    assert not file.exists()


def test_an_injection_by_a_hand_made_form_is_refused(minga, student, tmp_path):
    file = tmp_path / "made-by-an-injected-command"
    for field, attack in {
        "site": f"chile\n#SBATCH --gres=gpu:4\ntouch {file}",
        "profile": f"$(touch {file})",
        "hours": f"1; touch {file}",
        "prologue": f"touch {file}",
    }.items():
        page = student.http.post(
            f"{student.hub}/spawn/estudiante1",
            params={"_xsrf": student.xsrf()},
            data=CHOICE | {field: attack},
        )
        assert page.status_code == 400
        assert "Traceback" not in page.text
    assert not student.server()
    assert queue(minga, "colombia") == queue(minga, "chile") == []
    assert not file.exists()


def test_a_refusal_by_the_scheduler_is_a_sentence(minga, student):
    """The partition takes no jobs just now: sbatch refuses, the student reads why."""
    slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=INACTIVE")
    try:
        answer = student.api("POST", "/users/estudiante1/server", json=CHOICE)
        assert answer.status_code == 503, answer.text
        assert "Bogotá" in answer.json()["message"]
        assert "no recibe sesiones" in answer.json()["message"], hub_log(minga)
    finally:
        slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=UP")


def test_a_cancelled_job_is_told_and_another_start_works(minga, student):
    """Somebody takes the job back while it waits in the queue."""
    slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        answer = student.api("POST", "/users/estudiante1/server", json=CHOICE)
        assert answer.status_code == 202
        (line,) = queue(minga, "colombia")
        slurm(minga, "colombia", "scancel", line.split()[0])
        events = progress(student)
    finally:
        slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=UP")
    assert events[-1]["failed"]
    page = student.http.get(f"{student.hub}/spawn-pending/estudiante1")
    assert "Tu sesión fue cancelada" in page.content.decode()
    student.start(**CHOICE)


def test_a_start_can_be_cancelled_at_any_moment_and_leaves_no_job(minga, student):
    for moment in (0.0, 0.05, 0.2, 0.5, 1.0):
        with contextlib.suppress(requests.Timeout):
            student.api("POST", "/users/estudiante1/server", json=CHOICE, timeout=0.01 + moment)
        student.stop()
        time.sleep(1)
        assert queue(minga, "colombia") == []


def progress(person) -> list[dict]:
    """All events of a start, until it is ready or failed."""
    events = []
    with requests.get(
        f"{person.hub}/api/users/{person.name}/server/progress",
        headers={"Authorization": f"token {person.token}"},
        stream=True,
        timeout=60,
    ) as stream:
        for line in stream.iter_lines():
            if line.startswith(b"data:"):
                events.append(json.loads(line[5:]))
                if events[-1].get("failed") or events[-1].get("ready"):
                    break
    return events


def test_a_job_that_dies_at_once_is_told_within_seconds(minga, student):
    """A home that cannot hold the session: the job ends before its server answers."""
    home = minga.state / "homes" / "estudiante1"
    home.mkdir(exist_ok=True, mode=0o700)
    settings = home / ".jupyter" / "jupyter_server_config.py"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("raise SystemExit('broken by its owner')")
    started = time.monotonic()
    try:
        answer = student.api("POST", "/users/estudiante1/server", json=CHOICE)
        if answer.status_code == 202:
            assert progress(student)[-1]["failed"]
        else:
            assert answer.status_code == 503
        assert time.monotonic() - started < 30  # stock: 300 s, and no reason
        page = student.http.get(f"{student.hub}/spawn-pending/estudiante1")
        assert "terminó apenas empezó" in page.content.decode(), hub_log(minga)
    finally:
        settings.unlink()


def test_a_scheduler_that_does_not_answer_ends_nothing(minga, working):
    """slurmctld stops answering: the session stays; it answers again: the same session."""
    kernel, _ = run_in_kernel(working, "memory = 'before'")
    folder = minga.state / "clusters" / "colombia"
    (controller,) = [p for p in psutil.process_iter() if _is_controller_of(p, folder)]
    controller.suspend()
    try:
        time.sleep(45)  # longer than two polls and the query's time limit
        assert working.server()["ready"]
    finally:
        controller.resume()
    time.sleep(2)
    assert run_in_kernel(working, "print(memory)", kernel)[1].strip() == "before"


def _is_controller_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return (
            process.environ().get("MINGA_CLUSTER") == str(folder) and "slurmctld" in process.name()
        )
    except psutil.Error:
        return False


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_hub_that_comes_back_finds_the_session_and_its_kernel(tmp_path, how):
    minga = Minga(tmp_path / "state", free_port()).start()
    try:
        person = minga.login("estudiante1")
        person.start(**CHOICE)
        kernel, _ = run_in_kernel(person, "memory = [1, 2, 3]")
        jobs = queue(minga, "colombia")
        os.kill(minga.hub_pid, signal.SIGKILL if how == "killed" else signal.SIGTERM)
        minga.launcher.wait(timeout=60)
        assert queue(minga, "colombia") == jobs
        minga.start()
        assert queue(minga, "colombia") == jobs
        assert person.wait_for_server(20)["ready"]
        assert run_in_kernel(person, "print(sum(memory))", kernel)[1].strip() == "6"
    finally:
        minga.interrupt()
    nothing_left(minga)


def test_a_killed_hub_finds_the_session_that_was_still_in_the_queue(tmp_path):
    minga = Minga(tmp_path / "state", free_port()).start()
    try:
        person = minga.login("estudiante1")
        slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
        answer = person.api("POST", "/users/estudiante1/server", json=CHOICE)
        assert answer.status_code == 202
        (waiting,) = queue(minga, "colombia")
        assert waiting.endswith("PENDING")
        os.kill(minga.hub_pid, signal.SIGKILL)
        minga.launcher.wait(timeout=60)
        minga.start()
        slurm(minga, "colombia", "scontrol", "update", "PartitionName=gpu", "State=UP")
        person.wait_for_server()
        assert [line.split()[0] for line in queue(minga, "colombia")] == [waiting.split()[0]]
        assert run_in_kernel(person, "print(6 * 7)")[1].strip() == "42"
    finally:
        minga.interrupt()


def test_a_requeued_job_is_followed_to_its_new_server(minga, working):
    code = "import os; print(os.environ['JUPYTERHUB_SERVICE_URL'])"
    before = run_in_kernel(working, code)[1]
    (line,) = queue(minga, "colombia")
    slurm(minga, "colombia", "scontrol", "requeue", line.split()[0])
    end = time.monotonic() + 120  # Slurm holds a requeued job back for a while
    while True:
        assert time.monotonic() < end, hub_log(minga)
        try:
            after = run_in_kernel(working, code)[1]
            if after != before:
                break
        except (requests.RequestException, KeyError, websocket.WebSocketException):
            pass
        time.sleep(0.5)
    assert [line.split()[0] for line in queue(minga, "colombia")] == [line.split()[0]]


def nothing_left(minga: Minga) -> None:
    left = []
    for process in psutil.process_iter():
        try:
            text = str(process.environ()) + str(process.cmdline())
        except psutil.Error:
            continue
        if str(minga.state) in text and process.pid != os.getpid():
            left.append(process)
    assert left == []


def test_ctrl_c_ends_what_was_started_and_nothing_else(tmp_path):
    bystander = subprocess.Popen(["sleep", "600"])
    minga = Minga(tmp_path / "state", free_port()).start()
    person = minga.login("estudiante1")
    person.start(**CHOICE)
    run_in_kernel(
        person, "import subprocess; subprocess.Popen(['setsid', 'sleep', '600'])"
    )  # something that left its group
    minga.interrupt()
    try:
        nothing_left(minga)
        assert bystander.poll() is None
        assert "detenida" in minga.said()
    finally:
        bystander.kill()
        bystander.wait()


def test_a_start_that_fails_leaves_nothing_behind(tmp_path):
    """The hub's database is damaged: the start says where to look, and ends what it began."""
    minga = Minga(tmp_path / "state", free_port())
    (minga.state / "hub").mkdir(parents=True)
    (minga.state / "hub" / "jupyterhub.sqlite").write_text("this is no database")
    with pytest.raises(AssertionError, match=r"hub\.log"):
        minga.start()
    minga.launcher.wait(timeout=60)
    nothing_left(minga)


def test_a_taken_port_and_a_second_start_are_explained(minga, tmp_path):
    for state, words in ((minga.state, "ya está en marcha"), (tmp_path / "other", "está ocupado")):
        second = Minga(state, minga.port)
        second.output = tmp_path / "out"
        done = subprocess.run(
            [second.python, "-m", "hub_config.run"],
            cwd=second.root,
            env={**os.environ, "MINGA_STATE": str(state), "PORT": str(minga.port), "LANG": "es"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert words in done.stderr
