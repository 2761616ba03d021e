"""The typed description of one installation: one YAML file, checked before anything starts.

Every key is documented where it is declared. A key that does not exist, or a value that
cannot be, stops the start with the file, the line, the key, the reason and what is allowed.
"""

import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from courses.models import Course
from exchange.service.settings import Limits
from spawners.choices import Language, Name, Titles
from spawners.cluster.description import ClusterDescription, NodeDescription
from spawners.lessons import CourseOnSite, overlap
from spawners.session_extension import Extension
from translation import languages

from . import rosters
from .databases import DatabaseUrl, PasswordInFile
from .institutions import Institution, Institutional, InstitutionName, Member, Oidc
from .lti_platforms import GRADES, Lti13
from .remote import Ssh, Tunnels

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT / "hub_config" / "deployments" / "local.yaml"

Person = Annotated[str, Field(pattern=r"^[a-z][a-z0-9._-]{0,31}$")]
"""A login name that is also safe as a Unix account, in a path and in a shell."""


METHODS = ("tryout", "pam", "oidc", "lti13")
"""Of `authentication`; pydantic names them in its errors, where the file has no such key."""

ExchangeLimit = Literal[tuple(field.name for field in fields(Limits))]
"""What the exchange service limits."""


class DeploymentError(Exception):
    """The deployment file is wrong; the text says where and what to do."""


class Model(BaseModel):
    """All parts of a deployment refuse keys that they do not know."""

    model_config = ConfigDict(extra="forbid")


class Hub(Model):
    """Where people reach the hub."""

    address: str = Field("127.0.0.1", description="address that the proxy listens on")
    port: int = Field(8000, ge=1, le=65535, description="port that the proxy listens on")
    url: str = Field(
        "",
        pattern=r"^(https://[^\s/]+/)?$",
        description="where people and sessions reach Minga through a reverse proxy, e.g. "
        "https://minga.example/ (docs/operators/produccion.md); empty: at address and port",
    )
    separate_proxy: bool = Field(
        False,
        description="the proxy is a service of its own (deploy/systemd): while the hub restarts, "
        "sessions stay reachable",
    )
    database: DatabaseUrl = Field(
        "",
        description="SQLAlchemy URL of the hub's own database, e.g. "
        "postgresql+psycopg://minga@/minga; empty: SQLite in the state folder",
    )
    internal_tls: bool = Field(
        False,
        description="hub, proxy, sessions and formgraders speak TLS among themselves, with "
        "certificates that Minga issues (docs/operators/sitio.md)",
    )

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.address == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False


class Account(Model):
    """One local try-out account."""

    name: str = Field("", description="the name to show")
    admin: bool = Field(False, description="may administer the hub")


class Tryout(Model):
    """Local names with passwords that are made at the first start; loopback only."""

    method: Literal["tryout"]
    people: dict[Person, Account]


class Pam(Model):
    """The accounts of the machine that the hub runs on (PAM)."""

    method: Literal["pam"]
    admins: list[Person] = Field(default_factory=list, description="who may administer the hub")


class ExtensionOfStudent(Model):
    """What one student has instead of the assignment's due date and attempts."""

    due: AwareDatetime | None = Field(None, description="with the offset from UTC")
    attempts: int | None = Field(None, ge=0, description="how often it may be handed in")


class AssignmentPolicy(Model):
    """When an assignment is due; applied at a start when it changed since the last one."""

    due: AwareDatetime | None = Field(
        None, description="with the offset from UTC, e.g. 2027-03-31T23:59:00-03:00"
    )
    grace_minutes: int = Field(
        0, ge=0, le=525_600, description="so much after it still counts as in time"
    )
    late: Literal["accept", "reject"] = Field(
        "accept", description="what happens to work that comes later"
    )
    attempts: int | None = Field(
        None, ge=1, description="how often it may be handed in; left out: any number"
    )
    extensions: dict[Member, ExtensionOfStudent] = Field(default_factory=dict)

    def for_exchange(self) -> dict:
        """Return it as the exchange service's API takes it."""
        found = self.model_dump(mode="json", exclude={"grace_minutes", "late"})
        return found | {"grace_seconds": self.grace_minutes * 60, "late_policy": self.late}


class Exchange(Model):
    """The service through which assignments, hand-ins and feedback travel."""

    url: str = Field(
        "",
        pattern=r"^(https?://[^\s/]+/(\S*/)?)?$",
        description="its address as sessions on the sites reach it, the path included, e.g. "
        "https://minga.example/services/exchange/; empty: at hub.address and hub.port",
    )
    database: DatabaseUrl = Field(
        "",
        description="SQLAlchemy URL of its metadata, e.g. postgresql+psycopg://minga@/minga; "
        "empty: SQLite in the state folder (docs/operators/intercambio.md)",
    )
    limits: dict[ExchangeLimit, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict,
        description="in bytes, seconds or files, e.g. submission_bytes; exchange/service/"
        "settings.py has all of them and their defaults",
    )


class Transparency(Model):
    """The public page of use (docs/operators/transparencia.md)."""

    enabled: bool = Field(
        True, description="record what sessions use, and show figures of it to everybody"
    )
    database: DatabaseUrl = Field(
        "",
        description="SQLAlchemy URL of what is recorded, e.g. postgresql+psycopg://minga@/minga; "
        "empty: SQLite in the state folder",
    )
    gpu_watts: float | None = Field(
        None,
        gt=0,
        le=5000,
        description="mean power of one GPU in use, in watts; with pue, for the energy estimate",
    )
    pue: float | None = Field(
        None,
        ge=1,
        le=5,
        description="power usage effectiveness of the computing centres, e.g. 1.4; left out: the "
        "page has no energy estimate",
    )
    keep_months: int = Field(
        13, ge=1, le=120, description="months that the record of a single session is kept"
    )


class Gradebooks(Model):
    """Where nbgrader keeps grades (docs/operators/produccion.md)."""

    database: DatabaseUrl = Field(
        "",
        description="SQLAlchemy URL with {course} in it, e.g. "
        "postgresql+psycopg:///minga-{course}: each course has a database of its own; empty: "
        "SQLite in each course's folder",
    )

    @field_validator("database")
    @classmethod
    def _one_for_each_course(cls, url: str) -> str:
        if url and "{course}" not in url:
            raise ValueError(
                "two courses cannot share a gradebook; allowed: an address with {course} in it, "
                "e.g. postgresql+psycopg:///minga-{course}"
            )
        return url

    def of(self, course: str) -> str:
        """Return the address of a course's gradebook, "" for SQLite in its folder."""
        return self.database.replace("{course}", course)


class CourseMembers(Model):
    """Who takes part in a course; the course itself is described in courses/<name>/course.yaml."""

    instructors: list[Member] = Field(default_factory=list)
    students: list[Member] = Field(default_factory=list)
    roster: Path | None = Field(
        None,
        description="a CSV file with more of them, relative to the checkout, e.g. person;role;name "
        "(docs/operators/ingreso.md)",
    )
    institutions: list[InstitutionName] = Field(
        default_factory=list,
        description="with method: oidc or lti13, those whose people may take part; enrols nobody; "
        "empty: all that people log in with (docs/operators/ingreso.md)",
    )
    account: str = Field(
        "",
        pattern=r"^([a-z_][a-z0-9_-]{0,31})?$",
        description="Unix account that the course's formgrader runs as, with accounts: personal",
    )
    starts: date | None = Field(
        None,
        description="first day, e.g. 2027-03-08: an assignment is due at the end (23:59, by the "
        "hub's clock) of the day that its due_days in course.yaml say; a due date given in "
        "assignments wins",
    )
    assignments: dict[Name, AssignmentPolicy] = Field(
        default_factory=dict,
        description="due dates, late policy, attempts and extensions of the course's assignments; "
        "instructors may change due dates in formgrader (docs/operators/intercambio.md)",
    )
    slurm: dict[Name, CourseOnSite] = Field(
        default_factory=dict,
        description="by site, what the course has on its Slurm: account, QOS, and times with a "
        "reservation (docs/operators/cursos.md)",
    )

    _names: dict[str, str] = PrivateAttr(default_factory=dict)  # Member -> name, of the roster

    @field_validator("roster")
    @classmethod
    def _can_be_read(cls, roster: Path | None) -> Path | None:
        if roster:
            rosters.read(ROOT / roster)
        return roster

    @model_validator(mode="after")
    def _and_the_roster(self):
        for row in rosters.read(ROOT / self.roster) if self.roster else ():
            listed = getattr(self, row.list)
            if row.person not in listed:
                listed.append(row.person)
            if row.name:
                self._names[row.person] = row.name
        return self

    def name(self, student: str) -> str:
        """Return the name to show of a student whose login name is given; "" if it is unknown."""
        return self._names.get(student, "")

    def policies(self, course: Course) -> dict[str, AssignmentPolicy]:
        """Return what is set for the course's assignments, due dates from `starts` included."""
        policies = dict(self.assignments)
        for name, assignment in course.released.items() if self.starts else ():
            known = policies.get(name, AssignmentPolicy())
            if assignment.due_days and "due" not in known.model_fields_set:
                day = self.starts + timedelta(days=assignment.due_days)
                due = datetime.combine(day, time(23, 59)).astimezone()
                policies[name] = known.model_copy(update={"due": due})
        return policies


class PrivateCluster(Model):
    """A real Slurm that Minga itself runs on this machine, for a try-out and for tests."""

    nodes: list[NodeDescription] = Field(min_length=1)
    max_hours: int = Field(8, ge=1, le=720, description="longest session in hours")
    accounting: bool = Field(
        False,
        description="with a database of accounts, QOS and limits, as real sites have; a start "
        "takes some seconds more, and 120 MB of memory",
    )


class Site(Model):
    """A cluster where sessions run: a private one, or one that is there already."""

    title: Titles
    partition: str = Field("", pattern=r"^[A-Za-z0-9_.-]*$", description="Slurm partition")
    private_cluster: PrivateCluster | None = None
    ssh: Ssh | None = Field(
        None,
        description="a cluster elsewhere, whose login node the hub reaches with a key that may "
        "start one program only; that program knows how to become a person there",
    )
    tunnel: bool = Field(
        False,
        description="the hub cannot reach the nodes: each session opens a tunnel to it (tunnels)",
    )
    query_prefix: list[str] = Field(
        default_factory=list,
        description="argument list that reaches the cluster as the hub; empty: this machine has "
        "Slurm's commands",
    )
    user_prefix: list[str] = Field(
        default_factory=list,
        description="argument list that becomes the person on the cluster, with {username} in "
        "it, e.g. [sudo, -n, -u, '{username}', --]",
    )
    environment: dict[str, str] = Field(
        default_factory=dict, description="what Slurm's commands need, e.g. SLURM_CONF"
    )
    addresses: dict[str, str] = Field(
        default_factory=dict, description="node name -> address to connect to, where they differ"
    )
    python: str = Field(
        "", description="Python with Minga's notebook environment there; empty: this one"
    )
    home: str = Field(
        "",
        pattern=r"^(/.*\{username\}.*)?$",
        description="home folder there; empty: /home/{username} with accounts: personal, a folder "
        "of the state, the same on all sites, with accounts: shared",
    )
    extension: Extension | None = Field(
        None,
        description="students may make a running session longer, so much and so often "
        "(docs/operators/tiempo.md); left out: they may not",
    )

    def cluster_description(self, name: str) -> ClusterDescription:
        """Return the private cluster of this site as spawners.cluster wants it."""
        private = self.private_cluster
        return ClusterDescription(
            name=name,
            nodes=tuple(private.nodes),
            partition=self.partition or "gpu",
            max_hours=private.max_hours,
            accounting=private.accounting,
        )


class ProfileDescription(Model):
    """A size of machine that students may choose."""

    title: Titles
    gpus: int = Field(0, ge=0, le=16)
    cores: int = Field(1, ge=1, le=256)
    memory_gb: int = Field(2, ge=1, le=4096, description="memory in GiB")
    hours_max: int = Field(4, ge=1, le=168, description="longest session in hours")
    sites: list[Name] = Field(default_factory=list, description="empty: every site has it")


class Deployment(Model):
    """One installation of Minga."""

    title: str = "Minga"
    languages: list[Language] = Field(
        default=list(languages.DEFAULT),
        min_length=1,
        description="the first one is the default; each but Spanish has its folder of catalogs "
        "(translation/README.md)",
    )
    state: str = Field(description="folder for all that is written; relative to the checkout")
    hub: Hub = Field(default_factory=Hub)
    exchange: Exchange = Field(default_factory=Exchange)
    gradebooks: Gradebooks = Field(default_factory=Gradebooks)
    accounts: Literal["shared", "personal"] = Field(
        "personal",
        description="personal: one Unix account a person. shared: all sessions run as the hub's "
        "own account, which isolates nobody; only on loopback",
    )
    sessions_per_person: int = Field(
        2,
        ge=1,
        le=20,
        description="sessions that one person may have at the same time, each with its own course, "
        "site and machine; 1: only one",
    )
    orphans: Literal["report", "cancel"] = Field(
        "report",
        description="a job of this installation that no session has (its user was deleted, the "
        "database was restored from a backup): report it in the hub's log, or cancel it too",
    )
    authentication: Annotated[Tryout | Pam | Oidc | Lti13, Field(discriminator="method")]
    courses: dict[Name, CourseMembers] = Field(min_length=1)
    sites: dict[Name, Site] = Field(min_length=1)
    profiles: dict[Name, ProfileDescription] = Field(min_length=1)
    institutions: dict[InstitutionName, Institution] = Field(
        default_factory=dict,
        description="institutions whose people an administrator puts into the hub's groups "
        "institution-<name>; with `method: oidc` authentication.institutions are enough",
    )
    transparency: Transparency = Field(default_factory=Transparency)
    tunnels: Tunnels | None = Field(
        None, description="where sessions of sites with tunnel: true come to the hub"
    )

    @model_validator(mode="after")
    def _fits_together(self):
        if self.hub.separate_proxy and self.hub.internal_tls:
            raise _wrong(
                "hub.separate_proxy",
                "with internal_tls the hub gives the proxy its certificates when it starts it",
                "false, or hub.internal_tls: false",
            )
        if self.hub.database and self.hub.database == self.exchange.database:
            raise _wrong(
                "exchange.database",
                "both the hub and the exchange would keep their version in the same table",
                "another database of the same server, e.g. "
                "postgresql+psycopg://minga@/minga-exchange",
            )
        if not self.hub.loopback:
            if self.accounts == "shared":
                raise _wrong(
                    "accounts",
                    "«shared» isolates nobody and is only for a try-out on loopback",
                    "personal, or hub.address: 127.0.0.1",
                )
            if self.authentication.method == "tryout":
                raise _wrong(
                    "authentication.method",
                    "try-out accounts exist only when the hub listens on loopback",
                    "pam, oidc, lti13, or hub.address: 127.0.0.1",
                )
            given = self.hub.url or getattr(self.authentication, "callback_url", "")
            if isinstance(self.authentication, Institutional) and not given:
                raise _wrong(
                    "hub.url",
                    "must be given when the hub does not listen on loopback and people come back "
                    "from their institution",
                    "https://<the hub's name>/",
                )
        for name, site in self.sites.items():
            self._check_remote(f"sites.{name}", site)
            if self.accounts == "personal" and not (site.ssh or _names_person(site.user_prefix)):
                raise _wrong(
                    f"sites.{name}.user_prefix",
                    "with accounts: personal each session must run as its person",
                    "an argument list with {username} in it, e.g. [sudo, -n, -u, '{username}', --]",
                )
            if self.accounts == "shared" and site.user_prefix:
                raise _wrong(
                    f"sites.{name}.user_prefix",
                    "with accounts: shared sessions run as the hub's own account",
                    "leave it out, or accounts: personal",
                )
        for name, profile in self.profiles.items():
            for site in profile.sites:
                if site not in self.sites:
                    raise _wrong(
                        f"profiles.{name}.sites", f"there is no site «{site}»", list(self.sites)
                    )
        for name, course in self.courses.items():
            if (self.accounts == "personal") != bool(course.account):
                raise _wrong(
                    f"courses.{name}.account",
                    "the formgrader runs as an account of its own with accounts: personal, and "
                    "as the hub's with accounts: shared",
                    "a Unix account" if self.accounts == "personal" else "leave it out",
                )
            if not (ROOT / "courses" / name / "course.yaml").is_file():
                raise _wrong(
                    f"courses.{name}",
                    "there is no such course",
                    sorted(p.parent.name for p in ROOT.glob("courses/*/course.yaml")),
                )
            folder = ROOT / "courses" / name / "assignments"
            for assignment in course.assignments:
                if not (folder / assignment).is_dir():
                    raise _wrong(
                        f"courses.{name}.assignments.{assignment}",
                        "there is no such assignment",
                        sorted(path.name for path in folder.iterdir() if path.is_dir()),
                    )
        reservations = {}
        for name, course in self.courses.items():
            for site, own in course.slurm.items():
                key = f"courses.{name}.slurm.{site}"
                if site not in self.sites:
                    raise _wrong(key, f"there is no site «{site}»", list(self.sites))
                both = overlap(own.windows, datetime.now(UTC))
                if both:
                    one, other, lesson = both
                    raise _wrong(
                        f"{key}.windows.{other}",
                        f"is open at the same time as windows.{one}, "
                        f"e.g. {lesson.start.astimezone(lesson.window.zone):%Y-%m-%d %H:%M}",
                        "one window at a time",
                    )
                for number, window in enumerate(own.windows):
                    here = f"{key}.windows.{number}.reservation"
                    there = reservations.setdefault((site, window.reservation), here)
                    if window.reservation and there != here:
                        raise _wrong(
                            here,
                            f"«{window.reservation}» is {there.removesuffix('.reservation')}'s",
                            "a name for each window of a site",
                        )
        self._check_quotas()
        self._name_people()
        if self.authentication.method == "lti13":
            self._join_courses()
        if self.authentication.method == "tryout":
            for name, course in self.courses.items():
                for kind in ("instructors", "students"):
                    for person in getattr(course, kind):
                        if person not in self.authentication.people:
                            raise _wrong(
                                f"courses.{name}.{kind}",
                                f"«{person}» has no account",
                                list(self.authentication.people),
                            )
        return self

    def _check_remote(self, key: str, site: Site) -> None:
        """Check what a site elsewhere needs of the rest of the file."""
        for other in ("query_prefix", "user_prefix", "private_cluster"):
            if site.ssh and getattr(site, other):
                raise _wrong(
                    f"{key}.{other}",
                    "with ssh the site's own gate says how its Slurm is asked and who becomes whom",
                    "leave it out, or ssh",
                )
        if site.ssh and site.extension and site.extension.operator_prefix:
            raise _wrong(
                f"{key}.extension.operator_prefix",
                "with ssh jobs are made longer by the hub's account there, as a Slurm operator",
                "leave it out",
            )
        if site.ssh and not site.home and self.accounts == "shared":
            raise _wrong(
                f"{key}.home",
                "a site elsewhere does not see this machine's folders",
                "a folder there, e.g. /srv/minga/{username}",
            )
        if not site.tunnel:
            return
        if site.private_cluster:
            raise _wrong(f"{key}.tunnel", "a private_cluster is on this machine", "leave it out")
        if self.tunnels is None:
            raise _wrong(
                f"{key}.tunnel",
                "nobody says where the tunnels end",
                "tunnels: {address: <this machine's name, as nodes reach it>}, or tunnel: false",
            )
        if not self.hub.url:
            raise _wrong(
                "hub.url",
                f"sessions of {key} speak to the hub from outside, so by TLS",
                "https://<the hub's name>/, or tunnel: false there",
            )
        if self.hub.internal_tls:
            raise _wrong(
                "hub.internal_tls",
                f"sessions of {key} reach the hub at hub.url only; their tunnel is encrypted",
                "false, or tunnel: false there",
            )

    def _check_parts(self, key: str, institutions: Iterable[str], hours: int) -> None:
        """Check that each institution's part of a course's hours is an hour at least."""
        weights = [self.all_institutions[name].share or 1 for name in institutions]
        if not isinstance(self.authentication, Institutional):
            weights.append(1)  # people who count to no institution
        least = -(-sum(weights) // min(weights))
        if hours < least:
            raise _wrong(
                f"{key}.gpu_hours",
                f"{hours} hours, divided by the institutions' shares, leave one of them less than "
                "an hour: no session of theirs would start",
                f"{least} or more, or shares that differ less",
            )

    def _check_quotas(self):
        """Check that Slurm can keep the hours and shares that the file gives."""
        shares = [name for name, each in self.all_institutions.items() if each.share]
        owners = {}
        for name, course in self.courses.items():
            for site, own in course.slurm.items():
                key = f"courses.{name}.slurm.{site}"
                hours = [k for k in ("gpu_hours", "gpu_hours_each") if getattr(own, k)]
                if own.gpu_hours_each and self.accounts == "shared":
                    raise _wrong(
                        f"{key}.gpu_hours_each",
                        "with accounts: shared all sessions are one user's for Slurm, which cannot "
                        "count them by student",
                        "leave it out (gpu_hours, of the course, can be kept), or accounts: "
                        "personal",
                    )
                private = self.sites[site].private_cluster
                if private and not private.accounting and (hours or (shares and own.account)):
                    raise _wrong(
                        f"{key}.{hours[0] if hours else 'account'}",
                        "Slurm counts hours and shares only with accounting, which "
                        f"sites.{site}.private_cluster has not",
                        f"sites.{site}.private_cluster.accounting: true, or leave it out",
                    )
                if not own.account:
                    continue
                if shares and own.gpu_hours:
                    named = course.institutions or self.all_institutions
                    self._check_parts(key, named, own.gpu_hours)
                account = own.account.lower()
                owners.setdefault((site, account), []).append((key, bool(hours or shares)))
                if shares and account in self.all_institutions:
                    raise _wrong(
                        f"{key}.account",
                        f"«{own.account}» is the account of that institution's people",
                        "another name",
                    )
        for (_, account), keys in owners.items():
            if len(keys) > 1 and any(counted for _, counted in keys):
                raise _wrong(
                    f"{keys[1][0]}.account",
                    f"«{account}» is {keys[0][0]}'s: their hours could not be told apart",
                    "an account for each course",
                )
        if shares and not owners:
            where = "institutions" if shares[0] in self.institutions else ""
            raise _wrong(
                f"{where or 'authentication.institutions'}.{shares[0]}.share",
                "no course has an account that could have a part in it",
                "courses.<course>.slurm.<site>.account, or leave it out",
            )

    def _join_courses(self):
        """Check which courses of learning platforms are which courses here."""
        for name, platform in self.authentication.platforms.items():
            for context, course in platform.courses.items():
                key = f"authentication.platforms.{name}.courses.{context}"
                if course not in self.courses:
                    raise _wrong(key, f"there is no course «{course}»", list(self.courses))
                allowed = self.courses[course].institutions
                if allowed and name not in allowed:
                    raise _wrong(key, f"«{course}» is not for {name}", allowed)

    def _name_people(self):
        """Replace <institution>:<identity> by the person's login name, in all lists."""
        for name, course in self.courses.items():
            key, allowed = f"courses.{name}", course.institutions
            known = getattr(self.authentication, "institutions", {})
            for institution in allowed:
                if institution not in known:
                    raise _wrong(
                        f"{key}.institutions",
                        f"«{institution}» is not in authentication.institutions",
                        list(known) or "leave it out, or authentication.method: oidc or lti13",
                    )
            for kind in ("instructors", "students"):
                members = getattr(course, kind)
                listed = self._login_names(f"{key}.{kind}", members, allowed)
                setattr(course, kind, list(dict.fromkeys(listed)))
                for member, login_name in zip(members, listed, strict=True):
                    if name := course.name(member):
                        course._names[login_name] = name
            for title, policy in course.assignments.items():
                here = f"{key}.assignments.{title}.extensions"
                names = self._login_names(here, policy.extensions, allowed)
                extensions = policy.extensions.values()
                policy.extensions = dict(zip(names, extensions, strict=True))
        if self.authentication.method != "tryout":
            admins = self._login_names("authentication.admins", self.authentication.admins, [])
            self.authentication.admins = admins

    def _login_names(self, key: str, people: Iterable[str], allowed: list[str]) -> list[str]:
        """Return the login names of `people`, who must be of an institution in `allowed`."""
        if not isinstance(self.authentication, Institutional):
            for person in people:
                if ":" in person:
                    raise _wrong(
                        key,
                        f"«{person}» names somebody of an institution",
                        "a login name, or authentication.method: oidc or lti13",
                    )
            return list(people)
        names = []
        for person in people:
            institution = self.authentication.institution_of(person)
            if not institution:
                raise _wrong(
                    key,
                    f"«{person}» is of no institution in authentication.institutions",
                    "<institution>:<identity>, or the login name that the person was shown",
                )
            if allowed and institution not in allowed:
                raise _wrong(key, f"«{person}» is not of the course's institutions", allowed)
            names.append(self.authentication.login_name(person))
        return names

    @property
    def state_folder(self) -> Path:
        """The folder for all that this installation writes."""
        return (ROOT / self.state).resolve()

    @property
    def all_institutions(self) -> dict[str, Institution]:
        """Those that people count to: the file's own, and those that they log in with."""
        return self.institutions | getattr(self.authentication, "institutions", {})

    @property
    def url(self) -> str:
        """This hub's address as browsers see it, without a slash at the end."""
        return self.hub.url.rstrip("/") or f"http://{self.hub.address}:{self.port}"

    @property
    def grades_url(self) -> str:
        """Where formgraders hand in what learning platforms shall know; "" if there are none."""
        return self.url + GRADES if self.authentication.method == "lti13" else ""

    @property
    def exchange_url(self) -> str:
        """Where sessions and formgraders reach the exchange: through the hub's proxy."""
        if self.exchange.url:
            return self.exchange.url
        if self.hub.url:
            return f"{self.hub.url}services/exchange/"
        everywhere = self.hub.address in ("", "0.0.0.0", "::")  # noqa: S104
        address = socket.getfqdn() if everywhere else self.hub.address
        return f"http://{address}:{self.port}/services/exchange/"

    @property
    def port(self) -> int:
        """The port for people: the environment variable PORT, or the file's."""
        text = os.environ.get("PORT") or str(self.hub.port)
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
            raise DeploymentError(
                f"PORT={text!r}: a port is a number from 1 to 65535 / "
                "un puerto es un número de 1 a 65535"
            )
        return int(text)


def _names_person(prefix: list[str]) -> bool:
    return any("{username}" in part for part in prefix)


def line_of(file: Path, key: str) -> int:
    """Return the line where a dotted key, or the nearest part above it, is in a file; 1 if nowhere.

    For whoever finds later that what is written there does not fit the machine.
    """
    try:
        lines = _lines(yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return 1
    return _nearest(lines, key)


def _nearest(lines: dict[str, int], key: str) -> int:
    parts = key.split(".")
    while parts and ".".join(parts) not in lines:
        parts.pop()
    return lines.get(".".join(parts), 1)


class _Wrong(ValueError):
    """A value that does not fit the rest of the file; carries the key that it is at."""

    def __init__(self, key: str, reason: str, allowed):
        super().__init__(f"{reason}; allowed: {_listed(allowed)}")
        self.key = key


def _wrong(key: str, reason: str, allowed) -> _Wrong:
    return _Wrong(key, reason, allowed)


def _listed(allowed) -> str:
    return ", ".join(map(str, allowed)) if isinstance(allowed, list) else str(allowed)


def chosen_file() -> Path:
    """Return the deployment file of this installation: MINGA_DEPLOYMENT, or local.yaml."""
    return Path(os.environ.get("MINGA_DEPLOYMENT") or DEFAULT)


def load(file: Path | str | None = None) -> Deployment:
    """Read and check a deployment file (default: MINGA_DEPLOYMENT, or local.yaml).

    Raises DeploymentError with file, line, key, reason and what is allowed for every mistake.
    """
    path = Path(file) if file else chosen_file()
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = _lines(tree)
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise DeploymentError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise DeploymentError(f"{path}: is not valid YAML: {error}") from error
    try:
        return Deployment.model_validate(data)
    except ValidationError as error:
        mistakes = [_mistake(path, lines, item) for item in error.errors()]
        raise DeploymentError("\n".join(mistakes)) from error


def _lines(node, path: str = "") -> dict[str, int]:
    """Return the line of every key of a YAML tree by its dotted path; refuse a key given twice."""
    lines = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{path}.{key.value}" if path else str(key.value)
            if name in lines:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: «{name}» is there twice")
            lines[name] = key.start_mark.line + 1
            lines |= _lines(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[f"{path}.{index}"] = value.start_mark.line + 1
            lines |= _lines(value, f"{path}.{index}")
    return lines


def _mistake(path: Path, lines: dict[str, int], error: dict) -> str:
    """Return one of pydantic's errors as: file:line: key: reason; allowed."""
    cause = error.get("ctx", {}).get("error")
    found = [str(part) for part in error["loc"] if part != "[key]"]
    where = [part for part in found if part not in METHODS]
    key = cause.key if isinstance(cause, _Wrong) else ".".join(where)
    if isinstance(cause, _Wrong):
        reason = str(cause)
    elif error["type"] == "extra_forbidden":
        reason = f"there is no such key; allowed: {_allowed_keys(found[:-1])}"
    elif error["type"] == "missing":
        reason = "is missing"
    else:
        said = error["msg"].removeprefix("Value error, ")
        shown = "" if isinstance(cause, PasswordInFile) else str(error.get("input"))[:60]
        reason = f"{said}; found {shown!r}" if shown else said
    return f"{path}:{_nearest(lines, key)}: {key or 'the file'}: {reason}"


def _allowed_keys(where: list[str]) -> str:
    """Return the keys that may stand at `where` in a deployment file."""
    schema = Deployment.model_json_schema()
    here = schema
    for part in where:
        here = _resolved(schema, here)
        method = here.get("discriminator", {}).get("mapping", {}).get(part)
        if method:
            here = {"$ref": method}
            continue
        choices = [_resolved(schema, option) for option in here.get("anyOf", here.get("oneOf", []))]
        for option in [here, *choices]:
            if part in option.get("properties", {}):
                here = option["properties"][part]
                break
            named = list(option.get("patternProperties", {}).values())
            if isinstance(option.get("additionalProperties"), dict):
                named.append(option["additionalProperties"])
            if named:
                here = named[0]
                break
            if "items" in option:
                here = option["items"]
                break
    here = _resolved(schema, here)
    options = [here] + [_resolved(schema, o) for o in here.get("anyOf", here.get("oneOf", []))]
    return ", ".join(sorted({key for option in options for key in option.get("properties", {})}))


def _resolved(schema: dict, node: dict) -> dict:
    """Follow a JSON schema's reference."""
    reference = node.get("$ref") or node.get("allOf", [{}])[0].get("$ref", "")
    return schema["$defs"][reference.rsplit("/", 1)[1]] if reference else node
