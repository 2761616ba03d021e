"""`python -m deploy.doctor`: look at everything, and say of each finding where and what to run."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial

from deploy.terminal import say
from hub_config.deployment import DeploymentError, chosen_file, load
from hub_config.state import State

from . import __doc__ as description
from . import data, machine, sites
from .findings import Finding, Installation, account, of_the_file

Check = tuple[str, str, Callable[[Installation], Iterator[Finding]]]
CHECKS: list[Check] = [
    ("Programas y proxy", "Programs and proxy", machine.programs),
    ("Cuenta", "Account", machine.root_account),
    ("Carpeta de la instalación", "The installation's folder", machine.checkout),
    ("Carpeta de estado", "State folder", machine.folder),
    ("Secretos", "Secrets", machine.secrets),
    ("Disco", "Disk", machine.disk),
    ("Puerto", "Port", machine.port),
    ("TLS interno", "Internal TLS", machine.internal_tls),
    ("Cuentas Unix y sudo", "Unix accounts and sudo", machine.accounts),
    ("Bases de datos", "Databases", data.check),
    ("Ingreso con la institución", "Institutional login", machine.provider),
    ("Libro", "Book", machine.book),
    ("Calificación", "Grading", machine.grading),
]


def examine(person: str = "", tell=lambda es, en: None) -> list[Finding]:
    """Return all that is to be mended in the chosen installation; `tell` hears of each step."""
    file = chosen_file()
    tell(f"Archivo {file}", f"File {file}")
    try:
        deployment = load(file)
        deployment.port  # noqa: B018 (of the environment, checked when it is asked for)
    except DeploymentError as error:
        return of_the_file(file, str(error))
    installation = Installation(file, deployment, State(deployment), person)
    checks = list(CHECKS)
    for name in deployment.sites:
        checks.append((f"Sede {name}", f"Site {name}", partial(sites.check, name=name)))
    found = []
    for es, en, check in checks:
        tell(es, en)
        try:
            found.extend(check(installation))  # what came before an error stays
        except OSError as error:
            found.append(not_for_this_account(installation, error))
    return found


def not_for_this_account(installation: Installation, error: OSError) -> Finding:
    """Return the finding for what could not even be looked at."""
    root = installation.state.root
    owner = root.owner() if root.exists() else "minga"
    return Finding(
        str(error.filename or root),
        f"La cuenta {account()} no puede mirar esto: {error}",
        f"The account {account()} cannot look at this: {error}",
        f"sudo -u {owner} -H make doctor DEPLOYMENT={installation.file}",
    )


def main() -> int:
    """Run the command line; return 1 if something must be mended."""
    parser = argparse.ArgumentParser(prog="python -m deploy.doctor", description=description)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--person", default="", help="whose account starts the test sessions")
    parser.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args()
    if given.json:
        found = examine(given.person)
        print(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=1))
    else:
        found = examine(given.person, lambda es, en: say(f"· {es}", f"· {en}"))
        report(found)
    return 1 if any(not finding.warning for finding in found) else 0


def report(found: list[Finding]) -> None:
    """Print the findings, for a person to work through from top to bottom."""
    for number, finding in enumerate(found, 1):
        kind = ("Aviso", "Note") if finding.warning else ("Problema", "Problem")
        say(f"\n{kind[0]} {number}: {finding.text}", f"\n{kind[1]} {number}: {finding.text}")
        say(f"  dónde:   {finding.where}", f"  where:   {finding.where}")
        mend = finding.mend.replace("\n", "\n           ")
        say(f"  ejecuta: {mend}", f"  run:     {mend}")
    errors = sum(not finding.warning for finding in found)
    notes = len(found) - errors
    say(
        f"\n{errors} problemas, {notes} avisos." if found else "\nTodo está en orden.",
        f"\n{errors} problems, {notes} notes." if found else "\nAll is well.",
    )


if __name__ == "__main__":
    sys.exit(main())
