"""Brings the catalogues of the pages up to date with the words in their source; `just messages` runs it."""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

WEB = Path(__file__).resolve().parents[1] / "src" / "otolith" / "web"
LOCALE = WEB / "locale"
# The functions whose arguments are words; `count` and `ngettext` take one form for one and another for many.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "mark": None,
    "say": None,
    "gettext": None,
    "ngettext": (1, 2),
    "count": (1, 2),
}


def words_of_the_source() -> Catalog:
    """Every word that templates and views say."""
    with (LOCALE / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # Babel publishes no types for it.
    found = Catalog()
    for _file, _line, message, _comments, context in extract_from_dir(WEB, methods, options, keywords=KEYWORDS):
        found.add(message, context=context)
    return found


def update(path: Path, words: Catalog) -> list[str]:
    """Add the words that a catalogue lacks, take out those that nobody says, and name those without a translation."""
    catalogue = read_po(BytesIO(path.read_bytes()), locale=path.parents[1].name)
    # A date that changed would be a difference in every review.
    words.creation_date = catalogue.creation_date
    catalogue.update(words, no_fuzzy_matching=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=0, no_location=True, sort_output=True, ignore_obsolete=True)
    return [str(message.id) for message in catalogue if message.id and not _is_translated(message.string)]


def _is_translated(string: str | list[str] | tuple[str, ...] | None) -> bool:
    return all(string) if isinstance(string, list | tuple) else bool(string)


def main() -> int:
    words = words_of_the_source()
    missing = 0
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/messages.po")):
        for message in update(path, words):
            missing += 1
            sys.stdout.write(f"{path.parents[1].name}: {message}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
