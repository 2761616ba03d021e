"""Make the reservations and quotas of all courses on their sites, as the deployment file says.

    python -m hub_config.reservations            show what would be done, as commands to read
    python -m hub_config.reservations --apply    do it
    python -m hub_config.reservations --site chile [--apply]

A Slurm reservation is there once: this makes each window's next (or present) lesson, so run it
every hour (docs/operators/cursos.md has the timer). What is right already is left alone. It
needs the rights of a Slurm operator: run it as such, or as root, where the site's commands are.
"""

import asyncio
import getpass
import math
import re
import shlex
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from spawners.lessons import Lesson
from spawners.sites import SchedulerError, SlurmSite, run

from . import account_plan, site_command
from .deployment import CourseMembers, Deployment

# A lesson is reserved this long before: longer than the longest job, so its nodes become free.
AHEAD = timedelta(days=30)
# Everything is asked and said in UTC: the cluster's own time zone plays no part.
IN_UTC = ["env", "TZ=UTC"]


@dataclass
class Plan:
    """What is to be done on a site: argument lists, and what an operator should know."""

    commands: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Books:
    """What a site's accounting knows, of one cluster."""

    cluster: str
    limits: dict[str, str]  # of each QOS, as GrpTRES
    people: dict[str, set[str]] = field(default_factory=dict)  # by account
    qos: dict[str, set[str]] = field(default_factory=dict)  # that an account may use


@dataclass
class Node:
    """What counts of a node."""

    gpus: int
    features: set[str]


class Operator:
    """What an operator asks one site and tells it, by argument lists behind its prefix."""

    def __init__(self, site: SlurmSite):
        self.site = site

    async def ask(self, *command: str) -> str:
        """Run one of Slurm's commands there and return what it prints; SchedulerError, OSError."""
        whole = [*self.site.query_prefix, *IN_UTC, *command]
        return await asyncio.wait_for(run(whole, self.site.environment), timeout=30)

    async def reservations(self) -> dict[str, dict[str, str]]:
        """Return the reservations that are there, by name, as scontrol names their fields."""
        shown = await self.ask("scontrol", "show", "reservation", "--oneliner")
        found = (
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in shown.splitlines()
        )
        return {each["ReservationName"]: each for each in found if "ReservationName" in each}

    async def nodes(self) -> "list[Node]":
        """Return the nodes of the site's partition."""
        partition = [f"--partition={self.site.partition}"] if self.site.partition else []
        shown = await self.ask("sinfo", "--noheader", "--Node", "--format=%N|%G|%f", *partition)
        return [
            Node(
                sum(int(n) for n in re.findall(r"gpu:(?:[^:,()]+:)?(\d+)", gres)),
                set(features.split(",")),
            )
            for _, gres, features in {tuple(line.split("|", 2)) for line in shown.splitlines()}
        ]

    async def books(self) -> "Books | None":
        """Return what the site's accounting knows; None without accounting, so without QOS."""
        config = await self.ask("scontrol", "show", "config")
        if "accounting_storage/slurmdbd" not in config:
            return None
        cluster = re.search(r"^ClusterName\s*=\s*(\S+)", config, re.MULTILINE)[1]
        sacctmgr = ("sacctmgr", "--noheader", "--parsable2", "show")
        shown = await self.ask(*sacctmgr, "qos", "format=Name,GrpTRES")
        limits = dict(line.split("|", 1) for line in shown.splitlines() if "|" in line)
        shown = await self.ask(
            *sacctmgr, "associations", f"cluster={cluster}", "format=Account,User,QOS"
        )
        books = Books(cluster, limits)
        for line in shown.splitlines():
            account, user, qos = line.split("|")
            books.people.setdefault(account, set()).add(user)
            if not user:
                books.qos[account] = set(qos.split(","))
        return books


async def plan(deployment: Deployment, name: str, operator: Operator, now: datetime) -> Plan:
    """Return what has to be done on the site `name` for the lessons that come next.

    Raises SchedulerError or OSError if the site does not answer.
    """
    result = Plan()
    there = await operator.reservations()
    cluster = await operator.nodes()
    books = await operator.books()
    if books and (wanted := account_plan.wanted(deployment, name)):
        asked = account_plan.question(books.cluster, [account.name for account in wanted])
        found = account_plan.read(await operator.ask(*asked))
        result.commands += account_plan.commands(wanted, found, books.cluster)
    for course, members in deployment.courses.items():
        own = members.slurm.get(name)
        if own is None:
            continue
        people = _people(deployment, members)
        qos = {own.qos, *(window.qos for window in own.windows)} - {""}
        accounts = [own.account] if own.account else []
        managed = account_plan.is_managed(deployment, course, name)
        if managed:  # account_plan made them, and people's places in them
            accounts = list(account_plan.accounts_of(deployment, course, name).values())
        if books is None and (qos or own.account):
            result.notes.append(f"{course}: the site has no accounting: no account, QOS or limit")
        elif books is not None:
            for window in own.windows:
                _limit(result, window.qos, window.gpus, books)
            for account in accounts:
                _enroll(result, account, people, qos, books, managed)
        for window in own.windows:
            lesson = next(window.lessons(now, now + AHEAD), None)
            if lesson and window.reservation:
                users = f"Users={','.join(people)}"
                if accounts and books is not None:
                    users = f"Accounts={','.join(accounts)}"
                _reserve(
                    result, course, lesson, there, cluster, users, operator.site.partition, now
                )
    return result


def _people(deployment: Deployment, members: CourseMembers) -> list[str]:
    """Return the Unix accounts that a course's sessions run as."""
    if deployment.accounts == "shared":
        return [getpass.getuser()]
    return sorted({*members.students, *members.instructors})


def _reserve(result, course, lesson: Lesson, there, cluster, users, partition, now) -> None:
    """Add what makes the reservation of `lesson` what it should be."""
    window = lesson.window
    nodes = window.nodes or _nodes(result, course, window, cluster)
    if not nodes:
        return
    start, end = max(lesson.start, now), lesson.end
    wanted = [f"EndTime={end:%Y-%m-%dT%H:%M:%S}", users]
    found = there.get(window.reservation)
    if found is None:
        # What runs now and ends too late is not ended: Slurm takes other nodes or refuses.
        create = ["scontrol", "create", "reservation", f"ReservationName={window.reservation}"]
        create += [f"StartTime={start:%Y-%m-%dT%H:%M:%S}", *wanted, f"NodeCnt={nodes}"]
        create += [f"PartitionName={partition}"] if partition else []
        result.commands.append(create + ([f"Features={window.feature}"] if window.feature else []))
        return
    begins = datetime.fromisoformat(found["StartTime"]).replace(tzinfo=UTC)
    changed = [word for word in wanted if not _has(found, word)]
    if begins > now and begins != lesson.start:
        changed.insert(0, f"StartTime={start:%Y-%m-%dT%H:%M:%S}")
    if int(found.get("NodeCnt", 0)) != nodes:
        changed.append(f"NodeCnt={nodes}")
    if changed:
        update = ["scontrol", "update", f"ReservationName={window.reservation}"]
        result.commands.append(update + changed)


def _has(found: dict[str, str], word: str) -> bool:
    """Whether a reservation has `Key=value` already; lists in any order."""
    key, value = word.split("=", 1)
    return set(found.get(key, "").split(",")) == set(value.split(","))


def _nodes(result: Plan, course: str, window, cluster: list[Node]) -> int:
    """Return how many nodes hold the window's GPUs, whichever nodes Slurm takes; 0 and a note."""
    where = f"{course}: {window.reservation}"
    wanted = [node for node in cluster if not window.feature or window.feature in node.features]
    gpus = sorted(node.gpus for node in wanted if node.gpus)
    if not window.gpus:
        result.notes.append(f"{where}: «gpus» or «nodes» must say how much to reserve")
        return 0
    if sum(gpus) < window.gpus:
        result.notes.append(f"{where}: the site has {sum(gpus)} GPUs, not {window.gpus}")
        return 0
    if len(gpus) < len(wanted):
        result.notes.append(
            f"{where}: the partition has nodes without GPUs too, and Slurm might reserve those; "
            "name a «feature» that only nodes with GPUs have"
        )
        return 0
    nodes = min(math.ceil(window.gpus / gpus[0]), len(gpus))
    if sum(gpus[-nodes:]) > window.gpus and not window.qos:
        result.notes.append(
            f"{where}: Slurm reserves whole nodes, {nodes} here; only a «qos» of the window "
            f"keeps the course to {window.gpus} GPUs"
        )
    return nodes


def _limit(result: Plan, qos: str, gpus: int | None, books: Books) -> None:
    """Add what makes a window's QOS, and keeps it to `gpus` GPUs for all of its sessions."""
    if not qos:
        return
    if qos not in books.limits:
        result.commands.append(["sacctmgr", "--immediate", "add", "qos", qos])
    limit = f"gres/gpu={gpus}"
    if gpus and books.limits.get(qos) != limit:
        modify = ["sacctmgr", "--immediate", "modify", "qos", qos, "set", f"GrpTRES={limit}"]
        result.commands.append(modify)


def _enroll(
    result: Plan, account: str, people: list[str], qos: set[str], books: Books, managed: bool
) -> None:
    """Add what makes a course's account, its people's membership and its QOS.

    A `managed` account and its people are there already, or will be by the commands before.
    """
    here = f"cluster={books.cluster}"
    if account not in books.people and not managed:
        result.commands.append(["sacctmgr", "--immediate", "add", "account", account, here])
    new = [person for person in people if person not in books.people.get(account, set())]
    if new and not managed:
        add = ["sacctmgr", "--immediate", "add", "user", ",".join(new), f"account={account}", here]
        result.commands.append(add)
    lacks = sorted(qos - books.qos.get(account, set()))
    if lacks:
        modify = ["sacctmgr", "--immediate", "modify", "account", "where", f"name={account}", here]
        result.commands.append([*modify, "set", f"qos+={','.join(lacks)}"])


async def carry_out(deployment: Deployment, sites: dict, apply: bool) -> bool:
    """Show, and with `apply` do, what each of `sites` needs; return whether all went well."""
    well = True
    for name, site in sites.items():
        if not any(name in members.slurm for members in deployment.courses.values()):
            continue
        if not isinstance(site, SlurmSite):
            print(f"# {name}: no Slurm here / aquí no hay Slurm")
            continue
        if site.gate:  # which takes no orders of this kind
            print(f"# {name}: whoever operates it makes them there / las hace quien opera la sede")
            continue
        operator = Operator(site)
        try:
            wanted = await plan(deployment, name, operator, datetime.now(UTC))
        except (SchedulerError, OSError, TimeoutError, ValueError) as error:
            print(f"# {name}: {error or 'no answer / no responde'}", file=sys.stderr)
            well = False
            continue
        print(f"# {name}" + ("" if wanted.commands else ": nothing to do / nada que hacer"))
        for note in wanted.notes:
            print(f"#   {note}")
        for command in wanted.commands:
            # For reading and pasting; what is run is the list itself.
            print(shlex.join([*site.query_prefix, *IN_UTC, *command]))
            if apply:
                try:
                    await operator.ask(*command)
                except (SchedulerError, OSError, TimeoutError) as error:
                    print(f"#   {error}", file=sys.stderr)
                    well = False
    return well


def main(arguments: list[str] | None = None) -> int:
    """Carry out the command line; 0 if all sites are, or were made, as the file says."""
    return site_command.run("python -m hub_config.reservations", __doc__, carry_out, arguments)


if __name__ == "__main__":
    sys.exit(main())
