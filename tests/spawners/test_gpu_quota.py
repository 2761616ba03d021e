"""GPU-hours and shares on a real Slurm with its accounting, under a real hub."""

import os
import re
import time

import pytest
import requests
import yaml

from hub_config.deployment import DEFAULT
from spawners.quota import read
from tests.conftest import Minga, free_port, minga_of
from tests.spawners.private_slurm import wait_until
from tests.spawners.test_sessions import hub_log, session_environment, slurm

pytestmark = pytest.mark.slow

GPU = {
    "course": "ai-foundations",
    "site": "chile",
    "profile": "gpu",
    "hours": 4,
    "language": "es",
}


def start_page(person, language: str, **form) -> str:
    """What a person's start page says, or its answer to a form that was sent, as plain text."""
    person.http.get(f"{person.hub}/language/{language}")
    page = f"{person.hub}/spawn/{person.name}/otra"  # the form of a second session
    if form:
        sent = {**form, "language": language}
        answer = person.http.post(page, params={"_xsrf": person.xsrf()}, data=sent)
    else:
        answer = person.http.get(page)
    assert answer.status_code in (200, 400), answer.text
    answer.encoding = "utf-8"
    text = re.sub(r"<script.*?</script>", " ", answer.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).replace("\u00a0", " ").split())


def told(person, language: str, *words: str) -> None:
    """The start page comes to say one of `words`; an answer of Slurm's may be some seconds old."""
    end = time.monotonic() + 30
    while not any(each in (page := start_page(person, language)) for each in words):
        if time.monotonic() > end:
            raise AssertionError(f"{words} is not in {page}\n{hub_log(person.minga)}")
        time.sleep(1)


def refused(person, words: str, **choice) -> None:
    """Neither the form nor the API start what the hours do not suffice for."""
    assert words in start_page(person, **{k: str(v) for k, v in choice.items()})
    answer = person.api("POST", f"/users/{person.name}/server", json=choice)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["message"]
    assert not person.server()


def accounted(minga: Minga, *words: str) -> list[str]:
    """The lines of sacctmgr's associations in chile."""
    shown = slurm(minga, "chile", "sacctmgr", "-nP", "show", "associations", *words)
    return shown.splitlines()


def job(minga: Minga, account: str, gpus: int, minutes: int, script: str, *prefix: str) -> str:
    """Hand in a job past the hub; return its number."""
    command = ["sbatch", "--parsable", "--output=/dev/null", "--chdir=/tmp", "--mem=100"]
    command += [f"--account={account}", f"--time={minutes}", f"--gres=gpu:{gpus}"]
    return slurm(minga, "chile", *prefix, *command, f"--wrap={script}").strip()


def state(minga: Minga, number: str) -> str:
    return slurm(minga, "chile", "squeue", "-h", "-j", number, "-o", "%T %r").strip()


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A Minga where two institutions have 3 to 1 shares, and a course has ten GPU-hours."""
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["sites"]["chile"]["private_cluster"]["accounting"] = True
    own = {"account": "ia", "gpu_hours": 10}
    deployment["courses"] = {
        "ai-foundations": deployment["courses"]["ai-foundations"] | {"slurm": {"chile": own}}
    }
    deployment["institutions"] = {
        "uchile": {"title": {"es": "Universidad de Chile"}, "country": "CL", "share": 3},
        "uandes": {"title": {"es": "Universidad de los Andes"}, "country": "CO", "share": 1},
    }
    with minga_of(deployment, tmp_path, monkeypatch) as minga:
        yield minga


def test_two_institutions_share_a_course_and_each_has_its_hours(shared):
    minga = shared
    admin, one, other = (minga.login(n) for n in ("admin", "estudiante1", "estudiante2"))
    for institution, person in (("uchile", "estudiante1"), ("uandes", "estudiante2")):
        group = f"/groups/institution-{institution}/users"
        assert admin.api("POST", group, json={"users": [person]}).ok

    # The hub made the accounts at its start; nobody else is at work here.
    wanted = {
        "uchile|root|3|",
        "uandes|root|1|",
        "ia|root|1|gres/gpu=120",
        "ia-uchile|uchile|1|gres/gpu=360",
        "ia-uandes|uandes|1|gres/gpu=120",
    }
    shown = "format=Account,ParentName,Share,GrpTRESMins"
    wait_until(lambda: wanted <= set(accounted(minga, shown)), seconds=30)
    lines = slurm(minga, "chile", "sshare", "-aP", "--format=Account,RawShares,NormShares")
    seen = dict(line.strip().split("|", 1) for line in lines.splitlines())
    assert (seen["uchile"].split("|")[0], seen["uandes"].split("|")[0]) == ("3", "1")
    parts = [float(seen[name].split("|")[1]) for name in ("uchile", "uandes")]
    assert parts[0] == pytest.approx(3 * parts[1], rel=1e-3)

    # Each reads what is left before they choose; a session takes its whole time off at once.
    told(one, "es", "Al curso le quedan 6 de 6 horas de GPU")
    told(other, "en", "The course has 2 of 2 GPU-hours left")
    one.start(**GPU)
    (line,) = slurm(minga, "chile", "squeue", "-h", "-o", "%a %T %l").splitlines()
    assert line == "ia-uchile RUNNING 4:00:00"
    told(one, "es", "Al curso le quedan 2 de 6 horas de GPU")

    # The other institution has its own: four hours are too many, two are not, and Slurm agrees.
    words = "Al curso le quedan 2 de 2 horas de GPU en Santiago, Chile, y esta sesión usaría 4"
    refused(other, words, **GPU)
    other.start(**GPU | {"hours": 2})
    # Slurm moves seconds from what runs to what is used once a minute, and rounds both down.
    told(other, "en", "no GPU-hours left (of 2)", "less than 1 of 2 GPU-hours left")
    # An operator could lengthen it all the same: the hub does not, while the first one's has room.
    assert longer(minga, other.name).json()["why"]["es"].startswith("No se puede alargar")
    assert longer(minga, one.name).status_code == 200
    told(one, "es", "Al curso le queda 1 de 6 horas de GPU")
    one.stop()
    waiting = job(minga, "ia-uandes", 1, 60, "sleep 300")
    wait_until(lambda: state(minga, waiting) == "PENDING AssocGrpGRESMinutes")
    slurm(minga, "chile", "scancel", waiting)
    other.stop()
    told(other, "es", "de 2 horas de GPU")

    # What jobs used is used: eight GPUs for half a minute.
    before = hours(minga, "ia-uchile")
    used = [job(minga, "ia-uchile", 4, 5, "sleep 20") for _ in range(2)]
    wait_until(lambda: not any(state(minga, each) for each in used), seconds=60)
    wait_until(lambda: hours(minga, "ia-uchile").used >= before.used + 2, seconds=90, every=1)
    told(one, "es", "Al curso le quedan 5 de 6 horas de GPU")
    assert "Slurm accounts" not in hub_log(minga).replace("Slurm accounts: sacctmgr", "")


def longer(minga: Minga, username: str) -> requests.Response:
    """Ask for more time as a session does, with its own token."""
    own = session_environment(minga, username)
    return requests.post(
        own["JUPYTERHUB_API_URL"] + "/minga/session",
        headers={"Authorization": f"token {own['JUPYTERHUB_API_TOKEN']}"},
        timeout=60,
    )


def hours(minga: Minga, account: str, user: str = ""):
    """What slurmctld knows of a quota."""
    command = ["scontrol", "--oneliner", "show", "assoc_mgr", f"accounts={account}", "flags=assoc"]
    return read(slurm(minga, "chile", *command))[account, user]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run sessions as other accounts")
def test_each_student_has_hours_of_their_own(
    ordinary_checkout, unix_accounts, public_folder, monkeypatch
):
    one, other, teacher, grader = unix_accounts
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["accounts"] = "personal"
    deployment["authentication"]["people"] = {name: {} for name in (one, other, teacher)}
    own = {"account": "ia", "gpu_hours": 20, "gpu_hours_each": 3}
    course = {"students": [one, other], "instructors": [teacher], "account": grader}
    deployment["courses"] = {"ai-foundations": course | {"slurm": {"chile": own}}}
    deployment["sites"] = {"chile": deployment["sites"]["chile"]}
    deployment["sites"]["chile"]["private_cluster"]["accounting"] = True
    deployment["sites"]["chile"]["user_prefix"] = ["runuser", "-u", "{username}", "--"]
    file = public_folder / "hours.yaml"
    file.write_text(yaml.safe_dump(deployment))
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    minga = Minga(public_folder / "state", free_port(), ordinary_checkout).start()
    try:
        wanted = {f"{one}|gres/gpu=180", f"{other}|gres/gpu=180", f"{teacher}|", "|gres/gpu=1200"}
        shown = ("format=User,GrpTRESMins", "accounts=ia")
        wait_until(lambda: wanted == set(accounted(minga, *shown)), seconds=30)
        student, neighbour, instructor = (minga.login(name) for name in (one, other, teacher))
        told(student, "es", "Te quedan 3 de 3 horas de GPU")
        told(student, "en", "You have 3 of 3 GPU-hours left")
        told(instructor, "es", "Al curso le quedan 20 de 20 horas de GPU")
        words = "Te quedan 3 de 3 horas de GPU en Santiago, Chile, y esta sesión usaría 4"
        refused(student, words, **GPU)
        student.start(**GPU | {"hours": 3})
        assert slurm(minga, "chile", "squeue", "-h", "-o", "%u %a").split() == [one, "ia"]
        told(student, "es", "No te quedan horas de GPU (tenías 3)", "Te queda menos de 1 de 3")
        told(neighbour, "en", "You have 3 of 3 GPU-hours left")
        # Past the hub, Slurm itself keeps it.
        become = ("runuser", "-u", one, "--")
        waiting = job(minga, "ia", 1, 60, "true", *become)
        wait_until(lambda: state(minga, waiting) == "PENDING AssocGrpGRESMinutes")
        slurm(minga, "chile", "scancel", waiting)
        student.stop()
        # Half a minute of four GPUs is used up for good; a session without GPU costs nothing.
        told(student, "es", "de 3 horas de GPU")
        used = job(minga, "ia", 4, 5, "sleep 31", *become)
        wait_until(lambda: not state(minga, used), seconds=60)
        wait_until(lambda: hours(minga, "ia", one).used >= 2, seconds=90, every=1)
        told(student, "es", "Te quedan 2 de 3 horas de GPU")
        refused(student, "Te quedan 2 de 3 horas de GPU", **GPU | {"hours": 3})
        slurm(minga, "chile", "sacctmgr", "-i", "modify", "user", "where", f"name={one}",
              "account=ia", "set", "GrpTRESMins=gres/gpu=2")  # fmt: skip
        wait_until(lambda: hours(minga, "ia", one).left == 0)
        told(student, "en", "You have no GPU-hours left")
        refused(student, "Pide más a tu instructor", **GPU | {"hours": 1})
        student.start(**GPU | {"profile": "cpu", "hours": 1})
        student.stop()
    finally:
        minga.interrupt()
