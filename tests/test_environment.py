"""environment.yml says the same as pyproject.toml, and the lock file follows it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_conda_users_get_the_notebook_group():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    assert sorted(pip) == sorted(PYPROJECT["dependency-groups"]["notebook"])
    assert f"python{PYPROJECT['project']['requires-python']}" in conda


def test_the_lock_file_follows_pyproject():
    """`uv lock --check` needs the registry's metadata; its copy in the lock file does not."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (minga,) = [package for package in lock["package"] if package["name"] == "minga"]
    locked = minga["metadata"]["requires-dev"]
    for group, wanted in PYPROJECT["dependency-groups"].items():
        names = {_name(line) for line in wanted}
        assert {entry["name"] for entry in locked[group]} == names, f"run: uv lock ({group})"


def test_what_is_installed_is_what_is_locked():
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    locked = {}  # a package may have a version for each range of Pythons
    for package in lock["package"]:
        locked.setdefault(package["name"], set()).add(package.get("version"))
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True
    ).stdout
    for line in listed.split():
        name, _, version = line.partition("==")
        name = name.lower().replace("_", "-").replace(".", "-")
        assert name not in locked or version.split("+")[0] in locked[name], line


def _name(requirement: str) -> str:
    for mark in "=<>[; ":
        requirement = requirement.split(mark)[0]
    return requirement.lower().replace("_", "-")
