"""Turn the saved results of the attacks into a page, in Spanish and in English."""

from pathlib import Path

PAGES = {
    "es": {
        "title": "Ataques al calificador: Minga y nbgrader",
        "intro": (
            "Cada ataque de [tests/attacks/cases](../../tests/attacks/cases) es una entrega con "
            "todas las respuestas equivocadas, que se califica con nbgrader entero, una vez con "
            "su propia configuración y un ipykernel común y otra con la de Minga. Un ataque "
            "tiene éxito si gana puntos automáticos, si las pruebas ocultas aparecen en la "
            "retroalimentación, si lee secretos, si llega a un servicio, si cambia algo ajeno, "
            "si pasa un límite de la máquina o si después no se califica una entrega honesta. "
            "Todo está medido; los ataques a nbgrader corren aislados, y si ese aislamiento tuvo "
            "que terminarlos cuentan como éxito."
        ),
        "command": "Mídelo en tu máquina con `make bench-attacks`.",
        "machine": "Máquina",
        "partly": "Medidos con ambos: {some} de los {all} ataques que hay; los demás faltan.",
        "count": "Tienen éxito: **{stock} de {all}** con nbgrader, **{ours} de {all}** con Minga.",
        "head": ("Ataque", "Busca", "nbgrader", "Minga"),
        "by_goal": ("Busca", "Ataques", "con éxito: nbgrader", "con éxito: Minga"),
        "goals": {
            "points": "puntos",
            "leak": "mostrar las pruebas ocultas",
            "read": "leer secretos",
            "connect": "conectarse",
            "write": "escribir lo ajeno",
            "stop": "detener el calificador o pasar un límite",
        },
        "got": {
            "points": "{} puntos",
            "leaked": "pruebas ocultas en la retroalimentación",
            "read": "secretos o límites: {}",
            "connected": "conexión: {}",
            "written": "archivos ajenos: {}",
            "changed": "notas ajenas",
            "stopped": "la siguiente entrega no se calificó",
        },
    },
    "en": {
        "title": "Attacks on the grader: Minga and nbgrader",
        "intro": (
            "Each attack of [tests/attacks/cases](../../tests/attacks/cases) is a submission "
            "with all answers wrong, graded with the whole of nbgrader, once with its own "
            "configuration and a plain ipykernel and once with Minga's. An attack succeeds if it "
            "earns automatic points, if the hidden tests appear in the feedback, if it reads "
            "secrets, reaches a service, changes what is not its own, gets past a limit of the "
            "machine, or if an honest submission is not graded afterwards. All of it is "
            "measured; attacks on nbgrader run isolated, and count as successful if that "
            "isolation had to end them."
        ),
        "command": "Measure it on your machine with `make bench-attacks`.",
        "machine": "Machine",
        "partly": "Measured on both: {some} of the {all} attacks; the rest is to do.",
        "count": "Successful: **{stock} of {all}** on nbgrader, **{ours} of {all}** on Minga.",
        "head": ("Attack", "Goal", "nbgrader", "Minga"),
        "by_goal": ("Goal", "Attacks", "successful: nbgrader", "successful: Minga"),
        "goals": {
            "points": "points",
            "leak": "show the hidden tests",
            "read": "read secrets",
            "connect": "connect",
            "write": "write what is not its own",
            "stop": "stop the grader or pass a limit",
        },
        "got": {
            "points": "{} points",
            "leaked": "hidden tests in the feedback",
            "read": "secrets or limits: {}",
            "connected": "connected: {}",
            "written": "others' files: {}",
            "changed": "others' grades",
            "stopped": "the next submission was not graded",
        },
    },
}


def write(results: dict, output: Path, there_are: int) -> None:
    """Write attacks.md and attacks.en.md into `output`: what was measured on both graders."""
    for language, words in PAGES.items():
        name = "attacks.md" if language == "es" else f"attacks.{language}.md"
        (output / name).write_text(_page(results, words, there_are))


def _page(results: dict, words: dict, there_are: int) -> str:
    rows = {k: row for k, row in results["attacks"].items() if "stock" in row and "ours" in row}
    counts = {who: _successes(rows.values(), who) for who in ("stock", "ours")}
    machine = ", ".join(f"{key} {value}" for key, value in results.get("machine", {}).items())
    lines = [f"# {words['title']}", "", words["intro"], "", words["command"], ""]
    lines += [f"{words['machine']}: {machine}.", ""]
    if len(rows) < there_are:
        lines += [words["partly"].format(some=len(rows), all=there_are), ""]
    lines += [words["count"].format(all=len(rows), **counts), ""]
    lines += _table(words["by_goal"], _by_goal(rows, words), "|---|--:|--:|--:|")
    lines += [""]
    lines += _table(words["head"], _each(rows, words), "|---|---|---|---|")
    return "\n".join(lines) + "\n"


def _table(head: tuple, rows: list[tuple], rule: str) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (head,)] + [
        rule,
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]


def _by_goal(rows: dict, words: dict) -> list[tuple]:
    found = []
    for goal, text in words["goals"].items():
        some = [row for row in rows.values() if row["goal"] == goal]
        found.append((text, len(some), _successes(some, "stock"), _successes(some, "ours")))
    return found


def _each(rows: dict, words: dict) -> list[tuple]:
    return [
        (
            f"[{name}](../../tests/attacks/cases/{name}.py)",
            words["goals"][row["goal"]],
            _got(row["stock"], words),
            _got(row["ours"], words),
        )
        for name, row in rows.items()
    ]


def _got(verdict: dict, words: dict) -> str:
    said = []
    for key, value in verdict.items():
        if value:
            shown = value
            if isinstance(value, list):
                shown = ", ".join(value[:3]) + (f" … ({len(value)})" if len(value) > 3 else "")
            elif isinstance(value, float):
                shown = f"{value:g}"
            said.append(words["got"][key].format(shown))
    return "; ".join(said) or "–"


def _successes(rows, who: str) -> int:
    return sum(any(row[who].values()) for row in rows)
