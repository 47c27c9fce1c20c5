"""Texts of tags as they are stored, and as lists are sorted by them."""

import unicodedata

from otolith.library.catalogue.models import KEY_LIMIT
from otolith.library.models import TEXT_LIMIT


def clean(text: str | None) -> str:
    """A tag's text without what a database or a page cannot hold: control characters, lone surrogates, endless length.

    A tag may claim a title of any size, so no more of it than could be kept is ever looked at.
    """
    kept = (text or "")[: 4 * TEXT_LIMIT]
    if kept.isprintable():
        return " ".join(kept.split())[:TEXT_LIMIT]
    printable = "".join(" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in kept)
    return " ".join(printable.split())[:TEXT_LIMIT]


def fold(text: str) -> str:
    """The text without case and accents, cut to the length of a sort key."""
    spread = unicodedata.normalize("NFKD", text[:KEY_LIMIT].casefold())
    return "".join(letter for letter in spread if not unicodedata.combining(letter))[:KEY_LIMIT].strip()
