"""Texts of tags: what is kept of them, and what lists are sorted by."""

import pytest

from otolith.library.catalogue.models import KEY_LIMIT
from otolith.library.folding import clean, fold
from otolith.library.models import TEXT_LIMIT


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, ""),
        ("  The  Who ", "The Who"),
        ("A\x00B\x1b[31mC", "A B [31mC"),
        ("tab\tand\nline", "tab and line"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Sigur Rós 日本 👩‍🚀", "Sigur Rós 日本 👩‍🚀"),
        ("x" * 5_000_000, "x" * TEXT_LIMIT),
    ],
)
def test_clean_keeps_what_a_page_can_show(given: str | None, kept: str) -> None:
    assert clean(given) == kept
    clean(given).encode()


@pytest.mark.parametrize(
    ("given", "key"), [("Émile", "emile"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("ﬁre", "fire"), ("", "")]
)
def test_fold_sorts_without_case_and_accents(given: str, key: str) -> None:
    assert fold(given) == key


def test_a_key_is_never_longer_than_its_column() -> None:
    # Some letters become several when folded.
    assert len(fold("ﷺ" * 500)) <= KEY_LIMIT
