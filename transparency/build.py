"""One round: publish what is due, and write the page anew."""

import logging

from .database import Database
from .page import write
from .publish import publish_due, published
from .settings import Settings

log = logging.getLogger(__name__)


def build(settings: Settings, now: float | None = None) -> None:
    """Publish the months that are over, and write page, CSV and JSON into `settings.site`."""
    database = Database(settings.database_url)
    try:
        database.migrate()
        for month in publish_due(settings, database, now):
            log.info("published %s", month)
        write(settings, published(database))
    finally:
        database.close()
