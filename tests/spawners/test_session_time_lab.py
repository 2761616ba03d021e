"""The end of a session as its student sees it: a real JupyterLab, a real time limit.

Both languages and all ways to lose work in one go: Slurm looks at time limits every half minute,
so the test takes two or three minutes however much it looks at.
"""

import json
import math
import time
from datetime import datetime, timedelta

import pytest

from tests.conftest import Person
from tests.spawners.test_session_time import asked_by_the_session, job_of, limit
from tests.spawners.test_sessions import CHOICE, hub_log, slurm

pytestmark = pytest.mark.slow

NOTEBOOK = {
    "cells": [{"cell_type": "code", "id": "a", "metadata": {}, "source": "", "outputs": []}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
NOTEBOOK["cells"][0]["execution_count"] = None


class Lab:
    """One student's browser with JupyterLab in it."""

    def __init__(self, chromium, person: Person, site: str, language: str):
        self.person, self.site, self.language = person, site, language
        self.minga = person.minga
        self.home = self.minga.state / "homes" / person.name
        self.home.mkdir(exist_ok=True)
        (self.home / "tarea.ipynb").write_text(json.dumps(NOTEBOOK))
        (self.home / "notas.txt").write_text("antes")
        (self.home / "notas (sin guardar).txt").write_text("de una sesión anterior")
        # What is saved here is saved by the time limit, not by JupyterLab's own habit.
        settings = self.home / ".jupyter/lab/user-settings/@jupyterlab/docmanager-extension"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "plugin.jupyterlab-settings").write_text('{"autosave": false}')
        person.start(**CHOICE | {"site": site, "profile": "cpu", "language": language})
        self.context = chromium.new_context(viewport={"width": 1280, "height": 800})
        self.context.set_default_timeout(60_000)
        self.context.add_cookies(
            [
                {"name": cookie.name, "value": cookie.value, "url": self.minga.url + cookie.path}
                for cookie in person.http.cookies
            ]
        )
        self.context.add_cookies(
            [{"name": "minga_language", "value": language, "url": self.minga.url}]
        )
        self.page = self.context.new_page()

    def open(self, file: str) -> None:
        address = f"{self.minga.url}/user/{self.person.name}/lab/tree/{file}"
        self.page.goto(address + "?reset")
        self.page.wait_for_selector(".jp-MainAreaWidget:not(.lm-mod-hidden) .cm-content")

    def write(self, words: str) -> None:
        self.page.locator(".jp-MainAreaWidget:not(.lm-mod-hidden) .cm-content").first.click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.type(words)

    def limit(self, minutes: int) -> None:
        job = job_of(self.minga, self.person)
        slurm(self.minga, self.site, "scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}")

    def end_soon(self) -> None:
        """Let the session end in 40 to 100 seconds, however long it has run until now.

        Slurm looks every half minute, and a limit that has passed by then ends the session without
        the warning that this test is about.
        """
        job = job_of(self.minga, self.person)
        started = slurm(self.minga, self.site, "squeue", "-h", "-j", job, "-o", "%S").strip()
        has_run = datetime.now() - datetime.fromisoformat(started)
        self.limit(math.ceil((has_run + timedelta(seconds=40)) / timedelta(minutes=1)))

    def notice(self, words: str):
        return self.page.locator(".Toastify__toast", has_text=words).first

    def wait_for_file(self, name: str, words: str, seconds: float = 130) -> None:
        end = time.monotonic() + seconds
        while words not in (self.home / name).read_text():
            assert time.monotonic() < end, (name, (self.home / name).read_text())
            time.sleep(0.2)

    def see(self, words: str) -> None:
        try:
            self.notice(words).wait_for()
        except Exception as error:
            shown = self.page.locator(".Toastify__toast").all_inner_texts()
            raise AssertionError(f"no «{words}» in {shown}") from error

    def after_the_end(self, dialog: str, why: str) -> None:
        """Be led from JupyterLab's page to the hub's, read why, and start the same again."""
        self.page.wait_for_selector(f".jp-Dialog:has-text('{dialog}')", timeout=150_000)
        self.page.click(".jp-Dialog .jp-mod-accept")
        self.page.wait_for_selector("#again")
        assert why in self.page.inner_text("main"), hub_log(self.minga)
        self.page.click("#again")
        self.page.wait_for_selector(".jp-LabShell")
        choice = self.person.server()["user_options"]
        assert (choice["site"], choice["language"]) == (self.site, self.language)

    def close(self) -> None:
        self.context.close()
        self.person.stop()


@pytest.fixture
def labs(minga, chromium):
    """A Spanish JupyterLab in chile, an English one in colombia."""
    opened = []
    try:
        for name, site, language in [
            ("estudiante1", "chile", "es"),
            ("estudiante2", "colombia", "en"),
        ]:
            opened.append(Lab(chromium, minga.login(name), site, language))
        yield opened
    finally:
        for lab in opened:
            lab.close()


def test_warned_saved_made_longer_and_told_why_it_ended(labs):
    spanish, english = labs
    spanish.limit(14)
    english.limit(4)
    for lab, seconds in ((spanish, 14 * 60), (english, 4 * 60)):
        asked_by_the_session(lab.person, seconds)
        lab.open("tarea.ipynb")
    spanish.see("Tu sesión termina en 1")
    english.see("Your session ends in")
    assert "Termina en" in spanish.page.inner_text(".minga-session-time")
    assert "Ends in" in english.page.inner_text(".minga-session-time")

    # The student extends it, and JupyterLab is calm again.
    spanish.notice("Tu sesión termina").get_by_role("button", name="Alargar 60 min").click()
    spanish.see("Listo: tu sesión termina ahora a las")
    spanish.notice("Tu sesión termina en").wait_for(state="hidden")
    assert limit(spanish.minga, "chile", job_of(spanish.minga, spanish.person)) == "01:14:00"

    # What is written now is nowhere but in the browser, and soon the session is over.
    english.write("# in five minutes")
    spanish.write("# nadie lo guardó")
    spanish.page.locator(".jp-DirListing-item", has_text="notas.txt").dblclick()
    spanish.page.wait_for_selector(".jp-FileEditor .cm-content")
    spanish.page.locator(".jp-FileEditor .cm-content").click()
    spanish.page.keyboard.type("mías ")
    time.sleep(1)  # a time stamp of its own
    (spanish.home / "notas.txt").write_text("de otra ventana")
    for lab in labs:
        lab.end_soon()
    spanish.wait_for_file("tarea.ipynb", "nadie lo guardó")
    english.wait_for_file("tarea.ipynb", "in five minutes")
    # A file that changed elsewhere: both versions are there, and the student reads so.
    spanish.see("Tu versión está en «notas (sin guardar 2).txt»")
    assert (spanish.home / "notas.txt").read_text() == "de otra ventana"
    assert "mías" in (spanish.home / "notas (sin guardar 2).txt").read_text()

    earlier = spanish.home / "notas (sin guardar).txt"
    assert earlier.read_text() == "de una sesión anterior"

    spanish.after_the_end(
        "Tu sesión ya no está en marcha",
        "Tu sesión llegó a su límite de tiempo en la sede Santiago",
    )
    english.after_the_end(
        "Your session is no longer running", "Your session reached its time limit at the site"
    )
