"""The whole story of a class, in a real browser, on a real Slurm, started as `make hub` does."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from hub_config.deployment import DEFAULT
from tests.conftest import ROOT, Minga, free_port
from tests.journeys.classroom import Visit
from tests.postgresql import found, new_database, postgres, rows  # noqa: F401 (postgres is a fixture)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SITES = ("chile", "colombia")
COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"


@pytest.fixture(params=["two disks, PostgreSQL", "an ordinary account"])
def running(request, monkeypatch):
    """A Minga of its own: its sites have nothing in common, its data is on PostgreSQL; or as usual.

    As usual: SQLite, one disk, started by an ordinary account.
    """
    if request.param.startswith("two disks"):
        checkout, prefix = None, ()
    else:
        checkout = request.getfixturevalue("ordinary_checkout")
        prefix = checkout.prefix
    folder = Path(tempfile.mkdtemp(prefix="minga-journey-"))
    if checkout:
        subprocess.run(["chown", checkout.account, folder], check=True)
        # The book is a part of the checkout: its own account builds it, as `make hub` does.
        done = subprocess.run(
            [*prefix, checkout.python, "-m", "book.build"],
            cwd=checkout.root,
            env=checkout.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        deployment = a_disk_for_each_site(folder)
        if found():  # where it is not installed, SQLite
            deployment |= on_postgresql(request.getfixturevalue("postgres")[2])
        file = folder / "two-disks.yaml"
        file.write_text(yaml.safe_dump(deployment))
        monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    minga = Minga(folder / "state", free_port(), checkout, prefix)
    minga.output = Path(tempfile.mkstemp(prefix="minga-journey-")[1])
    try:
        minga.start()
        if not checkout:
            minga.interrupt()
            hide_from_sites(minga, folder)
            minga.start()
        yield minga
    finally:
        if minga.launcher.poll() is None:
            minga.interrupt()
        subprocess.run(["rm", "-rf", folder, minga.output], check=True)


def a_disk_for_each_site(folder: Path) -> dict:
    """Return a deployment whose sites keep homes in folders of their own."""
    deployment = yaml.safe_load(DEFAULT.read_text())
    for site in SITES:
        deployment["sites"][site]["home"] = str(folder / f"disk-{site}" / "{username}")
    return deployment


def on_postgresql(url: str) -> dict:
    """Return the keys that put everything on PostgreSQL, in databases as regional.yaml has them."""
    courses = yaml.safe_load(DEFAULT.read_text())["courses"]
    for course in courses:
        new_database(url, f"minga-{course}")
    own = {"database": new_database(url, "minga")}
    shared = {"database": new_database(url, "minga-exchange")}
    gradebooks = {"database": url.replace("/postgres?", "/minga-{course}?")}
    return {
        "hub": {"address": "127.0.0.1", **own},
        "exchange": shared,
        "transparency": shared,
        "gradebooks": gradebooks,
    }


def hide_from_sites(minga: Minga, folder: Path) -> None:
    """Start each site's Slurm where it sees neither the other's disk nor the hub's folders.

    A mount namespace for each, which only root may make; otherwise there are two disks, and
    nobody looks at the other one.
    """
    for site, other in (SITES, SITES[::-1]):
        hidden = [folder / f"disk-{other}", minga.state / "exchange", minga.state / "courses"]
        hidden.append(minga.state / "homes")
        hidden[0].mkdir(exist_ok=True)
        begin = (
            "from pathlib import Path; from spawners.cluster import packages;"
            "from spawners.cluster.cluster import PrivateCluster;"
            f"PrivateCluster.load(Path({str(minga.state / 'clusters' / site)!r}), "
            f"packages.find(Path({str(ROOT / '.minga' / 'slurm')!r}))).start()"
        )
        command = [sys.executable, "-c", begin]
        if os.geteuid() == 0:
            mounts = " && ".join(f"mount -t tmpfs none {shlex.quote(str(path))}" for path in hidden)
            command = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *command]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)


def test_a_class_from_login_to_feedback(running, chromium, artifacts):
    two_disks = "MINGA_DEPLOYMENT" in os.environ
    student = Visit(chromium, running, "estudiante1", artifacts)
    teacher = Visit(chromium, running, "profesora", artifacts)

    student.log_in()
    student.start_session(COURSE, site="colombia", profile="gpu")
    seen = f"{running.state}/exchange {running.state}/courses {running.state.parent}/disk-chile"
    job, node, gpu, foreign, home, listed = student.in_terminal(
        "echo $SLURM_JOB_ID $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES "
        f"$(find {seen} -type f 2>/dev/null | wc -l) $HOME $(squeue -h -o %A)",
        "sesion.txt",
    ).split()
    if two_disks:
        assert home == f"{running.state.parent}/disk-colombia/estudiante1"
        assert foreign == "0" or os.geteuid() != 0
    assert job.isdigit()
    assert listed == job  # the terminal has Slurm's commands too
    assert node.startswith("colombia-n")
    assert gpu in {"0", "1"}
    assert queue(running, "chile") == []
    assert queue(running, "colombia") == [f"{job} RUNNING"]
    student.fetch(ASSIGNMENT)
    student.solve(COURSE, ASSIGNMENT)
    student.submit(ASSIGNMENT)
    if two_disks:  # somebody in the other country too, in the other language
        other = Visit(chromium, running, "estudiante2", artifacts, language="en")
        other.log_in()
        other.start_session(COURSE, site="chile", profile="cpu")
        other.fetch(ASSIGNMENT)
        other.solve(COURSE, ASSIGNMENT)
        other.submit(ASSIGNMENT)
        assert (running.state.parent / "disk-chile/estudiante2" / COURSE / ASSIGNMENT).is_dir()

    teacher.log_in()
    teacher.open_formgrader(COURSE)
    teacher.collect(ASSIGNMENT, submissions=2 if two_disks else 1)
    if two_disks:
        assert "85 / 100" in teacher.autograde(ASSIGNMENT, "estudiante2")
        teacher.grade_by_hand("pregunta-respuesta", 10, "Good.")
        teacher.open_formgrader(COURSE)
    assert "85 / 100" in teacher.autograde(ASSIGNMENT, "estudiante1")
    teacher.grade_by_hand("pregunta-respuesta", 12, "Muy claro: mira también los residuos.")
    teacher.give_feedback(ASSIGNMENT)

    feedback = student.read_feedback(COURSE, ASSIGNMENT)
    assert "97.0 / 100.0" in feedback
    assert "Muy claro: mira también los residuos." in feedback
    if two_disks:
        assert "95.0 / 100.0" in other.read_feedback(COURSE, ASSIGNMENT)
        other.close()
        if found():
            all_is_on_postgresql(running)
    else:
        assert queue(running, "chile") == []
    student.close()
    teacher.close()


def all_is_on_postgresql(minga: Minga) -> None:
    told = yaml.safe_load(Path(os.environ["MINGA_DEPLOYMENT"]).read_text())
    assert ("estudiante2",) in rows(told["hub"]["database"], "SELECT name FROM users")
    of_course = told["gradebooks"]["database"].replace("{course}", COURSE)
    assert rows(of_course, "SELECT count(*) FROM submitted_assignment") == [(2,)]
    for name in ("jupyterhub.sqlite", "exchange.sqlite", "use.sqlite", "gradebook.db"):
        assert not list(minga.state.rglob(name))


def test_an_english_student_is_met_in_english(minga, chromium, artifacts):
    """Their choice, as the book's switch keeps it, goes before what the browser asks for."""
    student = Visit(chromium, minga, "estudiante2", artifacts)
    student.context.add_cookies([{"name": "minga_language", "value": "en", "url": minga.url}])
    student.log_in()
    student.start_session("supercomputing", site="chile", profile="cpu")
    menus = student.page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
    assert menus[:2] == ["File", "Edit"]
    student.fetch("escalamiento-fuerte")
    path = "supercomputing/escalamiento-fuerte/escalamiento-fuerte.ipynb"
    notebook = json.dumps(student.contents("GET", path).json()["content"], ensure_ascii=False)
    assert "# YOUR CODE HERE" in notebook
    for spanish in ("TU CÓDIGO AQUÍ", "TU RESPUESTA AQUÍ", "Completa", "Devuelve"):
        assert spanish not in notebook
    student.stop_session()
    student.close()


def queue(minga: Minga, site: str) -> list[str]:
    """The jobs that wait or run on a site, as its squeue shows them."""
    clusters = json.loads((minga.state / "hub" / "clusters.json").read_text())
    lines = subprocess.run(
        ["squeue", "--noheader", "--format=%i %T"],
        env={**os.environ, **clusters[site]["environment"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [line for line in lines if not line.endswith("COMPLETING")]
