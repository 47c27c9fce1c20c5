"""The drawing that stands in for a picture is the same each time, well-formed whatever the title, and has letters."""

from xml.etree import ElementTree as ET

import hypothesis.strategies as st
import pytest
from hypothesis import given

from otolith.library.covers.placeholder import draw, initials


@pytest.mark.parametrize(
    ("title", "letters"),
    [
        ("The Wall", "TW"),
        ("low", "L"),
        ("1999", "1"),
        ("(What's the story)", "WT"),
        ("…", "♪"),
        ("", "♪"),
        ("Ænima", "Æ"),
        ("ß a", "SSA"),
        ("東京 事変", "東事"),
    ],
)
def test_letters_come_from_the_first_words(title: str, letters: str) -> None:
    assert initials(title) == letters


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_whatever_the_title_the_drawing_is_well_formed_and_always_the_same(title: str) -> None:
    assert ET.fromstring(draw(title)).tag.endswith("svg")  # noqa: S314 -- We drew it.
    assert draw(title) == draw(title)


def test_two_titles_look_different() -> None:
    assert draw("Low", "David Bowie") != draw("Low", "Testament") != draw("Heroes", "David Bowie")
