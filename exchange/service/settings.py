"""What the exchange service is told by its environment; README.md lists the variables."""

import dataclasses
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from courses import SOURCE_LANGUAGE

MIB = 1024**2


class SettingsError(Exception):
    """The environment lacks something or holds what cannot be; the text says what."""


@dataclass(frozen=True)
class Limits:
    """How much is taken; sizes in bytes, times in seconds."""

    file_bytes: int = 64 * MIB
    submission_bytes: int = 128 * MIB
    files: int = 200  # of a submission
    release_bytes: int = 1024 * MIB
    release_files: int = 2000
    feedback_bytes: int = 256 * MIB
    feedback_files: int = 500
    seconds: int = 300  # longest time that an upload may take
    student_bytes: int = 1024 * MIB  # what one student may upload ...
    student_seconds: int = 600  # ... in so many seconds
    reserve_bytes: int = 64 * MIB  # free space left for the database and everything else

    @classmethod
    def from_json(cls, text: str) -> "Limits":
        """Read the limits that differ from the default; raises SettingsError."""
        known = {item.name for item in dataclasses.fields(cls)}
        try:
            given = json.loads(text)
            wrong = [k for k, v in given.items() if k not in known or type(v) is not int or v < 0]
        except (ValueError, AttributeError) as error:
            raise SettingsError(f"MINGA_EXCHANGE_LIMITS is not a JSON object: {error}") from error
        if wrong:
            raise SettingsError(
                f"MINGA_EXCHANGE_LIMITS: {', '.join(wrong)}: whole numbers from 0 on for "
                f"{', '.join(sorted(known))}"
            )
        return cls(**given)


@dataclass(frozen=True)
class Settings:
    """One exchange service."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    prefix: str = "/services/exchange/"
    service: str = "exchange"
    api_url: str = ""
    api_token: str = field(default="", repr=False)
    database: str = ""  # SQLAlchemy URL; empty: SQLite in the folder
    keyfile: str = ""
    certfile: str = ""
    client_ca: str = ""
    cache_seconds: int = 30
    source_language: str = SOURCE_LANGUAGE
    limits: Limits = field(default_factory=Limits)

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the metadata."""
        return self.database or f"sqlite:///{self.folder / 'exchange.sqlite'}"

    @property
    def access_scope(self) -> str:
        """The scope that a token must carry."""
        return f"access:services!service={self.service}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the variables that JupyterHub and hub_config set; raises SettingsError."""
        needed = ("MINGA_EXCHANGE_FOLDER", "JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_API_URL")
        missing = [name for name in (*needed, "JUPYTERHUB_API_TOKEN") if not environment.get(name)]
        if missing:
            raise SettingsError(f"not set: {', '.join(missing)}")
        url = urlsplit(environment["JUPYTERHUB_SERVICE_URL"])
        host = "127.0.0.1" if url.hostname == "localhost" else url.hostname or ""
        try:
            loopback = ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback or not url.port:
            raise SettingsError(
                f"JUPYTERHUB_SERVICE_URL={url.geturl()}: needs a loopback address and a port; "
                "people reach the service through the hub's proxy"
            )
        prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX") or cls.prefix
        try:
            seconds = int(environment.get("MINGA_EXCHANGE_CACHE_SECONDS") or cls.cache_seconds)
        except ValueError as error:
            raise SettingsError(f"MINGA_EXCHANGE_CACHE_SECONDS: {error}") from error
        return cls(
            folder=Path(environment["MINGA_EXCHANGE_FOLDER"]).absolute(),
            host=host,
            port=url.port,
            prefix="/" + prefix.strip("/") + "/" if prefix.strip("/") else "/",
            service=environment.get("JUPYTERHUB_SERVICE_NAME") or cls.service,
            api_url=environment["JUPYTERHUB_API_URL"],
            api_token=environment["JUPYTERHUB_API_TOKEN"],
            database=environment.get("MINGA_EXCHANGE_DATABASE", ""),
            keyfile=environment.get("JUPYTERHUB_SSL_KEYFILE", ""),
            certfile=environment.get("JUPYTERHUB_SSL_CERTFILE", ""),
            client_ca=environment.get("JUPYTERHUB_SSL_CLIENT_CA", ""),
            # JupyterHub's cache takes 0 for "for ever".
            cache_seconds=max(1, seconds),
            limits=Limits.from_json(environment.get("MINGA_EXCHANGE_LIMITS") or "{}"),
        )
