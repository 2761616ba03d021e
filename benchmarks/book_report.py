"""The book's measurements as a page, in Spanish and English."""

from pathlib import Path
from statistics import median

LIMIT_BYTES, LIMIT_WARM, LIMIT_SENTENCE = 150_000, 30, 5

WORDS = {
    "book.md": {
        "title": "Cuánto pesa el libro y cuánto tarda en construirse",
        "how": "La primera vista de cada capítulo en Chromium, con la memoria vacía: bytes "
        "recibidos, comprimidos con gzip, sin las figuras propias del capítulo. Los mismos "
        "cuadernos ya ejecutados, con Jupyter Book 1.0.4 y su tema, servidos por el mismo "
        "servidor. Una página oficial de Jupyter Book 2 no se pudo medir: su tema se descarga al "
        "construir y ningún registro de paquetes lo tiene. Mídelo con `make bench-book`.",
        "head": "| Capítulo | Minga (kB) | Jupyter Book 1 (kB) | Minga / Jupyter Book 1 | "
        "Peticiones | Jupyter Book 1 | Otros hosts | Jupyter Book 1 |",
        "promise": "| Lo que prometemos | Medido | Límite | Se cumple |",
        "heaviest": "el capítulo más pesado (kB)",
        "warm": "{chapters} capítulos × {languages} idiomas, con lo ejecutado guardado (s)",
        "sentence": "una frase cambiada en un capítulo de {chapters} (s)",
        "cpu": "Segundos de procesador: {warm} y {sentence}. Carga de la máquina al empezar: "
        "{load}; con carga, los segundos de reloj dicen poco. Fecha: {date}.",
        "yes": "sí",
        "no": "no",
        "median": "mediana",
    },
    "book.en.md": {
        "title": "What the book weighs and how long it takes to build",
        "how": "The first view of each chapter in Chromium with an empty cache: bytes received, "
        "compressed by gzip, without the chapter's own figures. The same executed notebooks "
        "with Jupyter Book 1.0.4 and its theme, from the same server. A page of the official "
        "Jupyter Book 2 theme could not be measured: the theme is downloaded at build time and "
        "no package registry has it. Measure with `make bench-book`.",
        "head": "| Chapter | Minga (kB) | Jupyter Book 1 (kB) | Minga / Jupyter Book 1 | "
        "Requests | Jupyter Book 1 | Other hosts | Jupyter Book 1 |",
        "promise": "| What we promise | Measured | Limit | Holds |",
        "heaviest": "the heaviest chapter (kB)",
        "warm": "{chapters} chapters × {languages} languages, all code's outputs saved (s)",
        "sentence": "one sentence changed in a chapter of {chapters} (s)",
        "cpu": "Processor seconds: {warm} and {sentence}. The machine's load at the start: {load}; "
        "under load, seconds of the clock say little. Date: {date}.",
        "yes": "yes",
        "no": "no",
        "median": "median",
    },
}


def write(results: dict, folder: Path) -> None:
    """Write book.md and book.en.md."""
    for name, words in WORDS.items():
        (folder / name).write_text(_page(results, words), encoding="utf-8")


def _page(results: dict, words: dict) -> str:
    ours, stock = results["minga"], results.get("stock", {})
    rows = [_row(slug, ours[slug], stock.get(slug)) for slug in ours]
    rows.append(_row(words["median"], _median(ours), _median(stock) if stock else None))
    built = results["build"]
    counts = {"chapters": built["chapters"], "languages": built["languages"]}
    heaviest = max(one["bytes"] for one in ours.values())
    promises = [
        (words["heaviest"], heaviest / 1000, LIMIT_BYTES / 1000),
        (words["warm"].format(**counts), built["warm"]["s"], LIMIT_WARM),
        (words["sentence"].format(**counts), built["sentence"]["s"], LIMIT_SENTENCE),
    ]
    kept = [
        f"| {what} | {value:.3g} | {limit:g} | {words['yes' if value <= limit else 'no']} |"
        for what, value, limit in promises
    ]
    cpu = words["cpu"].format(
        warm=built["warm"]["cpu_s"],
        sentence=built["sentence"]["cpu_s"],
        load=results["load"],
        date=results["date"],
    )
    parts = [
        f"# {words['title']}",
        words["how"],
        "\n".join([words["head"], "|---|--:|--:|--:|--:|--:|--:|--:|", *rows]),
        "\n".join([words["promise"], "|---|--:|--:|---|", *kept]),
        cpu,
    ]
    return "\n\n".join(parts) + "\n"


def _median(pages: dict) -> dict:
    return {
        "bytes": median(one["bytes"] for one in pages.values()),
        "requests": median(one["requests"] for one in pages.values()),
        "foreign": sorted({host for one in pages.values() for host in one["foreign"]}),
    }


def _row(name: str, ours: dict, stock: dict | None) -> str:
    hosts = ", ".join(ours["foreign"]) or "0"
    if stock is None:
        size, requests = f"{ours['bytes'] / 1000:.0f}", f"{ours['requests']:g}"
        return f"| {name} | {size} | – | – | {requests} | – | {hosts} | – |"
    return (
        f"| {name} | {ours['bytes'] / 1000:.0f} | {stock['bytes'] / 1000:.0f} "
        f"| {ours['bytes'] / stock['bytes']:.2f} | {ours['requests']:g} | {stock['requests']:g} "
        f"| {hosts} | {', '.join(stock['foreign']) or '0'} |"
    )
