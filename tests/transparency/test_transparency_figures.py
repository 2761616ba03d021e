"""What is published is right: beside the same figures, added up another way from the sessions."""

import random
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import func, select

from exchange.service.database import Database as ExchangeDatabase
from exchange.service.tables import Assignment, Feedback, Submission
from transparency.database import Database
from transparency.page import as_csv, records
from transparency.publish import PATIENCE, begin, later, month_of, publish_due, published
from transparency.record import pseudonym, read_key
from transparency.settings import Settings
from transparency.tables import SessionUse

MONTHS = ("2026-11", "2026-12", "2027-01")
PEOPLE = {"uc": ("CL", 12), "usach": ("CL", 9), "uniandes": ("CO", 11), "": ("", 8)}
COURSES, SITES = ("ai", "hpc"), ("chile", "colombia")


@pytest.fixture
def settings(tmp_path):
    return Settings(
        folder=str(tmp_path),
        exchange=f"sqlite:///{tmp_path}/exchange.sqlite",
        gpu_watts=400,
        pue=1.4,
    )


@pytest.fixture
def database(settings):
    database = Database(settings.database_url)
    database.migrate()
    yield database
    database.close()


def row(number: int, person: str, end: int, **more) -> SessionUse:
    return SessionUse(
        **{
            "tag": f"minga:t:{number}",
            "person": person,
            "institution": "",
            "country": "",
            "course": "ai",
            "site": "chile",
            "job": str(number),
            "gpus": 1,
            "cores": 4,
            "submitted": end - 4000,
            "started": end - 3600,
            "ends": end + 3600,
            "ended": end,
            "source": "hub",
            **more,
        }
    )


def classroom(
    key: bytes, months=MONTHS
) -> tuple[list[SessionUse], list[tuple[str, str, datetime]]]:
    """Three months of 40 people, each in all courses; and what of theirs was graded when."""
    dice = random.Random(20261126)
    sessions, graded = [], []
    for month in months:
        for institution, (country, count) in PEOPLE.items():
            for student in range(count):
                name = f"{institution or 'nobody'}{student}"
                for course in COURSES:
                    for gpus in (0, 1, 2):
                        ended = begin(month) + dice.randrange(86400 * 3, 86400 * 28)
                        started = ended - dice.randrange(60, 4 * 3600)
                        sessions.append(
                            row(
                                len(sessions),
                                pseudonym(key, name),
                                ended,
                                institution=institution,
                                country=country,
                                course=course,
                                site=dice.choice(SITES),
                                gpus=gpus,
                                started=started,
                                submitted=started - dice.randrange(0, 7200),
                            )
                        )
                    moment = begin(month) + dice.randrange(0, 86400 * 28)
                    graded.append((name, course, datetime.fromtimestamp(moment, UTC)))
    return sessions, graded


def hand_back(settings: Settings, graded) -> None:
    """Put graded work into a real exchange's database; each was given back twice."""
    exchange = ExchangeDatabase(settings.exchange)
    exchange.migrate()
    files = {"sha256": "0" * 64, "files": 0, "bytes": 0, "manifest": []}

    def work(session):
        for course in COURSES:
            session.add(Assignment(course=course, name="t", grace_seconds=0, late_policy="accept"))
        session.flush()
        numbers = dict(session.execute(select(Assignment.course, Assignment.id)).all())
        for number, (student, course, when) in enumerate(graded):
            session.add(
                Submission(
                    id=f"{number:032}", assignment=numbers[course], student=student,
                    attempt=number + 1, clock=when, late_seconds=0, timestamp=when, **files,
                )
            )  # fmt: skip
            session.flush()
            for again in (0, 60 * 86400):
                session.add(
                    Feedback(
                        submission=f"{number:032}", author="p",
                        timestamp=datetime.fromtimestamp(when.timestamp() + again, UTC), **files,
                    )
                )  # fmt: skip
        # A submission that waits for its feedback
        session.add(
            Submission(
                id="waits", assignment=numbers["ai"], student="uc1", attempt=1, clock=when,
                late_seconds=0, timestamp=when, **files,
            )
        )  # fmt: skip

    exchange._run(exchange._writing, work, ())
    exchange.close()


def test_the_figures_are_those_of_the_sessions(settings, database):
    sessions, graded = classroom(read_key(settings.key_file))
    hand_back(settings, graded)
    facts = [{c.name: getattr(s, c.name) for c in SessionUse.__table__.columns} for s in sessions]
    with database.transaction() as session:
        session.add_all(sessions)
    after = begin("2027-02") + PATIENCE
    assert publish_due(settings, database, after) == list(MONTHS)

    # The same by other means: numpy over columns.
    month = np.array([month_of(fact["ended"]) for fact in facts])
    hours = np.array([f["gpus"] * (f["ended"] - f["started"]) / 3600 for f in facts])
    waited = np.array([f["started"] - f["submitted"] for f in facts])
    column = {name: np.array([f[name] for f in facts]) for name in facts[0]}
    given = [(name.rstrip("0123456789"), course, f"{when:%Y-%m}") for name, course, when in graded]

    found = {
        (r["month"], r["dimension"], r["country"], r["name"]): r
        for r in records(settings, published(database))
    }
    checked = 0
    for m in MONTHS:
        groups = {("total", "", ""): (month == m, lambda g: True)}
        for country in ("CL", "CO", ""):
            of = {n or "nobody" for n, (c, _) in PEOPLE.items() if c == country}
            groups["country", country or "(none)", ""] = (
                (month == m) & (column["country"] == country), lambda g, of=of: g[0] in of
            )  # fmt: skip
        for name, (country, _) in PEOPLE.items():
            groups["institution", country or "(none)", name or "(none)"] = (
                (month == m) & (column["institution"] == name),
                lambda g, name=name: g[0] == (name or "nobody"),
            )
        for course in COURSES:
            groups["course", "", course] = (
                (month == m) & (column["course"] == course),
                lambda g, course=course: g[1] == course,
            )
        for group, (mask, work) in groups.items():
            row = found[(m, *group)]
            assert row["sessions"] == mask.sum()
            assert row["gpu_hours"] == pytest.approx(hours[mask].sum(), abs=0.051)
            assert row["graded"] == sum(work(g) for g in given if g[2] == m)
            assert row["energy_kwh"] == pytest.approx(row["gpu_hours"] * 0.56, abs=0.051)
            people = len(set(column["person"][mask]))
            assert row["people_at_least"] in (people - people % 5,)
            checked += 1
        for group, mask in [
            (("total", "", ""), month == m),
            *((("site", "", s), (month == m) & (column["site"] == s)) for s in SITES),
        ]:
            for share, name in ((50, "wait_median_minutes"), (90, "wait_p90_minutes")):
                rank = np.percentile(waited[mask], share, method="inverted_cdf")
                assert found[(m, *group)][name] == round(rank / 60)
    assert checked == 3 * 10
    assert len(found) == 3 * 12  # and there is no other row
    assert len(as_csv(list(found.values())).splitlines()) == 1 + len(found)


def months_of(database) -> dict[str, float]:
    return {
        month: sum(r["sessions"] for r in figures if r["dimension"] == "total")
        for month, figures in published(database)
    }


def add(database, *rows):
    with database.transaction() as session:
        session.add_all(rows)


def test_a_month_is_published_once_and_what_comes_late_counts_in_the_next(settings, database):
    end = begin("2026-12") - 100
    add(database, *(row(n, f"p{n}", end) for n in range(6)))
    soon = begin("2026-12") + PATIENCE
    assert publish_due(settings, database, soon - 1) == []
    assert publish_due(settings, database, soon) == ["2026-11"]
    before = published(database)
    add(database, *(row(10 + n, f"p{n}", end) for n in range(5)))  # known only now
    assert publish_due(settings, database, soon + 86400) == []
    assert published(database) == before
    assert publish_due(settings, database, begin("2027-01") + PATIENCE) == ["2026-12"]
    assert months_of(database) == {"2026-11": 6, "2026-12": 5}


def test_a_month_of_few_people_has_no_figures_and_the_next_has_its_own(settings, database):
    for month, people in (("2026-11", 4), ("2026-12", 5)):
        add(
            database,
            *(row(int(month[-2:]) * 10 + n, f"p{n}", begin(month) + 9) for n in range(people)),
        )
    publish_due(settings, database, begin("2027-02"))
    assert published(database)[0] == ("2026-11", [])
    assert months_of(database) == {"2026-11": 0, "2026-12": 5}


def test_a_session_whose_end_nobody_saw_counts_until_its_limit(settings, database):
    end = begin("2026-11") + 7200
    add(database, *(row(n, f"p{n}", end, ended=None, ends=end + 1800) for n in range(5)))
    publish_due(settings, database, begin("2027-01"))
    total = published(database)[0][1][0]
    assert total["gpu_hours"] == 5 * 1.5


def test_single_sessions_are_forgotten_and_the_figures_stay(settings, database):
    add(database, *(row(n, f"p{n}", begin("2026-11") + 9) for n in range(5)))
    for months, left in ((13, 5), (14, 0)):
        publish_due(settings, database, begin(later("2026-11", months)) + PATIENCE)
        with database.transaction() as session:
            assert session.scalar(select(func.count()).select_from(SessionUse)) == left
    assert months_of(database)["2026-11"] == 5


def test_somebody_who_moved_counts_to_one_place_a_month(settings, database):
    middle = begin("2026-11") + 9 * 86400
    for n in range(12):
        add(database, row(n, f"p{n}", middle, institution="uc", country="CL"))
        if n < 6:
            add(database, row(20 + n, f"p{n}", middle + 9, institution="ua", country="CO"))
    publish_due(settings, database, begin("2027-01"))
    rows = {
        r["name"]: r["sessions"]
        for r in published(database)[0][1]
        if r["dimension"] == "institution"
    }
    assert rows == {"ua": 12, "uc": 6}


def test_an_exchange_that_does_not_answer_delays_the_month(settings, database, tmp_path):
    (tmp_path / "exchange.sqlite").write_text("not a database")
    add(database, *(row(n, f"p{n}", begin("2026-11") + 9) for n in range(5)))
    with pytest.raises(Exception, match="not a database"):
        publish_due(settings, database, begin("2027-01"))
    assert published(database) == []
    (tmp_path / "exchange.sqlite").unlink()
    assert publish_due(settings, database, begin("2027-01"))[0] == "2026-11"
