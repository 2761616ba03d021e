"""The page of a benchmark that measures the same rows for ours and for the stock tool."""

from pathlib import Path


def write_pages(results: dict, output: Path, languages: dict[str, dict]) -> None:
    """Write a page in each language: `words` with file, title, intro, command, head and rows.

    `results["ours"]` and `results["stock"]` have a number, or None, for each of the rows.
    """
    about = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    for words in languages.values():
        lines = [f"# {words['title']}", "", words["intro"].format(**results), ""]
        lines += [words["command"], "", f"{words['machine']}: {about}.", ""]
        lines += [words["head"], "|---|--:|--:|--:|"]
        for key, text in words["rows"].items():
            ours, stock = results["ours"][key], results["stock"][key]
            ratio = f"{ours / stock:.2f}" if ours is not None and stock else "–"
            lines.append(f"| {text} | {_shown(ours)} | {_shown(stock)} | {ratio} |")
        (output / words["file"]).write_text("\n".join(lines) + "\n")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
