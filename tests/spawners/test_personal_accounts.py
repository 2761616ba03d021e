"""The real thing: a session runs as its person's own Unix account, a grader as its course's."""

import os
import pwd
import shutil
import time
from pathlib import Path

import psutil
import pytest
import yaml

from hub_config.deployment import DEFAULT
from tests.conftest import Minga, free_port
from tests.spawners.test_sessions import CHOICE, run_in_kernel

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can run sessions as other accounts"),
]


def test_a_session_runs_as_its_person_and_cannot_read_anothers_home(
    ordinary_checkout, unix_accounts, public_folder, monkeypatch
):
    one, other, grader, _ = unix_accounts
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["accounts"] = "personal"
    deployment["authentication"]["people"] = {one: {}, other: {}}
    deployment["courses"] = {"ai-foundations": {"students": [one, other], "account": grader}}
    for site in deployment["sites"].values():
        site["user_prefix"] = ["runuser", "-u", "{username}", "--"]
    file = public_folder / "personal.yaml"
    file.write_text(yaml.safe_dump(deployment))
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    secret = Path("/home", other, "secret.txt")
    secret.write_text("only mine")
    secret.chmod(0o600)
    # From a checkout, and with a Python, that other accounts can read.
    minga = Minga(public_folder / "state", free_port(), ordinary_checkout).start()
    try:
        person = minga.login(one)
        person.start(**CHOICE)
        code = f"""
import os
print(os.getuid(), os.path.expanduser('~'))
for path in ({str(secret)!r}, {str(minga.state / "hub" / "passwords.json")!r},
             {str(minga.state / "courses")!r}, {str(minga.state / "hub" / "jupyterhub.sqlite")!r}):
    try:
        print(os.listdir(path) if os.path.isdir(path) else open(path).read())
    except PermissionError:
        print('refused')
"""
        _, output = run_in_kernel(person, code)
        first, *rest = output.strip().splitlines()
        assert first == f"{pwd.getpwnam(one).pw_uid} /home/{one}"
        assert rest == ["refused"] * 4, output
        person.stop()
    finally:
        minga.interrupt()


@pytest.mark.skipif(not shutil.which("sudo"), reason="sudo is not installed")
def test_a_hub_that_is_no_root_grades_as_the_courses_account(
    ordinary_checkout, unix_accounts, public_folder
):
    """Through sudo and one program; when the hub is gone, so is what it started."""
    hub, grader = ordinary_checkout.account, unix_accounts[2]
    deployment = yaml.safe_load(DEFAULT.read_text())
    deployment["accounts"] = "personal"
    deployment["authentication"]["people"] = {"profesora": {}}
    deployment["courses"] = {"ai-foundations": {"instructors": ["profesora"], "account": grader}}
    for site in deployment["sites"].values():
        site["user_prefix"] = ["sudo", "-n", "-u", "{username}", "--"]
    file = public_folder / "no-root.yaml"
    file.write_text(yaml.safe_dump(deployment))
    root = public_folder / "state" / "courses" / "ai-foundations"
    for path, owner in ((root.parents[1], hub), (root.parent, hub), (root, grader)):
        path.mkdir(mode=0o711)
        shutil.chown(path, owner, owner)
    launcher = ordinary_checkout.root / "hub_config" / "course_launcher.py"
    sudoers = Path("/etc/sudoers.d", public_folder.name)
    sudoers.write_text(
        f"{hub} ALL=({grader}) NOPASSWD: {ordinary_checkout.python} -I -S {launcher}\n"
    )
    sudoers.chmod(0o440)

    def graders() -> set[str]:
        found = set()
        for process in psutil.process_iter(["cmdline", "username"]):
            words = " ".join(process.info["cmdline"] or [])
            if "jupyterhub-singleuser" in words and str(root) in words:
                found.add(process.info["username"])
        return found

    minga = Minga(public_folder / "state", free_port(), ordinary_checkout, ordinary_checkout.prefix)
    minga.environment = {**minga.environment, "MINGA_DEPLOYMENT": str(file)}
    minga.output = public_folder / "out"
    try:
        minga.start()
        page = minga.login("profesora").http.get(f"{minga.url}/services/ai-foundations/formgrader")
        assert page.ok and "nbgrader formgrade" in page.text, page.url
        assert graders() == {grader}
        assert (root / "release").owner() == (root / "gradebook.db").owner() == grader
    finally:
        if minga.launcher.poll() is None:
            minga.interrupt()
        sudoers.unlink()
    for _ in range(100):
        if not graders():
            break
        time.sleep(0.1)
    assert not graders()
