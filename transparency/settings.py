"""What the service is told by its environment, as one JSON object in MINGA_TRANSPARENCY."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

Titles = dict[str, str]


@dataclass(frozen=True)
class Settings:
    """One page of use."""

    folder: str  # the database (unless named), the pseudonyms' key, and the page
    database: str = ""  # SQLAlchemy URL; empty: SQLite in the folder
    exchange: str = ""  # SQLAlchemy URL of the exchange's metadata; empty: no graded work
    languages: tuple[str, ...] = ("es", "en")
    institutions: Mapping[str, dict] = field(default_factory=dict)  # name -> title, country
    courses: Mapping[str, Titles] = field(default_factory=dict)
    sites: Mapping[str, Titles] = field(default_factory=dict)
    gpu_watts: float | None = None  # mean power of one GPU in use
    pue: float | None = None  # power usage effectiveness of the computing centres
    keep_months: int = 13

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of what is recorded."""
        return self.database or f"sqlite:///{Path(self.folder) / 'use.sqlite'}"

    @property
    def key_file(self) -> Path:
        """The file with the key of the pseudonyms."""
        return Path(self.folder) / "key"

    @property
    def site(self) -> Path:
        """The folder of the page."""
        return Path(self.folder) / "page"

    @property
    def kwh_of_gpu_hour(self) -> float | None:
        """Kilowatt-hours of one GPU for one hour, cooling included; None: nobody has said."""
        if self.gpu_watts is None or self.pue is None:
            return None
        return round(self.gpu_watts / 1000 * self.pue, 4)

    def to_json(self) -> str:
        """Return what `from_environment` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read MINGA_TRANSPARENCY; KeyError, ValueError or TypeError if it cannot be."""
        return cls(**json.loads(os.environ["MINGA_TRANSPARENCY"]))
