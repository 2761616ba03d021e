"""The keys of a deployment file about sites in other places: their login node, and tunnels."""

from pydantic import BaseModel, ConfigDict, Field

HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"


class Ssh(BaseModel):
    """How the hub reaches a site's login node (docs/operators/sitio.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    login: str = Field(
        pattern=rf"^[a-z_][a-z0-9_-]*@{HOST}$",
        description="the hub's account there, whose authorized_keys name spawners/gate.py, e.g. "
        "minga@login.site.example",
    )
    port: int = Field(22, ge=1, le=65535)
    key_file: str = Field(
        pattern=r"^/[^\x00-\x1f\"]+$", description="private key, mode 600, of the hub's account"
    )
    host_keys_file: str = Field(
        pattern=r"^/[^\x00-\x1f\"]+$",
        description="the login node's own keys, as ssh-keyscan prints them and somebody there "
        "confirmed them",
    )


class Tunnels(BaseModel):
    """Where sessions come to the hub from nodes that it cannot reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    address: str = Field(
        pattern=rf"^{HOST}$",
        description="name or address at which nodes of such sites reach this machine",
    )
    port: int = Field(2222, ge=1024, le=65535, description="of the hub's own sshd, for tunnels")
    listen: str = Field(
        "0.0.0.0",  # noqa: S104 (it is there to be reached from other countries)
        pattern=r"^[0-9a-fA-F.:]+$",
        description="address that this sshd listens on",
    )
