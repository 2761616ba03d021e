"""Where shares or GPU-hours are given: the site's Slurm counts them, and Minga may set them."""

import re
import shlex

from hub_config import account_plan
from hub_config.slurm_accounts import Books
from spawners.commands import SchedulerError

from .findings import PATIENCE, Finding, account

GUIDE = "docs/operators/cuotas.md"
COUNTS = "no cuenta las horas de GPU", "does not count GPU-hours"
WEIGHS = "no mira las partes de las instituciones", "does not look at institutions' shares"


async def check(visit) -> list[Finding]:
    """Return what keeps the quotas of a site from being kept; notes too."""
    deployment = visit.installation.deployment
    wanted = account_plan.wanted(deployment, visit.name)
    if not wanted:
        return []
    hours = any(each.minutes or each.each for each in wanted)
    quota = _Quota(
        visit, _key(deployment, visit.name), hours, bool(account_plan.shares(deployment))
    )
    settings = dict(
        re.findall(r"^(\w+)\s*=[ \t]*(.*)$", await visit.ask("scontrol", "show", "config"), re.M)
    )
    found = quota.settings(settings)
    if any(not finding.warning for finding in found):
        return found
    return found + await quota.rights(wanted, settings)


def _key(deployment, site: str) -> str:
    """Return the deployment's key that wants something of the site's accounts."""
    for name, course in deployment.courses.items():
        if account_plan.is_managed(deployment, name, site):
            own = course.slurm[site]
            key = "gpu_hours" if own.gpu_hours else "gpu_hours_each"
            return f"courses.{name}.slurm.{site}.{key if getattr(own, key) else 'account'}"
    return "courses"


class _Quota:
    def __init__(self, visit, key: str, hours: bool, shares: bool):
        self.visit, self.key, self.hours, self.shares = visit, key, hours, shares

    def wrong(self, es: str, en: str, mend: str, warning: bool = False) -> Finding:
        name, where = self.visit.name, self.visit.installation.at(self.key)
        return Finding(where, f"{name}: {es}", f"{name}: {en}", mend, warning)

    def line(self, line: str) -> str:
        """Return what puts a line into the cluster's slurm.conf."""
        return f"{line}    # slurm.conf; {self.visit.shell('scontrol', 'reconfigure')}"

    def settings(self, has: dict[str, str]) -> list[Finding]:
        """Return what is wrong with slurm.conf."""
        if "slurmdbd" not in has.get("AccountingStorageType", ""):
            return [
                self.wrong(
                    "su Slurm no lleva cuentas (slurmdbd); nada puede contar horas ni partes",
                    "its Slurm keeps no accounts (slurmdbd); nothing can count hours or shares",
                    "AccountingStorageType=accounting_storage/slurmdbd"
                    f"    # slurm.conf, slurmdbd.conf; {GUIDE}",
                )
            ]
        found = self._hours(has) if self.hours else []
        if has.get("PriorityType") != "priority/multifactor":
            what = COUNTS if self.hours else WEIGHS
            found.append(
                self.wrong(
                    f"su Slurm {what[0]} sin priority/multifactor (PriorityType)",
                    f"its Slurm {what[1]} without priority/multifactor (PriorityType)",
                    self.line("PriorityType=priority/multifactor")
                    + "; systemctl restart slurmctld",
                )
            )
        elif self.shares and has.get("PriorityWeightFairShare", "0") == "0":
            found.append(
                self.wrong(
                    f"su Slurm {WEIGHS[0]} (PriorityWeightFairshare=0)",
                    f"its Slurm {WEIGHS[1]} (PriorityWeightFairshare=0)",
                    self.line("PriorityWeightFairshare=10000"),
                    warning=True,
                )
            )
        return found

    def _hours(self, has: dict[str, str]) -> list[Finding]:
        """Return what is wrong with slurm.conf where hours are to be counted and kept."""
        found, enforced = [], set(has.get("AccountingStorageEnforce", "").lower().split(","))
        if not enforced & {"limits", "safe", "all"}:
            found.append(
                self.wrong(
                    "su Slurm no hace cumplir los límites (AccountingStorageEnforce)",
                    "its Slurm does not enforce limits (AccountingStorageEnforce)",
                    self.line("AccountingStorageEnforce=associations,limits,qos,safe"),
                )
            )
        elif "safe" not in enforced:
            found.append(
                self.wrong(
                    "sin «safe» una sesión empieza aunque no le alcancen las horas, y Slurm la "
                    "termina a la mitad",
                    "without «safe» a session starts though its hours do not suffice, and Slurm "
                    "ends it midway",
                    self.line("AccountingStorageEnforce=associations,limits,qos,safe"),
                    warning=True,
                )
            )
        if "gres/gpu" not in has.get("AccountingStorageTRES", "").split(","):
            found.append(
                self.wrong(
                    f"su Slurm {COUNTS[0]} (AccountingStorageTRES)",
                    f"its Slurm {COUNTS[1]} (AccountingStorageTRES)",
                    self.line("AccountingStorageTRES=gres/gpu") + "; systemctl restart slurmctld",
                )
            )
        half_life = has.get("PriorityDecayHalfLife", "")
        if re.search(r"[1-9]", half_life):
            found.append(
                self.wrong(
                    f"las horas usadas se olvidan: la mitad cada {half_life} "
                    "(PriorityDecayHalfLife); la cuota es entonces un ritmo y no un total",
                    f"used hours are forgotten: half of them every {half_life} "
                    "(PriorityDecayHalfLife); the quota is then a rate and no total",
                    self.line("PriorityDecayHalfLife=0")
                    + f"; PriorityUsageResetPeriod=QUARTERLY, YEARLY…; {GUIDE}",
                    warning=True,
                )
            )
        return found

    async def rights(self, wanted, has: dict[str, str]) -> list[Finding]:
        """Return what is wrong with the hub's right to change accounts."""
        try:
            orders = await Books(self.visit.site).plan(wanted)
            who = await self.who()
            asked = ["sacctmgr", "--noheader", "--parsable2", "show", "user"]
            level = await self.visit.ask(*asked, f"name={who}", "format=AdminLevel")
        except (SchedulerError, OSError, TimeoutError, ValueError) as error:
            said = str(error).strip()[-300:] or f"no answer in {PATIENCE} s"
            return [
                self.wrong(
                    f"las cuentas no se pueden leer: {said}",
                    f"the accounts cannot be read: {said}",
                    self.visit.shell("sacctmgr", "ping"),
                )
            ]
        first = next(iter(level.split()), "None")
        if first == "None" and who not in ("root", has.get("SlurmUser", "").split("(")[0]):
            # What is right already needs nobody's rights, until somebody new comes.
            order = ["sacctmgr", "--immediate", "modify", "user", "where", f"name={who}"]
            return [
                self.wrong(
                    f"la cuenta {who} no es operadora de Slurm: no puede poner cuotas ni inscribir",
                    f"the account {who} is no Slurm operator: it can neither set quotas nor enrol",
                    f"{shlex.join([*order, 'set', 'adminlevel=operator'])}"
                    "    # as Slurm's administrator; or python -m hub_config.slurm_accounts "
                    "--apply, as an operator, every hour",
                    warning=not orders,
                )
            ]
        return await self.gate(wanted)

    async def gate(self, wanted) -> list[Finding]:
        """Return the accounts that the hub may not touch at a site with a gate."""
        names = [each.name for each in wanted]
        try:
            kept = await self.visit.site.kept_accounts()
        except (SchedulerError, OSError, TimeoutError):  # an older gate knows no accounts
            kept = set()
        if kept is None or kept.issuperset(names):
            return []
        missing = ", ".join(name for name in names if name not in kept)
        return [
            self.wrong(
                f"la línea del hub en authorized_keys no nombra las cuentas {missing}",
                f"the hub's line in authorized_keys does not name the accounts {missing}",
                f"gate.py --accounts={','.join(names)} …    # ~/.ssh/authorized_keys, "
                f"{self.visit.described.ssh.login}; {GUIDE}",
            )
        ]

    async def who(self) -> str:
        """Return the account that the hub's commands run as there."""
        if self.visit.site.gate:
            return self.visit.described.ssh.login.split("@")[0]
        if self.visit.site.query_prefix:
            return (await self.visit.ask("id", "-un")).strip()
        return account()
