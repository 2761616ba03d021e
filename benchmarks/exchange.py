"""`make bench-exchange`: a thousand submissions in the last minute before a deadline.

    python -m benchmarks.exchange                    both, three minutes on two cores
    python -m benchmarks.exchange --submissions 40   a small number: does it run?
    python -m benchmarks.exchange --draw             the pages again, from the saved results

The same notebooks, handed in with nbgrader's own submit: once over the exchange service (a real
one, with real files; only the hub that knows the tokens is a stand-in), once into nbgrader's
shared folder. Students press when they press, whether or not others have been served, more and
more towards the end; the time of each counts from that moment until nbgrader says that it is
done. Afterwards every submission is looked for, and the service compares every receipt with its
disk. Writes exchange.json, exchange.md and exchange.en.md to docs/benchmarks.
"""

import argparse
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from . import machine
from .beside import write_pages

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "docs" / "benchmarks"
ASSIGNMENT = "tarea"
MINUTE = 60.0  # seconds
CLIENTS = 16  # processes that play the students
WORDS = {
    "es": {
        "file": "exchange.md",
        "title": "Mil entregas en el último minuto",
        "intro": "{submissions} entregas de unos {size} kB cada una en los {seconds:g} segundos "
        "antes de la hora límite, cada vez más hacia el final, hechas con la orden de entregar de "
        "nbgrader: por el servicio de intercambio de Minga y en la carpeta compartida de "
        "nbgrader. El tiempo cuenta desde que el estudiante aprieta; estudiantes y servicio "
        "corren en la misma máquina. Lo que la carpeta hace en menos tiempo, lo hace sin recibo, "
        "sin comprobar quién entrega y sin esperar al disco.",
        "command": "Mídelo en tu máquina con `make bench-exchange`.",
        "machine": "Máquina",
        "head": "| Medido | Minga | carpeta de nbgrader | Minga / nbgrader |",
        "rows": {
            "stored": "entregas que están después",
            "failed": "entregas que fallaron",
            "receipts": "recibos que coinciden con el disco",
            "p50": "hasta estar entregada, mediana (s)",
            "p99": "hasta estar entregada, p99 (s)",
            "longest": "hasta estar entregada, la más larga (s)",
        },
    },
    "en": {
        "file": "exchange.en.md",
        "title": "A thousand submissions in the last minute",
        "intro": "{submissions} submissions of about {size} kB each within the {seconds:g} "
        "seconds before a deadline, more and more towards the end, made with nbgrader's own "
        "submit command: over Minga's exchange service and into nbgrader's shared folder. The "
        "time counts from the student's press; students and service run on the same machine. "
        "What the folder does in less time it does without a receipt, without knowing who hands "
        "in, and without waiting for the disk.",
        "command": "Measure it on your machine with `make bench-exchange`.",
        "machine": "Machine",
        "head": "| Measured | Minga | nbgrader's folder | Minga / nbgrader |",
        "rows": {
            "stored": "submissions that are there afterwards",
            "failed": "submissions that failed",
            "receipts": "receipts that match the disk",
            "p50": "until handed in, median (s)",
            "p99": "until handed in, p99 (s)",
            "longest": "until handed in, longest (s)",
        },
    },
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, save, write the pages; return 1 if a submission of ours was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exchange", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=MINUTE, help="how long the rush lasts")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the results")
    parser.add_argument("--draw", action="store_true", help="only write what was saved")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    saved = options.output / "exchange.json"
    if not options.draw:
        results = {"machine": machine.description(), "seconds": options.seconds}
        with tempfile.TemporaryDirectory(prefix="minga-exchange-") as temporary:
            folder = Path(temporary)
            folder.chmod(0o755)
            students = [f"e{number:04}" for number in range(options.submissions)]
            sizes = [work(folder, student) for student in students]
            results |= {"submissions": len(students), "size": round(statistics.mean(sizes) / 1000)}
            results["ours"] = over_the_service(folder, students, options.seconds)
            results["stock"] = into_the_folder(folder, students, options.seconds)
        saved.write_text(json.dumps(results, indent=1) + "\n")
    results = json.loads(saved.read_text())
    write_pages(results, options.output, WORDS)
    print((options.output / "exchange.en.md").read_text())
    ours = results["ours"]
    kept = ours["stored"] == ours["receipts"] == results["submissions"] and not ours["failed"]
    return 0 if kept else 1


def work(folder: Path, student: str) -> int:
    """Write a student's notebook, like no other, and return its size in bytes."""
    rng = random.Random(student)  # noqa: S311 (no secret)
    text = rng.randbytes(rng.randrange(5_000, 50_000)).hex()
    cells = [
        new_code_cell(f"x = {n}", id=f"c{n}", outputs=[new_output("stream", text=text[n::10])])
        for n in range(10)
    ]
    notebook = nbformat.writes(new_notebook(cells=cells))
    home = folder / "homes" / student / ASSIGNMENT
    home.mkdir(parents=True)
    (home / f"{ASSIGNMENT}.ipynb").write_text(notebook)
    return len(notebook)


def over_the_service(folder: Path, students: list[str], seconds: float) -> dict:
    """Hand in over the exchange service; return what became of it."""
    from exchange.client import ExchangeClient
    from exchange.filesets import read
    from tests.exchange.service.exchange_server import COURSE, ExchangeServer, FakeHub

    hub = FakeHub()
    for student in students:
        hub.user(student, [f"nbgrader-{COURSE}"])
    server = ExchangeServer(folder / "exchange", hub).start()
    url = server.url.removesuffix("v1/")
    try:
        release = folder / "homes" / students[0] / ASSIGNMENT
        with ExchangeClient(url, "instructor") as client:
            client.release(COURSE, ASSIGNMENT, release, read(release))
            times = rush(folder, students, seconds, {"url": url, "course": COURSE})
            stored = {r["student"]: r for r in client.submissions(COURSE, ASSIGNMENT, latest=True)}
        same = [
            student
            for student in students
            if student in stored and _sha256(folder, student) == _receipt(folder, student)
        ]
        checked = server.check()
        if checked["status"]:
            raise RuntimeError(f"receipts and disk differ: {checked}")
    finally:
        server.stop()
        hub.close()
    return _summary(times) | {"stored": len(stored), "receipts": len(same)}


def into_the_folder(folder: Path, students: list[str], seconds: float) -> dict:
    """Hand in into nbgrader's shared folder; return what became of it."""
    root = folder / "shared"
    for name in ("inbound", "outbound"):
        (root / "curso" / name).mkdir(parents=True)
        (root / "curso" / name).chmod(0o733 if name == "inbound" else 0o755)
    root.chmod(0o777)
    release = root / "curso" / "outbound" / ASSIGNMENT
    release.mkdir()
    text = (folder / "homes" / students[0] / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").read_text()
    (release / f"{ASSIGNMENT}.ipynb").write_text(text)
    times = rush(folder, students, seconds, {"root": str(root), "course": "curso"})
    stored = {path.name.split("+")[0] for path in (root / "curso" / "inbound").iterdir()}
    return _summary(times) | {"stored": len(stored), "receipts": None}


def rush(folder: Path, students: list[str], seconds: float, to: dict) -> list[float | None]:
    """Let each student hand in at a moment of their own; return the seconds of each."""
    rng = random.Random(1)  # noqa: S311 (no secret)
    moments = sorted(seconds * math.sqrt(rng.random()) for _ in students)
    plans = [list(zip(moments, students, strict=True))[n::CLIENTS] for n in range(CLIENTS)]
    with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(_ready, range(CLIENTS * 4)))  # all have imported what they need
        begin = time.time() + 2
        done = [pool.submit(_hand_in, plan, begin, str(folder), to) for plan in plans]
        return [each for future in done for each in future.result()]


def _ready(_) -> None:
    import nbgrader.exchange.default  # noqa: F401

    import exchange.plugins  # noqa: F401

    time.sleep(1)


def _hand_in(plan: list, begin: float, folder: str, to: dict) -> list[float | None]:
    """Play some students, one after the other; None: nbgrader said that it failed."""
    from nbgrader.auth import Authenticator, NoAuthPlugin
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange import ExchangeError
    from traitlets.config import Config

    if os.nice(0) < 10:
        os.nice(10)  # students' machines are others in reality
    times = []
    for moment, student in plan:
        home = Path(folder, "homes", student)
        os.chdir(home)
        config = Config()
        config.CourseDirectory.course_id = to["course"]
        config.CourseDirectory.assignment_id = ASSIGNMENT
        config.CourseDirectory.student_id = student
        if "url" in to:
            from exchange.plugins import ServiceSubmit as Submit

            config.ServiceExchange.url, config.ServiceExchange.token = to["url"], student
            config.ServiceExchange.assignment_dir = str(home)
            config.ServiceExchange.cache = str(home / ".cache")
        else:
            from nbgrader.exchange.default import ExchangeSubmit as Submit

            config.Exchange.root = to["root"]
            config.Exchange.cache = str(home / ".cache")
            config.Exchange.assignment_dir = str(home)
        os.environ["JUPYTERHUB_USER"] = student
        config.Authenticator.plugin_class = NoAuthPlugin
        authenticator = Authenticator(config=config)
        submit = Submit(CourseDirectory(config=config), authenticator, config=config)
        submit.log.setLevel("CRITICAL")
        time.sleep(max(0.0, begin + moment - time.time()))
        try:
            submit.start()
            times.append(time.time() - begin - moment)
        except ExchangeError as error:
            print(f"{student}: {error}", file=sys.stderr)
            times.append(None)
    return times


def _sha256(folder: Path, student: str) -> str:
    """Return the checksum that a receipt of a student's work must have."""
    from exchange.filesets import digest, read

    files = read(folder / "homes" / student / ASSIGNMENT)
    return digest(file for file in files if file.path == f"{ASSIGNMENT}.ipynb")


def _receipt(folder: Path, student: str) -> str | None:
    """Return the checksum in the receipt that a student has."""
    from exchange.receipt import file_name

    kept = (folder / "homes" / student / ".cache").rglob(file_name("es"))
    return next((json.loads(path.read_text())["sha256"] for path in kept), None)


def _summary(times: list[float | None]) -> dict:
    good = sorted(each for each in times if each is not None)
    hundredths = statistics.quantiles(good, n=100)
    return {
        "failed": len(times) - len(good),
        "p50": statistics.median(good),
        "p99": hundredths[98],
        "longest": good[-1],
    }


if __name__ == "__main__":
    sys.exit(main())
