"""The rules by which tracks become artists and albums, one by one."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.catalogue.filing import note_duration, refile
from otolith.library.catalogue.links import Credit, Lyrics
from otolith.library.catalogue.models import Album, Artist, Departure, Term
from otolith.library.catalogue.versions import version_of
from otolith.library.models import Track
from otolith.media.engine.tagging import ReplayGain, Tags
from tests.library.catalogue.shop import forget, ids_at, lose, put, tags

ONE, TWO = "9c9f1380-2516-4fc9-a3e6-f9f61941d090", "5b11f4ce-a62d-471e-81fc-a69a8278c7da"
Fill = Callable[[Mapping[str, Tags]], None]


@pytest.fixture
def fill(context: Context, workspace: UUID) -> Fill:
    def run(files: Mapping[str, Tags]) -> None:
        with context.database.write(SYSTEM) as session:
            put(session, workspace, files)

    return run


def artists(context: Context) -> dict[str, tuple[str, int]]:
    """Identity → name and tracks."""
    with context.database.read(SYSTEM) as session:
        return {row.identity: (row.name, row.tracks) for row in session.scalars(select(Artist))}


def albums(context: Context) -> list[tuple[str, str, int]]:
    """Title, artist and tracks, sorted."""
    with context.database.read(SYSTEM) as session:
        return sorted((row.title, row.artist, row.tracks) for row in session.scalars(select(Album)))


class TestArtists:
    def test_a_name_joins_its_one_identifier_whichever_came_first(self, fill: Fill, context: Context) -> None:
        fill({"/m/1.mp3": tags(title="1", artist="Muse")})
        assert artists(context) == {"n:muse": ("Muse", 1)}
        fill({"/m/2.mp3": tags(title="2", artist="MUSE", mb={"artists": (ONE,)})})
        assert artists(context) == {f"m:{ONE}": ("MUSE", 2)}
        # A second Muse: now nobody can say which of them the bare name means.
        fill({"/m/3.mp3": tags(title="3", artist="Muse", mb={"artists": (TWO,)})})
        assert artists(context) == {f"m:{ONE}": ("MUSE", 1), f"m:{TWO}": ("Muse", 1), "n:muse": ("Muse", 1)}

    def test_when_the_identifier_goes_the_name_stands_for_itself(self, context: Context, workspace: UUID) -> None:
        with context.database.write(SYSTEM) as session:
            put(
                session,
                workspace,
                {
                    "/m/1.mp3": tags(title="1", artist="Muse"),
                    "/m/2.mp3": tags(title="2", artist="Muse", mb={"artists": (ONE,)}),
                },
            )
            forget(session, workspace, "/m/2.mp3")
        assert artists(context) == {"n:muse": ("Muse", 1)}

    def test_most_files_decide_how_a_name_is_written(self, fill: Fill, context: Context) -> None:
        fill({f"/m/{n}.mp3": tags(title="x", artist=name) for n, name in enumerate(("beyonce", "Beyoncé", "Beyoncé"))})
        assert artists(context) == {"n:beyonce": ("Beyoncé", 3)}

    def test_each_name_has_its_identifier_where_there_are_as_many(self, fill: Fill, context: Context) -> None:
        fill({"/m/1.mp3": tags(title="1", artist="A feat. B", mb={"artists": (ONE, TWO)})})
        assert artists(context) == {f"m:{ONE}": ("A", 1), f"m:{TWO}": ("B", 1)}

    def test_several_parts_in_one_track_count_once(self, fill: Fill, context: Context) -> None:
        fill({"/m/1.mp3": tags(title="1", artist="A", album_artist="A", composers=("A",), album="X")})
        assert artists(context) == {"n:a": ("A", 1)}

    def test_various_artists_are_one_however_they_are_written(self, fill: Fill, context: Context) -> None:
        fill(
            {
                f"/m/{n}.mp3": tags(title="x", artist=f"A{n}", album_artist=name, album="Hits")
                for n, name in enumerate(("VA", "various artists", "Various"))
            }
        )
        assert albums(context) == [("Hits", "Various Artists", 3)]


class TestAlbums:
    @pytest.mark.parametrize(
        ("what", "files", "expected"),
        [
            (
                "the same title by two artists is two albums",
                {
                    "/m/1.mp3": tags(title="1", artist="A", album_artist="A", album="Live"),
                    "/m/2.mp3": tags(title="2", artist="B", album_artist="B", album="Live"),
                },
                [("Live", "A", 1), ("Live", "B", 1)],
            ),
            (
                "two artists of one name are told apart by their identifiers",
                {
                    "/m/1.mp3": tags(title="1", album="X", album_artist="A", mb={"album_artists": (ONE,)}),
                    "/m/2.mp3": tags(title="2", album="X", album_artist="A", mb={"album_artists": (TWO,)}),
                },
                [("X", "A", 1), ("X", "A", 1)],
            ),
            (
                "case, accents and a disc behind the title make no other album",
                {
                    "/m/1.mp3": tags(title="1", album_artist="A", album="Été (Disc 1)"),
                    "/m/2.mp3": tags(title="2", album_artist="A", album="Été (Disc 2)"),
                    "/m/3.mp3": tags(title="3", album_artist="a", album="ete"),
                },
                [("Été", "A", 3)],
            ),
            (
                "without an album artist the folder decides, and discs may have folders of their own",
                {
                    "/m/x/CD1/1.mp3": tags(title="1", artist="A", album="Hits"),
                    "/m/x/CD2/2.mp3": tags(title="2", artist="A feat. B", album="Hits"),
                    "/m/y/1.mp3": tags(title="1", artist="A", album="Hits"),
                },
                [("Hits", "A", 1), ("Hits", "A", 2)],
            ),
            (
                "a folder of several artists is various artists'",
                {
                    "/m/x/1.mp3": tags(title="1", artist="A", album="Mix"),
                    "/m/x/2.mp3": tags(title="2", artist="B", album="Mix"),
                },
                [("Mix", "Various Artists", 2)],
            ),
            (
                "a compilation is various artists' in whatever folder",
                {
                    "/m/x/1.mp3": tags(title="1", artist="A", album="Mix", compilation=True),
                    "/m/y/2.mp3": tags(title="2", artist="B", album="Mix", compilation=True),
                    "/m/y/3.mp3": tags(title="3", artist="C", album="Mix", album_artist="DJ", compilation=True),
                },
                [("Mix", "DJ", 1), ("Mix", "Various Artists", 2)],
            ),
            (
                "editions are apart",
                {
                    "/m/1.mp3": tags(title="1", album_artist="A", album="X"),
                    "/m/2.mp3": tags(title="2", album_artist="A", album="X", album_version="Deluxe"),
                    "/m/3.mp3": tags(title="3", album_artist="A", album="X", release_date="2011"),
                },
                [("X", "A", 1), ("X", "A", 1), ("X", "A", 1)],
            ),
            (
                "a release's identifier gathers whatever its titles say",
                {
                    "/m/1.mp3": tags(title="1", album_artist="A", album="X", mb={"release": ONE}),
                    "/m/2.mp3": tags(title="2", album_artist="A", album="X", mb={"release": ONE}),
                    "/n/3.mp3": tags(title="3", album_artist="B", album="Y", mb={"release": ONE}),
                },
                [("X", "A", 3)],
            ),
            (
                "what names no release joins the one that has its title",
                {
                    "/m/1.mp3": tags(title="1", album_artist="A", album="X"),
                    "/m/2.mp3": tags(title="2", album_artist="A", album="X", mb={"release": ONE}),
                },
                [("X", "A", 2)],
            ),
            (
                "of two releases it joins neither",
                {
                    "/m/1.mp3": tags(title="1", album_artist="A", album="X"),
                    "/m/2.mp3": tags(title="2", album_artist="A", album="X", mb={"release": ONE}),
                    "/m/3.mp3": tags(title="3", album_artist="A", album="X", mb={"release": TWO}),
                },
                [("X", "A", 1), ("X", "A", 1), ("X", "A", 1)],
            ),
            ("no album, no album", {"/m/1.mp3": tags(title="1", artist="A")}, []),
        ],
    )
    def test_rules(self, what: str, files: dict[str, Tags], expected: list[Any], fill: Fill, context: Context) -> None:
        for path, said in files.items():
            fill({path: said})
        assert albums(context) == expected, what

    def test_an_artist_who_gets_an_identifier_takes_the_albums_along(self, fill: Fill, context: Context) -> None:
        fill({"/m/1.mp3": tags(title="1", album_artist="A", album="X")})
        fill({"/m/2.mp3": tags(title="2", album_artist="A", album="X", mb={"album_artists": (ONE,)})})
        assert albums(context) == [("X", "A", 2)]

    def test_an_album_sums_up_its_tracks(self, fill: Fill, context: Context) -> None:
        shared = {"album_artist": "The A", "album": "X", "original_date": "1970"}
        fill(
            {
                "/m/1.mp3": tags(title="1", length=60.5, date="1999-05-01", disc=2, **shared),
                "/m/2.mp3": tags(title="2", length=60.25, date="1999-05-01", disc_total=99, **shared),
                "/m/3.mp3": tags(title="3", date="2000", **shared),
            }
        )
        with context.database.read(SYSTEM) as session:
            album = session.scalars(select(Album)).one()
            assert (album.year, album.date, album.original_date) == (1999, "1999-05-01", "1970")
            assert (album.duration, album.discs, album.tracks, album.artist_key) == (120.75, 2, 3, "a, the")

    def test_a_measured_length_reaches_the_album(self, fill: Fill, context: Context) -> None:
        fill({"/m/1.mp3": tags(title="1", album_artist="A", album="X", length=60.0)})
        with context.database.write(SYSTEM) as session:
            note_duration(session, session.scalars(select(Track)).one(), 61.5)
        with context.database.read(SYSTEM) as session:
            assert session.scalars(select(Album.duration)).one() == 61.5


class TestComingAndGoing:
    def test_what_is_missing_is_kept_and_not_counted(self, fill: Fill, context: Context, workspace: UUID) -> None:
        fill({f"/m/{n}.mp3": tags(title="x", artist="A", album="X", genres=("Rock",)) for n in range(2)})
        with context.database.write(SYSTEM) as session:
            for number in range(2):
                lose(session, workspace, f"/m/{number}.mp3")
        assert (artists(context), albums(context)) == ({"n:a": ("A", 0)}, [("X", "A", 0)])
        with context.database.write(SYSTEM) as session:
            lose(session, workspace, "/m/0.mp3", missing=False)
        assert (artists(context), albums(context)) == ({"n:a": ("A", 1)}, [("X", "A", 1)])

    def test_what_is_removed_leaves_nothing_but_word_of_it(self, fill: Fill, context: Context, workspace: UUID) -> None:
        fill({"/m/1.mp3": tags(title="x", artist="A", album="X", genres=("Rock",), lyrics="la")})
        with context.database.write(SYSTEM) as session:
            (track_id,) = ids_at(session, workspace, ["/m/1.mp3"])
            forget(session, workspace, "/m/1.mp3")
        with context.database.read(SYSTEM) as session:
            for table in (Track, Artist, Album, Term, Credit, Lyrics):
                assert session.scalar(select(func.count()).select_from(table)) == 0
            departure = session.scalars(select(Departure)).one()
            assert (departure.track_id, departure.version) == (track_id, version_of(session, workspace))

    def test_every_change_is_stamped(self, fill: Fill, context: Context, workspace: UUID) -> None:
        fill({"/m/1.mp3": tags(title="1", artist="A"), "/m/2.mp3": tags(title="2", artist="B")})
        with context.database.read(SYSTEM) as session:
            first = version_of(session, workspace)
        fill({"/m/2.mp3": tags(title="2", artist="A", mb={"artists": (ONE,)})})
        with context.database.read(SYSTEM) as session:
            latest = version_of(session, workspace)
            assert latest > first
            # The other track means another artist now, so it changed as well.
            assert set(session.scalars(select(Track.version))) == {latest}


class TestEdits:
    def test_an_edit_wins_over_the_file_until_it_is_taken_back(
        self, fill: Fill, context: Context, workspace: UUID
    ) -> None:
        fill({"/m/1.mp3": tags(title="1", artist="A", album="X", mb={"artists": (ONE,), "release": TWO})})
        for edits, artist, album in (
            ({"artist": "B; C", "album": "Y"}, {"n:b": ("B", 1), "n:c": ("C", 1)}, "Y"),
            (None, {f"m:{ONE}": ("A", 1)}, "X"),
        ):
            with context.database.write(SYSTEM) as session:
                track = session.scalars(select(Track)).one()
                track.edits = edits
                session.flush()
                refile(session, workspace, [track.id])
            assert artists(context) == artist
            assert [one[0] for one in albums(context)] == [album]
        fill({"/m/1.mp3": tags(title="other", artist="A")})
        with context.database.write(SYSTEM) as session:
            session.scalars(select(Track)).one().edits = {"title": "mine"}
        fill({"/m/1.mp3": tags(title="third", artist="A")})
        with context.database.read(SYSTEM) as session:
            assert session.scalars(select(Track.title)).one() == "mine"


class TestHostile:
    def test_no_tag_is_too_much(self, fill: Fill, context: Context) -> None:
        huge = "x" * 10_000_000
        fill(
            {
                "/m/1.mp3": tags(
                    title=huge,
                    artist=huge,
                    album=huge,
                    album_artist="\x00\ud800" + huge,
                    genres=tuple(f"genre {number}" for number in range(10_000)),
                    composers=tuple(f"composer {number}" for number in range(10_000)),
                    date=huge,
                    year=99_999_999,
                    track=2**40,
                    track_total=-1,
                    disc=10**9,
                    lyrics="[99:99]\x00" + huge,
                    length=1e300,
                )
            }
        )
        with context.database.read(SYSTEM) as session:
            track = session.scalars(select(Track)).one()
            assert (len(track.title), track.track_number, track.disc_number) == (1000, None, None)
            assert session.scalar(select(func.count()).select_from(Term)) == 32
            assert len(session.scalars(select(Lyrics.text)).one()) <= 1 << 16

    def test_contradictory_numbers(self, fill: Fill, context: Context) -> None:
        fill({"/m/1.mp3": tags(title="1", artist="A", track=17, track_total=12, disc=3, disc_total=2)})
        with context.database.read(SYSTEM) as session:
            track = session.scalars(select(Track)).one()
            assert (track.track_number, track.track_total, track.disc_number, track.disc_total) == (17, None, 3, None)

    def test_what_the_file_says_is_kept_whole(self, fill: Fill, context: Context) -> None:
        said = tags(
            title="1",
            artist="A",
            performers=("D (guitar)",),
            replaygain=ReplayGain(-7.5, 0.98),
            extra={"mood_happy": ("0.3",)},
            mb={"release": ONE},
        )
        fill({"/m/1.mp3": said})
        with context.database.read(SYSTEM) as session:
            assert Tags.from_dict(session.scalars(select(Track.tags)).one()) == said
