"""Opens an assignment that a link names: fetched if it is not there, then shown in JupyterLab.

A Jupyter server extension. The book's "open in the hub" leads to
`GET minga/open?course=…&assignment=…` once the session runs. What a student has is never
overwritten: nbgrader's own command fetches, and only into a folder that is not there yet.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
SECONDS = 60


class OpenHandler(JupyterHandler):
    """`GET minga/open`: on to the assignment's notebook."""

    auth_resource = "contents"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Redirect to the notebook; 400 for a name that is none, 502 when it cannot be fetched."""
        course, assignment = self.get_argument("course"), self.get_argument("assignment")
        if not (ID.fullmatch(course) and ID.fullmatch(assignment)):
            raise web.HTTPError(400, "course, assignment: a-z, 0-9, -")
        root = Path(self.serverapp.root_dir)
        folder = root / course / assignment  # courses/nbgrader.py: path_includes_course
        if not folder.exists() and (why := await fetch(root, course, assignment)):
            self.set_status(502)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(f"{failed(assignment)}\n\n{why}\n")
            return
        notebook = folder / f"{assignment}.ipynb"
        path = f"/tree/{notebook.relative_to(root)}" if notebook.is_file() else ""
        self.redirect(f"{self.base_url}lab{path}")


def failed(assignment: str) -> str:
    """Say in the session's language that an assignment could not be fetched."""
    from translation.sentences import Message  # not when the server starts

    what = Message("No se pudo traer la tarea «{assignment}»: ábrela desde la lista de tareas.")
    return what.filled(assignment=assignment).said_in(os.environ.get("MINGA_LANGUAGE"))


async def fetch(root: Path, course: str, assignment: str) -> str:
    """Fetch an assignment into `root`; return "" or the last lines of what went wrong."""
    command = ("nbgrader", "fetch_assignment", assignment, f"--course={course}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        return f"{SECONDS} s"
    if process.returncode == 0:
        return ""
    return "\n".join(said.decode(errors="replace").strip().splitlines()[-5:])


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "minga_open"}]


def _load_jupyter_server_extension(app) -> None:
    base = app.web_app.settings["base_url"].rstrip("/")
    app.web_app.add_handlers(".*$", [(f"{base}/minga/open", OpenHandler)])
