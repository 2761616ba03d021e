"""A server extension of formgraders: an API that is made for large classes, and safe pages.

nbgrader has no setting for either. Its handlers look the API's class up by this one name for each
request; its exporter is made when its extension is loaded, which is after this one: Jupyter Server
loads extensions in the order of their names.
"""


def _load_jupyter_server_extension(server) -> None:
    from nbgrader.server_extensions.formgrader import base, formgrader

    from .large_class import LargeClassAPI
    from .pages import SafePage

    base.NbGraderAPI = LargeClassAPI
    formgrader.HTMLExporter = SafePage
    server.log.info("formgrader asks the gradebook in the way of large classes")


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "grading.formgrader"}]
