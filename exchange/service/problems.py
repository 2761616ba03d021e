"""Errors as answers: RFC 9457, in Spanish or English, with codes that programs can rely on."""

import errno
import logging
import re

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

log = logging.getLogger(__name__)

# code: (status, (title, detail) in Spanish, the same in English); {…} is filled in.
PROBLEMS: dict[str, tuple[int, tuple[str, str], tuple[str, str]]] = {
    "bad_request": (
        400,
        ("Solicitud inválida", "La solicitud no se entiende: {reason}"),
        ("Invalid request", "The request cannot be understood: {reason}"),
    ),
    "bad_name": (
        400,
        ("Nombre no permitido", "El nombre «{name}» no se permite: {reason}"),
        ("Name not allowed", "The name “{name}” is not allowed: {reason}"),
    ),
    "no_files": (
        400,
        ("Sin archivos", "No llegó ningún archivo; nada se guardó."),
        ("No files", "No file arrived; nothing was kept."),
    ),
    "cut_off": (
        400,
        ("Envío interrumpido", "El envío se cortó antes de terminar; nada se guardó."),
        ("Upload cut off", "The upload broke off before its end; nothing was kept."),
    ),
    "not_identified": (
        401,
        ("Sin identificación", "Falta un token del hub, o el que llegó ya no sirve."),
        ("Not identified", "A token of the hub is missing, or the one given is no longer valid."),
    ),
    "not_allowed": (
        403,
        (
            "Sin permiso",
            "No tienes permiso para esto en el curso «{course}». Si deberías participar en él, "
            "escribe a quien lo enseña.",
        ),
        (
            "Not allowed",
            "You are not allowed to do this in the course “{course}”. If you should take part in "
            "it, write to whoever teaches it.",
        ),
    ),
    "no_access": (
        403,
        ("Sin acceso al intercambio", "Este token no da acceso al intercambio de tareas."),
        ("No access to the exchange", "This token gives no access to the exchange."),
    ),
    "not_found": (
        404,
        ("No existe", "No hay nada en esta dirección."),
        ("Not found", "There is nothing at this address."),
    ),
    "no_such_assignment": (
        404,
        ("Tarea no publicada", "La tarea «{assignment}» no está publicada en «{course}»."),
        ("Not released", "The assignment “{assignment}” is not released in “{course}”."),
    ),
    "no_such_submission": (
        404,
        ("Entrega desconocida", "No hay una entrega tuya, ni de tus cursos, con este número."),
        ("Unknown submission", "There is no submission of yours or your courses by this id."),
    ),
    "no_feedback": (
        404,
        ("Sin retroalimentación", "Todavía no hay retroalimentación para esta entrega."),
        ("No feedback", "There is no feedback on this submission yet."),
    ),
    "no_such_file": (
        404,
        ("Archivo desconocido", "No hay un archivo con este nombre."),
        ("Unknown file", "There is no file of this name."),
    ),
    "method_not_allowed": (
        405,
        ("Método no permitido", "Esta dirección no admite este método."),
        ("Method not allowed", "This address does not take this method."),
    ),
    "too_slow": (
        408,
        ("Envío demasiado lento", "El envío tardó más de {seconds} segundos; nada se guardó."),
        ("Upload too slow", "The upload took more than {seconds} seconds; nothing was kept."),
    ),
    "closed": (
        409,
        ("Plazo cerrado", "El plazo de entrega terminó el {due} (UTC); la entrega no se aceptó."),
        ("Closed", "The assignment was due on {due} (UTC); the submission was not accepted."),
    ),
    "no_attempts_left": (
        409,
        ("Sin intentos", "Ya usaste tus {attempts} intentos; la entrega no se aceptó."),
        ("No attempts left", "You used your {attempts} attempts; nothing was accepted."),
    ),
    "too_large": (
        413,
        ("Demasiado grande", "Se aceptan hasta {limit} por {what}; nada se guardó."),
        ("Too large", "At most {limit} per {what} is accepted; nothing was kept."),
    ),
    "too_many_files": (
        413,
        ("Demasiados archivos", "Se aceptan hasta {limit} archivos; nada se guardó."),
        ("Too many files", "At most {limit} files are accepted; nothing was kept."),
    ),
    "not_multipart": (
        415,
        ("Formato no admitido", "Los archivos se envían como multipart/form-data."),
        ("Unsupported format", "Files are sent as multipart/form-data."),
    ),
    "key_reused": (
        422,
        ("Clave repetida", "Esta Idempotency-Key ya se usó para otros archivos."),
        ("Key used before", "This Idempotency-Key was used for other files before."),
    ),
    "too_much": (
        429,
        ("Demasiados envíos", "Enviaste mucho en poco tiempo; espera {seconds} s y reintenta."),
        ("Too much at once", "You sent a lot in a short time; wait {seconds} s and retry."),
    ),
    "failed": (
        500,
        (
            "Error interno",
            "El intercambio falló; nada quedó a medias. Avisa a quien lo opera.",
        ),
        ("Internal error", "The exchange failed; nothing is half done. Tell its operators."),
    ),
    "hub_unreachable": (
        503,
        ("El hub no responde", "El hub no responde; reintenta en un momento."),
        ("The hub does not answer", "The hub does not answer; try again in a moment."),
    ),
    "storage_full": (
        503,
        ("Sin espacio", "No queda espacio en el disco; nada se guardó. Reintenta más tarde."),
        ("Storage full", "There is no space left on the disk; nothing was kept. Try again later."),
    ),
    "storage_failed": (
        503,
        ("Fallo de almacenamiento", "El disco no responde bien; reintenta más tarde."),
        ("Storage failed", "The disk does not work properly; try again later."),
    ),
    "try_again": (
        503,
        ("Reintenta", "La base de datos no está disponible; nada se guardó. Reintenta."),
        ("Try again", "The database is not available; nothing was kept. Try again."),
    ),
}
RETRY_SECONDS = {"hub_unreachable": 5, "storage_full": 30, "storage_failed": 30, "try_again": 3}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Both:
    """Words for a problem's detail in both languages."""

    def __init__(self, es: str, en: str):
        self.es, self.en = es, en


class Problem(Exception):
    """An answer that says what is wrong; `code` is a key of PROBLEMS."""

    def __init__(self, code: str, retry_after: int | None = None, **values):
        super().__init__(code)
        self.code, self.values = code, values
        self.status = PROBLEMS[code][0]
        self.retry_after = retry_after or RETRY_SECONDS.get(code)

    def answer(self, language: str) -> JSONResponse:
        """Return the answer in `language`, es or en."""
        title, detail = PROBLEMS[self.code][1 if language == "es" else 2]
        values = {
            name: getattr(value, language) if isinstance(value, Both) else value
            for name, value in self.values.items()
        }
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = "token"
        return JSONResponse(
            {
                "title": title,
                "detail": detail.format(**values),
                "status": self.status,
                "code": self.code,
            },
            self.status,
            headers,
            "application/problem+json",
        )


def language_of(request: Request) -> str:
    """Return es or en: what the person prefers of these by Accept-Language."""
    wanted = []
    for order, item in enumerate(request.headers.get("accept-language", "").split(",")[:20]):
        tag, _, quality = item.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        wanted.append((-weight, order, tag.split("-")[0].lower()))
    return next((tag for weight, _, tag in sorted(wanted) if weight and tag in ("es", "en")), "es")


def _methods(request: Request) -> list[str]:
    """Return the methods that the requested address takes; the router knows the first one's."""
    path = request.url.path
    described = request.app.openapi()["paths"].items()
    patterns = {re.sub(r"\\{(path|\w+)\\}", _segment, re.escape(p)): item for p, item in described}
    return sorted(
        method.upper()
        for pattern, item in patterns.items()
        for method in item
        if re.fullmatch(pattern, path)
    )


def _segment(found: re.Match) -> str:
    return ".+" if found[1] == "path" else "[^/]+"


def of_error(error: Exception) -> Problem:
    """Return the problem that stands for an error of the disk or the database."""
    if isinstance(error, OSError):
        return Problem("storage_full" if error.errno in FULL else "storage_failed")
    if isinstance(error, PoolTimeout):
        return Problem("try_again")
    if isinstance(error, DBAPIError) and not isinstance(
        error, (DataError, IntegrityError, ProgrammingError)
    ):
        said = str(error.orig)
        if "disk is full" in said or "No space left" in said:
            return Problem("storage_full")
        return Problem("try_again")
    return Problem("failed")


def install(app: FastAPI) -> None:
    """Let `app` answer every error as a problem."""

    async def problem(request: Request, error: Exception):
        return error.answer(language_of(request))

    async def failing(request: Request, error: Exception):
        found = of_error(error)
        log.error("%s %s: %s", request.method, request.url.path, found.code, exc_info=error)
        return found.answer(language_of(request))

    async def invalid(request: Request, error: Exception):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        reason = f"{where}: {first['msg']}"
        return Problem("bad_request", reason=reason).answer(language_of(request))

    async def other(request: Request, error: Exception):
        codes = {404: "not_found", 405: "method_not_allowed"}
        found = Problem(codes.get(error.status_code, "bad_request"), reason=error.detail)
        answer = found.answer(language_of(request))
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_methods(request))
        return answer

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
    for kind in (OSError, SQLAlchemyError, Exception):
        app.add_exception_handler(kind, failing)
