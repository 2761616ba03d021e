"""Windows of time: wall clocks, weeks, changes to summer time, two countries."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from spawners.lessons import CourseOnSite, Terms, Window, overlap

SANTIAGO, BOGOTA = ZoneInfo("America/Santiago"), ZoneInfo("America/Bogota")
WEEKLY = {
    "reservation": "ia-lunes",
    "days": ["mon", "wed"],
    "from": "09:00",
    "to": "11:00",
    "time_zone": "America/Santiago",
}


def course(**changes) -> CourseOnSite:
    return CourseOnSite(account="ia", qos="curso", windows=[WEEKLY | changes])


def at(text: str, zone=SANTIAGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-23 08:59:59", False),  # a Monday
        ("2026-11-23 09:00", True),
        ("2026-11-23 10:59:59", True),
        ("2026-11-23 11:00", False),
        ("2026-11-24 10:00", False),
        ("2026-11-25 10:00", True),
    ],
)
def test_a_window_is_open_on_its_days_from_its_beginning_until_before_its_end(moment, open_):
    assert bool(course().lesson(at(moment))) is open_
    assert bool(course().lesson(at(moment).astimezone(UTC))) is open_


def test_a_wall_clock_stays_over_the_change_to_summer_time():
    """Chile changed its clocks on Sunday, September 6th 2026; Colombia has no summer time."""
    lessons = [Window(**WEEKLY).on(datetime(2026, *day).date()) for day in ((9, 2), (9, 7))]
    assert [lesson.start for lesson in lessons] == [
        datetime(2026, 9, 2, 13, tzinfo=UTC),  # UTC-4
        datetime(2026, 9, 7, 12, tzinfo=UTC),  # UTC-3
    ]
    there = Window(**WEEKLY | {"time_zone": "America/Bogota"})
    assert {
        there.on(datetime(2026, *day).date()).start.hour for day in ((9, 2), (9, 7), (12, 21))
    } == {14}


def test_the_night_of_the_change():
    """Saturday 24:00 became Sunday 01:00; in April the hour before midnight came twice."""
    skipped = Window(**WEEKLY | {"days": ["sun"], "from": "00:10", "to": "00:50"})
    assert skipped.on(datetime(2026, 9, 6).date()) is None  # there was no such time
    assert skipped.on(datetime(2026, 9, 13).date())
    twice = Window(**WEEKLY | {"days": ["sat"], "from": "23:00", "to": "23:45"})
    lesson = twice.on(datetime(2026, 4, 4).date())
    assert lesson.end - lesson.start == timedelta(hours=1, minutes=45)
    again = datetime(2026, 4, 4, 23, 20, fold=1, tzinfo=SANTIAGO)
    assert CourseOnSite(windows=[twice]).lesson(again)


def test_the_same_hour_of_two_countries_is_not_the_same_time():
    assert course().lesson(at("2026-11-23 09:30"))
    assert not course().lesson(at("2026-11-23 09:30", BOGOTA))  # 11:30 in Santiago
    assert course(time_zone="America/Bogota").lesson(at("2026-11-23 09:30", BOGOTA))


def test_a_semester_has_a_first_and_a_last_day():
    semester = course(first="2026-08-03", last="2026-11-25")
    assert not semester.lesson(at("2026-07-29 10:00"))
    assert semester.lesson(at("2026-08-03 10:00"))
    assert semester.lesson(at("2026-11-25 10:00"))
    assert not semester.lesson(at("2026-11-30 10:00"))


def test_single_dates():
    exam = course(days=[], dates=["2026-12-01", "2026-12-15"])
    assert exam.lesson(at("2026-12-01 10:00"))
    assert not exam.lesson(at("2026-12-08 10:00"))
    assert len(list(exam.windows[0].lessons(at("2026-01-01"), at("2027-01-01")))) == 2


def test_terms_inside_and_outside():
    outside = Terms("ia", "curso")
    assert course().terms(at("2026-11-23 08:30"), 2) == outside
    inside = course().terms(at("2026-11-23 09:00"), 2)
    assert (inside.reservation, inside.minutes) == ("ia-lunes", 0)  # it just fits
    late = course().terms(at("2026-11-23 09:30:20"), 2)
    assert (late.account, late.qos, late.reservation, late.minutes) == (
        "ia", "curso", "ia-lunes", 89,
    )  # fmt: skip
    assert late.lesson.end == at("2026-11-23 11:00")
    assert course().terms(at("2026-11-23 10:45"), 1).minutes == 15
    assert course().terms(at("2026-11-23 10:46"), 1) == outside


def test_a_window_may_have_its_own_qos_and_no_reservation():
    quota = course(reservation="", qos="ia-cuota")
    assert quota.terms(at("2026-11-23 10:50"), 2) == Terms("ia", "ia-cuota")
    assert quota.terms(at("2026-11-23 11:50"), 2) == Terms("ia", "curso")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"from": 660}, 'quotes: "11:00"'),
        ({"to": "09:00"}, "later than"),
        ({"to": "08:00"}, "later than"),
        ({"to": "11:00+02:00"}, "wall clock"),
        ({"time_zone": "America/Macondo"}, "America/Bogota"),
        ({"time_zone": "America"}, "America/Bogota"),
        ({"time_zone": "/etc/passwd"}, "America/Bogota"),
        ({"time_zone": "../../etc/passwd"}, "America/Bogota"),
        ({"days": []}, "either `days`"),
        ({"dates": ["2026-12-01"]}, "either `days`"),
        ({"days": ["lunes"]}, "'mon'"),
        ({"days": [], "dates": ["2026-12-01", "2026-12-01"]}, "twice"),
        ({"days": [], "dates": ["2026-12-01"], "last": "2026-12-01"}, "belong to `days`"),
        ({"first": "2026-12-01", "last": "2026-11-01"}, "before"),
        ({"reservation": ""}, "needs `reservation` or `qos`"),
        ({"gpus": 0}, "greater than or equal to 1"),
        *(
            ({key: value}, "pattern")
            for key in ("reservation", "qos")
            for value in ("a b", "a\n#SBATCH --gres=gpu:8", "-x", "a,b", "a;id", "$(id)", "x" * 65)
        ),
    ],
)
def test_a_mistake_is_named(changes, words):
    with pytest.raises(ValidationError) as error:
        course(**changes)
    assert words in str(error.value)


def overlapping(*changes) -> tuple[int, int] | None:
    windows = tuple(Window(**WEEKLY | change) for change in changes)
    found = overlap(windows, at("2026-11-23 00:00"))
    return found and found[:2]


def test_windows_of_a_course_do_not_overlap():
    assert overlapping({}, {"from": "11:00", "to": "12:00"}) is None
    assert overlapping({}, {"from": "10:59", "to": "12:00"}) == (0, 1)
    assert overlapping({}, {"days": ["tue"]}) is None
    # Nine to eleven in Bogotá is eleven to one in Santiago in summer, ten to twelve in winter.
    assert overlapping({}, {"time_zone": "America/Bogota"}) == (0, 1)
    assert overlapping({"last": "2027-03-31"}, {"time_zone": "America/Bogota"}) is None
    assert overlapping({}, {"days": [], "dates": ["2031-06-02"]}) == (0, 1)
    assert overlapping({"first": "2035-01-01"}, {"first": "2035-01-01"}) == (0, 1)
    assert overlapping({"last": "2020-01-01"}, {"days": [], "dates": ["2019-12-30"]}) == (0, 1)
