"""What the people of a class do in their browsers, one function for each thing they do."""

import re
from pathlib import Path
from urllib.parse import quote

import nbformat
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ROOT

SOLUTION = re.compile(r" *### BEGIN SOLUTION\n(.*?) *### END SOLUTION\n?", re.DOTALL)
WAIT = 60_000  # milliseconds


class Visit:
    """One person in one browser window of their own."""

    def __init__(self, browser: Browser, minga, name: str, artifacts: Path, language="es"):
        self.minga, self.name, self.artifacts = minga, name, artifacts
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale=language, accept_downloads=True
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WAIT)
        self.seen = 0

    def close(self) -> None:
        self.context.close()

    def picture(self, what: str) -> None:
        self.seen += 1
        self.page.screenshot(path=self.artifacts / f"{self.name}-{self.seen:02}-{what}.png")

    def log_in(self, enter=None) -> None:
        """Log in on the hub's own page, or as `enter(visit)` does at somebody else's."""
        self.page.goto(self.minga.url)
        self.picture("login")
        (enter or Visit.give_password)(self)
        self.page.wait_for_url(re.compile(r"/hub/(home|spawn)|/user/"))

    def give_password(self) -> None:
        self.page.fill("input[name=username]", self.name)
        self.page.fill("input[name=password]", self.minga.passwords()[self.name])
        self.page.click("main button[type=submit], main input[type=submit]")

    # --- a student ---------------------------------------------------------------------------

    def start_session(self, course: str, site: str, profile: str) -> None:
        """Fill the start form and wait, through the pending page, for JupyterLab."""
        self.page.goto(self.minga.url + "/hub/spawn")
        self.page.check(f"input[name=course][value={course}]")
        self.page.check(f"input[name=site][value={site}]")
        self.page.check(f"input[name=profile][value={profile}]")
        self.send_start_form()
        self.page.wait_for_selector(".jp-Launcher")
        self.picture("jupyterlab")

    def send_start_form(self) -> None:
        self.picture("start-form")
        self.page.click("#spawn_form button[type=submit]")
        self.page.wait_for_url(f"**/user/{self.name}/lab**")

    def in_terminal(self, command: str, file: str) -> str:
        """Type a command that writes `file` into a terminal; return what it wrote."""
        self.page.locator(".jp-LauncherCard[data-category='Other'], .jp-LauncherCard").filter(
            has_text="Terminal"
        ).first.click()
        screen = self.page.locator(".jp-Terminal .xterm-screen, .jp-Terminal").first
        screen.wait_for()
        self.page.wait_for_timeout(1500)  # the shell's prompt
        screen.click()
        self.page.keyboard.type(f"{command} | tee {file}\n")
        for _ in range(100):
            answer = self.contents("GET", file)
            if answer.ok and answer.json()["content"].strip():
                break
            self.page.wait_for_timeout(200)
        self.page.wait_for_timeout(500)
        self.picture("terminal")
        return answer.json()["content"]

    def contents(self, method: str, path: str, **arguments):
        """Read or write a file of the session, as JupyterLab does."""
        base = f"{self.minga.url}/user/{self.name}"
        cookies = {c["name"]: c["value"] for c in self.context.cookies(base + "/api")}
        return self.context.request.fetch(
            f"{base}/api/contents/{quote(path)}",
            method=method,
            headers={"X-XSRFToken": cookies.get("_xsrf", "")},
            **arguments,
        )

    def open_assignments(self) -> None:
        """Open nbgrader's assignment list from its menu, or bring it up to date."""
        if not self.page.locator("#released_assignments_list").count():
            self.page.locator(".lm-MenuBar-item", has_text="Nbgrader").click()
            self.page.locator(".lm-Menu-item", has_text="Assignment List").first.click()
        else:
            self.page.locator(".lm-TabBar-tab", has_text="Assignments").first.click()
            self.page.locator("#refresh_assignments_list").click()
        self.page.wait_for_timeout(1500)

    def fetch(self, assignment: str) -> None:
        self.open_assignments()
        row = self.page.locator("#released_assignments_list .list_item", has_text=assignment)
        row.get_by_text("Fetch", exact=True).click()
        self.page.locator("#fetched_assignments_list", has_text=assignment).wait_for()
        self.picture("fetched")

    def solve(self, course: str, assignment: str) -> dict:
        """Write the instructor's solution into the student's own notebook, and run it all."""
        path = f"{course}/{assignment}/{assignment}.ipynb"
        mine = self.contents("GET", path).json()["content"]
        source = nbformat.read(
            ROOT / "courses" / course / "assignments" / assignment / f"{assignment}.ipynb", 4
        )
        solved = {
            cell.metadata.nbgrader.grade_id: SOLUTION.sub(r"\1", cell.source)
            for cell in source.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        for cell in mine["cells"]:
            about = cell["metadata"].get("nbgrader", {})
            if about.get("solution"):
                cell["source"] = solved[about["grade_id"]]
        body = {"type": "notebook", "format": "json", "content": mine}
        assert self.contents("PUT", path, data=body).ok
        self.page.goto(f"{self.minga.url}/user/{self.name}/lab/tree/{path}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        # Before its kernel is connected, JupyterLab drops what it is asked to run.
        self.page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for()
        self.run_all()
        self.picture("solved")
        return mine

    def run_all(self) -> None:
        """Use JupyterLab's menu to run all cells and save."""
        self.page.locator(".lm-MenuBar-item").nth(3).click()
        self.page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
        # A folded cell shows no number.
        shown = ".jp-Notebook .jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)"
        last = self.page.locator(shown).last
        expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=120_000)
        self.page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for()
        self.page.keyboard.press("Control+s")
        self.page.wait_for_timeout(1500)

    def add_cell(self, code: str) -> None:
        """Write a cell below the one that is chosen, in the notebook that is open."""
        for key in ("Escape", "b", "Enter"):
            self.page.keyboard.press(key)
        self.page.keyboard.type(code)

    def run_cell(self) -> str:
        """Run the chosen cell; return what it put out."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell.jp-mod-active")
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
        return "".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()

    def submit(self, assignment: str) -> None:
        self.open_assignments()
        row = self.page.locator("#fetched_assignments_list .list_item", has_text=assignment)
        row.get_by_text("Submit", exact=True).first.click()
        self.page.locator("#submitted_assignments_list", has_text=assignment).wait_for()
        self.picture("submitted")

    def read_feedback(self, course: str, assignment: str) -> str:
        """Fetch the feedback in the assignment list; return the text that the student reads."""
        self.open_assignments()
        row = self.page.locator("#submitted_assignments_list > .list_item", has_text=assignment)
        row.get_by_text("Fetch Feedback").first.click()
        row.get_by_text("view feedback").first.wait_for()
        self.picture("feedback-fetched")
        folder = f"{course}/{assignment}/feedback"
        (moment,) = self.contents("GET", folder).json()["content"]
        file = f"{moment['path']}/{assignment}.html"
        self.page.goto(f"{self.minga.url}/user/{self.name}/lab/tree/{quote(file)}")
        frame = self.page.frame_locator(".jp-HTMLViewer iframe").first
        frame.locator("body").wait_for()
        self.page.wait_for_timeout(1000)
        self.picture("feedback")
        return frame.locator("body").inner_text()

    def stop_session(self) -> None:
        self.page.goto(self.minga.url + "/hub/home")
        self.picture("home")
        self.page.locator("#stop, button.danger, [data-action=stop]").first.click()
        self.page.locator("a[href*='/hub/spawn']").first.wait_for()

    # --- an instructor -----------------------------------------------------------------------

    def open_formgrader(self, course: str) -> None:
        """From the start page, by the link that only this course's instructors have."""
        self.page.goto(self.minga.url + "/hub/home")
        self.picture("home")
        self.page.locator(f"a[href*='/services/{course}/']").first.click()
        self.page.wait_for_url(f"**/services/{course}/formgrader**")
        self.page.wait_for_selector("table")
        self.picture("formgrader")

    def collect(self, assignment: str, submissions: int = 1) -> None:
        row = self.page.locator("tbody tr", has_text=assignment)
        row.locator("td.collect a").click()
        self._succeeded("collected")
        expect(row.locator("td.num-submissions")).to_have_text(str(submissions))

    def autograde(self, assignment: str, student: str) -> str:
        """Autograde one submission; return its row of the table."""
        row = self.page.locator("tbody tr", has_text=assignment)
        row.locator("td.num-submissions a").click()
        row = self.page.locator("tbody tr", has_text=student)
        row.locator("td.autograde a").click()
        self._succeeded("autograded")
        words = row.inner_text()
        row.locator("td.student-name a").click()
        return words

    def grade_by_hand(self, cell: str, points: int, comment: str) -> None:
        """Open the submission, give points to a cell that a person reads, and a comment."""
        self.page.locator("td.name a").click()
        score = self.page.locator(f"input.score#{cell}")
        score.wait_for()
        self.page.wait_for_timeout(1500)  # formgrader fills in what it has
        score.fill(str(points))
        score.press("Tab")
        text = self.page.locator("textarea.comment").last
        text.fill(comment)
        text.press("Tab")
        self.page.wait_for_timeout(1500)  # it saves by itself
        self.picture("graded-by-hand")

    def give_feedback(self, assignment: str) -> None:
        self.page.goto(re.sub(r"/formgrader/.*", "/formgrader/", self.page.url))
        row = self.page.locator("tbody tr", has_text=assignment)
        row.locator("td.generate-feedback a").click()
        self._succeeded("feedback-generated")
        row.locator("td.release-feedback a").click()
        self._succeeded("feedback-released")

    def _succeeded(self, what: str) -> None:
        """Wait for formgrader's dialog to say so, and close it."""
        self.page.locator(".modal-body", has_text="uccess").wait_for(timeout=180_000)
        self.page.wait_for_timeout(500)
        self.picture(what)
        self.page.locator(".modal .close").first.click()
        self.page.wait_for_timeout(1000)
