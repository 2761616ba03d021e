"""Nobody is singled out: which rows may be published, and what is merged into "other".

The rule: no published figure, and nothing that can be computed from published figures by adding
and subtracting, stands for fewer than five people (`PEOPLE`), unless it stands for nobody at all.

Why merging small rows is not enough. A month's sessions are added up by place (institution and
country) and by course. The total minus the other rows is a row, so a small row that is left out
comes back by subtraction. And two tables tell more than each: if institution A takes the courses
X and Y and nobody else does, but for one person from elsewhere, then X + Y − A is that person.

What is done. Draw a graph: its points are the rows of both tables, and each person ties together
the rows that their sessions are in (their institution, their courses). Take any sum of rows with
any factors. A person's sessions drop out of it only if it gives both their rows the same height
(places with their factor, courses with its negative), so what is left includes everybody who ties
a point above some height to a point below: a *cut* of the graph. So the rule holds for all sums
and differences of both tables if, and only if, every cut that anybody crosses is crossed by five
people. A cut around one point is a row, so small rows are found by the same look. The smallest
cut is found by Klimmek and Wagner's ordering (a person may tie more than two points: it is a
hypergraph); while it is too small, a row at it is merged, and so on. The end is one row for all.

Countries are sums of the rows of institutions: institutions are merged within their country
first, and a country as a whole with others where that is not enough; so countries add nothing
that institutions do not tell.

Each measure (sessions, GPU-hours, graded work) has a graph of its own, of the people who have
something of it: a row of twenty people of whom one used a GPU would show that person's hours.
Rows are merged until all measures keep the rule. A measure that fewer than five people have
something of in a whole month is left out of that month.

Months. A session counts in one month, a month is published once, when it is over, and never
changed; what becomes known later counts in the next. So two months, or a page and the same page
later, show nothing together that each does not show alone.

What this does not hide: that a group has fewer than five people this month (its row is missing);
and, in a row of five, that one of them used most of it, from the other four.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import NamedTuple

PEOPLE = 5
OTHER = "(other)"  # no institution, course or country can be called so

Place = tuple[str, str]  # country, institution
Label = tuple[str, ...]  # of a row: (country, institution) or (course,)
Edge = tuple[str, Place, str]  # a person, where they count to, a course where they have something


class Rows(NamedTuple):
    """What may be published of a month."""

    places: dict[Place, Label]  # the row that each institution is in
    courses: dict[str, Label]  # the row that each course is in
    measures: set[str]  # those that five people have something of, or nobody


def rows(measures: Mapping[str, Iterable[Edge]]) -> Rows:
    """Return the rows that keep the rule (see above), as many as this way of merging leaves.

    `measures`: for each measure, who has something of it where. A person has one place.
    """
    edges = {name: set(of_measure) for name, of_measure in measures.items()}
    people = {name: len({person for person, _, _ in some}) for name, some in edges.items()}
    kept = {name for name, count in people.items() if not 0 < count < PEOPLE}
    known = set().union(*(edges[name] for name in kept))
    found = Rows({place: place for _, place, _ in known}, {c: (c,) for _, _, c in known}, kept)
    while True:
        cuts = [smallest_cut(_ties(edges[name], found)) for name in sorted(kept)]
        crossed, side = min(cuts, default=(math.inf, ()), key=lambda cut: cut[0])
        if crossed >= PEOPLE:
            return found
        _merge(found, side, known)


def _ties(edges: Iterable[Edge], found: Rows) -> list[frozenset]:
    """Return for each person the points that they tie together."""
    ties = defaultdict(set)
    for person, place, course in edges:
        ties[person] |= {("place", *found.places[place]), ("course", *found.courses[course])}
    return [frozenset(points) for points in ties.values()]


def _merge(found: Rows, side: Iterable[tuple], known: set[Edge]) -> None:
    """Merge one row at a cut: the smallest one on its smaller side."""
    members = defaultdict(set)
    for person, place, course in known:
        for point in (("place", *found.places[place]), ("course", *found.courses[course])):
            members[point].add(person)
            members[point[:2]].add(person)  # a country as a whole

    def size(point: tuple) -> tuple:
        return len(members[point]), point

    kind, *label = min(side, key=size)
    tables = {"place": found.places, "course": found.courses}
    if _fold(tables[kind], tuple(label), lambda row: size((kind, *row))):
        return
    other = "course" if kind == "place" else "place"
    smallest = min(tables[other].values(), key=lambda row: size((other, *row)))
    _fold(tables[other], smallest, lambda row: size((other, *row)))


def _fold(table: dict[Hashable, Label], row: Label, size: Callable[[Label], tuple]) -> bool:
    """Put `row` into "other"; if it is "other", put one more row into it.

    First within its country, then with other countries. False: this table is one row already.
    """
    pot = (*row[:-1], OTHER)
    beside = {label for label in table.values() if label[:-1] == row[:-1]} - {pot}
    if row != pot:
        chosen = {row}
    elif beside:
        chosen = {min(beside, key=size)}
    else:
        pot = (OTHER,) * len(row)
        countries = {label[:1] for label in table.values()} - {(OTHER,)}
        if row != pot:
            chosen = {row}
        elif countries:
            smallest = min(countries, key=size)
            chosen = {label for label in table.values() if label[:1] == smallest}
        else:
            return False
    for item, label in table.items():
        if label in chosen:
            table[item] = pot
    return True


def smallest_cut(ties: Iterable[frozenset]) -> tuple[float, frozenset]:
    """Return how many ties cross the smallest cut that any crosses, and the points on one side.

    `ties` are sets of points, one a person; (inf, no points) if there is no cut.
    """
    # In order: the same people give the same rows in every process.
    weights = dict(sorted(Counter(ties).items(), key=lambda item: sorted(item[0])))
    best = math.inf, frozenset()
    for points in _components(weights):
        inside = {tie: weight for tie, weight in weights.items() if tie <= points}
        best = min(best, _cut_of_component(points, inside), key=lambda cut: cut[0])
    return best


def _components(ties: Iterable[frozenset]) -> list[frozenset]:
    """Return the sets of points that hang together."""
    components: list[frozenset] = []
    for tie in ties:
        touched = [component for component in components if component & tie]
        rest = [component for component in components if not component & tie]
        components = [*rest, tie.union(*touched)]
    return components


def _cut_of_component(points: frozenset, ties: dict[frozenset, int]) -> tuple[float, frozenset]:
    """Return the smallest cut of points that hang together.

    R. Klimmek, F. Wagner: A simple hypergraph min cut algorithm (1996). In an order where each
    next point is the one most tied to those before it, the last point alone is a smallest cut
    between the last two; so they may be taken for one, and the search goes on.
    """
    merged = {point: frozenset([point]) for point in points}
    best: tuple[float, frozenset] = (math.inf, frozenset())
    while len(merged) > 1:
        *_, before, last = _order(sorted(merged), ties)
        crossed = sum(weight for tie, weight in ties.items() if last in tie and len(tie) > 1)
        side = min(merged[last], points - merged[last], key=lambda half: (len(half), sorted(half)))
        best = min(best, (crossed, side), key=lambda cut: cut[0])
        merged[before] |= merged.pop(last)
        joined = Counter()
        for tie, weight in ties.items():
            joined[frozenset(before if point == last else point for point in tie)] += weight
        ties = dict(joined)
    return best


def _order(points: list, ties: dict[frozenset, int]) -> list:
    """Return the points in the order that Klimmek and Wagner ask for."""
    at = defaultdict(list)
    for tie in ties:
        for point in tie:
            at[point].append(tie)
    tied = dict.fromkeys(points, 0)
    order, seen = [], set()
    while tied:
        point = max(tied, key=lambda p: tied[p])
        del tied[point]
        order.append(point)
        for tie in at[point]:
            if tie not in seen:
                seen.add(tie)
                for other in tie & tied.keys():
                    tied[other] += ties[tie]
    return order
