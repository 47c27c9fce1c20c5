"""Phrases and whole names: what they find among many names, and that no name is read for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otolith.library.search.engine.asking import Any, Not, Query, Term
from otolith.library.search.engine.building import Document, Name, build
from otolith.library.search.engine.matching import Scope, evaluate
from otolith.library.search.engine.merging import merge
from otolith.library.search.engine.segment import NUMBERS, Segment
from otolith.library.search.engine.texts import Texts
from otolith.library.search.engine.words import words_asked

WORDS = ["the", "who", "a", "ac/dc", "Don't", "!!!", "東京", "love", "lover", "&"]
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)


def segment_of(texts: list[str], first: int = 0) -> Segment:
    unknown = [None] * len(NUMBERS)
    return build(
        Document((first + place).to_bytes(16, "big"), 1, {"title": [Name(text)]}, unknown)
        for place, text in enumerate(texts)
    )


def found(segment: Segment, term: Term) -> set[int]:
    everything = Scope(segment, segment.ids == segment.ids)
    mask = evaluate(everything, Query((), (term,))).mask
    assert (evaluate(everything, Query((term,))).mask == mask).all()
    return {int.from_bytes(segment.id_at(place), "big") for place in mask.nonzero()[0].tolist()}


def reads(title: str, term: Term) -> bool:
    own, asked = words_asked(title), list(term.words)
    if term.mode == "whole":
        return own == asked
    parts = [own[start : start + len(asked)] for start in range(len(own) - len(asked) + 1)]
    ends = {word for word in own if word.startswith(asked[-1])} if term.prefix else {asked[-1]}
    return any(part[:-1] == asked[:-1] and part[-1] in ends for part in parts)


@given(
    library=st.lists(titles, min_size=1, max_size=12, unique=True),
    more=st.lists(titles, max_size=6, unique=True),
    asked=titles,
    whole=st.booleans(),
    prefix=st.booleans(),
)
def test_names_read_as_they_are_asked_for_in_whatever_segments(
    library: list[str], more: list[str], asked: str, *, whole: bool, prefix: bool
) -> None:
    term = Term(tuple(words_asked(asked)), ("title",), "whole" if whole else "phrase", prefix=prefix and not whole)
    parts = [segment_of(library), segment_of(more, len(library))]
    merged = merge([(part, part.ids == part.ids) for part in parts])
    every = [*library, *more]
    assert found(merged, term) == {place for place, title in enumerate(every) if reads(title, term)}


@pytest.mark.parametrize("mode", ["phrase", "whole"])
def test_no_name_is_read_however_many_have_the_words(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = segment_of([f"the song number {number}" for number in range(3_000)] + ["number song the"])
    terms = [Term(("the", "song", "number", str(number)), ("title",), mode) for number in range(8)]  # type: ignore[arg-type]
    taken, take = [0], Texts.__getitem__

    def counting(texts: Texts, index: int) -> bytes:
        taken[0] += 1
        return take(texts, index)

    monkeypatch.setattr(Texts, "__getitem__", counting)
    hits = evaluate(Scope(segment, segment.ids == segment.ids), Query((), (Any(terms), Not(terms[0]))))
    assert hits.total == len(terms) - 1
    # Words are looked up by halves, once or twice each; three thousand names are not.
    assert taken[0] < 1_500
