"""Artists, albums, genres and lyrics over HTTP: who sees what, in pages, in a constant number of statements."""

from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.models import ArtistAlias
from otolith.library.catalogue.naming import name_key
from tests.callers import KINDS, REFUSED, Callers
from tests.library.catalogue.conftest import Stock
from tests.library.catalogue.shop import tags
from tests.library.test_tracks import statements

MUSE = "9c9f1380-2516-4fc9-a3e6-f9f61941d090"


def everything(client: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    items, cursor = [], None
    while True:
        page = client.get(f"/api{path}", params=query | ({"cursor": cursor} if cursor else {}))
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        cursor = page.json()["next"]
        if cursor is None:
            return items


@pytest.fixture
def shelf(stock: Stock) -> dict[str, Any]:
    files = {}
    for number in range(1, 13):
        artist = ("The Who", "Émilie", "AC/DC")[number % 3]
        files[f"/m/{number}.mp3"] = tags(
            title=f"Song {number}",
            artist=artist,
            album_artist=artist,
            album=f"Album {number % 6}",
            track=13 - number,
            disc=1 + number % 2,
            date=f"{1990 + number % 6}",
            genres=("Rock", f"Style {number % 4}"),
            mood="Calm",
            length=100.0,
        )
    return stock(files)


@pytest.mark.usefixtures("shelf")
class TestLists:
    @pytest.mark.parametrize("sort", ["name", "added", "tracks"])
    def test_pages_reach_every_artist_once(self, sort: str, callers: Callers) -> None:
        items = everything(callers["viewer"], "/artists", sort=sort, limit=2)
        assert sorted(item["name"] for item in items) == ["AC/DC", "The Who", "Émilie"]
        if sort == "name":
            assert [item["name"] for item in items] == ["AC/DC", "Émilie", "The Who"]
        assert {item["tracks"] for item in items} == {4}

    @pytest.mark.parametrize("sort", ["artist", "title", "added", "year"])
    def test_pages_reach_every_album_once(self, sort: str, callers: Callers) -> None:
        items = everything(callers["viewer"], "/albums", sort=sort, limit=4)
        assert len({item["id"] for item in items}) == len(items) == 6
        if sort == "year":
            assert [item["year"] for item in items] == sorted(item["year"] for item in items)
        if sort == "artist":
            assert [item["artist"] for item in items][::2] == ["AC/DC", "Émilie", "The Who"]
        assert all(item["artists"][0]["name"] == item["artist"] for item in items)
        assert {(item["tracks"], item["duration"], item["discs"]) for item in items} <= {(2, 200.0, 1), (2, 200.0, 2)}

    def test_genres_and_moods(self, callers: Callers) -> None:
        genres = everything(callers["viewer"], "/genres", limit=2)
        assert [(genre["name"], genre["tracks"]) for genre in genres] == [("Rock", 12)] + [
            (f"Style {number}", 3) for number in range(4)
        ]
        (mood,) = everything(callers["viewer"], "/genres", kind="mood")
        assert (mood["name"], mood["tracks"]) == ("Calm", 12)
        assert everything(callers["viewer"], "/genres", sort="tracks", limit=1)[0]["name"] == "Rock"
        one = callers["viewer"].get(f"/api/genres/{genres[1]['id']}").json()
        assert one == genres[1]
        tracks = everything(callers["viewer"], "/tracks", genre=genres[1]["id"], limit=2)
        assert len(tracks) == 3

    def test_tracks_of_an_artist_and_of_an_album(self, callers: Callers) -> None:
        artist = everything(callers["viewer"], "/artists")[0]
        tracks = everything(callers["viewer"], "/tracks", artist=artist["id"], limit=3)
        assert {track["artist"] for track in tracks} == {"AC/DC"}
        albums = everything(callers["viewer"], f"/artists/{artist['id']}/albums")
        assert [album["artist"] for album in albums] == ["AC/DC"] * 2
        of_album = everything(callers["viewer"], "/tracks", album=albums[0]["id"])
        assert {track["album_id"] for track in of_album} == {albums[0]["id"]}

    def test_a_cursor_of_another_list_is_refused(self, callers: Callers) -> None:
        cursor = callers["viewer"].get("/api/albums", params={"sort": "title", "limit": 1}).json()["next"]
        added = callers["viewer"].get("/api/albums", params={"sort": "added", "limit": 1}).json()["next"]
        for path, query in (
            ("/artists", {"cursor": cursor}),
            ("/albums", {"sort": "artist", "cursor": cursor}),
            ("/albums", {"sort": "title", "cursor": added}),
            ("/genres", {"cursor": "%%%"}),
        ):
            assert callers["viewer"].get(f"/api{path}", params=query).status_code == 400

    def test_a_page_costs_the_same_statements_however_long_it_is(self, callers: Callers) -> None:
        app_context: Context = callers["viewer"].app.state.context  # type: ignore[attr-defined]
        (album, *_) = everything(callers["viewer"], "/albums")
        for path in ("/artists", "/albums", "/genres", f"/albums/{album['id']}/tracks"):
            sent = []
            for limit in (1, 50):
                with statements(app_context) as here:
                    assert callers["viewer"].get(f"/api{path}", params={"limit": limit}).status_code == 200
                sent.append(len(here))
            assert sent[0] == sent[1], path


class TestAlbum:
    def test_its_tracks_stand_by_disc_and_number(self, stock: Stock, callers: Callers) -> None:
        places = [(2, 1, "d"), (1, 2, "b"), (1, 1, "a"), (2, None, "f"), (2, 3, "e"), (1, 10, "c")]
        stock(
            {
                f"/m/{title}.mp3": tags(
                    title=title, artist="A", album_artist="A", album="X", disc=disc, track=number, genres=("Rock",)
                )
                for disc, number, title in places
            }
        )
        (album,) = everything(callers["viewer"], "/albums")
        detail = callers["viewer"].get(f"/api/albums/{album['id']}").json()
        assert [(disc["number"], [track["title"] for track in disc["tracks"]]) for disc in detail["by_disc"]] == [
            (1, ["a", "b", "c"]),
            (2, ["d", "e", "f"]),
        ]
        assert (detail["genres"], detail["discs"], detail["tracks"], detail["more"]) == (["Rock"], 2, 6, None)
        paged = everything(callers["viewer"], f"/albums/{album['id']}/tracks", limit=2)
        assert [track["title"] for track in paged] == list("abcdef")

    def test_an_artist_appears_on_albums_of_others(self, stock: Stock, callers: Callers) -> None:
        stock(
            {
                "/m/1.mp3": tags(title="1", artist="A feat. B", album_artist="A", album="X"),
                "/m/2.mp3": tags(title="2", artist="B", album_artist="B", album="Y"),
            }
        )
        guest = next(item for item in everything(callers["viewer"], "/artists") if item["name"] == "B")
        for part, title in (("own", "Y"), ("appears", "X")):
            (album,) = everything(callers["viewer"], f"/artists/{guest['id']}/albums", part=part)
            assert album["title"] == title
        roles = callers["viewer"].get(f"/api/artists/{guest['id']}").json()["roles"]
        assert {(one["role"], one["tracks"]) for one in roles} == {("artist", 2), ("album_artist", 1)}


class TestTrack:
    def test_a_track_tells_its_credits_labels_and_gain(self, stock: Stock, callers: Callers) -> None:
        ids = stock(
            {
                "/m/1.mp3": tags(
                    title="1",
                    artist="A feat. B",
                    album="X",
                    composers=("C",),
                    performers=("D (guitar)",),
                    genres=("Rock/Pop",),
                    track=17,
                    track_total=12,
                )
            }
        )
        track = callers["viewer"].get(f"/api/tracks/{ids['/m/1.mp3']}").json()
        assert [(one["role"], one["name"]) for one in track["credits"]] == [
            ("artist", "A"),
            ("artist", "B"),
            ("composer", "C"),
            ("performer", "D"),
        ]
        assert [one["name"] for one in track["labels"]] == ["Rock", "Pop"]
        assert (track["track_number"], track["track_total"], track["replaygain"]) == (17, None, None)

    def test_lyrics_come_line_by_line(self, stock: Stock, callers: Callers) -> None:
        ids = stock(
            {
                "/m/1.mp3": tags(title="1", lyrics="[ti:x]\n[00:12.50][01:02]again\n[00:20.00] once\n"),
                "/m/2.mp3": tags(title="2", lyrics="la\n\nla"),
                "/m/3.mp3": tags(title="3"),
            }
        )
        timed = callers["viewer"].get(f"/api/tracks/{ids['/m/1.mp3']}/lyrics").json()
        assert (timed["synced"], timed["source"]) == (True, "embedded")
        assert [(line["start"], line["text"]) for line in timed["lines"]] == [
            (12.5, "again"),
            (20.0, "once"),
            (62.0, "again"),
        ]
        plain = callers["viewer"].get(f"/api/tracks/{ids['/m/2.mp3']}/lyrics").json()
        assert [(line["start"], line["text"]) for line in plain["lines"]] == [(None, "la"), (None, ""), (None, "la")]
        none = callers["viewer"].get(f"/api/tracks/{ids['/m/3.mp3']}/lyrics")
        assert none.status_code == 404
        assert "No lyrics" in none.json()["detail"]
        assert callers["viewer"].get(f"/api/tracks/{new_id()}/lyrics").status_code == 404


class TestWhoSees:
    def test_only_members_see_the_catalogue(self, stock: Stock, callers: Callers) -> None:
        ids = stock({"/m/1.mp3": tags(title="1", artist="A", album="X", genres=("Rock",), lyrics="la")})
        admin = callers["admin"]
        for kind in KINDS:
            paths = [f"/api/tracks/{ids['/m/1.mp3']}/lyrics"]
            for name in ("artists", "albums", "genres"):
                (one,) = admin.get(f"/api/{name}").json()["items"]
                paths.append(f"/api/{name}/{one['id']}")
                listed = callers[kind].get(f"/api/{name}")
                if kind in REFUSED:
                    assert listed.status_code == 401
                else:
                    assert listed.json()["total"] == len(listed.json()["items"]) == (0 if kind == "stranger" else 1)
            paths += [f"{paths[1]}/albums", f"{paths[2]}/tracks"]
            expected = 401 if kind in REFUSED else 404 if kind == "stranger" else 200
            assert [callers[kind].get(path).status_code for path in paths] == [expected] * len(paths)


def _alias(workspace: UUID, name: str, target: str) -> ArtistAlias:
    return ArtistAlias(
        workspace_id=workspace, name=name, name_key=name_key(name), target=target, target_key=name_key(target)
    )


class TestAliases:
    def names(self, callers: Callers) -> dict[str, Any]:
        return {item["name"]: item for item in everything(callers["viewer"], "/artists")}

    def test_another_name_gathers_and_lets_go(self, stock: Stock, callers: Callers) -> None:
        stock(
            {
                "/m/1.mp3": tags(title="1", artist="Prince", album_artist="Prince", album="X"),
                "/m/2.mp3": tags(title="2", artist="TAFKAP", album_artist="TAFKAP", album="X"),
            }
        )
        assert [album["tracks"] for album in everything(callers["viewer"], "/albums")] == [1, 1]
        prince = self.names(callers)["Prince"]
        added = callers["editor"].post(f"/api/artists/{prince['id']}/aliases", json={"name": "tafkap"})
        assert added.status_code == 201, added.text
        assert [(name, item["tracks"]) for name, item in self.names(callers).items()] == [("Prince", 2)]
        assert [album["tracks"] for album in everything(callers["viewer"], "/albums")] == [2]
        # What is filed later follows as well.
        stock({"/m/3.mp3": tags(title="3", artist="TAFKAP", mb={"artists": (MUSE,)})})
        assert self.names(callers)["Prince"]["tracks"] == 3
        detail = callers["viewer"].get(f"/api/artists/{prince['id']}").json()
        assert [alias["name"] for alias in detail["aliases"]] == ["tafkap"]
        assert callers["editor"].delete(f"/api/artists/aliases/{added.json()['id']}").status_code == 204
        assert {(name, item["tracks"]) for name, item in self.names(callers).items()} == {("Prince", 1), ("TAFKAP", 2)}

    def test_aliases_of_aliases_are_followed(self, stock: Stock, callers: Callers) -> None:
        stock({f"/m/{name}.mp3": tags(title=name, artist=name) for name in ("A", "B", "C")})
        ids = {name: item["id"] for name, item in self.names(callers).items()}
        editor = callers["editor"]
        assert editor.post(f"/api/artists/{ids['B']}/aliases", json={"name": "A"}).status_code == 201
        assert editor.post(f"/api/artists/{ids['C']}/aliases", json={"name": "B"}).status_code == 201
        (left,) = everything(callers["viewer"], "/artists")
        assert (left["name"], left["tracks"]) == ("C", 3)
        assert editor.post(f"/api/artists/{left['id']}/aliases", json={"name": "C"}).status_code == 400
        assert editor.post(f"/api/artists/{left['id']}/aliases", json={"name": " \u200b"}).status_code == 400
        taken = editor.post(f"/api/artists/{left['id']}/aliases", json={"name": "A"})
        assert (taken.status_code, "another name of B" in taken.json()["detail"]) == (409, True)

    def test_circles_are_refused_and_do_no_harm(self, stock: Stock, callers: Callers, context: Context) -> None:
        stock({f"/m/{name}.mp3": tags(title=name, artist=name) for name in ("A", "B")})
        ids = {name: item["id"] for name, item in self.names(callers).items()}
        with context.database.write(SYSTEM) as session:
            session.add(_alias(callers.home, "A", "B"))
        refused = callers["editor"].post(f"/api/artists/{ids['A']}/aliases", json={"name": "B"})
        assert (refused.status_code, "circle" in refused.json()["detail"]) == (409, True)
        # Even one that found its way in by another door leaves every track with somebody.
        with context.database.write(SYSTEM) as session:
            session.add(_alias(callers.home, "B", "A"))
        stock({f"/m/{name}.mp3": tags(title=name, artist=name, date="1999") for name in ("A", "B")})
        assert sum(item["tracks"] for item in everything(callers["viewer"], "/artists")) == 2

    def test_one_artist_is_merged_into_another(self, stock: Stock, callers: Callers) -> None:
        stock(
            {
                "/m/1.mp3": tags(title="1", artist="Beyoncé", mb={"artists": (MUSE,)}),
                "/m/2.mp3": tags(title="2", artist="B. Knowles"),
            }
        )
        ids = {name: item["id"] for name, item in self.names(callers).items()}
        merged = callers["editor"].post(f"/api/artists/{ids['B. Knowles']}/merge", json={"into": ids["Beyoncé"]})
        assert (merged.status_code, merged.json()["id"]) == (200, ids["Beyoncé"])
        assert merged.json()["tracks"] == 2
        same = callers["editor"].post(f"/api/artists/{ids['Beyoncé']}/merge", json={"into": ids["Beyoncé"]})
        assert same.status_code == 400

    @pytest.mark.parametrize(("kind", "status"), [("viewer", 403), ("readonly", 403), ("stranger", 404)])
    def test_others_may_not(self, kind: str, status: int, stock: Stock, callers: Callers) -> None:
        stock({"/m/1.mp3": tags(title="1", artist="A")})
        artist = self.names(callers)["A"]
        assert callers[kind].post(f"/api/artists/{artist['id']}/aliases", json={"name": "B"}).status_code == status
        assert (
            callers[kind].post(f"/api/artists/{artist['id']}/merge", json={"into": artist["id"]}).status_code == status
        )
