"""The example of two countries at work: its instructor and its exchange student, in a class.

hub_config/deployments/regional.yaml with PostgreSQL and a real OpenID provider. People, courses,
databases and sizes of sessions are what the file says; what it says of machines that are not here
(other hosts, their accounts, TLS) is as in the try-out.
"""

from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from hub_config.institutions import login_name
from tests.conftest import ROOT, Minga, free_port
from tests.hub_config.test_institutional_login import SECRET, Provider, somebody
from tests.journeys.classroom import Visit
from tests.journeys.test_classroom import SITES, a_disk_for_each_site
from tests.postgresql import new_database, postgres, rows  # noqa: F401 (postgres is a fixture)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

REGIONAL = ROOT / "hub_config" / "deployments" / "regional.yaml"
COURSE, ASSIGNMENT = "ai-foundations", "descenso-de-gradiente"
DATABASES = ("minga", "minga-exchange", "minga-ai-foundations", "minga-supercomputing")


@pytest.fixture
def region(postgres, tmp_path_factory):  # noqa: F811
    """A running hub of the region, its provider's address, and who teaches and studies there."""
    folder, port = tmp_path_factory.mktemp("region"), free_port()
    for name in DATABASES:
        new_database(postgres[2], name)
    described = yaml.safe_load(REGIONAL.read_text())
    teaches, studies = people(described)
    provider = Provider(
        folder,
        f"http://127.0.0.1:{port}/hub/oauth_callback",
        {
            teaches: somebody("", "uchile.cl", "faculty"),
            studies: somebody("", "uniandes.edu.co", "student"),
        },
    )
    secret = folder / "client-secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    file = folder / "regional.yaml"
    file.write_text(yaml.safe_dump(here(described, folder, provider, secret), sort_keys=False))
    minga = Minga(folder / "state", port)
    # As the file asks for: no password, and no host in it.
    (host,) = parse_qs(urlsplit(postgres[2]).query)["host"]
    minga.environment |= {"MINGA_DEPLOYMENT": str(file), "PGHOST": host, "PGUSER": "minga"}
    try:
        yield minga.start(), provider.issuer, (teaches, studies)
    finally:
        if minga.launcher and minga.launcher.poll() is None:
            minga.interrupt()
        provider.stop()


def people(described: dict) -> tuple[str, str]:
    """The course's instructor, of one institution, and its student of the other: who they are."""
    course = described["courses"][COURSE]
    (teaches,) = course["instructors"]
    (studies,) = [name for name in course["students"] if name.startswith("uandes:")]
    assert teaches.startswith("uchile:")
    return teaches.partition(":")[2], studies.partition(":")[2]


def here(described: dict, folder: Path, provider: Provider, secret: Path) -> dict:
    """Return the description with this machine in place of those of the region."""
    changed = yaml.safe_load(yaml.safe_dump(described))
    del changed["tunnels"]
    changed["hub"] |= {"url": "", "separate_proxy": False}
    changed["accounts"] = "shared"
    changed["authentication"] |= {
        "issuer": provider.issuer,
        "client_secret_file": str(secret),
        "scopes": ["openid", "institution"],
    }
    for course in changed["courses"].values():
        course.pop("account")
        course.pop("slurm", None)
        # The class begins today, whenever that is.
        course["starts"] = date.today()
        for dates in course.get("assignments", {}).values():
            dates.pop("due")
    try_out = a_disk_for_each_site(folder)["sites"]
    assert set(try_out) == set(changed["sites"]) == set(SITES)
    for name, site in try_out.items():
        # Its partition is what the private cluster has.
        changed["sites"][name] = site | {"title": changed["sites"][name]["title"]}
    return changed


def at_the_provider(who: str):
    """How somebody enters by their institution's own page."""

    def enter(visit: Visit) -> None:
        visit.page.click("#institution")
        visit.page.fill("input[name=who]", who)
        visit.picture("institution")
        visit.page.keyboard.press("Enter")

    return enter


def test_an_exchange_student_takes_a_class_of_another_institution(region, chromium, artifacts):
    minga, issuer, (teaches, studies) = region
    visitor = login_name("uandes", studies, issuer)
    student = Visit(chromium, minga, visitor, artifacts)
    teacher = Visit(chromium, minga, login_name("uchile", teaches, issuer), artifacts)

    student.log_in(at_the_provider(studies))
    student.start_session(COURSE, site="colombia", profile="gpu")
    student.fetch(ASSIGNMENT)
    student.solve(COURSE, ASSIGNMENT)
    student.submit(ASSIGNMENT)

    teacher.log_in(at_the_provider(teaches))
    teacher.open_formgrader(COURSE)
    teacher.collect(ASSIGNMENT)
    assert "85 / 100" in teacher.autograde(ASSIGNMENT, visitor)
    teacher.grade_by_hand("pregunta-respuesta", 12, "Muy claro.")
    teacher.give_feedback(ASSIGNMENT)

    feedback = student.read_feedback(COURSE, ASSIGNMENT)
    assert "97.0 / 100.0" in feedback and "Muy claro." in feedback
    student.stop_session()

    host = minga.environment["PGHOST"]

    def ask(database: str, question: str) -> list[tuple]:
        return rows(f"postgresql://minga@/{database}?host={host}", question)

    handed_in = ask("minga-ai-foundations", "SELECT student_id FROM submitted_assignment")
    assert handed_in == [(visitor,)]
    groups = ask(
        "minga",
        "SELECT groups.name, users.name FROM groups JOIN user_group_map ON group_id = groups.id "
        "JOIN users ON users.id = user_id",
    )
    assert [group for group, name in groups if name == visitor and "institution" in group] == [
        "institution-uandes"
    ]
    assert not [file for file in minga.state.rglob("*.sqlite")]
    student.close()
    teacher.close()
