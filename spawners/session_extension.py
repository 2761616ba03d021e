"""What an installation says about making a running session longer."""

from pydantic import BaseModel, ConfigDict, Field


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
