"""What is written can be read: contrast by WCAG 2, level AA, in light and in dark."""

import re

import pytest

from hub_config.pages.handlers import STATIC

COLOURS = {
    name: shades
    for name, *shades in re.findall(
        r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", (STATIC / "minga.css").read_text()
    )
}
TEXT, SHAPES = 4.5, 3.0
PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "muted") for ground in ("paper", "surface", "sunken")),
    *(("ink", f"{kind}-wash", TEXT) for kind in ("lake", "clay", "danger")),
    *((kind, f"{kind}-wash", TEXT) for kind in ("clay", "danger", "good")),
    *(("lake", ground, TEXT) for ground in ("paper", "surface")),
    ("lake-deep", "lake-wash", TEXT),
    ("muted", "lake-wash", TEXT),
    ("on-lake", "lake", TEXT),
    ("on-lake", "lake-deep", TEXT),
    ("clay", "surface", TEXT),
    ("danger", "surface", TEXT),
    ("strong-line", "surface", SHAPES),
    ("strong-line", "paper", SHAPES),
    ("lake", "lake-wash", SHAPES),
    ("lake", "sunken", SHAPES),
]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast(ink, ground, least, scheme):
    shade = ["light", "dark"].index(scheme)
    darker, lighter = sorted(luminance(COLOURS[name][shade]) for name in (ink, ground))
    assert (lighter + 0.05) / (darker + 0.05) >= least
