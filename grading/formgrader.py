"""A server extension of formgraders: an API that is made for large classes, and safe pages.

nbgrader has no setting for either; its handlers look the API's class up by this one name for each
request, and the exporter in the settings.
"""


def _load_jupyter_server_extension(server) -> None:
    from nbgrader.server_extensions.formgrader import base

    from .large_class import LargeClassAPI
    from .pages import FormgraderPage

    base.NbGraderAPI = LargeClassAPI
    settings = server.web_app.settings
    settings["nbgrader_exporter"] = FormgraderPage(config=settings["nbgrader_exporter"].config)
    server.log.info("formgrader asks the gradebook in the way of large classes")


def _jupyter_server_extension_points() -> list[dict]:
    return [{"module": "grading.formgrader"}]
