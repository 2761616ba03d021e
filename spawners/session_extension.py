"""Making a running session longer: what an installation says, and what reservations leave.

Slurm lets an operator lengthen a job into a reservation and beyond its partition's limit; whoever
asks for it on a student's behalf looks at both before.
"""

import re
from collections.abc import Awaitable, Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field

RESERVATION = re.compile(r"^ReservationName=.+? StartTime=(\d+) .*? Nodes=(\S+) ", re.MULTILINE)


class Extension(BaseModel):
    """How much longer a site lets its students make a running session."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    minutes: int = Field(60, ge=5, le=1440, description="minutes longer, each time")
    times: int = Field(1, ge=1, le=24, description="how often in one session")
    operator_prefix: list[str] = Field(
        default_factory=list,
        description="argument list that becomes, on the cluster, an account that Slurm lets "
        "lengthen jobs (AdminLevel=Operator), e.g. [sudo, -n, -u, minga-operator, --]; Slurm "
        "lets no ordinary account do it. Empty: the hub's own account",
    )


async def reserved_from(
    ask: Callable[[Sequence[str]], Awaitable[tuple[str, str]]], node: str, now: float, until: float
) -> float | None:
    """Return when the first reservation of `node` begins between `now` and `until`, if one does.

    `ask` runs a command on the site, times as seconds since 1970, and returns its output and
    error output; it raises RuntimeError or OSError when the command fails.
    """
    shown, _ = await ask(["scontrol", "--oneliner", "show", "reservation"])
    begins = []
    for start, nodes in RESERVATION.findall(shown):
        if now < float(start) < until:
            names, _ = await ask(["scontrol", "show", "hostnames", nodes])
            if node in names.split():
                begins.append(float(start))
    return min(begins, default=None)
