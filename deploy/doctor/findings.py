"""What the doctor finds, and what it looks at."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from deploy.terminal import language
from hub_config.deployment import Deployment, line_of
from hub_config.state import State

PATIENCE = 15  # seconds that anything asked here may take


@dataclass(frozen=True)
class Finding:
    """One thing to mend: where it is, what is wrong in both languages, and the command to run."""

    where: str
    es: str
    en: str
    mend: str
    warning: bool = False  # it works all the same

    @property
    def text(self) -> str:
        """What is wrong, in the operator's language."""
        return self.en if language() == "en" else self.es


@dataclass(frozen=True)
class Installation:
    """The installation that is looked at; `person` is who starts the test sessions."""

    file: Path
    deployment: Deployment
    state: State
    person: str = ""

    def at(self, key: str) -> str:
        """Return where a key is written: file, line, key."""
        return f"{self.file}:{line_of(self.file, key)}: {key}"


def of_the_file(file: Path, error: str) -> list[Finding]:
    """Return the mistakes that loading a deployment file named, one for each line."""
    found = []
    for line in error.splitlines():
        parts = re.fullmatch(rf"({re.escape(str(file))}(?::(\d+))?: [^:]*): (.*)", line)
        where, number, said = parts.groups() if parts else (str(file), None, line)
        chmod = re.search(r"chmod 600 [^\s;]+", said)
        edit = f"${{EDITOR:-nano}} +{number or 1} {shlex.quote(str(file))}"
        found.append(
            Finding(
                where,
                f"El archivo de la instalación no vale: {said}",
                f"The installation's file is wrong: {said}",
                f"sudo {chmod[0]}" if chmod else edit,
            )
        )
    return found


def account() -> str:
    """Return the name of the account that this process runs as."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
