"""Search over HTTP: what is found, by whom, in which order, and how many statements it takes."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.library.listens.models import Listening
from tests.callers import KINDS, REFUSED, Callers
from tests.library.search.conftest import ShelfOf, Song, moment
from tests.library.test_tracks import statements

PATHS = ("/api/search", "/api/search/facets", "/api/search/suggest")


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


def find(callers: Callers, q: str = "", kind: str = "viewer", **more: Any) -> list[str]:
    return titles(callers[kind].get("/api/search", params={"q": q, **more}))


def facet(callers: Callers, name: str, q: str = "") -> dict[str, int]:
    answer = callers["viewer"].get("/api/search/facets", params={"q": q, "facets": name})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["facets"]
    return {value["value"]: value["count"] for value in found["values"]}


def suggested(callers: Callers, q: str) -> Any:
    return callers["viewer"].get("/api/search/suggest", params={"q": q}).json()


class TestWords:
    def test_words_are_found_wherever_they_stand(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add(
            Song("Starlight", "Muse", "Black Holes", genres=["Rock"], lyrics="far away this ship"),
            Song("Uprising", "Muse", "The Resistance", composers=["Bellamy"]),
            Song("Who Are You", "The Who", "Who Are You"),
            Song("This Is the Day", "The The"),
        )
        assert find(callers, "muse") == ["Starlight", "Uprising"]
        assert find(callers, "black muse") == ["Starlight"]
        assert find(callers, "rock") == find(callers, "ship") == ["Starlight"]
        assert find(callers, "bellamy") == ["Uprising"]
        assert find(callers, "The Who") == ["Who Are You"]
        assert find(callers, '"the the"') == ["This Is the Day"]
        assert find(callers, "upr") == find(callers, "uprsing") == ["Uprising"]
        assert find(callers, "upr", prefix="none") == []
        assert find(callers, "uprsing -muse") == []

    def test_whole_words_come_before_beginnings_and_those_before_similar_ones(
        self, callers: Callers, shelf_of: ShelfOf
    ) -> None:
        shelf_of(callers.home).add(
            Song("Lyrics", lyrics="under the sun"),
            Song("Sums"),
            Song("Sunny Afternoon"),
            Song("Here Comes the Sun"),
            Song("Sunday", album="Sun"),
            Song("Sun"),
        )
        found = find(callers, "sun")
        assert found == ["Sun", "Here Comes the Sun", "Sunday", "Sunny Afternoon", "Lyrics"]

    def test_similar_words_count_only_where_little_else_is_found(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf = shelf_of(callers.home)
        shelf.add(Song("One", "Metallica"), Song("Two", "Metalica"))
        answer = callers["viewer"].get("/api/search", params={"q": "metalica"}).json()
        assert [item["artist"] for item in answer["items"]] == ["Metalica", "Metallica"]
        assert answer["similar"] is True
        shelf.add(*(Song(f"More {number}", "Metalica") for number in range(5)))
        answer = callers["viewer"].get("/api/search", params={"q": "metalica"}).json()
        assert answer["total"] == 6
        assert answer["similar"] is False

    def test_a_filter_never_brings_similar_words_in(self, callers: Callers, shelf_of: ShelfOf) -> None:
        songs = [Song(f"Song {number}", "Metalica", columns={"year": 1990 + number}) for number in range(6)]
        shelf_of(callers.home).add(*songs, Song("Foreign", "Metallica", columns={"year": 1990}))
        assert find(callers, "metalica year:1990") == ["Song 0"]

    def test_a_title_of_any_length_and_kind_is_found(self, callers: Callers, shelf_of: ShelfOf) -> None:
        long = "word " * 190 + "unique"
        shelf_of(callers.home).add(Song(long[:1000]), Song("\u202e\u0000?".replace("\0", "")), Song("x" * 1000))
        assert len(find(callers, "unique")) == len(find(callers, "x" * 60)) == 1
        assert len(find(callers, "*")) <= 3


class TestFilters:
    @pytest.fixture(autouse=True)
    def library(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add(
            Song(
                "Slow",
                "Ann",
                genres=["Hip Hop", "Rock"],
                columns={"year": 1991, "added_at": moment("2020-05-05")},
                analysis={"tempo": 80.2, "camelot": "8A", "loudness_lufs": -14.0, "duration": 100.0},
            ),
            Song(
                "Middle",
                "Bob",
                genres=["Rock"],
                columns={"year": 1999},
                analysis={"tempo": 120.0, "camelot": "8B", "loudness_lufs": -9.0, "duration": 200.0},
                media={"codec": "mp3", "container": "MP3", "lossless": False},
            ),
            Song("Fast", "Ann", columns={"year": 2005}, analysis={"tempo": 140.0, "camelot": "12A", "duration": 300.0}),
            Song("Gone", "Bob", media={"missing": True}),
            Song("Bare"),
        )

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("bpm:100-130", ["Middle"]),
            ("bpm:80", ["Slow"]),
            ("key:8A,8B", ["Middle", "Slow"]),
            ("compatible:8A", ["Middle", "Slow"]),
            ("compatible:11A", ["Fast"]),
            ("year:1990s", ["Middle", "Slow"]),
            ("year:1999..2005", ["Fast", "Middle"]),
            ("loudness:-15..-10", ["Slow"]),
            ("duration:<3:00", ["Slow"]),
            ("duration:3:20", ["Middle"]),
            ("format:mp3", ["Middle"]),
            ("is:lossless -ann", ["Bare"]),
            ("added:2020-05", ["Slow"]),
            ("added:1d -has:year", ["Bare"]),
            ('genre:="hip hop"', ["Slow"]),
            ("genre:rock -artist:bob", ["Slow"]),
            ("artist:ann bpm:>100", ["Fast"]),
            ("-has:artist", ["Bare"]),
            ("missing:yes", ["Gone"]),
            ("bob missing:any", ["Gone", "Middle"]),
            ("key:2B", []),
        ],
    )
    def test_filters_let_through_what_they_say(self, callers: Callers, q: str, found: list[str]) -> None:
        assert sorted(find(callers, q)) == found

    def test_filters_beside_the_text_and_in_it_are_the_same(self, callers: Callers) -> None:
        assert find(callers, "ann", bpm=">100") == find(callers, "ann bpm:>100") == ["Fast"]
        assert find(callers, genre="rock", key="8A") == ["Slow"]

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ({"q": "bmp:120"}, "Did you mean bpm:?"),
            ({"bpm": "quick"}, "bpm takes beats a minute"),
            ({"sort": "beauty"}, "Nothing can be sorted by"),
            ({"cursor": "nonsense"}, "cursor"),
        ],
    )
    def test_what_is_not_understood_is_said_plainly(self, callers: Callers, query: dict[str, str], said: str) -> None:
        answer = callers["viewer"].get("/api/search", params=query)
        assert answer.status_code == 400
        assert said in answer.json()["detail"]

    def test_a_parameter_that_is_none_is_refused(self, callers: Callers) -> None:
        assert callers["viewer"].get("/api/search", params={"bmp": "120"}).status_code == 422
        answer = callers["viewer"].get("/api/search/facets", params={"facets": "colour"})
        assert answer.status_code == 400
        assert "the facets are genre" in answer.json()["detail"]


class TestOrder:
    def test_unknown_values_come_last_in_both_directions(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add(
            Song("Old", columns={"year": 1970}), Song("Undated"), Song("New", columns={"year": 2020})
        )
        assert find(callers, sort="year") == ["Old", "New", "Undated"]
        assert find(callers, sort="-year") == ["New", "Old", "Undated"]
        assert find(callers, sort="title") == ["New", "Old", "Undated"]

    def test_an_artist_s_albums_stay_together(self, callers: Callers, shelf_of: ShelfOf) -> None:
        songs = [
            Song(f"{album}{number}", artist, album, columns={"track_number": number})
            for artist, album in (("b", "X"), ("a", "Y"))
            for number in (2, 1, 10)
        ]
        shelf_of(callers.home).add(*songs)
        assert find(callers, sort="album") == ["X1", "X2", "X10", "Y1", "Y2", "Y10"]

    def test_a_page_goes_on_though_its_last_track_went_and_others_came(
        self, callers: Callers, shelf_of: ShelfOf
    ) -> None:
        shelf = shelf_of(callers.home)
        shelf.add(*(Song(letter) for letter in "bdfh"))
        first = callers["viewer"].get("/api/search", params={"sort": "title", "limit": 2}).json()
        assert [item["title"] for item in first["items"]] == ["b", "d"]
        shelf.change(UUID(first["items"][1]["id"]), title="z")
        shelf.add(Song("a"), Song("e"))
        following = find(callers, sort="title", cursor=first["next"], limit=10)
        assert following == ["e", "f", "h", "z"]

    def test_a_cursor_of_another_order_is_refused(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add("a", "b")
        cursor = callers["viewer"].get("/api/search", params={"sort": "title", "limit": 1}).json()["next"]
        for sort in ("-title", "year", ""):
            answer = callers["viewer"].get("/api/search", params={"sort": sort, "cursor": cursor})
            assert answer.status_code == 400


class TestOwnPlays:
    @pytest.fixture(autouse=True)
    def library(self, callers: Callers, context: Context, shelf_of: ShelfOf) -> None:
        loved, played, _ = shelf_of(callers.home).add("Loved", "Played", "Neither")
        mine, hers = (callers.actors[kind].user_id for kind in ("viewer", "editor"))
        rows = [
            Listening(user_id=mine, track_id=loved, workspace_id=callers.home, plays=3, rating=5, played_at=now()),
            Listening(
                user_id=mine,
                track_id=played,
                workspace_id=callers.home,
                plays=9,
                played_at=now() - dt.timedelta(days=90),
            ),
            Listening(user_id=hers, track_id=played, workspace_id=callers.home, plays=1, rating=2),
        ]
        with context.database.write(SYSTEM) as session:
            session.add_all(rows)

    def test_each_caller_filters_by_their_own(self, callers: Callers) -> None:
        assert find(callers, "rating:>=4") == ["Loved"]
        assert find(callers, "rating:>=4", kind="editor") == []
        assert find(callers, "rating:>=4", kind="owner") == []
        assert find(callers, "rating:2", kind="editor") == ["Played"]
        assert find(callers, "plays:0") == ["Neither"]
        assert find(callers, "played:7d") == ["Loved"]
        assert find(callers, "-is:played") == ["Neither"]
        assert sorted(find(callers, "-is:rated")) == ["Neither", "Played"]

    def test_each_caller_sorts_by_and_sees_their_own(self, callers: Callers) -> None:
        assert find(callers, sort="-plays") == ["Played", "Loved", "Neither"]
        assert find(callers, sort="-plays", kind="editor")[0] == "Played"
        items = callers["viewer"].get("/api/search", params={"sort": "-rating"}).json()["items"]
        assert [(item["rating"], item["plays"]) for item in items] == [(5, 3), (None, 9), (None, 0)]


class TestFacets:
    def test_the_result_is_counted_and_not_the_library(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add(
            Song("Love", "Ann", "One", genres=["Rock"], columns={"year": 1994}, analysis={"tempo": 95.0}),
            Song("Lovely", "Ann", "Two", genres=["Rock", "Pop"], columns={"year": 1999}),
            Song("Other", "Bob", genres=["Jazz"], analysis={"tempo": 121.0, "camelot": "8A"}),
        )
        assert facet(callers, "genre", "lov") == {"Rock": 2, "Pop": 1}
        assert facet(callers, "artist") == {"Ann": 2, "Bob": 1}
        assert facet(callers, "album") == {"One": 1, "Two": 1}
        assert facet(callers, "decade") == {"1990s": 2}
        assert facet(callers, "year", "lovely") == {"1999": 1}
        assert facet(callers, "bpm") == {"80–100": 1, "120–140": 1}
        assert facet(callers, "key") == {"8A": 1}
        assert facet(callers, "format") == {"flac": 3}

    def test_counts_go_over_all_workspaces_and_all_that_came_since(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf = shelf_of(callers.home)
        for number in range(5):
            shelf.add(*(Song(f"{number} {place}", "Ann", genres=["Rock"]) for place in range(number + 1)))
            assert facet(callers, "genre") == {"Rock": (number + 1) * (number + 2) // 2}


class TestSuggestions:
    def test_artists_albums_and_tracks_have_sections(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add(
            Song("Uprising", "Muse", "The Resistance"),
            Song("Starlight", "Muse", "Black Holes"),
            Song("Museum", "Ann", "Musing"),
            Song("A Muse", "Amuse", "Other"),
        )
        found = suggested(callers, "mus")
        assert [artist["name"] for artist in found["artists"]] == ["Muse"]
        assert [album["title"] for album in found["albums"]] == ["Musing"]
        assert found["total"] == 4
        assert suggested(callers, "muse resist")["albums"][0]["title"] == "The Resistance"
        assert suggested(callers, "msue")["artists"][0]["name"] == "Muse"

    def test_nothing_is_suggested_before_anything_is_typed(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add("One")
        assert suggested(callers, "  ") == {"artists": [], "albums": [], "tracks": [], "total": 0, "similar": False}

    def test_what_is_only_half_typed_is_no_error(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add("Re:Zero", "Other")
        assert [track["title"] for track in suggested(callers, "re:z")["tracks"]] == ["Re:Zero"]
        assert suggested(callers, "other bpm:x")["total"] == 1


class TestWhoSees:
    def test_only_members_find_a_track(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add(Song("Secret", "Ann", "Album", genres=["Rock"]))
        for kind in KINDS:
            answers = [callers[kind].get(path, params={"q": "secret"}) for path in PATHS]
            if kind in REFUSED:
                assert [answer.status_code for answer in answers] == [401] * 3
                continue
            expected = 0 if kind == "stranger" else 1
            assert [answer.json()["total"] for answer in answers] == [expected] * 3
            assert len(answers[0].json()["items"]) == len(answers[2].json()["tracks"]) == expected
            if kind == "stranger":
                assert all(not found["values"] for found in answers[1].json()["facets"])
                assert callers[kind].get(PATHS[0], params={"workspace": str(callers.home)}).json()["total"] == 0

    def test_one_workspace_alone_can_be_searched(self, callers: Callers, shelf_of: ShelfOf) -> None:
        shelf_of(callers.home).add("Here")
        shelf_of(callers.elsewhere).add("There")
        assert find(callers, workspace=str(callers.home)) == ["Here"]
        assert find(callers, workspace=str(callers.elsewhere)) == []
        assert find(callers, kind="stranger") == ["There"]


class TestCost:
    def test_a_search_takes_the_same_statements_however_much_it_finds(
        self, callers: Callers, shelf_of: ShelfOf
    ) -> None:
        shelf_of(callers.home).add(*(Song(f"song {n}", f"artist {n}", f"album {n}", ["Rock"]) for n in range(30)))
        app_context: Context = callers["viewer"].app.state.context  # type: ignore[attr-defined]
        for path in PATHS:
            callers["viewer"].get(path, params={"q": "song"})
            counts = []
            for limit in (1, 20):
                size = "values" if path.endswith("facets") else "limit"
                with statements(app_context) as sent:
                    assert callers["viewer"].get(path, params={"q": "so", size: limit}).status_code == 200
                counts.append(len(sent))
            assert counts[0] == counts[1], path

    def test_what_another_process_commits_is_found_by_the_next_request(
        self, callers: Callers, shelf_of: ShelfOf
    ) -> None:
        shelf = shelf_of(callers.home)
        assert find(callers) == []
        (track,) = shelf.add("First")
        assert find(callers, "first") == ["First"]
        shelf.change(track, title="Second")
        assert find(callers, "first") == []
        assert find(callers, "second") == ["Second"]
