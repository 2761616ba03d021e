"""Keep the Slurm accounts of the sites as the deployment file says: shares and GPU-hours.

    python -m hub_config.slurm_accounts            show what would be done, as commands to read
    python -m hub_config.slurm_accounts --apply    do it
    python -m hub_config.slurm_accounts --site chile [--apply]

The hub does the same at its start, and for a person who starts a session for the first time. Its
account on the site must be a Slurm operator for that (docs/operators/cuotas.md); otherwise run the
command as one. What account_plan.py does not name stays as it is.
"""

import asyncio
import getpass
import re
import shlex
import sys
import time
from functools import partial

from spawners import logs
from spawners.sites import SchedulerError, SlurmSite

from . import account_plan, sessions, site_command
from .account_plan import Account
from .authorization import INSTRUCTORS
from .deployment import Deployment
from .state import State

SECONDS = 20  # that a question may take
PATIENCE = 25  # seconds that a person's start waits for their account at most
PAUSE = 60  # seconds in which nobody waits for a site that failed a start
SURE = 3600  # seconds for which a person who was seen in their account is taken to be in it
AGAIN = 300  # seconds until a site that did not take its accounts is told them again
FAILURES = (SchedulerError, OSError, TimeoutError, ValueError)
OPERATOR = "sacctmgr modify user where name=<account> set adminlevel=operator"


class Books:
    """The accounts of one site: what is there, and the orders that change it.

    `site` needs `ask` and `keep_books` as SlurmSite has them, which raise FAILURES.
    """

    def __init__(self, site: SlurmSite):
        self.site = site
        self._cluster = ""
        self._enrolled: dict[tuple, float] = {}  # what a session needed and was there, and when
        self._failed = float("-inf")  # time.monotonic()
        self._turn = asyncio.Lock()  # two starts must not make one account twice

    async def cluster(self) -> str:
        """Return the cluster's name; ValueError if it has no accounting."""
        if not self._cluster:
            config, _ = await self._ask(["scontrol", "show", "config"])
            if "accounting_storage/slurmdbd" not in config:
                raise ValueError(
                    "this Slurm has no accounting (AccountingStorageType in slurm.conf)"
                )
            self._cluster = re.search(r"^ClusterName\s*=\s*(\S+)", config, re.MULTILINE)[1]
        return self._cluster

    async def plan(self, wanted: list[Account]) -> list[list[str]]:
        """Return what is to be done for `wanted`; raises FAILURES."""
        cluster = await self.cluster()
        asked = account_plan.question(cluster, [account.name for account in wanted])
        found = account_plan.read((await self._ask(asked))[0])
        return account_plan.commands(wanted, found, cluster)

    async def keep(self, wanted: list[Account]) -> list[list[str]]:
        """Do what is to be done and return it; raises FAILURES."""
        if not await self.plan(wanted):  # mostly: then nobody waits for anybody
            return []
        async with self._turn:
            orders = await self.plan(wanted)
            for order in orders:
                await self.site.keep_books(order)
            return orders

    async def enroll(self, wanted: list[Account]) -> None:
        """Keep what one session needs, unless it was seen to be there; raises FAILURES.

        A site that failed is left alone for a while: its sessions start, or Slurm refuses them.
        """
        key, now = tuple(wanted), time.monotonic()
        if now - self._failed < PAUSE or now - self._enrolled.get(key, float("-inf")) < SURE:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self.keep(wanted)
        except FAILURES:
            self._failed = time.monotonic()
            raise
        self._enrolled[key] = now

    async def _ask(self, command: list[str]) -> tuple[str, str]:
        async with asyncio.timeout(SECONDS):
            return await self.site.ask(command)


def advice(error: BaseException) -> str:
    """Return what went wrong in Slurm's words, and what an operator can do about it."""
    said = " ".join(str(error).split())[-300:] or f"no answer in {SECONDS} s"
    low = said.lower()
    if "--accounts" in low:
        return f"{said}; add them to the hub's line in authorized_keys there (make doctor)"
    if re.search(r"denied|privilege|only admin|permission", low):
        return f"{said}; make the hub's account there a Slurm operator: {OPERATOR}"
    if re.search(r"slurmdbd|unable to contact|connect|no answer|zero bytes", low):
        return f"{said}; look at slurmdbd there (sacctmgr ping), it is tried again"
    return f"{said}; see what is wanted: python -m hub_config.slurm_accounts"


def configure(c, deployment: Deployment, state: State) -> None:
    """Keep the accounts from the hub's start on; what goes wrong is logged and stops nothing."""
    books = {
        name: Books(site)
        for name, site in c.MingaSpawner.sites.items()
        if site.scheduler == "slurm" and account_plan.wanted(deployment, name)
    }
    if not books:
        return

    async def enroll(spawner) -> None:
        choice = spawner.choice
        if choice.site in books and account_plan.is_managed(deployment, choice.course, choice.site):
            try:
                await books[choice.site].enroll(of_person(deployment, spawner, choice))
            except FAILURES as error:
                logs.of_site(choice.site).error(
                    "user=%s is not in the Slurm account of course=%s: %s",
                    spawner.user.name,
                    choice.course,
                    advice(error),
                )

    c.MingaSpawner.enroll = enroll
    c.MingaSpawner.first_minutes = partial(first_minutes, deployment)
    try:  # JupyterHub reads its configuration in the loop that it then runs in
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # somebody only reads the configuration
    # The loop keeps no strong reference to a task.
    configure.tasks = [
        loop.create_task(keep(deployment, name, each)) for name, each in books.items()
    ]


def of_person(deployment: Deployment, spawner, place) -> list[Account]:
    """Return what a session of the person of `spawner` needs of a site's accounts.

    `place` has a course and a site where it is managed.
    """
    groups = {group.name for group in spawner.user.groups}
    user = spawner.user.name
    if deployment.accounts == "shared":
        there = deployment.sites[place.site].ssh
        user = there.login.split("@")[0] if there else getpass.getuser()
    return account_plan.for_person(
        deployment,
        place.course,
        place.site,
        sessions.institution(deployment, spawner),
        user,
        instructor=INSTRUCTORS + place.course in groups,
    )


def first_minutes(deployment: Deployment, spawner, place) -> int | None:
    """Return the GPU-minutes that the person of `spawner` gets in a course at a site."""
    if not account_plan.is_managed(deployment, place.course, place.site):
        return None
    account = of_person(deployment, spawner, place)[-1]
    return None if account.exempt & account.people else account.each


async def keep(deployment: Deployment, name: str, books: Books) -> None:
    """Make a site's accounts what they should be; try again until it took them."""
    log, said = logs.of_site(name), ""
    while True:
        try:
            for order in await books.keep(account_plan.wanted(deployment, name)):
                log.info("Slurm accounts: %s", shlex.join(order))
            return
        except FAILURES as error:
            if (now := advice(error)) != said:
                log.error("the Slurm accounts are not as the deployment says: %s", now)
            said = now
        except Exception:  # whatever it is, the hub goes on
            log.exception("keeping the Slurm accounts failed")
            return
        await asyncio.sleep(AGAIN)


async def carry_out(deployment: Deployment, sites: dict, apply: bool) -> bool:
    """Show, and with `apply` do, what each of `sites` needs; return whether all went well."""
    well = True
    for name, site in sites.items():
        wanted = account_plan.wanted(deployment, name)
        if not wanted or not isinstance(site, SlurmSite):
            continue
        books = Books(site)
        try:
            orders = await books.plan(wanted)
            print(f"# {name}" + ("" if orders else ": nothing to do / nada que hacer"))
            for order in orders:
                # For reading and pasting; what is run is the list itself.
                print(shlex.join([*site.query_prefix, *order]))
                if apply:
                    await site.keep_books(order)
        except FAILURES as error:
            print(f"# {name}: {advice(error)}", file=sys.stderr)
            well = False
    return well


def main(arguments: list[str] | None = None) -> int:
    """Carry out the command line; 0 if all sites are, or were made, as the file says."""
    return site_command.run("python -m hub_config.slurm_accounts", __doc__, carry_out, arguments)


if __name__ == "__main__":
    sys.exit(main())
