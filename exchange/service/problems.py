"""Errors as answers: RFC 9457, in the reader's language, with codes that programs can rely on."""

import errno
import logging
import re

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from translation.languages import negotiate
from translation.sentences import N_, Message, languages, translate

log = logging.getLogger(__name__)

# code: (status, title, detail); {…} is filled in.
PROBLEMS: dict[str, tuple[int, str, str]] = {
    "bad_request": (
        400,
        N_("Solicitud inválida"),
        N_("La solicitud no se entiende: {reason}"),
    ),
    "bad_name": (
        400,
        N_("Nombre no permitido"),
        N_("El nombre «{name}» no se permite: {reason}"),
    ),
    "no_files": (
        400,
        N_("Sin archivos"),
        N_("No llegó ningún archivo; nada se guardó."),
    ),
    "cut_off": (
        400,
        N_("Envío interrumpido"),
        N_("El envío se cortó antes de terminar; nada se guardó."),
    ),
    "not_identified": (
        401,
        N_("Sin identificación"),
        N_("Falta un token del hub, o el que llegó ya no sirve."),
    ),
    "not_allowed": (
        403,
        N_("Sin permiso"),
        N_(
            "No tienes permiso para esto en el curso «{course}». Si deberías participar en él, "
            "escribe a quien lo enseña."
        ),
    ),
    "no_access": (
        403,
        N_("Sin acceso al intercambio"),
        N_("Este token no da acceso al intercambio de tareas."),
    ),
    "not_found": (
        404,
        N_("No existe"),
        N_("No hay nada en esta dirección."),
    ),
    "no_such_assignment": (
        404,
        N_("Tarea no publicada"),
        N_("La tarea «{assignment}» no está publicada en «{course}»."),
    ),
    "no_such_submission": (
        404,
        N_("Entrega desconocida"),
        N_("No hay una entrega tuya, ni de tus cursos, con este número."),
    ),
    "no_feedback": (
        404,
        N_("Sin retroalimentación"),
        N_("Todavía no hay retroalimentación para esta entrega."),
    ),
    "no_such_file": (
        404,
        N_("Archivo desconocido"),
        N_("No hay un archivo con este nombre."),
    ),
    "method_not_allowed": (
        405,
        N_("Método no permitido"),
        N_("Esta dirección no admite este método."),
    ),
    "too_slow": (
        408,
        N_("Envío demasiado lento"),
        N_("El envío tardó más de {seconds} segundos; nada se guardó."),
    ),
    "closed": (
        409,
        N_("Plazo cerrado"),
        N_("El plazo de entrega terminó el {due} (UTC); la entrega no se aceptó."),
    ),
    "no_attempts_left": (
        409,
        N_("Sin intentos"),
        N_("Ya usaste tus {attempts} intentos; la entrega no se aceptó."),
    ),
    "too_large": (
        413,
        N_("Demasiado grande"),
        N_("Se aceptan hasta {limit} por {what}; nada se guardó."),
    ),
    "too_many_files": (
        413,
        N_("Demasiados archivos"),
        N_("Se aceptan hasta {limit} archivos; nada se guardó."),
    ),
    "not_multipart": (
        415,
        N_("Formato no admitido"),
        N_("Los archivos se envían como multipart/form-data."),
    ),
    "key_reused": (
        422,
        N_("Clave repetida"),
        N_("Esta Idempotency-Key ya se usó para otros archivos."),
    ),
    "too_much": (
        429,
        N_("Demasiados envíos"),
        N_("Enviaste mucho en poco tiempo; espera {seconds} s y reintenta."),
    ),
    "failed": (
        500,
        N_("Error interno"),
        N_("El intercambio falló; nada quedó a medias. Avisa a quien lo opera."),
    ),
    "hub_unreachable": (
        503,
        N_("El hub no responde"),
        N_("El hub no responde; reintenta en un momento."),
    ),
    "storage_full": (
        503,
        N_("Sin espacio"),
        N_("No queda espacio en el disco; nada se guardó. Reintenta más tarde."),
    ),
    "storage_failed": (
        503,
        N_("Fallo de almacenamiento"),
        N_("El disco no responde bien; reintenta más tarde."),
    ),
    "try_again": (
        503,
        N_("Reintenta"),
        N_("La base de datos no está disponible; nada se guardó. Reintenta."),
    ),
}
RETRY_SECONDS = {"hub_unreachable": 5, "storage_full": 30, "storage_failed": 30, "try_again": 3}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Problem(Exception):
    """An answer that says what is wrong; `code` is a key of PROBLEMS.

    A value may be a Message, which is said in the language of the answer.
    """

    def __init__(self, code: str, retry_after: int | None = None, **values):
        super().__init__(code)
        self.code, self.values = code, values
        self.status = PROBLEMS[code][0]
        self.retry_after = retry_after or RETRY_SECONDS.get(code)

    def answer(self, language: str) -> JSONResponse:
        """Return the answer in `language`."""
        _, title, detail = PROBLEMS[self.code]
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        if self.retry_after:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = "token"
        return JSONResponse(
            {
                "title": translate(title, language),
                "detail": Message(detail, self.values).said_in(language),
                "status": self.status,
                "code": self.code,
            },
            self.status,
            headers,
            "application/problem+json",
        )


def language_of(request: Request) -> str:
    """Return the language that the person prefers by Accept-Language, of those we speak."""
    return negotiate(request.headers.get("accept-language"), languages())


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
