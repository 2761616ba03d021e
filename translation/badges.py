"""Badges: how much of a document is translated, as small SVG pictures."""

from html import escape
from pathlib import Path

# (from this share on, colour): white text on each has a contrast of 4.5 and more.
_COLOURS = ((1.0, "#1a7f37"), (0.8, "#7a6a00"), (0.0, "#b3261e"))
_LETTER = 6.6  # width of a letter at 11 px, in px


def badge(label: str, share: float) -> str:
    """Return a badge that says `label` and a share (0 to 1) in per cent."""
    # 99.6 % is not all: only the whole is 100.
    value = f"{100 if share >= 1 else min(int(share * 100), 99)} %"
    colour = next(colour for least, colour in _COLOURS if share >= least)
    left, right = (round(len(text) * _LETTER + 12) for text in (label, value))
    label = escape(label)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{label}: {value}"><title>{label}: {value}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444c56"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
        f'font-size="11"><text x="{left / 2}" y="14">{label}</text>'
        f'<text x="{left + right / 2}" y="14">{value}</text></g></svg>\n'
    )


def write(folder: Path, name: str, language: str, share: float) -> Path:
    """Write the badge of a document (or `all`) in a language; return its path."""
    stem = name.rsplit(".", 1)[0]
    path = folder / language / f"{stem}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(badge(f"{Path(stem).name} · {language}", share), encoding="utf-8")
    return path
