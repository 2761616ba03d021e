"""No figure, and no sum or difference of figures, stands for fewer than five people.

The tests know nothing of how rows are merged: they look at what is published, and try.
"""

import random
from collections import defaultdict
from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from transparency.figures import MEASURES, Done, month_figures
from transparency.privacy import OTHER, rows, smallest_cut

PEOPLE = 5
PLACES = [("CL", "a"), ("CL", "b"), ("CL", "c"), ("CO", "d"), ("CO", "e"), ("PE", "f"), ("", "")]
COURSES = ["x", "y", "z"]


@st.composite
def classes(draw) -> list[Done]:
    """What up to fifty people did: each at one place, with sessions and graded work.

    Who did what comes from a seed: drawn one by one, an example would take a tenth of a second.
    """
    places = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=6, unique=True))
    two, gpu, graded = draw(st.tuples(*[st.sampled_from([0, 0.1, 0.5, 1])] * 3))
    dice = random.Random(draw(st.integers(0, 2**32)))
    found = []
    for number in range(draw(st.integers(0, 50))):
        person, place = f"p{number}", dice.choice(places)
        for course in dice.sample(COURSES, 2 if dice.random() < two else 1):
            if dice.random() < 0.8:
                gpus = dice.random() < gpu
                found.append(Done(person, place, course, dice.choice("st"), 1, gpus * 1.5))
            if dice.random() < graded:
                found.append(Done(person, place, course, graded=1))
    return found


def subsets(items):
    items = list(items)
    for size in range(len(items) + 1):
        yield from combinations(items, size)


def row_of(allowed, done: Done) -> tuple:
    """The published rows that something is added to: of its place, of its course."""
    return allowed.places.get(done.place), allowed.courses.get(done.course)


def edges(done):
    return {
        name: [(d.person, d.place, d.course) for d in done if getattr(d, name)] for name in MEASURES
    }


@settings(max_examples=200, deadline=None)
@given(classes())
def test_nothing_that_can_be_computed_stands_for_fewer_than_five(done):
    allowed = rows(edges(done))
    for name in MEASURES:
        people = {d.person for d in done if getattr(d, name)}
        assert (name in allowed.measures) == (not 0 < len(people) < PEOPLE)
        if name not in allowed.measures:
            continue
        cells = defaultdict(set)
        for d in done:
            if getattr(d, name):
                cells[row_of(allowed, d)].add(d.person)
        places, courses = {p for p, _ in cells}, {c for _, c in cells}
        # Some rows of one table minus some of the other (also: rows alone, the total minus rows):
        # what is in both cancels, what is in one of them remains.
        for some_places, some_courses in product(subsets(places), subsets(courses)):
            left = [cells[p, c] for p, c in cells if (p in some_places) != (c in some_courses)]
            count = len(set().union(*left))
            assert not 0 < count < PEOPLE, (name, some_places, some_courses)


@settings(max_examples=100, deadline=None)
@given(classes())
def test_published_rows_and_their_differences_stand_for_five(done):
    """On the published rows themselves: each row, and the total minus any of one table's rows."""
    allowed = rows(edges(done))
    of_row = {
        "country": lambda d: (row_of(allowed, d)[0][0], ""),
        "institution": lambda d: row_of(allowed, d)[0],
        "course": lambda d: ("", *row_of(allowed, d)[1]),
    }
    figures = month_figures(done)
    for name in MEASURES:
        total = [row for row in figures if row["dimension"] == "total"]
        of_all = {d.person for d in done if getattr(d, name)}
        if 0 < len(of_all) < PEOPLE:
            assert all(row.get(name) is None for row in figures)
            continue
        for dimension, key in of_row.items():
            people, sums = defaultdict(set), defaultdict(float)
            for d in done:
                if getattr(d, name):
                    people[key(d)].add(d.person)
                    sums[key(d)] += getattr(d, name)
            table = {
                (row["country"], row["name"]): row[name]
                for row in figures
                if row["dimension"] == dimension
            }
            assert {row: value for row, value in table.items() if value} == dict(sums)
            if table:
                assert sum(table.values()) == total[0][name]
            for some in subsets(sums):
                for part in (some, sums.keys() - set(some)):
                    count = len(set().union(*(people[row] for row in part)))
                    assert count == 0 or count >= PEOPLE


@settings(max_examples=50, deadline=None)
@given(classes())
def test_counts_of_people_and_waits_are_as_coarse_as_promised(done):
    figures = month_figures([d._replace(wait=90.0) if d.sessions else d for d in done])
    for row in figures:
        if row["dimension"] == "site":
            assert len({d.person for d in done if d.site == row["name"]}) >= PEOPLE
            assert row.keys().isdisjoint(MEASURES)  # nothing that could be subtracted
        else:
            assert (row["people_at_least"] or 0) % 5 == 0
        assert row.get("wait_median_minutes") in (None, 2)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.frozensets(st.integers(0, 6).map(lambda n: (str(n),)), min_size=1, max_size=4),
        max_size=14,
    )
)
def test_the_smallest_cut_is_found(ties):
    """Beside all cuts, tried one by one."""
    points = set().union(*ties)
    crossing = {
        half: sum(bool(tie & set(half)) and not tie <= set(half) for tie in ties)
        for half in subsets(points)
    }
    smallest = min((count for count in crossing.values() if count), default=float("inf"))
    crossed, side = smallest_cut(ties)
    assert crossed == smallest
    if side:
        assert crossing[tuple(p for p in points if p in side)] == crossed


def people(place, course, count, name):
    return [Done(f"{name}{n}", place, course, "s", 1) for n in range(count)]


def labels(done, dimension):
    figures = month_figures(done)
    return {
        (row["country"], row["name"]): row["sessions"]
        for row in figures
        if row["dimension"] == dimension
    }


def test_large_rows_stay_as_they_are():
    done = people(("CL", "a"), "x", 6, "p") + people(("CO", "d"), "x", 5, "q")
    assert labels(done, "institution") == {("CL", "a"): 6, ("CO", "d"): 5}
    assert labels(done, "country") == {("CL", ""): 6, ("CO", ""): 5}


def test_a_small_institution_is_merged_in_its_country_and_takes_another_with_it():
    done = people(("CL", "a"), "x", 20, "p") + people(("CL", "b"), "x", 8, "q")
    done += people(("CL", "c"), "x", 2, "r") + people(("CO", "d"), "x", 7, "s")
    assert labels(done, "institution") == {("CL", "a"): 20, ("CL", OTHER): 10, ("CO", "d"): 7}


def test_a_small_country_takes_the_next_with_it():
    done = people(("CL", "a"), "x", 20, "p") + people(("CO", "d"), "x", 7, "s")
    done += people(("PE", "f"), "x", 3, "t")
    assert labels(done, "country") == {("CL", ""): 20, (OTHER, ""): 10}


def test_one_person_between_two_tables_is_not_found_by_comparing_them():
    """Institution a takes courses x and y, with one guest from elsewhere in x: x + y − a."""
    done = people(("CL", "a"), "x", 9, "p") + people(("CL", "a"), "y", 9, "q")
    done += people(("CO", "d"), "z", 9, "r") + [Done("r0", ("CO", "d"), "x", "s", 1)]
    courses, places = labels(done, "course"), labels(done, "institution")
    assert sum(courses.values()) == sum(places.values()) == 28
    assert len(courses) * len(places) < 6


def test_the_hours_of_the_only_one_with_a_gpu_are_not_the_rows():
    done = people(("CL", "a"), "x", 9, "p") + people(("CL", "b"), "x", 9, "q")
    done[0] = done[0]._replace(gpu_hours=7.0)
    done += [Done(f"q{n}", ("CL", "b"), "x", "s", 1, 1.0) for n in range(9)]
    assert len(labels(done, "institution")) == 1
    figures = month_figures(done[:9])  # and where nobody else has one, there is no such figure
    assert {row.get("gpu_hours") for row in figures} == {None}
    assert figures[0]["sessions"] == 9
