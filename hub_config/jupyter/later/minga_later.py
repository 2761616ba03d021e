"""Loads nbgrader's part of the notebook server once the server answers, and not before.

A Jupyter server extension. Importing nbgrader is a quarter of the processor time that a notebook
server needs until it answers, and nobody asks for the list of assignments before JupyterLab
itself has come to the browser: here the two happen at the same time, the import in a thread.
"""

import asyncio
import importlib

EXTENSIONS = (
    "nbgrader.server_extensions.assignment_list",
    "nbgrader.server_extensions.validate_assignment",
)


def _jupyter_server_extension_points():
    return [{"module": "minga_later"}]


def _load_jupyter_server_extension(app):
    """Begin as soon as the server's loop runs."""
    app.io_loop.add_callback(_load, app)


async def _load(app) -> None:
    for name in EXTENSIONS:
        try:
            extension = await asyncio.to_thread(importlib.import_module, name)
            extension.load_jupyter_server_extension(app)
        except Exception:  # as jupyter-server does: a broken extension is no broken server
            app.log.exception("%s could not be loaded", name)
