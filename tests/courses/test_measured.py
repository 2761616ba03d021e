"""What the boxes on the supercomputer say was measured is what benchmarks.chapters saved."""

import json
import re

import pytest

from tests.conftest import ROOT

RUNS = json.loads((ROOT / "docs" / "benchmarks" / "chapters.json").read_text(encoding="utf-8"))


def measured(chapter: str, what, device: str = "cpu") -> list[float]:
    """One value of each run."""
    return [run["chapters"][chapter][device]["measured"][str(what)] for run in RUNS]


def box(chapter: str) -> str:
    text = (ROOT / "book" / f"{chapter}.md").read_text(encoding="utf-8")
    return re.search(r":::\{admonition\} En el supercomputador\n(.*?)\n:::", text, re.S)[1]


def both(values, digits: int = 1, unit: str = "") -> str:
    return " y ".join(f"{value:.{digits}f}".replace(".", ",") for value in values) + unit


def test_gradient_descent_says_its_milliseconds():
    chapter = "descenso-de-gradiente"
    for descents in (4, 400, 40000, 1000000):
        for device in ("cpu", "cuda"):
            seconds = measured(chapter, descents, device)
            slow = min(seconds) > 10
            told = both(seconds, 1, " segundos") if slow else both([1000 * s for s in seconds], 0)
            assert f"| {told}" in box(chapter)
    one, gpu = (measured(chapter, 1000000, device) for device in ("cpu", "cuda"))
    assert all(500 < a / b < 600 for a, b in zip(one, gpu, strict=True))


def test_strong_scaling_says_its_table_and_speed_ups():
    chapter = "escalamiento-fuerte"
    processes = (1, 2, 4, 8, 16)
    for n in processes:
        first, second = measured(chapter, n)
        assert f"| {n} | {1000 * first:.0f} | {1000 * second:.0f} |" in box(chapter)
    faster = {n: speed_up(chapter, n) for n in processes}
    assert f"con 8 procesos la aceleración fue {both(faster[8])};" in box(chapter).casefold()
    assert f"se pidió el doble y fue {both(faster[16])}." in box(chapter)


def test_intervals_say_their_speed_ups():
    chapter = "equidad-medida"
    told = [both(speed_up(chapter, n)) for n in (4, 8, 16)]
    assert (
        f"con 4 procesos fue {told[0]} veces más rápido; con 8, {told[1]}; con 16, {told[2]}."
        in (box(chapter))
    )


def test_explanations_say_their_microseconds():
    chapter = "principios-a-la-practica"
    loops = measured(chapter, "loop µs") + measured(chapter, "loop µs", "cuda")
    assert f"entre {min(loops):.0f} y {max(loops):.0f} microsegundos" in box(chapter)
    cpu, cuda = (measured(chapter, "batch µs", device) for device in ("cpu", "cuda"))
    assert f"en la CPU, {both(cpu, 2)}; en la GPU, {both(cuda, 3)}." in box(chapter)
    # «The first hundredfold»
    assert [a / b for a, b in zip(measured(chapter, "loop µs"), cpu, strict=True)] == (
        pytest.approx([100, 100], rel=0.2)
    )


def test_the_sweep_says_its_seconds():
    chapter = "aprender-de-datos"
    for at_once, told in ((1, "entre {} s de a uno"), (6, "entre {} s de a seis")):
        seconds = measured(chapter, at_once) + measured(chapter, at_once, "cuda")
        assert told.format(both([min(seconds), max(seconds)])) in box(chapter)


def speed_up(chapter: str, processes: int) -> list[float]:
    pairs = zip(measured(chapter, 1), measured(chapter, processes), strict=True)
    return [alone / together for alone, together in pairs]
