"""Courses and seminars as an Atom feed and a calendar, in each language."""

import json
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from icalendar import Calendar
from pydantic import ValidationError

from book.feeds import CALENDAR, FEED, calendar, feed, write_feeds
from book.site import read_courses
from courses.calendar import Seminar
from courses.models import Course

ATOM = "{http://www.w3.org/2005/Atom}"


def course(**more) -> Course:
    content = {
        "id": "oceano",
        "title": {"es": "Océano", "en": "Ocean"},
        "description": {"es": "Olas y corrientes.", "en": "Waves and currents."},
        "hours": 10,
        "prerequisites": {"es": "Ninguno.", "en": "None."},
        "units": [
            {"id": "a", "title": {"es": "A", "en": "A"}, "hours": 10, "assignment": "a"},
        ],
        "assignments": {"a": {"title": {"es": "A", "en": "A"}, "book": "a"}},
        **more,
    }
    return Course.model_validate(content)


SEMINAR = {
    "title": {"es": "Del satélite al mapa", "en": "From satellite to map"},
    "starts": "2027-03-19T15:00-03:00",
    "minutes": 90,
    "place": {"es": "Sala 2, Pasto", "en": "Room 2, Pasto"},
}


@pytest.mark.parametrize(
    ("language", "begins", "title", "place"),
    [
        ("es", "Empieza: Océano", "Del satélite al mapa", "Sala 2, Pasto"),
        ("en", "Starts: Ocean", "From satellite to map", "Room 2, Pasto"),
    ],
)
def test_the_calendar_has_first_days_and_seminars(language, begins, title, place):
    one = course(starts="2027-03-08", seminars=[SEMINAR])
    read = Calendar.from_ical(calendar([one], language, "https://book.example.org/b"))
    first, seminar = read.walk("VEVENT")
    assert first["summary"] == begins
    assert first["dtstart"].dt == date(2027, 3, 8)
    assert first["url"] == f"https://book.example.org/b/{language}/#course-oceano"
    assert (seminar["summary"], seminar["location"]) == (title, place)
    assert seminar["dtstart"].dt == datetime(2027, 3, 19, 18, 0, tzinfo=UTC)
    assert seminar["duration"].dt == timedelta(minutes=90)
    assert first["uid"] != seminar["uid"]


def test_the_feed_has_courses_and_seminars():
    one = course(starts="2027-03-08", seminars=[SEMINAR])
    root = ElementTree.fromstring(feed([one], "es", "https://book.example.org/b"))
    titles = {entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")}
    assert titles == {"Océano", "Seminario: Del satélite al mapa"}
    assert root.findtext(f"{ATOM}title") == "Cursos y seminarios de Minga"
    ids = [entry.findtext(f"{ATOM}id") for entry in root.iter(f"{ATOM}entry")]
    assert len(set(ids)) == 2 and all(one.startswith("urn:minga:") for one in ids)


def test_without_dates_there_is_no_calendar(tmp_path):
    write_feeds([course()], tmp_path, "en", "")
    assert (tmp_path / FEED).is_file() and not (tmp_path / CALENDAR).exists()
    write_feeds([course(seminars=[SEMINAR])], tmp_path, "en", "")
    assert (tmp_path / CALENDAR).is_file()


@pytest.mark.parametrize(
    "wrong", [{"starts": "2027-03-19T15:00"}, {"title": {"en": "Only English"}}, {"minutes": 0}]
)
def test_a_seminar_without_offset_spanish_or_length_is_refused(wrong):
    with pytest.raises(ValidationError):
        Seminar.model_validate({**SEMINAR, **wrong})


def test_the_real_courses_make_a_feed():
    courses = read_courses()
    text = feed(courses, "en").decode()
    assert all(json.dumps(one.title["en"])[1:-1] in text for one in courses)
