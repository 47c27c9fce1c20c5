"""Words as they are indexed and as they are asked for, and those that are only similar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otolith.library.search.engine.spelling import errors_allowed, similar
from otolith.library.search.engine.texts import Texts
from otolith.library.search.engine.words import WORD_LIMIT, words_asked, words_of
from tests.library.search.naive import distance

letters = st.text(alphabet="abcdeéß東1", min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Who", ["the", "who"]),
        ("Beyoncé", ["beyonce"]),
        ("Mötley Crüe", ["motley", "crue"]),
        ("Sigur Rós", ["sigur", "ros"]),
        ("Øystein Łódź Æther", ["oystein", "lodz", "aether"]),
        ("Straße", ["strasse"]),
        ("Don't Stop", ["dont", "stop"]),
        ("AC/DC", ["ac", "dc", "acdc"]),
        ("R.E.M.", ["r", "e", "m", "rem"]),
        ("Simon & Garfunkel", ["simon", "and", "garfunkel"]),
        ("!!!", ["!!!"]),
        ("東京事変 Live", ["東", "京", "事", "変", "live"]),
        ("ＦＵＬＬ", ["full"]),
        ("", []),
        ("x" * 100, ["x" * WORD_LIMIT]),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text(max_size=40))
def test_whoever_types_a_name_as_it_stands_asks_only_for_words_that_it_has(text: str) -> None:
    assert set(words_asked(text)) <= set(words_of(text))


@given(words=st.lists(letters, max_size=12, unique=True), asked=letters, prefix=st.booleans())
def test_similar_words_are_those_within_the_distance(words: list[str], asked: str, *, prefix: bool) -> None:
    ordered = sorted(word.encode() for word in words)
    found = {ordered[place].decode() for place in similar(Texts.of(ordered), asked, prefix=prefix).tolist()}
    errors = errors_allowed(asked)

    def fits(word: str) -> bool:
        beginnings = [word[:end] for end in range(len(word) + 1)] if prefix else [word]
        return any(distance(one, asked) <= errors for one in beginnings)

    assert found == ({word for word in words if fits(word)} if errors else set())


def test_short_words_take_no_errors() -> None:
    assert [errors_allowed(word) for word in ("who", "muse", "beatles", "metallica")] == [0, 1, 1, 2]
