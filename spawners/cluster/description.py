"""What a private cluster looks like: its name, its nodes, their processors and GPUs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

HostName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$")]
"""A short lower-case name, as clusters and nodes have: letters, digits, hyphens."""


class NodeDescription(BaseModel):
    """One node; its numbers are what Slurm hands out, not what this machine has."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: HostName
    cpus: int = Field(16, ge=1, le=1024, description="processor cores")
    memory_mb: int = Field(64_000, ge=64, le=8_000_000, description="memory in MB")
    gpu_type: str = Field("gpu", pattern=r"^[a-z][a-z0-9_]{0,19}$", description="such as a100")
    gpus: int = Field(0, ge=0, le=16, description="number of GPUs")


class ClusterDescription(BaseModel):
    """One cluster with one partition that holds all of its nodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: HostName
    nodes: tuple[NodeDescription, ...] = Field(min_length=1, max_length=64)
    partition: HostName = "gpu"
    max_hours: int = Field(8, ge=1, le=720, description="longest job in hours")
    accounting: bool = Field(False, description="with accounts, QOS and limits, as real sites")

    @property
    def port_count(self) -> int:
        """How many ports it needs: slurmctld's, each node's, and slurmdbd's if it has one."""
        return 1 + len(self.nodes) + self.accounting

    @model_validator(mode="after")
    def _nodes_are_different(self):
        names = [node.name for node in self.nodes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"nodes: {', '.join(twice)} is there twice; each node needs its name")
        return self


def two_nodes(name: str, gpu_type: str) -> ClusterDescription:
    """Return a cluster of two nodes with four GPUs each."""
    nodes = tuple(
        NodeDescription(name=f"{name}-n{number}", gpu_type=gpu_type, gpus=4) for number in range(2)
    )
    return ClusterDescription(name=name, nodes=nodes)


DEFAULTS = {"chile": two_nodes("chile", "a100"), "colombia": two_nodes("colombia", "h100")}
"""The regional network of a try-out: two sites, as different as sites are."""
