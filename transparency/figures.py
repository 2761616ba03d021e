"""A month's figures: sums by country, institution and course, and how long people waited.

Pure functions: what people did goes in, the rows that may be published come out (privacy.py).
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .privacy import PEOPLE, Place, rows

MEASURES = ("sessions", "gpu_hours", "graded")


class Done(NamedTuple):
    """One session of a person, or one piece of their work that was graded."""

    person: str
    place: Place  # country and institution; one for each person
    course: str
    site: str = ""
    sessions: int = 0  # 1: it is a session
    gpu_hours: float = 0.0
    graded: int = 0
    wait: float | None = None  # seconds in the queue


def month_figures(done: Iterable[Done]) -> list[dict]:
    """Return the rows of one month, as they are published.

    Each has a dimension (total, country, institution, course, site), country and name, and the
    figures; None: not published, because it would stand for fewer than five people.
    """
    done = list(done)
    allowed = rows(
        {
            name: [(d.person, d.place, d.course) for d in done if getattr(d, name)]
            for name in MEASURES
        }
    )
    published = [d for d in done if any(getattr(d, name) for name in allowed.measures)]

    def table(dimension: str, key: Callable[[Done], tuple[str, str]]) -> list[dict]:
        groups = defaultdict(list)
        for each in published:
            groups[key(each)].append(each)
        return [
            _row(dimension, *group, groups[group], allowed.measures) for group in sorted(groups)
        ]

    return [
        *table("total", lambda d: ("", "")),
        *table("country", lambda d: (allowed.places[d.place][0], "")),
        *table("institution", lambda d: allowed.places[d.place]),
        *table("course", lambda d: ("", *allowed.courses[d.course])),
        *(_site_rows(done) if "sessions" in allowed.measures else []),
    ]


def _row(dimension: str, country: str, name: str, done: list[Done], measures: set[str]) -> dict:
    row = {"dimension": dimension, "country": country, "name": name}
    with_session = [d for d in done if d.sessions]
    sums = {
        "people_at_least": at_least({d.person for d in with_session}),
        "sessions": len(with_session),
        "gpu_hours": round(math.fsum(d.gpu_hours for d in done), 1),
        "graded": sum(d.graded for d in done),
    }
    unpublished = set(MEASURES) - measures
    if "sessions" in unpublished:
        unpublished.add("people_at_least")
    row |= {name: None if name in unpublished else value for name, value in sums.items()}
    return row | (waits(with_session) if dimension == "total" and row["sessions"] else {})


def _site_rows(done: list[Done]) -> list[dict]:
    """Return the waiting times of each site that five people waited for.

    Nothing that adds up: a site's sessions minus another table's would be a row of its own.
    """
    sites = defaultdict(list)
    for each in done:
        if each.sessions:
            sites[each.site].append(each)
    return [
        {"dimension": "site", "country": "", "name": name, **waits(sites[name])}
        for name in sorted(sites)
        if len({each.person for each in sites[name] if each.wait is not None}) >= PEOPLE
    ]


def at_least(people: set) -> int:
    """Return how many people there are, rounded down to fives: their number tells nothing more."""
    return len(people) // 5 * 5


def waits(done: list[Done]) -> dict:
    """Return the median and the 90th percentile of the waits in whole minutes (nearest rank)."""
    known = [d for d in done if d.wait is not None]
    if len({d.person for d in known}) < PEOPLE:
        return {"wait_median_minutes": None, "wait_p90_minutes": None}
    seconds = sorted(d.wait for d in known)

    def at(share: float) -> int:
        return round(seconds[math.ceil(share * len(seconds)) - 1] / 60)

    return {"wait_median_minutes": at(0.5), "wait_p90_minutes": at(0.9)}
