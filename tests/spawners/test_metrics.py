"""What Prometheus reads from a real hub after real sessions, and the lines an operator greps."""

import ast
import logging
import re
from types import SimpleNamespace

import pytest
import requests
from jupyterhub import orm
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from spawners import logs, metrics
from spawners.queue import Job, Life, Snapshot
from spawners.slurm import MingaSpawner
from tests.conftest import ROOT
from tests.spawners.test_sessions import CHOICE, queue, slurm

LABELS = {"site", "phase", "state", "reason", "le"}


def scrape(minga) -> dict[str, list]:
    """Return the samples of a running hub by name, read as Prometheus reads them."""
    token = (minga.state / "hub" / "prometheus-token").read_text().strip()
    answer = requests.get(
        f"{minga.url}/hub/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample)
    return samples


def value(samples, name: str, **labels) -> float:
    """Return the one sample of that name with exactly these labels."""
    (found,) = [s.value for s in samples[name] if s.labels == labels]
    return found


@pytest.mark.slow
def test_a_real_session_is_timed_counted_and_logged(minga):
    person = minga.login("estudiante1")
    before = scrape(minga)
    refused = person.api("POST", "/users/estudiante1/server", json={"site": "luna"})
    assert refused.status_code == 400
    person.start(**CHOICE)
    try:
        during = scrape(minga)
        assert value(during, "minga_sessions", site="colombia", state="running") == 1
        (job,) = [line.split()[0] for line in queue(minga, "colombia")]
        slurm(minga, "colombia", "scancel", job)
    finally:
        person.stop()
    after = scrape(minga)

    def grown(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    sums = [
        grown("minga_spawn_phase_seconds_sum", site="colombia", phase=phase)
        for phase in metrics.PHASES
    ]
    assert all(seconds > 0 for seconds in sums), sums
    total = grown("minga_spawn_phase_seconds_sum", site="colombia", phase="total")
    assert total == pytest.approx(sum(sums))
    assert grown("minga_spawn_phase_seconds_count", site="colombia", phase="total") == 1
    assert grown("minga_spawn_phase_seconds_count", site="chile", phase="total") == 0
    assert grown("minga_spawn_failures_total", site="", reason="options") == 1
    assert grown("minga_queue_query_seconds_count", site="colombia") > 0
    assert value(after, "minga_sessions", site="colombia", state="running") == 0

    log = (minga.state / "log" / "hub.log").read_text()
    fields = f"user=estudiante1 session=- site=colombia job={job}"
    for words in ("submitted", "started on node=colombia-n", "stopping"):
        assert f"{fields} {words}" in log, words
    assert "site=colombia answers" in log

    for name, samples in after.items():
        if name.startswith("minga_"):
            for sample in samples:
                assert set(sample.labels) <= LABELS, sample
                assert "estudiante1" not in sample.labels.values()


@pytest.mark.slow
def test_only_a_token_for_it_reads_the_metrics(minga):
    person = minga.login("estudiante1")
    assert requests.get(f"{minga.url}/hub/metrics", timeout=10).status_code == 403
    assert person.http.get(f"{minga.url}/hub/metrics").status_code == 403
    file = minga.state / "hub" / "prometheus-token"
    assert file.stat().st_mode & 0o777 == 0o600
    token = {"Authorization": f"Bearer {file.read_text().strip()}"}
    users = requests.get(f"{minga.url}/hub/api/users", headers=token, timeout=10)
    assert users.status_code == 403


def site_of(latest: Snapshot):
    return SimpleNamespace(queue=SimpleNamespace(latest=latest))


@pytest.mark.parametrize(
    ("latest", "server", "expected"),
    [
        (Snapshot(2, {"1": Job("1", "PENDING")}), False, ("chile", "waiting")),
        (Snapshot(2, {"1": Job("1", "RUNNING")}), False, ("chile", "starting")),
        (Snapshot(2, {"1": Job("1", "RUNNING")}), True, ("chile", "running")),
        (Snapshot(2, {"1": Job("1", "SUSPENDED")}), True, ("chile", "running")),
        (Snapshot(2, {"1": Job("1", "REQUEUED")}), True, ("chile", "waiting")),
        (Snapshot(2, {}, error="no munge"), True, ("chile", "unknown")),
        (Snapshot(0, {}), False, ("chile", "waiting")),  # asked before the job was handed in
        (Snapshot(2, {}), True, None),
    ],
)
def test_a_session_is_in_one_state(latest, server, expected):
    spawner = MingaSpawner(sites={"chile": site_of(latest)})
    spawner.job_id, spawner.site_name, spawner.submitted = "1", "chile", 1.0
    if server:
        spawner.orm_spawner = SimpleNamespace(
            server=orm.Server(proto="http", ip="", port=1, base_url="/", cookie_name="x")
        )
    assert spawner.ready is server
    assert spawner.site_and_state() == expected


def test_the_gauge_counts_and_is_there_before_anybody(monkeypatch):
    sessions = metrics.Sessions()
    sessions.sites.add("bogota")
    samples = sessions.collect()[0].samples
    assert {s.labels["state"]: s.value for s in samples} == dict.fromkeys(metrics.STATES, 0)

    class Session:
        def site_and_state(self):
            return "bogota", "running"

    kept = [Session(), Session()]
    for session in kept:
        sessions.add(session)
    sessions.add(Session())  # one that is forgotten by everybody else
    running = [s.value for s in sessions.collect()[0].samples if s.labels["state"] == "running"]
    assert running == [2]


def test_a_start_that_was_requeued_counts_its_whole_queue_once(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    metrics.prepare_site("requeued")
    clock = metrics.SpawnClock("requeued")
    for phase, seconds in (
        ("submit", 1),
        ("queue", 10),
        ("queue", 100),
        ("start", 3),
        ("ready", 2),
        ("ready", 50),  # the hub restores a callback: the start is over already
    ):
        now[0] += seconds
        clock.mark(phase)

    def total(phase):
        labels = {"site": "requeued", "phase": phase}
        return REGISTRY.get_sample_value("minga_spawn_phase_seconds_sum", labels)

    assert [total(phase) for phase in (*metrics.PHASES, "total")] == [1, 110, 3, 2, 116]


def test_every_failure_a_person_meets_has_a_series_from_the_start():
    """Reasons are written in slurm.py and choices.py; an alert needs their first occurrence."""
    written = set()
    for name in ("slurm", "choices"):
        text = (metrics.__file__.replace("metrics.py", f"{name}.py"),)
        written |= set(re.findall(r'reason="(\w+)"', open(text[0]).read()))
    assert written
    assert written <= set(metrics.REASONS)


def test_a_name_cannot_forge_a_field_or_a_line():
    line = logs.fields(user="ana job=1", session="x\n[I] y", site="", job="7")
    assert line.count(" ") == 3
    assert line.isprintable()
    assert line.startswith("user=ana\\u0020job\\u003d1 session=x\\u000a")
    assert line.endswith(" site=- job=7")


def test_a_line_of_a_session_has_all_four_fields(caplog):
    spawner = MingaSpawner(user=SimpleNamespace(name="ñandú@u.cl"))
    spawner.log = logs.of_session(spawner, logging.getLogger("test"))
    spawner.job_id, spawner.site_name = "12", "chile"
    with caplog.at_level(logging.INFO, "test"):
        spawner.log.info("moved to node=%s at 100%%", "n1")
    assert caplog.messages == [
        "user=ñandú@u.cl session=- site=chile job=12 moved to node=n1 at 100%"
    ]
    # Whatever MingaSpawner gets as its hub's logger, the fields come first.
    assert isinstance(MingaSpawner().log, logs.FieldLog)


def test_life_covers_every_answer():
    """A new answer of the queue must be put into one of the gauge's states."""
    assert {life.name for life in Life} == {"WAITING", "RUNNING", "GONE", "UNKNOWN"}


def test_every_log_line_of_this_room_has_fields():
    """Only logs.py makes loggers, and `self.log` is used by nothing but the spawner's classes."""
    spawner_classes = {owner.__name__ for owner in MingaSpawner.__mro__}
    for file in sorted((ROOT / "spawners").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in ("getLogger", "app_log"):
                assert file.name == "logs.py", file
            if isinstance(node, ast.ClassDef) and file.name != "logs.py":
                uses = re.search(r"self\.log\.\w+\(", ast.unparse(node))
                assert not uses or node.name in spawner_classes, (file, node.name)
