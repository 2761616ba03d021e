"""The whole story of a class, in a real browser, on a real Slurm, started as `make hub` does."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.conftest import Minga, free_port
from tests.journeys.classroom import Visit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"


@pytest.fixture(params=["this account", "an ordinary account"])
def running(request):
    """A Minga of its own, run by whoever runs the tests, and by an ordinary account."""
    if request.param == "this account":
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
    minga = Minga(folder / "state", free_port(), checkout, prefix)
    minga.output = Path(tempfile.mkstemp(prefix="minga-journey-")[1])
    try:
        yield minga.start()
    finally:
        if minga.launcher.poll() is None:
            minga.interrupt()
        subprocess.run(["rm", "-rf", folder, minga.output], check=True)


def test_a_class_from_login_to_feedback(running, chromium, artifacts):
    student = Visit(chromium, running, "estudiante1", artifacts)
    teacher = Visit(chromium, running, "profesora", artifacts)

    student.log_in()
    student.start_session(COURSE, site="colombia", profile="gpu")
    job, node, gpu, listed = student.in_terminal(
        "echo $SLURM_JOB_ID $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES $(squeue -h -o %A)",
        "sesion.txt",
    ).split()
    assert job.isdigit()
    assert listed == job  # the terminal has Slurm's commands too
    assert node.startswith("colombia-n")
    assert gpu in {"0", "1"}
    assert queue(running, "chile") == []
    assert queue(running, "colombia") == [f"{job} RUNNING"]
    student.fetch(ASSIGNMENT)
    student.solve(COURSE, ASSIGNMENT)
    student.submit(ASSIGNMENT)

    teacher.log_in()
    teacher.open_formgrader(COURSE)
    teacher.collect(ASSIGNMENT)
    assert "85 / 100" in teacher.autograde(ASSIGNMENT, "estudiante1")
    teacher.grade_by_hand("pregunta-respuesta", 12, "Muy claro: mira también los residuos.")
    teacher.give_feedback(ASSIGNMENT)

    feedback = student.read_feedback(COURSE, ASSIGNMENT)
    assert "97.0 / 100.0" in feedback
    assert "Muy claro: mira también los residuos." in feedback
    assert queue(running, "chile") == []
    student.close()
    teacher.close()


def test_an_english_student_is_met_in_english(minga, chromium, artifacts):
    student = Visit(chromium, minga, "estudiante2", artifacts, language="en")
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
