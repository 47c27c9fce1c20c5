"""The query language: what texts mean, and what is said to those who mistype a filter."""

import datetime as dt
import re
from pathlib import Path

import pytest

from otolith.core.errors import BadRequest
from otolith.library.search.engine.asking import Any, Between, Flagged, Known, Not, Term
from otolith.library.search.filters import ALIASES, FILTERS
from otolith.library.search.keys import code_of, compatible, name_of, read_key
from otolith.library.search.language import BadFilter, understand
from otolith.library.search.schemas import SORTS

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()
PRESENT = Not(Flagged("missing"))
DAY = 86_400.0


def terms(text: str, prefix: str = "none") -> tuple[Term, ...]:
    return understand(text, {}, NOW, prefix=prefix).query.terms  # type: ignore[arg-type]


def meaning(text: str) -> object:
    """The one condition of a text, beside that the file is there."""
    query = understand(text, {}, NOW, prefix="none").query
    assert query.terms == ()
    (condition,) = (one for one in query.conditions if one != PRESENT)
    return condition


def test_words_are_folded_and_each_must_be_found() -> None:
    assert terms("Beyoncé  HALO") == (Term(("beyonce",)), Term(("halo",)))
    assert terms("don't") == (Term(("dont",)),)
    assert terms("AC/DC") == (Term(("ac",)), Term(("dc",)))
    assert terms("Simon & Garfunkel") == (Term(("simon",)), Term(("and",)), Term(("garfunkel",)))


def test_stop_words_are_words() -> None:
    assert terms("The Who") == (Term(("the",)), Term(("who",)))


def test_marks_count_only_where_there_is_nothing_else() -> None:
    assert terms("this - that + those") == terms("this that those")
    assert terms("!!!") == (Term(("!!!",)),)
    assert terms("") == terms("   ") == ()


def test_the_last_word_goes_on_while_one_types_and_every_one_where_asked() -> None:
    assert [term.prefix for term in terms("dark side", "last")] == [False, True]
    assert [term.prefix for term in terms("dark side", "every")] == [True, True]
    assert [term.prefix for term in terms("dark side", "none")] == [False, False]
    assert [term.prefix for term in terms("dar* side", "none")] == [True, False]
    assert [term.prefix for term in terms('dark "side"', "last")] == [False, False]


def test_quotes_make_a_phrase_and_a_minus_takes_away() -> None:
    assert terms('"dark side" moon') == (Term(("dark", "side"), mode="phrase"), Term(("moon",)))
    query = understand("love -live", {}, NOW).query
    assert query.terms == (Term(("love",)),)
    assert Not(Term(("live",))) in query.conditions
    assert Not(Term(("genre",), ("genre",))) == meaning("-genre:genre")
    assert terms("a-ha") == (Term(("a",)), Term(("ha",)))


def test_a_quote_that_is_still_open_reaches_to_the_end() -> None:
    assert terms('"dark side') == (Term(("dark", "side"), mode="phrase"),)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("artist:muse", Term(("muse",), ("artist", "album_artist"))),
        ("artist:mus*", Term(("mus",), ("artist", "album_artist"), prefix=True)),
        ('album:"abbey road"', Term(("abbey", "road"), ("album",), "phrase")),
        ('genre:="Hip Hop"', Term(("hip", "hop"), ("genre",), "whole")),
        ("genre:rock,pop", Any([Term(("rock",), ("genre",)), Term(("pop",), ("genre",))])),
        ("bpm:128", Between("tempo", 127.5, 128.5, open_high=True)),
        ("tempo:120-130", Between("tempo", 120, 130)),
        ("bpm:120..<140", Between("tempo", 120, 140, open_high=True)),
        ("bpm:>=140", Between("tempo", low=139.5)),
        ("bpm:>140", Between("tempo", low=140.5)),
        ("bpm:<140", Between("tempo", high=139.5, open_high=True)),
        ("bpm:140..", Between("tempo", low=140)),
        ("loudness:-14..-8", Between("loudness", -14, -8)),
        ("loudness:-14--8", Between("loudness", -14, -8)),
        ("loudness:-9", Between("loudness", -9.5, -8.5, open_high=True)),
        ("year:1999", Between("year", 1999, 2000, open_high=True)),
        ("year:1990s", Between("year", 1990, 2000, open_high=True)),
        ("year:1999..2005", Between("year", 1999, 2005)),
        ("year:>2000", Between("year", low=2001)),
        ("duration:<3:00", Between("duration", high=179.5, open_high=True)),
        ("duration:3m..1:02:03", Between("duration", 180, 3723)),
        ("key:8a", Between("key", 14, 14)),
        ("key:Am", Between("key", 14, 14)),
        ("compatible:8A", Any([Between("key", place, place) for place in (12, 14, 15, 16)])),
        ("bitrate:>=256", Between("bitrate", low=255_500)),
        ("rate:48k", Between("rate", 47_500, 48_500, open_high=True)),
        ("added:30d", Between("added", low=NOW - 30 * DAY)),
        ("added:>30d", Between("added", high=NOW - 30 * DAY)),
        ("added:2026-02", Between("added", NOW - 28 * DAY, NOW, open_high=True)),
        ("added:2026-02-28", Between("added", NOW - DAY, NOW, open_high=True)),
        ("rating:>=4", Between("rating", low=3.5)),
        ("plays:0", Between("plays", -0.5, 0.5, open_high=True)),
        ("is:lossless", Flagged("lossless")),
        ("-has:genre", Not(Known("genre"))),
        ("missing:yes", Flagged("missing")),
    ],
)
def test_filters_mean_what_the_guide_says(text: str, meant: object) -> None:
    assert meaning(text) == meant


def test_a_filter_beside_the_text_means_the_same() -> None:
    assert understand("", {"bpm": "120-130"}, NOW) == understand("bpm:120-130", {}, NOW)


def test_missing_files_are_left_out_unless_somebody_asks() -> None:
    assert understand("love", {}, NOW).query.conditions == (PRESENT,)
    assert PRESENT not in understand("love missing:yes", {}, NOW).query.conditions
    assert PRESENT not in understand("missing:any", {}, NOW).query.conditions


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("artst:muse", "Did you mean artist:?"),
        ("temp:120", "Did you mean tempo:?"),
        ("re:zero", '"re:zero"'),
        ("bpm:fast", "bpm takes beats a minute, such as bpm:128"),
        ("bpm:130-120", "did you mean 120..130?"),
        ("key:13A", "keys by name or Camelot code"),
        ("key:H", "key:8A"),
        ("year:soon", "year:1990s"),
        ("added:2024-13", "there is no day 2024-13"),
        ("is:happy", "lossless"),
        ("has:fun", "lyrics"),
        ("missing:perhaps", "no, yes or any"),
        ("artist:*", "words of an artist's name"),
        ("album_id:7", "the id of an album"),
        ("duration:..", "a length"),
        ("rating:>=many", "your rating, 1 to 5"),
        ("size:5parsecs", "in MB"),
    ],
)
def test_a_bad_filter_is_told_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(BadFilter) as caught:
        understand(text, {}, NOW)
    assert said in caught.value.detail


def test_while_somebody_types_what_is_no_filter_is_words() -> None:
    def lenient(text: str) -> tuple[Term, ...]:
        return understand(text, {}, NOW, strict=False).query.terms

    assert lenient("re:zero") == (Term(("re",)), Term(("zero",), prefix=True))
    assert lenient("muse bpm:1x") == (Term(("muse",)),)


def test_more_words_than_any_title_has_are_refused() -> None:
    with pytest.raises(BadRequest, match="at most 32 words"):
        understand("la " * 33, {}, NOW)
    with pytest.raises(BadRequest, match="at most 64 values"):
        understand(f"genre:{','.join('abc' * 30)}", {}, NOW)
    with pytest.raises(BadRequest, match="at most 200 words; these have 300"):
        understand(" ".join(['"one two three"'] * 20 + ['title:"' + "a " * 120 + '"'] * 2), {}, NOW)


def test_every_example_of_every_filter_is_understood() -> None:
    for name, known in FILTERS.items():
        for example in known.examples:
            assert example.removeprefix("-").startswith(f"{name}:")
            understand(example, {}, NOW)
    assert set(ALIASES.values()) <= set(FILTERS)


class TestKeys:
    def test_all_keys_are_read_by_code_and_by_name(self) -> None:
        for place in range(24):
            assert read_key(code_of(place)) == read_key(name_of(place)) == place

    @pytest.mark.parametrize(("text", "code"), [("Am", "8A"), ("C", "8B"), ("Db", "3B"), ("F# minor", "11A")])
    def test_usual_spellings(self, text: str, code: str) -> None:
        place = read_key(text)
        assert place is not None
        assert code_of(place) == code

    @pytest.mark.parametrize("text", ["", "H", "0A", "13B", "8C", "minor", "A#b", "8"])
    def test_what_is_no_key(self, text: str) -> None:
        assert read_key(text) is None

    def test_compatible_keys_are_neighbours_on_the_wheel(self) -> None:
        assert [code_of(place) for place in compatible(0)] == ["1A", "1B", "2A", "12A"]
        for place in range(24):
            assert all(place in compatible(other) for other in compatible(place))


class TestGuide:
    GUIDE = Path(__file__).parents[3] / "docs" / "user" / "search.md"

    def test_every_example_of_the_guide_is_understood(self) -> None:
        rows = re.findall(r"^\| (`.+`) \|", self.GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
        examples = [one for row in rows for one in re.findall(r"`([^`]+)`", row) if not one.startswith("GET ")]
        assert len(examples) > 60
        for example in examples:
            understand(example, {}, NOW)

    def test_the_guide_names_every_filter_and_every_order(self) -> None:
        text = self.GUIDE.read_text(encoding="utf-8")
        assert [name for name in FILTERS if f"{name}:" not in text] == []
        (orders,) = re.findall(r"`sort` takes ([^;]+);", text)
        assert re.split(", | and ", orders) == list(SORTS)
