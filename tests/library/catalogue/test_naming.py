"""Names: told apart only where a separator can be nothing else, equal where only their look differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otolith.library.catalogue.naming import (
    album_folder,
    articled,
    genre_key,
    is_various,
    name_key,
    sort_key,
    split_artists,
    split_disc,
    split_genres,
)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("AC/DC", ["AC/DC"]),
        ("Simon & Garfunkel", ["Simon & Garfunkel"]),
        ("Tyler, the Creator", ["Tyler, the Creator"]),
        ("Nick Cave and the Bad Seeds", ["Nick Cave and the Bad Seeds"]),
        ("A; B;C", ["A", "B", "C"]),
        ("A / B", ["A", "B"]),
        ("A feat. B", ["A", "B"]),
        ("A FT. B & C", ["A", "B & C"]),
        ("A (featuring B)", ["A", "B"]),
        ("A [feat. B (of C)]", ["A", "B (of C)"]),
        ("A feat. B feat. C", ["A", "B", "C"]),
        ("Featurette", ["Featurette"]),
        ("Little Feat", ["Little Feat"]),
        ("A; a; Á", ["A"]),
        (" ; ;", []),
        ("", []),
    ],
)
def test_artists(written: str, names: list[str]) -> None:
    assert split_artists([written]) == names


def test_several_values_are_names_each() -> None:
    assert split_artists(["A feat. B", "C / D"]) == ["A feat. B", "C / D"]


def test_one_identifier_is_one_artist() -> None:
    assert split_artists(["A / B"], known=1) == ["A / B"]
    assert split_artists(["A / B"], known=2) == ["A", "B"]


def test_no_tag_names_endlessly_many() -> None:
    assert len(split_artists([";".join(str(number) for number in range(10_000))])) == 32
    assert len(split_genres([str(number) for number in range(10_000)])) == 32


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["Rock; Pop/Soul, Jazz|Funk\\Blues"], ["Rock", "Pop", "Soul", "Jazz", "Funk", "Blues"]),
        (["Folk, World, & Country"], ["Folk", "World", "Country"]),
        (["Drum & Bass", "drum and bass"], ["Drum & Bass"]),
        (["Hip-Hop/Hip Hop"], ["Hip-Hop"]),
        (["R&B"], ["R&B"]),
        ([";;"], []),
    ],
)
def test_genres(written: list[str], names: list[str]) -> None:
    assert split_genres(written) == names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beyoncé", "BEYONCE"),
        ("Guns N’ Roses", "guns n' roses"),
        ("a‐ha", "A-ha"),
        ("Sigur  Rós ", "sigur ros"),
        ("Straße", "STRASSE"),
        ("ﬁn", "fin"),
        ("Sig\u00adur", "sigur"),
    ],
)
def test_the_same_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_names_without_a_letter_are_names() -> None:
    assert name_key("!!!") == "!!!"
    assert name_key("†††") == "†††"
    assert name_key("\u0301") != ""
    assert len({name_key(name) for name in ("!!!", "???", "†††", "+/-")}) == 4


def test_articles_stand_behind() -> None:
    assert [articled(name) for name in ("The Who", "L’Arc", "Les Paul", "The The", "Theo", "The")] == [
        "Who, The",
        "Arc, L’",
        "Paul, Les",
        "The, The",
        "Theo",
        "The",
    ]
    assert sort_key("The Who") == "who, the"
    assert sort_key("David Bowie", "Bowie, David") == "bowie, david"
    assert genre_key("Hip_Hop") == "hip hop"


@pytest.mark.parametrize(
    ("title", "plain", "disc"),
    [
        ("Mellon Collie (Disc 2)", "Mellon Collie", 2),
        ("Mellon Collie [CD1: Dawn]", "Mellon Collie", 1),
        ("Hits, disc 10", "Hits", 10),
        ("Hits - CD2", "Hits", 2),
        ("Disc 2", "Disc 2", None),
        ("(CD 1)", "(CD 1)", None),
        ("Compact Disc", "Compact Disc", None),
        ("1999", "1999", None),
    ],
)
def test_a_disc_behind_a_title(title: str, plain: str, disc: int | None) -> None:
    assert split_disc(title) == (plain, disc)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        (b"/m/Album/1.mp3", b"/m/Album"),
        (b"/m/Album/CD1/1.mp3", b"/m/Album"),
        (b"/m/Album/Album (Disc 2)/1.mp3", b"/m/Album"),
        (b"/m/Album/disk_03/1.mp3", b"/m/Album"),
        (b"/m/Album/Discography/1.mp3", b"/m/Album/Discography"),
        (b"/CD1/1.mp3", b"/CD1"),
        (b"/m/\xff\xfe/1.mp3", b"/m/\xff\xfe"),
    ],
)
def test_the_folder_of_an_album(path: bytes, folder: bytes) -> None:
    assert album_folder(path) == folder


def test_various_artists() -> None:
    assert all(is_various(name, of_album=True) for name in ("Various Artists", "VARIOUS", "VA", "V.A."))
    assert is_various("various artists", of_album=False)
    assert not is_various("VA", of_album=False)


@given(st.text(max_size=300))
def test_any_text_has_a_key_that_a_column_holds(text: str) -> None:
    for key in (name_key(text), genre_key(text), sort_key(text)):
        assert len(key) <= 120
    assert all(name.strip() for name in split_artists([text]) + split_genres([text]))
