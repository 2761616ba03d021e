"""The addresses of the API, version 1: who may, and what is answered."""

import time
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import FileResponse
from fastapi.security import APIKeyHeader
from pydantic import ValidationError

from translation.sentences import Message

from . import models, names, records
from .description import body_of_files, body_of_policy, file_answer, problems
from .identity import Person
from .policies import Terms
from .problems import Problem

api = APIRouter()
token = APIKeyHeader(
    name="Authorization", auto_error=False, description="`token <a token of the hub>`"
)
POLICY_BYTES = 2 * 1024**2


async def person(request: Request, _: Annotated[str | None, Depends(token)]) -> Person:
    """Return who asks; raises Problem."""
    return await request.app.state.service.identity.person(request)


Who = Annotated[Person, Depends(person)]
Name = Annotated[str, Path(pattern=names.NAME)]
Number = Annotated[str, Path(min_length=1, max_length=64)]
FilePath = Annotated[str, Path(min_length=1, alias="path")]
Language = Annotated[str | None, Query(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
ReleaseNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
Student = Annotated[str | None, Query(pattern=models.STUDENT)]
Key = Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,200}$")]


def _course(who: Person, course: str, may: str) -> str:
    """Return the course's name if `who` `may` (studies, teaches, belongs); raises Problem."""
    course = names.name(course)
    if not getattr(who, may)(course):
        raise Problem("not_allowed", course=course)
    return course


@api.get("/health", responses=problems(token=False))
async def health(request: Request) -> models.Health:
    """Tell that the database answers and the disk takes files."""
    service = request.app.state.service
    await service.database.read(lambda session: session.connection())
    await anyio.to_thread.run_sync(service.store.check_space, 0)
    return models.Health(status="ok")


# Releases


@api.get("/courses/{course}/assignments", responses=problems("not_allowed"))
async def assignments(request: Request, who: Who, course: Name) -> list[models.Listing]:
    """List the released assignments of a course with what holds for the one who asks."""
    service = request.app.state.service
    course = _course(who, course, "belongs")
    student = who.name if who.studies(course) else None
    found = await service.database.read(records.released_in, course, student)
    now = datetime.now(UTC)
    source = service.settings.source_language
    answer = []
    for of, made, extension, used in found:
        terms = Terms.of(of, extension)
        plain = names.in_language(made.entries, source, source)
        paths = [entry.path for entry in plain if "/" not in entry.path]
        answer.append(
            models.Listing(
                course=course,
                assignment=of.name,
                release=made.id,
                released=made.timestamp,
                languages=names.languages(made.entries, source),
                notebooks=[p.removesuffix(".ipynb") for p in paths if p.endswith(".ipynb")],
                due=terms.due,
                grace_seconds=of.grace_seconds,
                late_policy=of.late_policy,
                closed=terms.closed(now),
                attempts=terms.attempts,
                attempts_used=used,
                attempts_left=terms.left(used),
                extension=extension
                and models.ExtensionOut(due=extension.due, attempts=extension.attempts),
            )
        )
    return answer


RELEASE = "/courses/{course}/assignments/{assignment}/release"


@api.put(RELEASE, responses=problems("not_allowed", "upload"), openapi_extra=body_of_files())
async def put_release(request: Request, who: Who, course: Name, assignment: Name) -> models.Release:
    """Release an assignment, or replace its release; language variants below `.languages/`."""
    service = request.app.state.service
    course, assignment = _course(who, course, "teaches"), names.name(assignment)
    limits = service.limits
    entries = await service.receiver.receive(request, limits.release_bytes, limits.release_files)
    of, made = await service.database.write(records.release, course, assignment, entries, who.name)
    return _release(service, of.course, of.name, made, None)


@api.delete(
    RELEASE, status_code=204, responses=problems("not_allowed", "not_found"), response_model=None
)
async def delete_release(request: Request, who: Who, course: Name, assignment: Name) -> Response:
    """Take an assignment back; what was handed in stays."""
    service = request.app.state.service
    course, assignment = _course(who, course, "teaches"), names.name(assignment)
    await service.database.write(records.withdraw, course, assignment)
    return Response(status_code=204)


@api.get(RELEASE, responses=problems("not_allowed", "not_found"))
async def get_release(
    request: Request, who: Who, course: Name, assignment: Name, language: Language = None
) -> models.Release:
    """Say what an assignment hands out in a language, or in the source language."""
    service = request.app.state.service
    course, assignment = _course(who, course, "belongs"), names.name(assignment)
    made = await service.database.read(records.released, course, assignment)
    return _release(service, course, assignment, made, language)


@api.get(
    RELEASE + "/files/{path:path}",
    responses=file_answer() | problems("not_allowed", "not_found"),
    response_class=FileResponse,
)
async def get_release_file(
    request: Request,
    who: Who,
    course: Name,
    assignment: Name,
    path: FilePath,
    language: Language = None,
    release: ReleaseNumber = None,
):
    """Hand out one file of the release, or of the release with a number."""
    service = request.app.state.service
    course, assignment = _course(who, course, "belongs"), names.name(assignment)
    made = await service.database.read(records.released, course, assignment, release)
    source = service.settings.source_language
    files = names.in_language(made.entries, language or source, source)
    return await _file(service, files, path)


def _release(service, course: str, assignment: str, made, language: str | None) -> models.Release:
    source = service.settings.source_language
    languages = names.languages(made.entries, source)
    chosen = language if language in languages else source
    files = names.in_language(made.entries, chosen, source)
    return models.Release(
        release=made.id,
        course=course,
        assignment=assignment,
        language=chosen,
        languages=languages,
        released=made.timestamp,
        sha256=names.digest(files),
        files=[entry._asdict() for entry in files],
    )


async def _file(service, files: list[names.Entry], path: str) -> FileResponse:
    wanted = unicodedata.normalize("NFC", path)
    entry = next((entry for entry in files if entry.path == wanted), None)
    if entry is None:
        raise Problem("no_such_file")
    blob = service.store.blob(entry.sha256)
    found = await anyio.to_thread.run_sync(blob.stat)
    headers = {
        "ETag": f'"{entry.sha256}"',
        "Cache-Control": "private, no-store",
        # Feedback is HTML that holds a student's output: no browser may run it as the hub's.
        "Content-Disposition": "attachment",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(blob, 200, headers, "application/octet-stream", stat_result=found)


# Submissions


SUBMISSIONS = "/courses/{course}/assignments/{assignment}/submissions"


@api.post(
    SUBMISSIONS,
    status_code=201,
    responses=problems("not_allowed", "not_found", "upload", "refused"),
    openapi_extra=body_of_files(),
)
async def submit(
    request: Request,
    response: Response,
    who: Who,
    course: Name,
    assignment: Name,
    idempotency_key: Key = None,
) -> models.Receipt:
    """Hand in; the receipt is given when files and database are safe on the disk."""
    clock, started = datetime.now(UTC), time.monotonic()
    service = request.app.state.service
    course, assignment = _course(who, course, "studies"), names.name(assignment)
    arrival = records.Arrival(course, assignment, who.name, idempotency_key, clock, started)
    timestamp = await service.database.read(records.announce, arrival)
    entries = await service.receiver.receive(
        request,
        service.limits.submission_bytes,
        service.limits.files,
        lambda size: service.budget.spend(who.name, size),
    )
    receipt, replayed = await service.database.write(records.submit, arrival, timestamp, entries)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return receipt


@api.get(SUBMISSIONS, responses=problems("not_allowed", "not_found"))
async def submissions(
    request: Request,
    who: Who,
    course: Name,
    assignment: Name,
    student: Student = None,
    latest: bool = False,
) -> list[models.Listed]:
    """List what was handed in: a student's own; for an instructor all, or one student's."""
    service = request.app.state.service
    course, assignment = _course(who, course, "belongs"), names.name(assignment)
    if not who.teaches(course):
        if student not in (None, who.name):
            raise Problem("not_allowed", course=course)
        student = who.name
    return await service.database.read(records.submissions, course, assignment, student, latest)


async def _submission(service, who: Person, number: str, teaches: bool = False):
    """Return a submission and its assignment if `who` may see it; raises Problem."""
    found = await service.database.read(records.submission, number) if number.isalnum() else None
    if found is None:
        raise Problem("no_such_submission")
    of, made = found
    owner = made.student == who.name and who.studies(of.course)
    if not who.teaches(of.course):
        if not owner:
            raise Problem("no_such_submission")
        if teaches:
            raise Problem("not_allowed", course=of.course)
    return of, made


@api.get("/submissions/{number}", responses=problems("not_found"))
async def submission(request: Request, who: Who, number: Number) -> models.Submission:
    """Say what was handed in: the receipt and the files."""
    service = request.app.state.service
    of, made = await _submission(service, who, number)
    given = await service.database.read(records.feedback, number)
    return records.detailed(of, made, given)


@api.get(
    "/submissions/{number}/files/{path:path}",
    responses=file_answer() | problems("not_found"),
    response_class=FileResponse,
)
async def submission_file(request: Request, who: Who, number: Number, path: FilePath):
    """Hand out one file that was handed in."""
    service = request.app.state.service
    _, made = await _submission(service, who, number)
    return await _file(service, made.entries, path)


# Feedback


FEEDBACK = "/submissions/{number}/feedback"


@api.put(
    FEEDBACK,
    responses=problems("not_allowed", "not_found", "upload"),
    openapi_extra=body_of_files(),
)
async def put_feedback(request: Request, who: Who, number: Number) -> models.Feedback:
    """Give feedback on a submission; it is shown instead of what was given before."""
    service = request.app.state.service
    await _submission(service, who, number, teaches=True)
    limits = service.limits
    entries = await service.receiver.receive(request, limits.feedback_bytes, limits.feedback_files)
    made = await service.database.write(records.give_feedback, number, entries, who.name)
    return _feedback(made)


@api.get(FEEDBACK, responses=problems("not_found"))
async def get_feedback(request: Request, who: Who, number: Number) -> models.Feedback:
    """Say what was given back for a submission."""
    return _feedback(await _given(request, who, number))


@api.get(
    FEEDBACK + "/files/{path:path}",
    responses=file_answer() | problems("not_found"),
    response_class=FileResponse,
)
async def feedback_file(request: Request, who: Who, number: Number, path: FilePath):
    """Hand out one file of the feedback."""
    given = await _given(request, who, number)
    return await _file(request.app.state.service, given.entries, path)


async def _given(request: Request, who: Person, number: str):
    service = request.app.state.service
    await _submission(service, who, number)
    given = await service.database.read(records.feedback, number)
    if given is None:
        raise Problem("no_feedback")
    return given


def _feedback(made) -> models.Feedback:
    files = [entry._asdict() for entry in made.entries]
    return models.Feedback(
        submission=made.submission, released=made.timestamp, sha256=made.sha256, files=files
    )


# Policies


POLICY = "/courses/{course}/assignments/{assignment}/policy"


@api.get(POLICY, responses=problems("not_allowed", "not_found"))
async def get_policy(request: Request, who: Who, course: Name, assignment: Name) -> models.Policy:
    """Say when an assignment is due; a student sees their own extension only."""
    service = request.app.state.service
    course, assignment = _course(who, course, "belongs"), names.name(assignment)
    student = None if who.teaches(course) else who.name
    return await service.database.read(records.policy, course, assignment, student)


@api.put(POLICY, responses=problems("not_allowed", "json"), openapi_extra=body_of_policy())
async def put_policy(request: Request, who: Who, course: Name, assignment: Name) -> models.Policy:
    """Replace the whole policy of an assignment, before or after its release."""
    service = request.app.state.service
    course, assignment = _course(who, course, "teaches"), names.name(assignment)
    wanted = await _policy(request)
    return await service.database.write(records.set_policy, course, assignment, wanted, who.name)


async def _policy(request: Request) -> models.PolicyIn:
    """Read a policy from a body of bounded size; raises Problem."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > POLICY_BYTES:
            raise Problem("too_large", limit="2 MiB", what=Message("solicitud"))
    try:
        return models.PolicyIn.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem("bad_request", reason=f"{where} {first['msg']}".strip()) from error
