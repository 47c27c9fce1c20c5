"""The stored English sentences in the reader's language."""

import re
from pathlib import Path

import pytest

import otolith
from otolith.core.i18n import translations
from otolith.web.reasons import REASONS, plain_reasons, reason_in
from otolith.web.words import Words

FRENCH = Words(translations("fr"))
SOURCE = Path(otolith.__file__).parent


@pytest.fixture(scope="module")
def spoken() -> str:
    """Everything that the slices below say, with the sentences whole that run over several lines."""
    files = [file for part in ("accounts", "jobs", "media", "library", "web") for file in (SOURCE / part).rglob("*.py")]
    text = "\n".join(file.read_text() for file in files if file.name != "reasons.py")
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.mark.parametrize("reason", REASONS)
def test_every_sentence_is_still_said_somewhere(spoken: str, reason: str) -> None:
    for part in re.split(r"%\(\w+\)s", reason):
        assert part in spoken


def test_values_are_carried_over() -> None:
    said = reason_in("fr", FRENCH, "This looks like MP3, but nothing in it can be decoded.")
    assert said.text == "Cela ressemble à du MP3, mais rien dedans ne peut être décodé."
    assert said.language == "fr"


def test_what_is_not_known_stays_english_and_says_so() -> None:
    assert reason_in("fr", FRENCH, "A sentence of its own.").language == "en"


def test_values_are_never_taken_for_markup_or_formats() -> None:
    said = reason_in("fr", FRENCH, "The file could not be read: 100 %s <b>.")
    assert "100 %s <b>" in said.text


def test_english_readers_get_the_sentence_itself() -> None:
    text = "This is a text file, not a sound file."
    assert reason_in("en", FRENCH, text).text == text
    assert plain_reasons("en", FRENCH) == {}
    assert plain_reasons("fr", FRENCH)[text] == "C’est un fichier texte, pas un fichier son."
