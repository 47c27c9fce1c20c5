"""Which language a caller gets, and that its catalogue is complete."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

from otolith.core.i18n import best_language, language_of, load, translations

LOCALE = Path(__file__).parents[2] / "src" / "otolith" / "web" / "locale"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en;q=0.5, fr;q=0.9", "fr"),
        ("de, fr;q=0.3", "fr"),
        ("de,it", "en"),
        ("fr;q=0, en;q=0.1", "en"),
        ("*", "en"),
        ("FR-fr", "fr"),
        ("fr;q=nonsense, en;q=0.2", "en"),
        ("fr;q=0.5;level=1, en;q=0.4", "fr"),
        (",;,;;q=1", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_browser_chooses(accepted: str, language: str) -> None:
    assert best_language(accepted) == language


@pytest.mark.parametrize(("cookie", "language"), [("en", "en"), ("fr", "fr"), ("de", "fr"), ("../../etc", "fr")])
def test_a_choice_made_in_the_pages_wins(cookie: str, language: str) -> None:
    headers = [(b"accept-language", b"fr"), (b"cookie", f"otolith_language={cookie}".encode())]
    assert language_of(HTTPConnection({"type": "http", "headers": headers})) == language


def test_french_has_a_text_for_everything() -> None:
    with (LOCALE / "fr" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        texts = [message for message in read_po(file, locale="fr") if message.id]
    assert texts
    untranslated = [message.id for message in texts if not message.string or message.fuzzy]
    assert untranslated == []


def test_the_catalogue_works_from_its_source(tmp_path: Path) -> None:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Hello"\nmsgstr "Allô"\n'
    (folder / "messages.po").write_text(source, encoding="utf-8")
    assert load(tmp_path, "fr").gettext("Hello") == "Allô"
    assert load(tmp_path, "fr").gettext("Unknown") == "Unknown"


def test_a_built_catalogue_works_without_its_source(tmp_path: Path) -> None:
    import io

    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    catalogue = Catalog(locale="fr")
    catalogue.add("Hello", "Allô")
    built = io.BytesIO()
    write_mo(built, catalogue)
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.mo").write_bytes(built.getvalue())
    assert load(tmp_path, "fr").gettext("Hello") == "Allô"


def test_english_needs_no_catalogue(tmp_path: Path) -> None:
    assert load(tmp_path, "en").gettext("Hello") == "Hello"
    assert translations("en").gettext("Hello") == "Hello"
