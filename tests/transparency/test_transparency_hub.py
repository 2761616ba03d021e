"""A student's real session, on a real Slurm under a real hub, ends up in the figures."""

import json
import shutil
import time

import pytest
import requests

from tests.transparency.test_transparency_figures import row
from transparency.build import build
from transparency.database import Database
from transparency.publish import PATIENCE, begin, later, month_of
from transparency.record import pseudonym, read_key
from transparency.settings import Settings
from transparency.tables import SessionUse

pytestmark = pytest.mark.slow
CHOICE = {"course": "ai-foundations", "site": "colombia", "profile": "gpu2", "hours": 1}


def sessions_of(folder, person: str) -> list[SessionUse]:
    database = Database(Settings(folder=str(folder)).database_url)
    with database.transaction() as session:
        found = list(session.query(SessionUse).filter_by(person=person))
        session.expunge_all()
    database.close()
    return found


def wait_for(condition, seconds: float = 60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def test_a_real_session_is_in_the_record_and_then_in_the_figures(minga, tmp_path):
    folder = minga.state / "transparency"
    student = minga.login("estudiante2")
    person = pseudonym(read_key(folder / "key"), "estudiante2")
    before = {each.tag for each in sessions_of(folder, person)}
    student.start(**CHOICE)
    new = wait_for(lambda: [r for r in sessions_of(folder, person) if r.tag not in before])
    assert [each.ended for each in new] == [None]
    student.stop()
    (mine,) = wait_for(
        lambda: [r for r in sessions_of(folder, person) if r.tag not in before and r.ended]
    )
    assert (mine.course, mine.site, mine.gpus, mine.cores) == ("ai-foundations", "colombia", 2, 8)
    assert mine.submitted <= mine.started <= mine.ended <= time.time() + 1
    assert mine.ends == pytest.approx(mine.started + 3600, abs=60)

    # Nobody needs an account, and this month is not published yet.
    page = requests.get(f"{minga.url}/services/transparency/es/", timeout=30)
    assert page.ok and "Todavía no hay cifras" in page.content.decode()
    link = requests.get(f"{minga.url}/hub/login", timeout=30).text
    assert 'href="/services/transparency/es/"' in link

    # With five more people, when the month is over (in a copy: the hub's own goes on).
    copy = shutil.copytree(folder, tmp_path / "copy")
    month = month_of(mine.ended)
    database = Database(Settings(folder=str(copy)).database_url)
    with database.transaction() as session:
        session.query(SessionUse).filter(SessionUse.tag != mine.tag).delete()
        session.add_all(row(n, f"p{n}", mine.ended, course=mine.course) for n in range(5))
    database.close()
    build(Settings(folder=str(copy), languages=("es",)), begin(later(month)) + PATIENCE)
    rows = json.loads((copy / "page" / "use.json").read_text())["rows"]
    total = next(each for each in rows if each["dimension"] == "total")
    assert (total["month"], total["sessions"], total["people_at_least"]) == (month, 6, 5)
    assert total["gpu_hours"] == round(5 + 2 * (mine.ended - mine.started) / 3600, 1)
    for file in (copy / "page").rglob("*"):
        text = file.read_text() if file.is_file() else ""
        assert "estudiante2" not in text and person not in text
