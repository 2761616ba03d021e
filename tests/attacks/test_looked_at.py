"""A submission that is looked at does nothing in its instructor's browser, nor in its student's.

Real pages in a real browser: what formgrader and the feedback show of a notebook with every way to
run a script, to reach a foreign server and to look like formgrader's own parts. nbgrader's own
exporter is shown the same, and runs it.
"""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import requests
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateFeedback
from nbgrader.server_extensions.formgrader import handlers
from tenacity import Retrying, stop_after_delay, wait_fixed
from traitlets.config import Config

from courses.nbgrader import instructor_config
from grading.pages import FeedbackExporter, SafePage
from hub_config.sessions import jupyter_config
from spawners.cluster.cluster import free_ports

pytestmark = pytest.mark.slow

SVG = "http://www.w3.org/2000/svg"
RUN = "parent.hacked = window.hacked = 1"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhf"
    "DwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
HOSTILE = [
    f"<script>{RUN}</script>",
    f'<img src=x onerror="{RUN}">',
    f'<svg onload="{RUN}"></svg>',
    f'<math><mtext><img src=x onerror="{RUN}"></mtext></math>',
    f'<iframe srcdoc="<script>{RUN}</script>"></iframe>',
    f'<details open ontoggle="{RUN}"><summary>x</summary></details>',
    f"$\\text{{<img src=x onerror='{RUN}'>}}$",
    f"\\begin{{a}}<img src=x onerror='{RUN}'>\\end{{a}}",
    f"[ven](javascript:{RUN.replace(' ', '%20')})",
    f'<a class="ven" href="data:text/html,<script>{RUN}</script>">ven</a>',
    '<form action="https://ladron.example/"><input class="score" id="suma"></form>',
    '<button class="full-credit">Full credit</button><style>*{display:none}</style>',
    '<div id="suma-comment" class="comment panel" style="position:fixed">x</div>',
    '<link rel="stylesheet" href="https://ladron.example/a.css">',
    "![x](https://ladron.example/p.png) <img src='https://ladron.example/q.png'>",
    '<meta http-equiv="refresh" content="0;url=https://ladron.example/">',
    '<base href="https://ladron.example/">',
]
HONEST = (
    "# Título\n\nUn **párrafo** con $x < \\frac{1}{n}$ y `a < b`.\n\n$$\\sum_i x_i$$\n\n"
    f"- uno\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![p](data:image/png;base64,{PIXEL})"
)


def about(name: str, *, code: bool) -> dict:
    return {
        "nbgrader": {
            "grade_id": name,
            "schema_version": 3,
            "solution": True,
            "grade": True,
            "locked": False,
            "task": False,
            "points": 1,
            **({"cell_type": "code"} if code else {}),
        }
    }


def notebook() -> nbformat.NotebookNode:
    """A submission as it was graded, with the same HTML wherever a notebook may hold some."""
    data = [{"text/html": html, "text/plain": "x"} for html in HOSTILE]
    data += [
        {"text/markdown": "\n\n".join(HOSTILE)},
        {"application/javascript": RUN},
        {"image/svg+xml": f'<svg xmlns="{SVG}" onload="{RUN}"><script>{RUN}</script></svg>'},
        {"image/png": f'{PIXEL}"><script>{RUN}</script>'},
        {"image/jpeg": f"' onerror='{RUN}"},
        {"text/latex": f"$x$<script>{RUN}</script>"},
        {"application/vnd.jupyter.widget-view+json": {"model_id": f"</script><script>{RUN}"}},
        {"application/vnd.mermaid": f"<script>{RUN}</script>", "text/plain": "x"},
        {"text/vnd.mermaid": f"<script>{RUN}</script>", "text/plain": "x"},
        {"text/html": "<table class='dataframe'><tr><td>1</td></tr></table>"},
    ]
    outputs = [new_output("display_data", data=each) for each in data]
    outputs += [
        new_output("stream", name="stdout", text="\n".join(HOSTILE)),
        new_output("error", ename=HOSTILE[0], evalue=HOSTILE[1], traceback=HOSTILE),
    ]
    cells = [
        new_markdown_cell("\n\n".join(HOSTILE)),
        new_markdown_cell("\n\n".join(HOSTILE), metadata=about("explica", code=False)),
        new_markdown_cell(HONEST, metadata=about("honesta", code=False)),
        new_code_cell("\n".join(HOSTILE), outputs=outputs, metadata=about("suma", code=True)),
        nbformat.v4.new_raw_cell("\n".join(HOSTILE)),
    ]
    for cell in cells:
        cell.metadata.get("nbgrader", {}).update(comment=HOSTILE[0], score=1, points=1)
    metadata = {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": HOSTILE[0]}}}
    return new_notebook(cells=cells, metadata=metadata)


def formgrader(tmp_path, kind: type = SafePage) -> str:
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "base_url": "",
        "index": 0,
        "total": 1,
        "notebook_id": "tarea",
        "assignment_id": "tarea",
        "submission_id": "1",
        "metadata": {},
    }
    return kind(config=config).from_notebook_node(notebook(), resources)[0]


def feedback(tmp_path) -> str:
    converter = GenerateFeedback(config=instructor_config("curso", tmp_path))
    exporter = FeedbackExporter(config=converter.config)
    asked = {"notebook": "tarea", "score": 1, "max_score": 1, "late_penalty": 0}
    resources = {
        "nbgrader": asked,
        "minga_gettext": str,
        "minga_language": "es",
        "metadata": {},
    }
    return exporter.from_notebook_node(notebook(), resources)[0]


def seen(chromium, page_html: str) -> tuple:
    """Open a page, press each of its links, and return the page and the hosts that it asked."""
    context = chromium.new_context()
    asked = []

    def answer(route):
        url = route.request.url
        if url.startswith("http://minga.example/") and route.request.is_navigation_request():
            return route.fulfill(body=page_html, content_type="text/html; charset=utf-8")
        if not url.startswith("http://minga.example/"):
            asked.append(url)
        return route.abort()

    context.route("**/*", answer)
    page = context.new_page()
    page.goto("http://minga.example/formgrader/submissions/1/")
    for link in page.locator("a", has_text="ven").all():
        link.evaluate("each => each.click()")
    page.wait_for_timeout(500)
    return page, asked


@pytest.mark.parametrize("made", [formgrader, feedback])
def test_nothing_runs_and_nobody_is_asked(chromium, made, tmp_path):
    page, asked = seen(chromium, made(tmp_path))
    assert page.evaluate("window.hacked") is None
    assert asked == []
    assert page.url == "http://minga.example/formgrader/submissions/1/"
    within = page.locator(".rendered_html, .output_area")
    for tag in ("script", "iframe", "form", "input", "button", "style", "link", "meta", "base"):
        assert within.locator(tag).count() == 0, tag
    assert within.locator(".score, .comment, .panel, [id^=suma], [style]").count() == 0
    # What is honest is there, and formulas are drawn.
    assert page.locator("h1", has_text="Título").count() == 1
    assert page.locator("math[display=block] munder, math[display=block] msub").count() >= 1
    assert page.locator("td", has_text="2").count() == 1
    assert page.locator(f"img[src='data:image/png;base64,{PIXEL}']").count() == 1
    assert page.locator("table.dataframe").count() == 1
    assert "$" not in page.locator("p", has_text="Un párrafo con").inner_text()
    page.context.close()


def test_nbgraders_own_page_would(chromium, tmp_path):
    page, asked = seen(chromium, formgrader(tmp_path, HTMLExporter))
    assert page.evaluate("window.hacked") == 1 or any("ladron" in url for url in asked)
    assert any("mathjax" in url for url in asked)
    page.context.close()


@pytest.fixture
def instructors_page(tmp_path, monkeypatch) -> str:
    """The address of a hand-in's page in a real formgrader, set up as a course's own is."""
    # nbgrader makes a new gradebook with the program `alembic`.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    folder = tmp_path / "autograded" / "ana" / "tarea"
    folder.mkdir(parents=True)
    nbformat.write(notebook(), folder / "tarea.ipynb")
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as gradebook:
        gradebook.add_assignment("tarea")
        gradebook.add_notebook("tarea", "tarea")
        gradebook.add_grade_cell("suma", "tarea", "tarea", max_score=1, cell_type="code")
        gradebook.add_solution_cell("suma", "tarea", "tarea")
        gradebook.add_student("ana")
        gradebook.add_submission("tarea", "ana")
        submission = gradebook.find_submission_notebook("tarea", "tarea", "ana").id
    (port,) = free_ports(1)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "MINGA"))},
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(jupyter_config("es", "instructor")),
        "JUPYTER_TOKEN": "profesora",
        "MINGA_COURSE": "curso",
        "MINGA_COURSE_ROOT": str(tmp_path),
        "MINGA_LANGUAGE": "es",
    }
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", f"--port={port}"]
    log = tmp_path / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.2)):
            with attempt:
                requests.get(f"{url}/api", timeout=5).raise_for_status()
        yield f"{url}/formgrader/submissions/{submission}/?token=profesora"
        assert "Traceback" not in log.read_text()
    finally:
        server.terminate()
        server.wait(20)


def test_a_real_formgrader_shows_it_and_nothing_runs(chromium, instructors_page):
    context = chromium.new_context()
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(instructors_page)
    page.locator("h1", has_text="Título").wait_for()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    assert page.locator("math[display=block]").count() >= 1
    assert {url.split("/")[2] for url in asked} == {instructors_page.split("/")[2]}
    context.close()
