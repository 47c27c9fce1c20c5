"""Every word of the pages is there in every language, and none is left over."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import otolith.web
from otolith.core.i18n import LANGUAGES

WEB = Path(otolith.web.__file__).parent
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "mark": None,
    "say": None,
    "gettext": None,
    "ngettext": (1, 2),
    "count": (1, 2),
}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
OTHERS = tuple(language for language in LANGUAGES if language != "en")
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


def _in_source() -> Iterator[str]:
    found = extract_from_dir(WEB, METHODS, {"jinja2": {"trimmed": "true", "silent": "false"}}, keywords=KEYWORDS)
    for _file, _line, message, _comments, _context in found:
        yield message[0] if isinstance(message, tuple) else message


def _catalogue(language: str) -> Catalog:
    return read_po(BytesIO((WEB / "locale" / language / "LC_MESSAGES" / "messages.po").read_bytes()), locale=language)


def _messages(language: str) -> list[Message]:
    return [message for message in _catalogue(language) if message.id]


def _forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or [""])


def test_source_is_read() -> None:
    assert {"What was heard", "Tempo", "Failed", "%(shown)s recording"} <= set(_in_source())


@pytest.mark.parametrize("language", OTHERS)
def test_catalogue_has_exactly_the_words_of_the_source(language: str) -> None:
    translated = {_forms(message.id)[0] for message in _messages(language)}
    assert translated == set(_in_source())


@pytest.mark.parametrize("language", OTHERS)
def test_no_word_is_left_untranslated(language: str) -> None:
    empty = [message.id for message in _messages(language) if not all(_forms(message.string)) or message.fuzzy]
    assert empty == []


@pytest.mark.parametrize("language", OTHERS)
def test_translations_name_the_same_values(language: str) -> None:
    for message in _messages(language):
        for form in _forms(message.string):
            assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(_forms(message.id)[0])), message.id


def test_french_is_set_as_french_is() -> None:
    """High punctuation takes a space that does not break, and apostrophes are curved."""
    for message in _messages("fr"):
        for form in _forms(message.string):
            plain = PLACEHOLDER.sub("", form)
            assert not re.search(r"[^\u202f\u00a0][;!?:»]", plain), form
            assert "'" not in plain, form
            assert "..." not in plain, form
