"""Sentences that programs say: one catalog for all rooms, read only where it is needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from translation.sentences import Message, in_all, languages, spoken, translate

ROOT = Path(__file__).parents[2]
LATE = "El plazo de entrega terminó."
WHY = Message("No se pudo ejecutar la entrega: {why}{more}.")


def test_a_sentence_in_its_languages():
    assert languages()[0] == "es" and "en" in languages()
    assert translate(LATE, "es") == LATE
    assert translate(LATE, "en") == "The time to hand in is over."
    assert in_all(LATE) == f"{LATE} / The time to hand in is over."
    assert in_all("una frase que nadie tradujo") == "una frase que nadie tradujo"
    needed = in_all("Aquí\n{gap}", gap="{braces}")
    assert needed == "Aquí\n{braces}"


@pytest.mark.parametrize("language", [None, "", "fr", "../en", "EN", [], {"en": 1}, 7])
def test_nonsense_is_answered_in_the_source_language(language):
    assert spoken(language) == "es" and translate(LATE, language) == LATE


def test_a_message_survives_json_with_the_reason_inside():
    reason = Message.verbatim("{exit} 9\nTraceback")
    message = WHY.filled(why=Message("su kernel no pudo empezar"), more=reason)
    again = Message.of_data(json.loads(json.dumps(message.data())))
    assert again == message
    assert again.said_in("en") == (
        "The submission could not be run: its kernel could not start{exit} 9\nTraceback."
    )
    spanish, english = again.in_all().split("\n\n")
    assert spanish == again.said_in("es") != english == again.said_in("en")


def test_nothing_is_read_before_somebody_needs_it():
    """A notebook's start, and a machine where nothing is installed, have these in them."""
    rooms = "exchange.words, grading.errors, grading.sandbox"
    code = f"import sys, {rooms}; assert not {{'babel', 'yaml', 'polib'}} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
