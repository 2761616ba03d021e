"""What is measured, each as a function of one hub; the letters are those of the results."""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

from . import machine
from .hub import ROOT, Hub

SCHEDULER = ("squeue", "scontrol", "sacct", "sinfo")  # questions; sbatch and scancel are orders


def crowd(hub: Hub, names: list[str], within: float, deadline: float, options: dict) -> dict:
    """Let `names` press start within so many seconds, in another process; return its report."""
    request = {
        "url": hub.url,
        "token": hub.settings.token,
        "names": names,
        "within": within,
        "deadline": deadline,
        "options": options,
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.crowd"],
        cwd=ROOT,
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        timeout=deadline + 60,
        check=True,
    )
    return json.loads(done.stdout)


@contextmanager
def probed(hub: Hub, seconds: float):
    """Ask the hub every 100 ms meanwhile; the list given is filled with the answers' times."""
    times: list[float] = []
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.probe", f"{hub.url}/hub/api/", str(seconds)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield times
        out, _ = process.communicate(timeout=60)
        times.extend(json.loads(out))
    finally:
        process.kill()
        process.wait()


class Meter(threading.Thread):
    """Samples a hub's CPU use every half second: shares of one core, children when they end."""

    def __init__(self, hub: Hub):
        super().__init__(daemon=True)
        self.hub, self.peak_own, self.peak_all = hub, 0.0, 0.0
        self._ended = threading.Event()

    def run(self) -> None:
        """Sample until the with block ends."""
        last, moment = self.hub.usage(), time.monotonic()
        while not self._ended.wait(0.5):
            usage, now = self.hub.usage(), time.monotonic()
            used = usage - last
            self.peak_own = max(self.peak_own, used.own / (now - moment))
            self.peak_all = max(self.peak_all, used.total / (now - moment))
            last, moment = usage, now

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()


def options(hub: Hub, gpu: bool = False) -> dict:
    """Return the user_options of a start with or without a GPU."""
    if hub.settings.spawner == "ours":
        return {"profile": "gpu" if gpu else "cpu"}
    return {"gres": "gpu:1"} if gpu else {}


def grow(hub: Hub, have: int, want: int) -> list[str]:
    """Start sessions until there are `want`; return the failures."""
    names = [f"s{number:03}" for number in range(have, want)]
    hub.add_users(names)
    # 20 a second: this is not what is measured, and the machine is small.
    report = crowd(hub, names, len(names) / 20, 300 + len(names), options(hub))
    if report["failures"] or report["waiting"]:
        raise RuntimeError(f"{len(report['failures'])} starts failed: {report['failures'][:3]}")
    return names


def polling(site, folder: Path, spawner: str, sizes: list[int], seconds: float) -> list[dict]:
    """(a) What an idle hub uses for looking after its sessions, by their number.

    With each number of running sessions: CPU-seconds and processes of one round in which all
    are polled at once (median of five), and all that the hub uses in 30 seconds (stock's
    interval) when nothing happens.
    """
    result = []
    with Hub(spawner, site, folder, concurrent_spawn_limit=0) as hub:
        have = 0
        for size in [0, *sizes]:
            if size:
                grow(hub, have, size)
                have = size
                time.sleep(5)  # what starts left to do
            began, before = time.time(), hub.usage()
            time.sleep(seconds)
            used, rounds = hub.usage() - before, (time.time() - began) / 30
            counted = hub.counted(began)
            forced = time.time()
            polled = [hub.api("POST", "/benchmark/round") for _ in range(5)]
            result.append(
                {
                    "sessions": size,
                    "round_cpu": statistics.median(each["cpu"] for each in polled),
                    "round_processes": hub.counted(forced).total() / len(polled),
                    "alive": min(each["alive"] for each in polled),
                    "cpu": used.total / rounds,
                    "own": used.own / rounds,
                    "children": used.children / rounds,
                    "processes": counted.total() / rounds,
                    "memory_mb": hub.memory_mb(),
                    "ready": hub.ready_servers(),
                }
            )
            print(f"      (a) {spawner}: {result[-1]}", flush=True)
    return result


def click(site, folder: Path, spawner: str, runs: int, environment: dict | None = None) -> dict:
    """(b) Seconds from one student's press until real JupyterLab answers through the proxy."""
    times = []
    with Hub(spawner, site, folder, stub=False, session_environment=environment or {}) as hub:
        for number in range(runs + 1):  # the first one only fills the disk cache
            name = f"one{number}"
            hub.add_users([name])
            report = crowd(hub, [name], 0, 120, options(hub))
            if not report["seconds"]:
                raise RuntimeError(f"{spawner}: {report} {hub.log()[-2000:]}")
            if number:
                times.append(report["seconds"][0])
            hub.api("DELETE", f"/users/{name}/server")
            hub.until(lambda name=name: _gone(hub, name), 60)
            machine.cancel_all(site)
    print(f"      (b) {spawner}: {[round(each, 2) for each in times]}", flush=True)
    return {"times": times, "median": statistics.median(times)}


def _gone(hub: Hub, name: str) -> bool:
    return not hub.api("GET", f"/users/{name}")["servers"]


def rush(site, folder: Path, spawner: str, count: int, seconds: float, gpu: bool) -> dict:
    """(c) `count` students press start within 10 seconds; everybody is asked for `seconds`."""
    with Hub(spawner, site, folder) as hub:
        names = [f"s{number:03}" for number in range(count)]
        hub.add_users(names)
        time.sleep(1)
        began, before = time.time(), hub.usage()
        with probed(hub, seconds + 60) as times, Meter(hub) as meter:
            report = crowd(hub, names, 10, seconds, options(hub, gpu))
        took, used = report["took"], hub.usage() - before
        calls = [(moment, name) for moment, name in hub.calls() if began <= moment < began + took]
        counted = Counter(name for _, name in calls)
        ready = hub.ready_servers()
    questions = [moment for moment, name in calls if name in SCHEDULER]
    result = {
        "students": count,
        "ready": len(report["seconds"]),
        "ready_in_hub": ready,
        # Of all: as long as somebody is not ready there is no last one.
        "last": report["last"] if len(report["seconds"]) == count else None,
        "slowest": max(report["seconds"], default=None),
        "median": statistics.median(report["seconds"]) if report["seconds"] else None,
        "failures": len(report["failures"]),
        "failure_examples": sorted(set(report["failures"]))[:3],
        "waiting": report["waiting"],
        "turned_away": report["turned_away"],
        "refusals": report["refusals"],
        "took": took,
        "p50": quantile(times, 0.5),
        "p99": quantile(times, 0.99),
        "max": max(times),
        "peak_own": meter.peak_own,
        "peak_all": meter.peak_all,
        "cpu_own": used.own,
        "cpu_children": used.children,
        "calls": dict(counted),
        "questions_per_second": len(questions) / took,
        "questions_peak": max(Counter(int(moment) for moment in questions).values(), default=0),
    }
    print(f"      (c) {spawner}: {result}", flush=True)
    return result


def restart(site, folder: Path, spawner: str, count: int, runs: int) -> list[dict]:
    """(d) The hub is killed and started with `count` sessions: seconds until all are ready."""
    result = []
    with Hub(spawner, site, folder, concurrent_spawn_limit=0) as hub:
        names = grow(hub, 0, count)
        for _ in range(runs):
            hub.kill()
            began = time.monotonic()
            hub.start(wait=False)
            hub.until(lambda: hub.answers("/health"), 120, every=0.05)
            answering = time.monotonic() - began
            known = None
            with suppress(TimeoutError):
                hub.until(lambda: hub.ready_servers() == count, 60)
                known = time.monotonic() - began
            with suppress(TimeoutError):  # through the proxy, which was started anew too
                hub.until(lambda: all(map(hub.session_answers, names)), 30)
            reached = sum(map(hub.session_answers, names))
            result.append(
                {
                    "sessions": count,
                    "answering": answering,
                    "known": known,
                    "lost": count - hub.ready_servers(),
                    "reachable": reached,
                }
            )
            print(f"      (d) {spawner}: {result[-1]}", flush=True)
            time.sleep(5)
    return result


def quantile(values: list[float], share: float) -> float:
    """Return the value that `share` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
