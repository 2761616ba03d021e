"""A proxy of its own: while the hub restarts, as for an upgrade, sessions stay reachable."""

import os
import subprocess
import sys
import time

import pytest
import requests
import yaml

from tests.conftest import ROOT, Minga, free_port, two_courses
from tests.spawners.test_sessions import CHOICE

pytestmark = pytest.mark.slow


def test_a_restart_of_the_hub_cuts_nobody_off(tmp_path, monkeypatch):
    deployment = yaml.safe_load(two_courses().read_text())
    deployment["hub"]["separate_proxy"] = True
    file = tmp_path / "separate.yaml"
    file.write_text(yaml.safe_dump(deployment, allow_unicode=True))
    monkeypatch.setenv("MINGA_DEPLOYMENT", str(file))
    minga = Minga(tmp_path / "state", free_port())
    minga.arguments = ("--keep-sessions",)
    own = {**os.environ, "MINGA_STATE": str(minga.state), "PORT": str(minga.port)}
    (minga.state / "hub").mkdir(parents=True)
    proxy = subprocess.Popen(
        [sys.executable, "-m", "hub_config.proxy"],
        cwd=ROOT,
        env=own,
        stdout=open(tmp_path / "proxy.log", "wb"),
        stderr=subprocess.STDOUT,
    )
    try:
        for _ in range(100):
            try:
                requests.get(minga.url, timeout=5)
                break
            except requests.ConnectionError:
                assert proxy.poll() is None, (tmp_path / "proxy.log").read_text()
                time.sleep(0.1)
        person = minga.start().login("estudiante1")
        person.start(**CHOICE)

        def session() -> int:
            return requests.get(
                f"{minga.url}/user/estudiante1/api/status",
                headers={"Authorization": f"token {person.token}"},
                timeout=30,
            ).status_code

        assert session() == 200
        minga.launcher.terminate()  # what `systemctl stop minga` sends
        minga.launcher.wait(timeout=120)
        assert "las sesiones siguen" in minga.said()
        assert session() == 200  # and no hub is there
        assert requests.get(f"{minga.url}/hub/login", timeout=30).status_code == 503

        minga.start()
        assert session() == 200
        assert person.server()["ready"]
        assert proxy.poll() is None
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.launcher.terminate()
            minga.launcher.wait(timeout=120)
        stop = [sys.executable, "-m", "hub_config.run", "--stop"]
        subprocess.run(stop, cwd=ROOT, env=own, capture_output=True)
        proxy.terminate()
        proxy.wait(20)
