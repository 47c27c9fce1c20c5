"""Why two recordings go together."""

import pytest

from otolith.library.similar.engine.reasons import Traits, key_relation, reasons, same_colour, tempo_relation


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("8A", "8A", "same_key"),
        ("8A", "8B", "relative_key"),
        ("12A", "1A", "next_key"),
        ("1B", "12B", "next_key"),
        ("8A", "9B", None),
        ("8A", "10A", None),
        ("8A", None, None),
    ],
)
def test_keys_go_together_around_the_wheel(one: str, other: str | None, relation: str | None) -> None:
    assert key_relation(one, other) == relation
    assert key_relation(other, one) == relation


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        (120.0, 124.0, "same_tempo"),
        (120.0, 130.0, None),
        (70.0, 141.0, "double_tempo"),
        (70.0, 150.0, None),
        (0.0, 120.0, None),
        (None, 120.0, None),
    ],
)
def test_tempos_go_together_when_they_can_be_felt_as_one(one: float | None, other: float, relation: str | None) -> None:
    assert tempo_relation(one, other) == relation
    assert tempo_relation(other, one) == relation


def test_a_colour_is_more_than_brightness() -> None:
    timbre = {"bass_db": -1.0, "treble_db": -20.0, "noisiness": 0.4}
    one = Traits(brightness=1500.0, timbre=timbre)
    assert same_colour(one, Traits(brightness=1600.0, timbre=timbre))
    assert not same_colour(one, Traits(brightness=1600.0, timbre=timbre | {"noisiness": 0.9}))
    assert not same_colour(one, Traits(brightness=3000.0))
    assert not same_colour(one, Traits())


def test_what_is_unknown_is_no_reason() -> None:
    assert reasons(Traits(), Traits()) == []
    assert [one.code for one in reasons(Traits(artist="Ann", genre="Jazz"), Traits(artist="Ann", genre="Jazz"))] == [
        "same_artist",
        "same_genre",
    ]
    assert [one.code for one in reasons(Traits(voice=0.1), Traits(voice=0.2))] == ["instrumental"]
