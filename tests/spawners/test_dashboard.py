"""The Grafana dashboards ask only for what a real hub has."""

import json
import re
from types import SimpleNamespace

import pytest
import yaml

from deploy.grafana import dashboard
from tests.conftest import ROOT
from tests.spawners.test_metrics import scrape

KEYWORDS = {"and", "or", "unless", "bool", "offset"}


def names_and_labels(query: str) -> tuple[dict[str, set[str]], set[str]]:
    """Return a PromQL query's metrics with the labels they are matched by, and its `by` labels."""
    bare = re.sub(r'"[^"]*"', '""', query)  # nothing inside a string is a name
    grouping = r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)"
    grouped = {label.strip() for group in re.findall(grouping, bare) for label in group.split(",")}
    bare = re.sub(r"\[[^\]]*\]", " ", re.sub(grouping, " ", bare))
    metrics = {}
    for name, opens, matchers in re.findall(r"([a-zA-Z_:][\w:]*)\s*(\()?(?:\{([^}]*)\})?", bare):
        if not opens and name not in KEYWORDS:  # a function is followed by a parenthesis
            metrics.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]", matchers))
    return metrics, grouped


def queries() -> list[str]:
    panels = json.loads(dashboard.file("es").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def alerts() -> list[str]:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "minga.rules.yml").read_text())
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def unknown(query: str, samples: dict) -> set[str]:
    """Return what `query` names and `samples` (a real scrape) do not have."""
    metrics, grouped = names_and_labels(query)
    missing, labels = set(), set()
    for name, matched in metrics.items():
        if name not in samples:
            missing.add(name)
            continue
        there = set().union(*(sample.labels for sample in samples[name]))
        missing |= {f"{name}{{{label}}}" for label in matched - there}
        labels |= there
    return missing | {f"by ({label})" for label in grouped - labels if not missing}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum by (site) (rate(minga_x_total[5m]))", {"minga_x_total"}),
        ('minga_sessions{where="a"}', {"minga_sessions{where}"}),
        ("sum by (le, phase) (minga_sessions)", {"by (le)", "by (phase)"}),
        ('sum by (site) (minga_sessions{site=~"$site|", state="b c"}) / up', {"up"}),
        ('histogram_quantile(0.5, minga_sessions{state="x"})', set()),
    ],
)
def test_the_check_finds_what_does_not_exist(query, expected):
    sample = SimpleNamespace(labels={"site": "chile", "state": "running"})
    assert unknown(query, {"minga_sessions": [sample]}) == expected


@pytest.mark.slow
def test_every_query_names_metrics_and_labels_of_a_real_hub(minga):
    samples = scrape(minga)
    asked = queries() + alerts()
    assert len(asked) > 15
    assert {query: unknown(query, samples) for query in asked} == {query: set() for query in asked}
    # And every metric of ours is shown somewhere.
    ours = {
        re.sub("_(bucket|count|sum|created)$", "", n) for n in samples if n.startswith("minga_")
    }
    ours = {name for name in ours if not name.endswith("_created")}
    shown = " ".join(queries())
    assert {name for name in ours if name.removesuffix("_total") not in shown} == set()


def test_the_files_are_what_the_table_says():
    for language in dashboard.LANGUAGES:
        told = "run: python -m deploy.grafana.dashboard"
        assert dashboard.file(language).read_text("utf-8") == dashboard.text(language), told


def test_the_dashboards_differ_in_their_texts_only():
    spanish, english = (dashboard.dashboard(language) for language in dashboard.LANGUAGES)
    assert spanish["uid"] != english["uid"]
    for one, other in zip(spanish["panels"], english["panels"], strict=True):
        for text in ("title", "description"):
            assert one.pop(text) != other.pop(text)
        assert one == other


def test_panels_do_not_lie_on_each_other():
    cells = set()
    for panel in dashboard.dashboard("es")["panels"]:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in own) < 24
        assert not own & cells
        cells |= own
