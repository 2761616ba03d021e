"""Courses and seminars for feed readers (Atom) and calendars (iCalendar), one file a language."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedgen.feed import FeedGenerator
from icalendar import Calendar, Event

from book.site import interface_words
from courses.calendar import Seminar
from courses.models import COURSES, Course
from courses.titles import in_language

FEED, CALENDAR = "courses.atom", "courses.ics"


def write_feeds(courses: list[Course], folder: Path, language: str, address: str) -> None:
    """Write the feed and, where anything has a date, the calendar into a language's folder.

    `address` is the site's, with its path; "" leaves out links, which need a host.
    """
    if not courses:
        return
    (folder / FEED).write_bytes(feed(courses, language, address))
    if has_dates(courses):
        (folder / CALENDAR).write_bytes(calendar(courses, language, address))


def has_dates(courses: list[Course]) -> bool:
    """Say whether there is anything to put into a calendar."""
    return any(course.starts or course.seminars for course in courses)


def feed(courses: list[Course], language: str, address: str = "") -> bytes:
    """Return the Atom feed: an entry a course and one a seminar, the latest change first."""
    words = interface_words(language)
    result = FeedGenerator()
    result.id("urn:minga:courses")
    result.title(words["feed_title"])
    result.author(name="Minga")
    result.language(language)
    changes = {course.id: _changed(course) for course in courses}
    result.updated(max(changes.values()))
    if address:
        result.link(href=f"{address}/{language}/", rel="alternate")
        result.link(href=f"{address}/{language}/{FEED}", rel="self")
    for course in sorted(courses, key=lambda course: changes[course.id]):
        entry = result.add_entry()
        entry.id(f"urn:minga:course:{course.id}")
        entry.title(in_language(course.title, course.id, language))
        entry.content(_summary(course, language, words))
        entry.updated(changes[course.id])
        if address:
            entry.link(href=f"{address}/{language}/#course-{course.id}")
        for seminar in course.seminars:
            entry = result.add_entry()
            entry.id(_seminar_id(course, seminar))
            entry.title(f"{words['seminar']}: {in_language(seminar.title, course.id, language)}")
            entry.content(_when_and_where(course, seminar, language))
            entry.updated(changes[course.id])
            if seminar.link:
                entry.link(href=str(seminar.link))
    return result.atom_str(pretty=True)


def calendar(courses: list[Course], language: str, address: str = "") -> bytes:
    """Return the calendar: the first day of each course that has one, and every seminar."""
    words = interface_words(language)
    result = Calendar()
    result.add("prodid", f"-//Minga//{language}//")
    result.add("version", "2.0")
    result.add("name", words["feed_title"])
    for course in courses:
        stamp = _changed(course)
        if course.starts:
            title = f"{words['course_starts']}: {in_language(course.title, course.id, language)}"
            event = _event(f"urn:minga:course:{course.id}", title, stamp)
            event.add("dtstart", course.starts)
            event.add("dtend", course.starts + timedelta(days=1))
            event.add("description", in_language(course.description, course.id, language))
            if address:
                event.add("url", f"{address}/{language}/#course-{course.id}")
            result.add_component(event)
        for seminar in course.seminars:
            event = _event(
                _seminar_id(course, seminar), in_language(seminar.title, course.id, language), stamp
            )
            # In UTC, so that no time zone need be described.
            event.add("dtstart", seminar.starts.astimezone(UTC))
            event.add("duration", timedelta(minutes=seminar.minutes))
            event.add("categories", [in_language(course.title, course.id, language)])
            if seminar.place:
                event.add("location", in_language(seminar.place, course.id, language))
            if seminar.link:
                event.add("url", str(seminar.link))
            result.add_component(event)
    return result.to_ical()


def _event(uid: str, title: str, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("summary", title)
    event.add("dtstamp", stamp)
    return event


def _seminar_id(course: Course, seminar: Seminar) -> str:
    return f"urn:minga:seminar:{course.id}:{seminar.starts.astimezone(UTC):%Y%m%dT%H%MZ}"


def _summary(course: Course, language: str, words: dict[str, str]) -> str:
    text = in_language(course.description, course.id, language)
    return f"{text} {words['course_starts']}: {course.starts}." if course.starts else text


def _when_and_where(course: Course, seminar: Seminar, language: str) -> str:
    place = f" · {in_language(seminar.place, course.id, language)}" if seminar.place else ""
    return f"{seminar.starts:%Y-%m-%d %H:%M %Z}{place}"


def _changed(course: Course) -> datetime:
    """Return when course.yaml last changed: its last commit, or without git its file's time."""
    path = COURSES / course.id / "course.yaml"
    command = ["git", "log", "-1", "--format=%cI", "--", path.name]
    try:
        text = subprocess.run(
            command, cwd=path.parent, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        text = ""
    if text.strip():
        return datetime.fromisoformat(text.strip())
    modified = path.stat().st_mtime if path.exists() else 0
    return datetime.fromtimestamp(modified, UTC)
