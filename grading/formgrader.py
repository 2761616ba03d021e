"""A server extension of formgraders: their pages ask the API that is made for large classes.

nbgrader has no setting for it; its handlers look the class up by this one name for each request.
"""


def _load_jupyter_server_extension(server) -> None:
    from nbgrader.server_extensions.formgrader import base

    from .large_class import LargeClassAPI

    base.NbGraderAPI = LargeClassAPI
    server.log.info("formgrader asks the gradebook in the way of large classes")


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "grading.formgrader"}]
