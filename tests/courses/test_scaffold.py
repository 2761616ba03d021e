"""`make course` makes units that pass all checks, in a copy of this repository."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from courses.models import COURSES, load_course

pytestmark = pytest.mark.slow
ROOT = COURSES.parent


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the rooms that a unit touches."""
    root = tmp_path_factory.mktemp("repository")
    for room in ("book", "courses", "translation", "grading", "exchange"):
        unneeded = shutil.ignore_patterns("node_modules", "__pycache__", "theme", "_build")
        shutil.copytree(ROOT / room, root / room, ignore=unneeded)
    return root


def run(root, *command):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=environment, capture_output=True, text=True
    )


def test_a_new_course_and_a_planned_unit_pass_all_checks(copy):
    planned = next(u for u in load_course("supercomputing").units if u.planned)
    before = (copy / "courses/supercomputing/course.yaml").read_text(encoding="utf-8")
    for arguments in (["agua"], ["agua", "riego"], ["supercomputing", planned.id]):
        made = run(copy, "courses.scaffold", *arguments)
        assert made.returncode == 0, made.stderr
    assert [u.id for u in load_course("agua", copy / "courses").written] == ["agua-1", "riego"]
    after = load_course("supercomputing", copy / "courses")
    unit = next(u for u in after.units if u.id == planned.id)
    assert (unit.title, unit.hours, unit.draft) == (planned.title, planned.hours, True)
    assert planned.id not in after.released
    text = (copy / "courses/supercomputing/course.yaml").read_text(encoding="utf-8")
    assert set(before.splitlines()) - set(text.splitlines()) == {
        line for line in before.splitlines() if f"id: {planned.id}," in line
    }
    checked = run(copy, "courses.check", "--fast", "agua", planned.id)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("3/3") == 3 and checked.stdout.count("draft") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["supercomputing", "escalamiento-fuerte"], "is there already"),
        (["Cocina"], "small letters"),
        (["cocina", "../x"], "small letters"),
    ],
)
def test_names_that_cannot_be(copy, arguments, said):
    files = sorted(path for path in copy.rglob("*.yaml"))
    refused = run(copy, "courses.scaffold", *arguments)
    assert refused.returncode == 1 and said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert files == sorted(path for path in copy.rglob("*.yaml"))


def test_a_mistake_is_an_exit_status_with_its_reason(copy):
    assert run(copy, "courses.scaffold", "fuego").returncode == 0
    path = copy / "courses/fuego/mutants/fuego-1.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["promedio"]["mutants"][0]["wrong"] = "sum(values) / max(len(values), 1)"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    checked = run(copy, "courses.check", "--fast", "fuego")
    assert checked.returncode == 1
    assert "promedio: «the sum» passes all tests" in checked.stdout
