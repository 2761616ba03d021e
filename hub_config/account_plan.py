"""The Slurm accounts that a site should have, and what makes them so of those that it has.

    root ─ <institution>            fairshare = institutions.<name>.share
           └ <account>-<institution>   GrpTRESMins = its part of gpu_hours
             └ each person             GrpTRESMins = gpu_hours_each

Without shares there is the course's account alone, with its people in it. Accounts are touched only
where the deployment has one of these keys, and of them only what the key says. Slurm keeps the
limits (docs/operators/cuotas.md). Nothing here asks or tells Slurm anything: the text of its
answers goes in, argument lists come out, and slurm_accounts.py carries them out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .deployment import Deployment
from .institutions import Institutional

# What sacctmgr takes for one name: no comma, which makes a list, and no other sign of its own.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
NO_LIMIT = -1  # which sacctmgr shows as nothing
FIELDS = "Account,ParentName,User,Partition,Share,GrpTRESMins"


@dataclass(frozen=True)
class Account:
    """One account that is wanted; None: whatever it is, it stays."""

    name: str
    parent: str | None = None
    share: int | None = None  # its weight among its neighbours (fairshare)
    minutes: int | None = None  # of one GPU, for all its people together
    each: int | None = None  # the same for each person
    people: frozenset[str] = frozenset()  # who must be in it
    exempt: frozenset[str] = frozenset()  # whom `each` does not limit


@dataclass
class Found:
    """One account that is there."""

    parent: str = ""
    share: str = ""
    minutes: str = ""  # as sacctmgr writes a limit, e.g. 1200; "": none
    people: dict[str, str] = field(default_factory=dict)  # each one's minutes


def shares(deployment: Deployment) -> dict[str, int]:
    """Return each institution's share, {} where nobody gave one: then Slurm's tree is flat.

    1 is what Slurm gives an account by default.
    """
    all_of_them = deployment.all_institutions
    if not any(each.share for each in all_of_them.values()):
        return {}
    return {name: each.share or 1 for name, each in all_of_them.items()}


def is_managed(deployment: Deployment, course: str, site: str) -> bool:
    """Return whether the deployment says something of the course's accounts at the site."""
    own = deployment.courses[course].slurm.get(site)
    if own is None or not own.account:
        return False
    return bool(own.gpu_hours or own.gpu_hours_each or shares(deployment))


def accounts_of(deployment: Deployment, course: str, site: str) -> dict[str, str]:
    """Return the accounts of a managed course at a site, by institution; "": everybody else."""
    base = deployment.courses[course].slurm[site].account.lower()  # as sacctmgr makes it
    if not shares(deployment):
        return {"": base}
    named = deployment.courses[course].institutions or deployment.all_institutions
    found = {institution: f"{base}-{institution}" for institution in named}
    if not isinstance(deployment.authentication, Institutional):
        found[""] = base  # people who count to no institution
    return found


def account_of(deployment: Deployment, course: str, site: str, institution: str) -> str:
    """Return the account of a person of `institution` ("": none) in a course at a site.

    Who comes from somewhere else than the course's people is counted with the others or, if there
    are none, with the first institution of the course.
    """
    if not is_managed(deployment, course, site):
        return deployment.courses[course].slurm[site].account
    accounts = accounts_of(deployment, course, site)
    return accounts.get(institution) or accounts.get("") or next(iter(accounts.values()))


def names(deployment: Deployment, site: str) -> list[str]:
    """Return all accounts of managed courses at a site, without those of institutions."""
    return [
        account
        for course in deployment.courses
        if is_managed(deployment, course, site)
        for account in accounts_of(deployment, course, site).values()
    ]


def wanted(deployment: Deployment, site: str) -> list[Account]:
    """Return the accounts that a site should have, parents first; [] where nothing is managed.

    People are those of the deployment file whose account there is known: whoever is enrolled on
    the hub's pages, or counts to an institution by its groups, comes with their first session.
    """
    found = {}
    for course in deployment.courses:
        if not is_managed(deployment, course, site):
            continue
        members = deployment.courses[course]
        accounts = accounts_of(deployment, course, site)
        for account in _of_course(deployment, course, site, accounts):
            found[account.name] = account
        if deployment.accounts == "shared":
            continue  # sessions run as the hub's account, which is enrolled with the first one
        for person in (*members.students, *members.instructors):
            institution = _institution(deployment, person)
            if institution is None:
                continue
            name = account_of(deployment, course, site, institution)
            found[name] = replace(found[name], people=found[name].people | {person})
    return sorted(found.values(), key=lambda account: account.parent not in (None, "root"))


def for_person(
    deployment: Deployment, course: str, site: str, institution: str, user: str, instructor: bool
) -> list[Account]:
    """Return what one person's session needs: their account, what is above it, and them in it."""
    account = account_of(deployment, course, site, institution)
    accounts = accounts_of(deployment, course, site)
    chain = {each.name: each for each in _of_course(deployment, course, site, accounts)}
    own = chain[account]
    exempt = own.exempt | {user} if instructor else own.exempt - {user}
    own = replace(own, people=frozenset([user]), exempt=exempt)
    above = [chain[own.parent]] if own.parent in chain else []
    return [*above, own]


def _of_course(deployment: Deployment, course: str, site: str, accounts: dict) -> list[Account]:
    """Return a course's accounts and those of its institutions, nobody in them."""
    members, weights = deployment.courses[course], shares(deployment)
    own = members.slurm[site]
    parts = {institution: weights.get(institution, 1) for institution in accounts}
    total = sum(parts.values())
    result = [
        Account(institution, parent="root", share=weights[institution])
        for institution in accounts
        if institution
    ]
    for institution, name in accounts.items():
        minutes = own.gpu_hours and own.gpu_hours * 60 * parts[institution] // total
        each = own.gpu_hours_each and own.gpu_hours_each * 60
        result.append(
            Account(
                name,
                parent=institution or None,
                minutes=minutes,
                each=each,
                exempt=frozenset(members.instructors),
            )
        )
    return result


def _institution(deployment: Deployment, person: str) -> str | None:
    """Return the institution of somebody in the file, "" where none counts, None if unknown."""
    if not shares(deployment):
        return ""
    if isinstance(deployment.authentication, Institutional):
        return deployment.authentication.institution_of(person) or None
    return None


# --- what sacctmgr says and is told -------------------------------------------------------------


def question(cluster: str, accounts: Iterable[str]) -> list[str]:
    """Return the command that asks what is there of `accounts`."""
    ask = ["sacctmgr", "--noheader", "--parsable2", "show", "associations"]
    return [*ask, f"cluster={cluster}", f"accounts={','.join(accounts)}", f"format={FIELDS}"]


def read(answer: str) -> dict[str, Found]:
    """Return the accounts in sacctmgr's answer; ValueError for anything else."""
    found = {}
    for line in answer.splitlines():
        account, parent, user, partition, share, limits = line.split("|")
        here = found.setdefault(account, Found())
        minutes = _gpu_minutes(limits)
        if not user:
            here.parent, here.share, here.minutes = parent, share, minutes
        elif not partition:  # one that counts in a single partition is somebody else's business
            here.people[user] = minutes
    return found


def _gpu_minutes(limits: str) -> str:
    pairs = (limit.partition("=") for limit in limits.split(","))
    return next((value for name, _, value in pairs if name == "gres/gpu"), "")


def commands(wanted: Iterable[Account], found: dict[str, Found], cluster: str) -> list[list[str]]:
    """Return what makes `found` what is wanted, as argument lists in the order to run them in.

    Nothing is ever taken away: what the file does not name any more stays as it is. Raises
    ValueError for somebody whose name sacctmgr would read as something else.
    """
    here, orders = f"cluster={cluster}", []
    for account in wanted:
        there = found.get(account.name)
        if there is None:
            orders.append(
                ["add", "account", account.name, here, f"parent={account.parent or 'root'}"]
                + _settings(account.share, account.minutes)
            )
            there = Found()
        else:
            moved = account.parent not in (None, "root", there.parent)
            changed = [f"parent={account.parent}"] if moved else []
            changed += _settings(
                None if str(account.share) == there.share else account.share,
                None if str(account.minutes) == there.minutes else account.minutes,
            )
            if changed:
                where = ["modify", "account", "where", f"name={account.name}", here, "set"]
                orders.append(where + changed)
        orders += _of_people(account, there, here)
    return [["sacctmgr", "--immediate", *order] for order in orders]


def _of_people(account: Account, there: Found, here: str) -> list[list[str]]:
    """Return what makes an account's people members, with each one's limit.

    A higher one that somebody has stays: an operator gave it. Whoever is in the account and not
    among `people` may be an instructor, who has none.
    """
    for user in account.people:
        if not NAME.fullmatch(user):
            raise ValueError(f"{user!r} is no name of a Unix account")
    orders = []
    for limited in (True, False):
        minutes = account.each if limited else None
        group = {user for user in account.people if (user not in account.exempt) is limited}
        if new := sorted(group - there.people.keys()):
            add = ["add", "user", ",".join(new), f"account={account.name}", here]
            orders.append(add + _settings(None, minutes))
    if account.each:
        short, freed = [], []
        for user, has in sorted(there.people.items()):
            if user in account.exempt:
                freed += [user] if has else []
            elif int(has) < account.each if has else user in account.people:
                short.append(user)
        for users, minutes in ((short, account.each), (freed, NO_LIMIT)):
            if users:
                where = [f"name={','.join(users)}", f"account={account.name}", here, "set"]
                orders.append(["modify", "user", "where", *where, *_settings(None, minutes)])
    return orders


def _settings(share: int | None, minutes: int | None) -> list[str]:
    settings = [] if share is None else [f"fairshare={share}"]
    return settings + ([] if minutes is None else [f"GrpTRESMins=gres/gpu={minutes}"])
