"""What the start page says of each site and profile: what is free, who waits, how long it takes.

Pure functions of an Offer and the sites' last answers: nothing here asks a scheduler.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from . import logs
from .capacity import Need
from .choices import Offer, Profile
from .messages import Message

SOON = 20  # seconds: an expected start within these is «now»


def need_of(profile: Profile) -> Need:
    """Return what one session of `profile` needs."""
    return Need(profile.cores, profile.memory_gb * 1024, profile.gpus)


def hours_at(profile: Profile, site: str) -> int:
    """Return the longest session of `profile` at `site`, in hours."""
    return profile.hours_at.get(site, profile.hours_max)


def within(offer: Offer, sites: dict, told: set | None = None) -> Offer:
    """Return `offer` within what the sites' clusters can do at all, as far as they have said.

    A profile is not offered at a site where no node is large enough, nor for more hours than
    the partition's limit. The operator's log says so once (`told` remembers what was said).
    """
    told = _told if told is None else told
    profiles = []
    for profile in offer.profiles:
        too_small, limits = [], {}
        for name in profile.sites:
            view = getattr(getattr(sites.get(name), "capacity", None), "view", None)
            if view is None:
                continue  # not asked yet, or no scheduler: the deployment's word counts
            if not view.possible(need_of(profile)) or view.hours == 0:
                too_small.append(name)
                _tell(told, name, "profile %s is not offered: no node is that large", profile.name)
            elif view.hours is not None and view.hours < profile.hours_max:
                limits[name] = view.hours
                _tell(
                    told,
                    name,
                    "profile %s is offered for %d h, the partition's limit",
                    profile.name,
                    view.hours,
                )
        profiles.append(
            profile.model_copy(
                update={
                    "sites": [name for name in profile.sites if name not in too_small],
                    "too_large_for": too_small,
                    "hours_at": limits,
                }
            )
        )
    return offer.model_copy(update={"profiles": profiles})


_told: set = set()


def _tell(told: set, site: str, sentence: str, *values) -> None:
    if (site, sentence, *values) not in told:
        told.add((site, sentence, *values))
        logs.of_site(site).warning(sentence, *values)


def look(offer: Offer, sites: dict) -> None:
    """Note that somebody looks at `offer`: the sites' answers are kept fresh for a while."""
    for name, site in sites.items():
        if capacity := getattr(site, "capacity", None):
            capacity.look(
                (need_of(profile), hours_at(profile, name))
                for profile in offer.profiles
                if name in profile.sites
            )


async def first_answers(sites: dict) -> None:
    """Wait until each site answered once since somebody looks (again), a second at most."""
    capacities = [getattr(site, "capacity", None) for site in sites.values()]
    await asyncio.gather(*(one.first_answer() for one in capacities if one is not None))


def outlook(offer: Offer, sites: dict, now: float | None = None) -> dict:
    """Return what the start page shows of `offer` (as `within` returned it), as plain data.

    `sites`: name -> {"state": "up" | "down" | "unknown" | "local", "text": Message or None}.
    `profiles`: name -> {"suggested": the site to choose if none was chosen yet, "first": the one
    site that starts before all others, or None, "sites": name -> {"texts": [Message], "hours":
    the longest session there}}. `all_down`: no site can start anything now.
    """
    now = time.time() if now is None else now
    states = {site.name: _state(sites.get(site.name)) for site in offer.sites}
    return {
        "sites": {name: {"state": s, "text": STATES.get(s)} for name, s in states.items()},
        "profiles": {
            profile.name: _profile(profile, sites, states, now) for profile in offer.profiles
        },
        "all_down": bool(states) and set(states.values()) == {"down"},
    }


def reserved(
    offer: Offer, course_on_site: Callable, now: datetime | None = None
) -> dict[str, list[str]]:
    """Return the sites that hold machines for a lesson that takes place now, by course.

    Their nodes are not free for others, so that the numbers do not count them.
    `course_on_site`: what takes a choice's course and site, as MingaSpawner.course_on_site.
    """
    found, now = {}, now or datetime.now(UTC)
    for course in offer.courses:
        for site in offer.sites:
            there = course_on_site(_Place(course.name, site.name))
            lesson = there.lesson(now) if there else None
            if lesson and lesson.window.reservation:
                found.setdefault(course.name, []).append(site.name)
    return found


class _Place(NamedTuple):
    course: str
    site: str


STATES = {
    "down": Message("Fuera de servicio por ahora"),
    "unknown": Message("Consultando…"),
}


def _state(site) -> str:
    capacity = getattr(site, "capacity", None)
    if capacity is None:
        return "local"
    if not capacity.known:
        return "unknown"
    return "down" if capacity.view.down else "up"


def _profile(profile: Profile, sites: dict, states: dict, now: float) -> dict:
    shown, waits = {}, {}
    for name in profile.sites:
        texts = []
        if states.get(name) == "up":
            capacity, need = sites[name].capacity, need_of(profile)
            hours = hours_at(profile, name)
            free, waiting = capacity.view.free(need), capacity.waiting()
            wait = _wait(free, waiting, capacity.starts(need, hours), now)
            texts = [_free(free), *_waiting(waiting), *_expected(wait)]
            if wait is not None:
                waits[name] = (wait, -free)
        shown[name] = {"texts": texts, "hours": hours_at(profile, name)}
    order = sorted(waits, key=waits.get)
    first = order[0] if len(order) > 1 and waits[order[0]][0] < waits[order[1]][0] else None
    usable = order + [name for name in profile.sites if states.get(name) not in (None, "down")]
    return {"suggested": next(iter(usable), None), "first": first, "sites": shown}


def _wait(free: int, waiting: int | None, starts: int | None, now: float) -> int | None:
    """Return the seconds until a session would start, None if nobody knows."""
    if free and not waiting:
        return 0
    if starts is None:
        return None
    return 0 if starts - now <= SOON else round(starts - now)


def _free(free: int) -> Message:
    if free == 0:
        return Message("ninguna libre")
    return Message("1 libre") if free == 1 else Message("{n} libres", {"n": free})


def _waiting(waiting: int | None) -> list[Message]:
    return [Message("{n} en espera", {"n": waiting})] if waiting else []


def _expected(wait: int | None) -> list[Message]:
    if wait is None:
        return []
    if wait == 0:
        return [Message("empieza ya")]
    minutes = -(-wait // 60)
    if minutes < 90:
        return [Message("espera ~{n} min", {"n": minutes})]
    if minutes < 36 * 60:
        return [Message("espera ~{n} h", {"n": round(minutes / 60)})]
    return [Message("espera ~{n} días", {"n": round(minutes / 1440)})]
