"""What sounds alike over HTTP: the nearest first, artists in turn, and nobody else's tracks."""

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.links import Credit
from otolith.library.catalogue.models import Artist, Departure
from otolith.library.catalogue.versions import next_version
from otolith.library.models import Analysis, Track
from otolith.media.models import Media
from tests.callers import KINDS, REFUSED, Callers
from tests.library.similar.sounds import Made, add, change
from tests.library.test_tracks import statements


def titles(answer: object) -> list[str]:
    assert isinstance(answer, dict)
    return [item["track"]["title"] for item in answer["items"]]


class TestOne:
    def test_the_nearest_comes_first_with_its_reasons(self, callers: Callers, context: Context) -> None:
        seed, near, *_ = add(
            context,
            callers.home,
            Made("seed", [1, 0], heard={"tempo": 120.0, "camelot": "8A", "energy": 0.5, "voice": 0.9}),
            Made("near", [1, 0.1], "Bob", heard={"tempo": 60.5, "camelot": "9A", "energy": 0.52, "voice": 0.8}),
            Made("far", [0, 1], "Cid", heard={"tempo": 97.0, "camelot": "3B", "voice": 0.1}),
            Made("less near", [1, 0.5], "Dee"),
        )
        answer = callers["viewer"].get(f"/api/tracks/{seed}/similar").json()
        assert titles(answer) == ["near", "less near", "far"]
        first = answer["items"][0]
        assert first["track"]["id"] == str(near)
        assert first["similarity"] == pytest.approx(1 / np.sqrt(1.01), abs=0.001)
        assert first["near"] == str(seed)
        assert [(one["code"], one["seed"], one["track"]) for one in first["reasons"]] == [
            ("double_tempo", 120.0, 60.5),
            ("next_key", "8A", "9A"),
            ("energy", 0.5, 0.52),
            ("voice", 0.9, 0.8),
        ]
        assert answer["items"][2]["reasons"] == []
        assert (answer["seeds"], answer["compared"], answer["unheard"]) == (1, 4, [])

    def test_artists_and_albums_take_turns_unless_told_otherwise(self, callers: Callers, context: Context) -> None:
        seed, *_ = add(
            context,
            callers.home,
            Made("seed", [1, 0], "Zoe"),
            *(Made(f"bob {n}", [1, 0.01 * n], "Bob", f"album {n // 4}") for n in range(8)),
            *(Made(f"cid {n}", [1, 0.5 + 0.01 * n], "Cid") for n in range(8)),
            *(Made(f"nobody {n}", [1, 0.9 + 0.01 * n], "") for n in range(4)),
        )
        query = {"limit": 9}
        spread = titles(callers["viewer"].get(f"/api/tracks/{seed}/similar", params=query).json())
        plain = titles(callers["viewer"].get(f"/api/tracks/{seed}/similar", params=query | {"spread": False}).json())
        assert plain == [f"bob {n}" for n in range(8)] + ["cid 0"]
        assert spread[0] == "bob 0"
        assert sum(title.startswith("bob") for title in spread) == 3
        assert sum(title.startswith("cid") for title in spread) == 3
        assert sum(title.startswith("nobody") for title in spread) == 3

    def test_a_library_of_one_artist_is_not_cut_short(self, callers: Callers, context: Context) -> None:
        seed, *_ = add(context, callers.home, *(Made(f"{n}", [1, 0.1 * n]) for n in range(12)))
        answer = callers["viewer"].get(f"/api/tracks/{seed}/similar", params={"limit": 10}).json()
        assert len(answer["items"]) == 10

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            ({}, "was not analysed yet"),
            ({"state": "failed", "error": "It is no sound."}, "It is no sound."),
            ({"state": "analysed"}, "will be heard again"),
        ],
    )
    def test_a_seed_without_a_sound_is_told(
        self, columns: dict[str, str], said: str, callers: Callers, context: Context
    ) -> None:
        seed, _ = add(context, callers.home, Made("mute", None), Made("other", [1]))
        if columns:
            change(context, callers.home, seed, **columns)
        answer = callers["viewer"].get(f"/api/tracks/{seed}/similar")
        assert answer.status_code == 409
        assert said in answer.json()["detail"]

    def test_an_empty_library_has_no_such_track(self, callers: Callers) -> None:
        assert callers["viewer"].get(f"/api/tracks/{new_id()}/similar").status_code == 404

    def test_a_track_alone_has_no_neighbours(self, callers: Callers, context: Context) -> None:
        (seed,) = add(context, callers.home, Made("alone", [1]))
        assert callers["viewer"].get(f"/api/tracks/{seed}/similar").json()["items"] == []


class TestFollowing:
    """The index is kept in the server's memory; it must know of every change at the next question."""

    def test_what_is_added_changed_lost_and_removed_shows_at_once(self, callers: Callers, context: Context) -> None:
        def now() -> list[str]:
            return titles(callers["viewer"].get(f"/api/tracks/{seed}/similar").json())

        seed, first, second = add(
            context, callers.home, Made("seed", [1]), Made("first", [1, 0.1]), Made("second", [1, 0.2])
        )
        assert now() == ["first", "second"]
        add(context, callers.home, Made("third", [1, 0.05]))
        assert now() == ["third", "first", "second"]
        with context.database.write(SYSTEM) as session:
            media = select(Track.media_id).where(Track.id == first).scalar_subquery()
            session.execute(update(Media).where(Media.id == media).values(missing=True))
        # Even before the version of the catalogue says so, since rows are looked at again.
        assert now() == ["third", "second"]
        change(context, callers.home, first)
        assert now() == ["third", "second"]
        with context.database.write(SYSTEM) as session:
            session.execute(update(Media).where(Media.id == media).values(missing=False))
        change(context, callers.home, first)
        assert now() == ["third", "first", "second"]
        with context.database.write(SYSTEM) as session:
            version = next_version(session, callers.home)
            session.add(Departure(track_id=second, workspace_id=callers.home, version=version))
            session.execute(delete(Track).where(Track.id == second))
        assert now() == ["third", "first"]


class TestVersions:
    """While a new engine hears everything again, what the two made of a sound cannot be compared."""

    def test_each_is_compared_with_its_like(self, callers: Callers, context: Context) -> None:
        old, new = {"engines": {"music": 1}}, {"engines": {"music": 2}}
        ids = add(
            context,
            callers.home,
            Made("old", [1], heard=old),
            Made("old too", [1, 2], heard=old),
            Made("new", [1, 0.1], heard=new),
            Made("new too", [1, 3], heard=new),
        )
        for seed, found in ((ids[0], "old too"), (ids[2], "new too")):
            assert titles(callers["viewer"].get(f"/api/tracks/{seed}/similar").json()) == [found]
            assert titles(callers["viewer"].get("/api/radio", params={"track": str(seed)}).json()) == [found]
        several = callers["viewer"].get("/api/similar", params={"track": [str(one) for one in ids[:3]]}).json()
        assert (several["items"], several["unheard"], several["seeds"]) == ([], [str(ids[2])], 2)
        path = callers["viewer"].get("/api/path", params={"from": str(ids[0]), "to": str(ids[2])})
        assert path.status_code == 409
        with context.database.write(SYSTEM) as session:
            session.execute(update(Analysis).values(engines={"music": 2}))
        for one in ids:
            change(context, callers.home, one)
        assert len(titles(callers["viewer"].get(f"/api/tracks/{ids[0]}/similar").json())) == 3


class TestSeveral:
    def test_each_kind_of_seed_finds_what_is_near_any_of_them(self, callers: Callers, context: Context) -> None:
        ids = add(
            context,
            callers.home,
            Made("a1", [1], "Ann", "Red"),
            Made("a2", [0, 1], "Ann", "Red"),
            Made("like a1", [1, 0, 0.1], "Bob"),
            Made("like a2", [0, 1, 0.1], "Cid"),
            Made("else", [0, 0, 1], "Dee"),
            Made("mute", None, "Ann", "Red"),
        )
        with context.database.write(SYSTEM) as session:
            album = session.scalars(select(Track.album_id).where(Track.id == ids[0])).one()
            artist = Artist(
                id=new_id(), workspace_id=callers.home, identity="n:ann", name="Ann", name_key="ann", sort_key="ann"
            )
            session.add(artist)
            session.flush()
            for track in (ids[0], ids[1]):
                session.add(
                    Credit(
                        track_id=track,
                        role="artist",
                        position=0,
                        workspace_id=callers.home,
                        artist_id=artist.id,
                        name="Ann",
                        name_key="ann",
                    )
                )
        for query in ({"track": list(map(str, ids[:2]))}, {"album": [str(album)]}, {"artist": [str(artist.id)]}):
            answer = callers["viewer"].get("/api/similar", params=query).json()
            assert set(titles(answer)[:2]) == {"like a1", "like a2"}
            assert titles(answer)[2] == "else"
            assert {item["near"] for item in answer["items"][:2]} == {str(ids[0]), str(ids[1])}
            assert answer["unheard"] == ([str(ids[5])] if "album" in query else [])
            assert answer["seeds"] == 2

    def test_bad_questions(self, callers: Callers) -> None:
        assert callers["viewer"].get("/api/similar").status_code == 400
        for name in ("track", "album", "artist"):
            assert callers["viewer"].get("/api/similar", params={name: str(new_id())}).status_code == 404
        many = {"track": [str(new_id()) for _ in range(51)]}
        assert callers["viewer"].get("/api/similar", params=many).status_code == 422
        other = {"track": str(new_id()), "workspace": str(new_id())}
        assert callers["viewer"].get("/api/similar", params=other).status_code == 404


class TestWhoSees:
    def test_only_members_and_never_a_strangers_tracks(self, callers: Callers, context: Context) -> None:
        mine, _ = add(context, callers.home, Made("mine", [1]), Made("also mine", [1, 0.2]))
        theirs, _ = add(context, callers.elsewhere, Made("theirs", [1]), Made("also theirs", [1, 0.1]))
        for kind in KINDS:
            answers = {
                name: callers[kind].get(f"/api/tracks/{one}/similar") for name, one in (("m", mine), ("t", theirs))
            }
            if kind in REFUSED:
                assert [answer.status_code for answer in answers.values()] == [401, 401]
            elif kind == "stranger":
                assert answers["m"].status_code == 404
                assert titles(answers["t"].json()) == ["also theirs"]
            else:
                assert answers["t"].status_code == 404
                assert titles(answers["m"].json()) == ["also mine"]

    def test_an_answer_costs_the_same_statements_whatever_its_length(self, callers: Callers, context: Context) -> None:
        seed, *_ = add(context, callers.home, *(Made(f"{n}", [1, 0.01 * n], f"artist {n}") for n in range(60)))
        app_context: Context = callers["viewer"].app.state.context  # type: ignore[attr-defined]
        assert callers["viewer"].get(f"/api/tracks/{seed}/similar").status_code == 200
        sent = []
        for limit in (1, 50):
            with statements(app_context) as here:
                callers["viewer"].get(f"/api/tracks/{seed}/similar", params={"limit": limit})
            sent.append(len([statement for statement in here if "catalogues" in statement or "tracks" in statement]))
        assert sent == [3, 3]
        with statements(app_context) as here:
            callers["viewer"].get("/api/similar", params={"track": [str(seed)], "limit": 50})
        assert len([statement for statement in here if "catalogues" in statement or "tracks" in statement]) == 3
