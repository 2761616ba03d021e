"""Turn the saved results of grading into a page, in Spanish and in English."""

from pathlib import Path

PROMISED = {"numpy": 8.0, "torch": 10.0}  # times stock, with two workers
PAGES = {
    "es": {
        "title": "Calificar muchas entregas: Minga y nbgrader",
        "intro": (
            "Las mismas entregas honestas (correctas, con errores, tardías, incompletas; "
            "`benchmarks/grade_class.py`), diez celdas autocalificadas y una respuesta escrita "
            "cada una, calificadas con `nbgrader autograde` como viene instalado y con Minga "
            "(`python -m grading autograde`, aislado en bubblewrap) con uno y con dos procesos. "
            "Los tiempos son de la orden completa, desde que empieza hasta que termina, con todo "
            "lo que importa. Las notas son iguales celda por celda: si no, no hay página. El "
            "piso es ejecutar las celdas y nada más, en un intérprete que ya importó. La CPU es "
            "la de toda la máquina mientras tanto, en la que no corría nada más."
        ),
        "command": "Mídelo en tu máquina con `make bench-grade`.",
        "machine": "Máquina",
        "head": (
            "Tarea, entregas",
            "Calificador",
            "s por entrega",
            "entregas por minuto",
            "CPU-s por entrega",
            "veces nbgrader",
        ),
        "graders": {
            "stock": "nbgrader",
            "ours 1": "Minga, 1 proceso",
            "ours 2": "Minga, 2 procesos",
            "floor": "piso",
        },
        "promises": ("Lo que prometemos, con 2 procesos", "Medido", "Límite", "Se cumple"),
        "promise": "veces nbgrader, {}",
        "kept": {True: "sí", False: "**no**"},
        "cells": "Celdas comparadas: {}.",
    },
    "en": {
        "title": "Grading many submissions: Minga and nbgrader",
        "intro": (
            "The same honest submissions (right, mistaken, late, incomplete; "
            "`benchmarks/grade_class.py`), ten autograded cells and one written answer each, "
            "graded with `nbgrader autograde` as installed and with Minga (`python -m grading "
            "autograde`, isolated in bubblewrap) with one and with two processes. Times are of "
            "the whole command, from start to end, with all that it imports. The scores are "
            "equal cell by cell, or there is no page. The floor is running the cells and nothing "
            "else, in an interpreter that has imported. CPU is that of the whole machine "
            "meanwhile, on which nothing else ran."
        ),
        "command": "Measure it on your machine with `make bench-grade`.",
        "machine": "Machine",
        "head": (
            "Assignment, submissions",
            "Grader",
            "s a submission",
            "submissions a minute",
            "CPU-s a submission",
            "times nbgrader",
        ),
        "graders": {
            "stock": "nbgrader",
            "ours 1": "Minga, 1 process",
            "ours 2": "Minga, 2 processes",
            "floor": "floor",
        },
        "promises": ("What we promise, with 2 processes", "Measured", "Limit", "Kept"),
        "promise": "times nbgrader, {}",
        "kept": {True: "yes", False: "**no**"},
        "cells": "Cells compared: {}.",
    },
}


def write(results: dict, output: Path) -> None:
    """Write grade.md and grade.en.md into `output`."""
    for language, words in PAGES.items():
        name = "grade.md" if language == "es" else f"grade.{language}.md"
        (output / name).write_text(_page(results, words))


def _page(results: dict, words: dict) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in results.get("machine", {}).items())
    lines = [f"# {words['title']}", "", words["intro"], "", words["command"], ""]
    lines += [f"{words['machine']}: {machine}.", ""]
    lines += _row(words["head"]) + ["|---|---|--:|--:|--:|--:|"]
    found = results["assignments"]
    for assignment, measured in found.items():
        lines += _lines(assignment, measured, words)
    lines += ["", *_row(words["promises"]), "|---|--:|--:|---|"]
    for assignment, measured in found.items():
        ratio, limit = _ratio(measured, "ours 2"), PROMISED[assignment]
        kept = words["kept"][ratio >= limit]
        lines += _row((words["promise"].format(assignment), f"{ratio:.1f}", f"{limit:.0f}", kept))
    cells = sum(measured["cells"] for measured in found.values())
    return "\n".join([*lines, "", words["cells"].format(cells)]) + "\n"


def _lines(assignment: str, measured: dict, words: dict) -> list[str]:
    count, lines = measured["submissions"], []
    for grader, name in words["graders"].items():
        if grader == "floor":
            each, cpu = measured["floor"], measured["floor"]
            ratio = measured["stock"]["wall"] / count / each
        else:
            each, ratio = measured[grader]["wall"] / count, _ratio(measured, grader)
            cpu = measured[grader]["cpu"] and measured[grader]["cpu"] / count
        used = "–" if cpu is None else f"{cpu:.3g}"  # not measured
        numbers = (f"{each:.3g}", f"{60 / each:.0f}", used, f"{ratio:.1f}")
        lines += _row((f"{assignment}, {count}", name, *numbers))
    return lines


def _ratio(measured: dict, grader: str) -> float:
    return measured["stock"]["wall"] / measured[grader]["wall"]


def _row(values: tuple) -> list[str]:
    return ["| " + " | ".join(values) + " |"]
