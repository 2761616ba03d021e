"""Turn saved results into a table (Spanish and English) and a plot."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from .promises import promises
from .results import listed, median, runs_of

OURS, STOCK, FLOOR = "#0b6e4f", "#b5542b", "#7a7a7a"
PAGES = {
    "es": {
        "title": "Cuánto cuesta y cuánto tarda una sesión: Minga y batchspawner",
        "intro": (
            "El mismo JupyterHub y el mismo Slurm privado, un spawner después del otro: el de "
            "Minga y el de batchspawner 1.3.0. Donde hacen falta cientos de sesiones son trabajos "
            "reales de Slurm con un servidor mínimo (`benchmarks/stub.py`); el tiempo de un clic "
            "se mide con JupyterLab real, el que inicia una sesión de Minga (también sin "
            "planificador); batchspawner inicia uno recién instalado. Todo ocurre "
            "en una sola máquina; lo que corre dentro de "
            "los trabajos tiene la prioridad más baja, porque en la realidad son otras máquinas. "
            "El servidor mínimo de batchspawner anuncia su puerto sin importar el hub, lo que "
            "favorece a batchspawner."
        ),
        "command": "Mídelo en tu máquina con",
        "measured": "Aquí se midió con",
        "machine": "Máquina",
        "head": ("Medición", "Minga", "batchspawner", "Minga / batchspawner"),
        "round_cpu": "(a) CPU de una ronda que consulta por todas, {n} sesiones (s)",
        "round_processes": "(a) procesos de esa ronda, {n} sesiones",
        "cpu": "(a) CPU del hub en 30 s sin que pase nada, {n} sesiones (s)",
        "click": "(b) del clic a JupyterLab (s), batchspawner {how}",
        "hows": {
            "stock": "recién instalado (sin bytecode)",
            "stock compiled": "con bytecode",
            "stock compiled, our packages": "con bytecode y nuestros paquetes",
        },
        "floor": "(b) sin planificador: {local} s; planificador de Slurm: {slurm} s; "
        "1,2 × sin planificador + Slurm: {limit} s",
        "fit": "(c) {n} estudiantes en 10 s, hay lugar para todos: ",
        "queue": "(c) {n} estudiantes en 10 s, 16 GPU, el resto en la cola: ",
        "rows": {
            "ready": "listos",
            "last": "el último está listo tras (s)",
            "slowest": "la espera más larga (s)",
            "failures": "fallidos",
            "turned_away": "rechazados al menos una vez (429)",
            "p50": "respuesta del hub, mediana (s)",
            "p99": "respuesta del hub, p99 (s)",
            "max": "respuesta del hub, máximo (s)",
            "peak_own": "CPU máxima del hub (núcleos)",
            "cpu_own": "CPU del hub (s)",
            "cpu_children": "CPU de sus procesos (s)",
            "questions_per_second": "preguntas al planificador por segundo",
        },
        "restart": "(d) hub reiniciado con {n} sesiones: ",
        "restarts": {
            "known": "todas conocidas tras (s)",
            "lost": "perdidas",
            "reachable": "accesibles",
        },
        "runs": "Medianas. Clics de (b): {clicks}; corridas de (c): {rush}, de (d): {restarts}.",
        "promises": ("Lo que prometemos", "Medido", "Límite", "Se cumple"),
        "promise": {
            "round": "(a) CPU de una ronda con más sesiones, Minga / batchspawner",
            "stock": "(b) Minga / batchspawner recién instalado",
            "stock compiled": "(b) Minga / batchspawner con bytecode",
            "floor": "(b) del clic a JupyterLab (s); el límite es 1,2 × sin planificador + Slurm",
            "failures": "(c) inicios fallidos en la peor corrida",
            "turned_away": "(c) rechazados en la peor corrida",
            "p99 fit": "(c) respuesta del hub con lugar para todos, p99 (s)",
            "p99 queue": "(c) respuesta del hub con cola, p99 (s)",
            "questions": "(c) preguntas al planificador por segundo en la peor corrida",
            "lost": "(d) sesiones perdidas en el peor reinicio",
            "known": "(d) todas conocidas tras (s)",
        },
        "kept": {True: "sí", False: "**no**"},
        "failed": "No se pudo medir",
    },
    "en": {
        "title": "What a session costs and how long it takes: Minga and batchspawner",
        "intro": (
            "The same JupyterHub and the same private Slurm, one spawner after the other: Minga's "
            "and batchspawner 1.3.0's. Where hundreds of sessions are needed they are real Slurm "
            "jobs of a minimal server (`benchmarks/stub.py`); the time of one click is measured "
            "with real JupyterLab, the one that a session of Minga starts (without a scheduler "
            "too); batchspawner starts one as installed. All of it happens on "
            "one machine; what runs inside jobs has "
            "the lowest priority, because those are other machines in reality. batchspawner's "
            "minimal server announces its port without importing the hub, which favours "
            "batchspawner."
        ),
        "command": "Measure it on your machine with",
        "measured": "Here it was measured with",
        "machine": "Machine",
        "head": ("Measured", "Minga", "batchspawner", "Minga / batchspawner"),
        "round_cpu": "(a) CPU of one round that polls them all, {n} sessions (s)",
        "round_processes": "(a) processes of that round, {n} sessions",
        "cpu": "(a) the hub's CPU in 30 s in which nothing happens, {n} sessions (s)",
        "click": "(b) from click to JupyterLab (s), batchspawner {how}",
        "hows": {
            "stock": "as installed (no bytecode)",
            "stock compiled": "with bytecode",
            "stock compiled, our packages": "with bytecode and our packages",
        },
        "floor": "(b) without a scheduler: {local} s; Slurm's own scheduling: {slurm} s; "
        "1.2 × without a scheduler + Slurm: {limit} s",
        "fit": "(c) {n} students in 10 s, room for all: ",
        "queue": "(c) {n} students in 10 s, 16 GPUs, the others in the queue: ",
        "rows": {
            "ready": "ready",
            "last": "the last one is ready after (s)",
            "slowest": "the longest wait (s)",
            "failures": "failed",
            "turned_away": "turned away at least once (429)",
            "p50": "the hub's answer, median (s)",
            "p99": "the hub's answer, p99 (s)",
            "max": "the hub's answer, longest (s)",
            "peak_own": "the hub's peak CPU (cores)",
            "cpu_own": "the hub's CPU (s)",
            "cpu_children": "CPU of its processes (s)",
            "questions_per_second": "questions to the scheduler a second",
        },
        "restart": "(d) hub restarted with {n} sessions: ",
        "restarts": {
            "known": "all known after (s)",
            "lost": "lost",
            "reachable": "reachable",
        },
        "runs": "Medians. Clicks of (b): {clicks}; runs of (c): {rush}, of (d): {restarts}.",
        "promises": ("What we promise", "Measured", "Limit", "Kept"),
        "promise": {
            "round": "(a) CPU of one round with most sessions, Minga / batchspawner",
            "stock": "(b) Minga / batchspawner as installed",
            "stock compiled": "(b) Minga / batchspawner with bytecode",
            "floor": "(b) from click to JupyterLab (s); the limit is 1.2 × without a scheduler "
            "+ Slurm",
            "failures": "(c) failed starts in the worst run",
            "turned_away": "(c) turned away in the worst run",
            "p99 fit": "(c) the hub's answer with room for all, p99 (s)",
            "p99 queue": "(c) the hub's answer with a queue, p99 (s)",
            "questions": "(c) questions to the scheduler a second in the worst run",
            "lost": "(d) sessions lost in the worst restart",
            "known": "(d) all known after (s)",
        },
        "kept": {True: "yes", False: "**no**"},
        "failed": "Could not be measured",
    },
}


def write(results: dict, output: Path) -> None:
    """Write spawn.md, spawn.en.md and spawn.svg into `output`."""
    for language, words in PAGES.items():
        name = "spawn.md" if language == "es" else f"spawn.{language}.md"
        (output / name).write_text(_page(results, words))
    _plot(results, output / "spawn.svg")


def _rows(results: dict, words: dict) -> list[tuple]:
    """Return (text, ours, stock) for each line of the table."""
    rows = []
    polled = {s: listed(results.get("a", {}).get(s)) for s in ("ours", "stock")}
    by_size = {s: {row["sessions"]: row for row in polling} for s, polling in polled.items()}
    sizes = sorted(by_size["ours"].keys() | by_size["stock"].keys())
    for key in ("round_cpu", "round_processes", "cpu"):
        for size in sizes if key == "cpu" else [size for size in sizes if size]:
            pair = [by_size[s].get(size, {}).get(key) for s in ("ours", "stock")]
            rows.append((words[key].format(n=size), *pair))
    clicks = results.get("b", {})
    for variant, how in words["hows"].items():
        pair = [clicks.get(key, {}).get("median") for key in ("ours", variant)]
        if any(pair):
            rows.append((words["click"].format(how=how), *pair))
    for kind in ("fit", "queue"):
        ours, stock = (runs_of(results, kind, s) for s in ("ours", "stock"))
        if ours or stock:
            title = words[kind].format(n=(ours or stock)[0]["students"])
            for key, text in words["rows"].items():
                rows.append((title + text, median(ours, key), median(stock, key)))
    again = {s: listed(results.get("d", {}).get(s)) for s in ("ours", "stock")}
    if any(again.values()):
        title = words["restart"].format(n=(again["ours"] or again["stock"])[0]["sessions"])
        for key, text in words["restarts"].items():
            rows.append((title + text, median(again["ours"], key), median(again["stock"], key)))
    return rows


def _page(results: dict, words: dict) -> str:
    lines = [f"# {words['title']}", "", words["intro"], ""]
    commands = sorted(results.get("commands", {}).items())
    said = ", ".join(f"({letter}) `{command}`" for letter, command in commands)
    lines += [f"{words['command']} `make bench-spawn`. {words['measured']}: {said}.", ""]
    about = results.get("machine", {})
    lines += [f"{words['machine']}: " + ", ".join(f"{k} {v}" for k, v in about.items()) + ".", ""]
    lines += ["| " + " | ".join(words["head"]) + " |", "|---|--:|--:|--:|"]
    for text, ours, stock in _rows(results, words):
        ratio = f"{ours / stock:.3f}" if ours is not None and stock else "–"
        lines.append(f"| {text} | {_number(ours)} | {_number(stock)} | {ratio} |")
    clicks = results.get("b", {})
    local, slurm = clicks.get("local", {}).get("median"), clicks.get("scheduling")
    if local and isinstance(slurm, float):
        limit = _number(1.2 * local + slurm)
        text = words["floor"].format(local=_number(local), slurm=_number(slurm), limit=limit)
        lines += ["", text + "."]
    lines += ["", "| " + " | ".join(words["promises"]) + " |", "|---|--:|--:|---|"]
    lines += [
        f"| {words['promise'][each.key]} | {_number(each.value)} | {_number(each.limit)} "
        f"| {words['kept'][each.kept]} |"
        for each in promises(results)
    ]
    counts = {
        "clicks": len(clicks.get("ours", {}).get("times", [])),
        "rush": max(len(runs_of(results, kind, "ours")) for kind in ("fit", "queue")),
        "restarts": len(listed(results.get("d", {}).get("ours"))),
    }
    lines += ["", words["runs"].format(**counts)]
    for letter in "abcd":
        for key, value in results.get(letter, {}).items():
            if isinstance(value, dict) and "error" in value:
                lines += ["", f"{words['failed']}: ({letter}) {key}."]
    lines += ["", f"![{words['title']}](spawn.svg)"]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"


def _plot(results: dict, path: Path) -> None:
    """Draw the four measurements; words that are not names stay out of it."""
    plt.rcParams.update({"svg.hashsalt": "minga", "font.size": 9, "svg.fonttype": "none"})
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.5), layout="constrained")
    colours = {"ours": OURS, "stock": STOCK}
    names = {"ours": "Minga", "stock": "batchspawner"}
    polled = axes[0][0]
    for spawner, colour in colours.items():
        rows = listed(results.get("a", {}).get(spawner))
        polled.plot(
            [row["sessions"] for row in rows if row["sessions"]],
            [max(row["round_cpu"], 1e-3) for row in rows if row["sessions"]],
            "o-",
            color=colour,
            label=names[spawner],
        )
    polled.set(xlabel="(a) n", ylabel="CPU s", yscale="log")
    polled.legend(frameon=False)
    clicks = {
        key: value["median"]
        for key, value in results.get("b", {}).items()
        if isinstance(value, dict) and "median" in value
    }
    short = {
        "local": "SimpleLocalProcess",
        "ours": "Minga",
        "stock": "batchspawner",
        "stock compiled": "batchspawner .pyc",
        "stock compiled, our packages": "batchspawner .pyc − rfc3987",
    }
    shades = {"local": FLOOR, "ours": OURS}
    axes[0][1].barh(
        [short[key] for key in clicks],
        list(clicks.values()),
        color=[shades.get(key, STOCK) for key in clicks],
    )
    axes[0][1].set(xlabel="(b) s")
    axes[0][1].invert_yaxis()
    for place, key, label in ((axes[1][0], "p99", "(c) p99, s"), (axes[1][1], "known", "(d) s")):
        bars = []
        for spawner in colours:
            if key == "known":
                found = {"": listed(results.get("d", {}).get(spawner))}
            else:
                found = {k: runs_of(results, k, spawner) for k in ("fit", "queue")}
            bars += [
                (f"{names[spawner]} {'16 GPU' if kind == 'queue' else ''}".strip(), spawner, value)
                for kind, runs in found.items()
                if (value := median(runs, key)) is not None
            ]
        place.bar(
            [bar[0] for bar in bars],
            [bar[2] for bar in bars],
            color=[colours[bar[1]] for bar in bars],
        )
        place.set(ylabel=label)
    for place in axes.flat:
        place.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
