"""What does not add up in the numbers of an album, and that SQL finds the same albums as the words are found for."""

import random
from uuid import UUID

import pytest

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.health import queries
from otolith.library.health.numbering import Numbered, faults_of
from tests.library.health.shelves import add_album, add_tracks


def told(*tracks: tuple[int | None, int | None, int | None, int | None]) -> list[str]:
    return [fault.sentence for fault in faults_of(Numbered(*track) for track in tracks)]


def disc(numbers: list[int], *, total: int | None = None, disc: int | None = None) -> list[Numbered]:
    return [Numbered(disc, number, total, None) for number in numbers]


def sentences(tracks: list[Numbered]) -> list[str]:
    return [fault.sentence for fault in faults_of(tracks)]


def test_an_album_that_adds_up_is_no_finding() -> None:
    assert sentences(disc([1, 2, 3], total=3)) == []
    assert sentences(disc([3, 1, 2])) == []
    assert sentences([]) == []
    assert told((None, None, None, None), (None, None, None, None)) == []


def test_numbers_that_lack_are_named() -> None:
    assert sentences(disc([1, 2, 4])) == ["track 3 lacks."]
    assert sentences(disc([2, 3, 4], total=6)) == ["tracks 1, 5 and 6 lack."]


def test_a_few_tracks_of_an_album_are_somebodys_choice() -> None:
    assert sentences(disc([3, 7], total=12)) == []
    assert sentences(disc([9])) == []


def test_a_number_twice_is_a_finding_and_one_on_two_discs_is_none() -> None:
    assert sentences(disc([1, 2, 2, 3])) == ["track 2 occurs more than once."]
    assert sentences(disc([1, 2], disc=1) + disc([1, 2], disc=2)) == []
    two = disc([1, 2], disc=1) + disc([1, 1, 2], disc=2)
    assert sentences(two) == ["On disc 2, track 1 occurs more than once."]


def test_totals_that_contradict_each_other_or_the_numbers() -> None:
    assert sentences(disc([1], total=3) + disc([2, 3], total=4)) == [
        "the tags disagree on how many there are: 3 and 4.",
        "track 4 lacks.",
    ]
    assert sentences(disc([1, 2, 3, 4], total=3)) == ["track 4 goes beyond the 3 that there are said to be."]


def test_discs_that_lack_and_contradict() -> None:
    assert sentences(disc([1], disc=1) + disc([1], disc=3)) == ["Of 3 discs, 2 lacks."]
    assert told((1, 1, None, 2), (2, 1, None, 3), (3, 1, None, 3)) == [
        "The tags disagree on how many discs there are: 2 and 3."
    ]


def test_a_second_disc_may_go_on_counting() -> None:
    assert sentences(disc([1, 2, 3], total=3, disc=1) + disc([4, 5, 6], total=3, disc=2)) == []


def test_a_million_tracks_that_a_tag_claims_cost_nothing() -> None:
    assert sentences(disc([1, 999_999])) == []
    assert told((999_999, 1, None, 999_999), (1, 1, None, None)) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_sql_finds_the_albums_for_which_there_are_words(context: Context, workspace: UUID, seed: int) -> None:
    chance = random.Random(seed)
    rows, wanted = [], set()
    for number in range(150):
        album = add_album(context, workspace, f"Album {number}")
        tracks = [
            Numbered(
                chance.choice([None, None, 0, 1, 1, 2, 3]),
                chance.choice([None, 0, *range(1, 7)]),
                chance.choice([None, None, 0, 3, 4]),
                chance.choice([None, None, 1, 2]),
            )
            for _ in range(chance.randint(1, 7))
        ]
        rows += [
            {
                "album_id": album,
                "disc_number": one.disc,
                "track_number": one.number,
                "track_total": one.total,
                "disc_total": one.disc_total,
            }
            for one in tracks
        ]
        if faults_of(tracks):
            wanted.add(album)
    add_tracks(context, workspace, rows)
    with context.database.read(SYSTEM) as session:
        found = set(session.scalars(queries.uneven_albums(queries.whose(SYSTEM, workspace))))
    assert 20 < len(wanted) < 145
    assert found == wanted
