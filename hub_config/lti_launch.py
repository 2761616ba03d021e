"""What a learning platform says of a person who comes by one of its links: LTI 1.3's claims.

`read` takes the claims of a token that was checked already (lti_login.py) and says who it is, in
which course and for which assignment, or refuses with a sentence.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from spawners.messages import Message

from .institutions import is_private
from .lti_platforms import Lti13
from .members import NO_CLAIM, Refused

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
LINE_ITEMS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"

INSTRUCTOR, STUDENT = "instructor", "student"

NO_COURSE = Message(
    "El curso «{title}» de tu plataforma (número {context}) no está unido a ningún curso de Minga. "
    "Muestra este mensaje a {contact}."
)
NO_ASSIGNMENT = Message(
    "El enlace nombra la tarea «{assignment}», que este curso no tiene. "
    "Muestra este mensaje a tu docente."
)
DEPLOYMENT = Message(
    "Minga no acepta la instalación «{deployment}» (deployment_id) de tu plataforma de cursos. "
    "Muestra este mensaje a {contact}."
)


@dataclass(frozen=True)
class Launch:
    """A person at a link: who, in which course as what, and what the platform offers there."""

    platform: str
    client_id: str
    subject: str  # the platform's name of the person: `sub`
    username: str
    name: str  # as shown, "" if the platform keeps it to itself
    role: str  # INSTRUCTOR, STUDENT or "": none in this course
    course: str
    assignment: str  # "": the link is to the course
    line_item: str  # where the link's own grades go, "" if there is no such place
    line_items: str  # where a place for grades can be found or made
    roster: str  # where the members of the course are listed


def read(
    settings: Lti13,
    platform: str,
    client_id: str,
    said: dict,
    assignments: Callable[[str], Collection[str]],
) -> Launch:
    """Return the launch that a platform's claims describe; raises Refused.

    `assignments` returns the names of the assignments that a course gives out.
    """
    described, contact = settings.platforms[platform], settings.contact
    subject = said.get("sub")
    if not isinstance(subject, str) or not subject.strip():
        raise Refused(NO_CLAIM.filled(claim="sub", contact=contact))
    deployment = _text(said.get(CLAIM + "deployment_id"))
    if deployment not in described.deployment_ids:
        raise Refused(DEPLOYMENT.filled(deployment=on_one_line(deployment), contact=contact))
    context = _object(said, CLAIM + "context")
    course = described.courses.get(_text(context.get("id")))
    if course is None:
        title = _text(context.get("title")) or _text(context.get("label"))
        words = {"title": on_one_line(title), "context": on_one_line(_text(context.get("id")))}
        raise Refused(NO_COURSE.filled(**words, contact=contact))
    assignment = _assignment(said)
    if assignment and assignment not in assignments(course):
        raise Refused(NO_ASSIGNMENT.filled(assignment=on_one_line(assignment)), 400)
    endpoint = _object(said, LINE_ITEMS)
    return Launch(
        platform=platform,
        client_id=client_id,
        subject=subject,
        username=settings.login_name_of(platform, subject),
        name=on_one_line(_text(said.get("name"))),
        role=role(said.get(CLAIM + "roles")),
        course=course,
        assignment=assignment,
        line_item=_address(endpoint.get("lineitem")),
        line_items=_address(endpoint.get("lineitems")),
        roster=_address(_object(said, ROSTER).get("context_memberships_url")),
    )


def role(said: object) -> str:
    """Return what somebody is in the course, by the roles that the platform names.

    Only roles in the course count: who teaches at the institution does not teach this course.
    """
    roles = said if isinstance(said, list) else []
    short = {one.removeprefix(MEMBERSHIP) for one in roles if isinstance(one, str)}
    if "Instructor" in short:
        return INSTRUCTOR
    return STUDENT if "Learner" in short else ""


def active(members: Iterable[object]) -> dict[str, tuple[str, str]]:
    """Return (role, name) by subject of a roster's members who take part now (NRPS 2.0)."""
    found = {}
    for member in members:
        if not isinstance(member, dict) or member.get("status", "Active") != "Active":
            continue
        subject, part = member.get("user_id"), role(member.get("roles"))
        if isinstance(subject, str) and subject.strip() and part:
            found[subject] = (part, on_one_line(_text(member.get("name"))))
    return found


def start_page(launch: Launch, language: str) -> str:
    """Return where a person goes: the course's start page, then the assignment's notebook.

    The same link as the book's "open in the hub" (book/theme/lib/hub.js).
    """
    query = {"course": launch.course, "language": language}
    if launch.assignment:
        opened = {"course": launch.course, "assignment": launch.assignment}
        query["assignment"] = launch.assignment
        query["next"] = f"/hub/user-redirect/minga/open?{urlencode(opened)}"
    return f"/hub/spawn?{urlencode(query)}"


def _assignment(said: dict) -> str:
    """Return what a link is for: its custom parameter `assignment`, or that of its address."""
    own = _text(_object(said, CLAIM + "custom").get("assignment"))
    if own:
        return own
    try:
        query = urlsplit(_text(said.get(CLAIM + "target_link_uri"))).query
    except ValueError:
        return ""
    return parse_qs(query).get("assignment", [""])[0]


def _object(said: dict, claim: str) -> dict:
    found = said.get(claim)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _address(value: object) -> str:
    url = _text(value)
    return url if url and is_private(url) else ""


def on_one_line(text: str) -> str:
    """Return what somebody else wrote, fit for a sentence and a log line."""
    return "".join(c if c.isprintable() else " " for c in text)[:100]
