"""The application: what it is made of, and what it does when it starts and stops."""

import logging
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from . import models, problems
from .database import Database
from .identity import Identity
from .routes import api
from .settings import Settings
from .store import Store
from .uploads import Budget, Receiver

log = logging.getLogger(__name__)


class Service:
    """The parts that requests use."""

    def __init__(self, settings: Settings):
        limits = settings.limits
        self.settings, self.limits = settings, limits
        self.identity = Identity(settings)
        self.store = Store(settings.folder, limits.reserve_bytes)
        self.database = Database(settings.database_url)
        self.receiver = Receiver(self.store, limits.file_bytes, limits.seconds)
        self.budget = Budget(limits.student_bytes, limits.student_seconds)

    def open(self) -> None:
        """Take the folder and bring the database up to date; raises StoreError, database errors."""
        self.store.open()
        try:
            self.database.migrate()
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        """Let go of database and folder."""
        self.database.close()
        self.store.close()


def create(settings: Settings) -> FastAPI:
    """Return the ASGI application of one exchange."""
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        await anyio.to_thread.run_sync(service.open)
        log.info("exchange in %s", settings.folder)
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="Minga exchange",
        version="1",
        description="Releases, submissions with receipts, feedback and due dates of nbgrader "
        "assignments. exchange/service/README.md explains it.",
        # Their pages load programs from other hosts.
        docs_url=None,
        redoc_url=None,
        openapi_url=settings.prefix + "v1/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.service = service
    problems.install(app)
    app.include_router(api, prefix=settings.prefix + "v1")
    app.openapi = lambda: _description(app)
    return app


def _description(app: FastAPI) -> dict:
    """Return the OpenAPI description, with what FastAPI does not know of its own."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = found["components"]["schemas"]
        for model in (models.Problem, models.PolicyIn):
            described = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= described.pop("$defs", {})
            schemas[model.__name__] = described
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path in found["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None) if _automatic(operation) else None
        app.openapi_schema = found
    return app.openapi_schema


def _automatic(operation: dict) -> bool:
    """Tell whether 422 is FastAPI's own: here wrong input is answered with 400."""
    return "application/problem+json" not in operation["responses"].get("422", {}).get(
        "content", {}
    )
