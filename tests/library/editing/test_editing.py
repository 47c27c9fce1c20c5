"""Changes of tags are shown, kept, survive scans, move tracks in the catalogue, and are taken back to the letter."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from mutagen.id3 import COMM, TXXX, USLT
from mutagen.wave import WAVE
from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from otolith.core.actor import SYSTEM
from otolith.core.ids import new_id
from otolith.library.catalogue.links import Lyrics
from otolith.library.models import Track
from otolith.media.tags import read_tags, write_tags
from tests.callers import KINDS, REFUSED
from tests.library.covers.conftest import Library
from tests.library.covers.pictures import BLUE, RED, picture, song
from tests.library.test_tracks import statements

EDITS = "/api/tracks/edits"


def track(library: Library, title: str) -> Track:
    with library.context.database.read(SYSTEM) as session:
        return session.scalars(
            select(Track).where(Track.title == title).options(undefer(Track.tags), undefer(Track.edits))
        ).one()


def by_id(library: Library, track_id: UUID) -> Track:
    with library.context.database.read(SYSTEM) as session:
        return session.scalars(
            select(Track).where(Track.id == track_id).options(undefer(Track.tags), undefer(Track.edits))
        ).one()


def post(library: Library, path: str, body: Any = None, kind: str = "editor", status: int | None = None) -> Any:
    answer = library.callers[kind].post(f"{EDITS}{path}", json=body)
    if status is not None:
        assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
def two(library: Library, tmp_path: Path) -> list[UUID]:
    """Two tracks of one album."""
    song(tmp_path / "m" / "a.wav", title="One", album="Old", track=1)
    song(tmp_path / "m" / "b.wav", hertz=500, title="Two", album="Old", track=2)
    library.scan(tmp_path / "m")
    return [track(library, title).id for title in ("One", "Two")]


def test_a_preview_shows_before_and_after_and_changes_nothing(
    library: Library, two: list[UUID], tmp_path: Path
) -> None:
    contents = [(tmp_path / "m" / name).read_bytes() for name in ("a.wav", "b.wav")]
    body = {
        "tracks": [str(one) for one in two],
        "changes": {"album": "New", "genres": ["Jazz", "Funk"], "title": "One"},
        "each": {str(two[1]): {"title": "Zwei", "track": 3, "track_total": 9}},
    }
    shown = post(library, "/preview", body, status=200)
    assert (shown["changed"], shown["unchanged"]) == (2, 0)
    first, second = shown["tracks"]
    assert first["before"] == {"album": ["Old"], "genres": []}
    assert first["after"] == {"album": ["New"], "genres": ["Jazz", "Funk"]}
    assert second["before"] == {"album": ["Old"], "genres": [], "title": ["Two"], "track": ["2"], "track_total": []}
    assert (second["after"]["track"], second["after"]["track_total"]) == (["3"], ["9"])
    assert first["unwritable"] is None
    assert track(library, "One").album == "Old"
    assert [(tmp_path / "m" / name).read_bytes() for name in ("a.wav", "b.wav")] == contents
    same = post(library, "/preview", {"tracks": [str(two[0])], "changes": {"album": "Old"}}, status=200)
    assert (same["changed"], same["unchanged"], same["tracks"]) == (0, 1, [])


def test_a_change_is_kept_over_scans_and_undone_to_the_letter(
    library: Library, two: list[UUID], tmp_path: Path
) -> None:
    before = by_id(library, two[0])
    body = {"tracks": [str(two[0])], "changes": {"title": "Eins", "artist": ["Bob", "Eve"], "date": "1999-02"}}
    made = post(library, "", body, status=201)
    assert made["changed"] == 1
    changed = by_id(library, two[0])
    assert (changed.title, changed.artist, changed.year) == ("Eins", "Bob; Eve", 1999)
    assert changed.version > before.version
    assert read_tags(tmp_path / "m" / "a.wav").title == "One"

    # Another program changes another tag, and takes the title back to what it was in the file.
    write_tags(tmp_path / "m" / "a.wav", {"comment": "from elsewhere", "title": "Uno"})
    library.scan(tmp_path / "m")
    scanned = by_id(library, two[0])
    assert (scanned.title, scanned.artist, scanned.year) == ("Eins", "Bob; Eve", 1999)
    assert scanned.tags["comment"] == "from elsewhere"

    undone = post(library, f"/{made['batch_id']}/undo", status=202)
    assert (undone["settled"], undone["job_id"]) == (1, None)
    write_tags(tmp_path / "m" / "a.wav", {"comment": None, "title": "One"})
    library.scan(tmp_path / "m")
    after = by_id(library, two[0])
    assert (after.title, after.artist, after.year, after.album_id) == ("One", "Ada", None, before.album_id)
    assert post(library, f"/{made['batch_id']}/undo", status=409)["type"] == "urn:otolith:problem:nothing-to-do"


def test_undoing_leaves_no_trace_where_the_file_stayed_the_same(library: Library, two: list[UUID]) -> None:
    made = post(library, "", {"tracks": [str(two[0])], "changes": {"title": "Eins", "artist": ["Bob"]}}, status=201)
    assert by_id(library, two[0]).edits == {"title": ["Eins"], "artist": ["Bob"]}
    post(library, f"/{made['batch_id']}/undo", status=202)
    after = by_id(library, two[0])
    assert (after.title, after.artist, after.edits) == ("One", "Ada", None)
    with library.context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Track).where(Track.title == "Eins")) == 0


def test_a_track_moves_to_another_album_and_both_have_their_picture(library: Library, tmp_path: Path) -> None:
    song(tmp_path / "m" / "a.wav", picture(RED), title="One", album="Old", track=1)
    song(tmp_path / "m" / "b.wav", picture(BLUE), hertz=500, title="Two", album="Old", track=2)
    library.scan(tmp_path / "m")
    one, two = track(library, "One"), track(library, "Two")
    made = post(library, "", {"tracks": [str(two.id)], "changes": {"album": "New"}}, status=201)
    library.work()
    albums = library.albums()
    assert albums["Old"][1] == one.cover_key
    assert albums["New"][1] == two.cover_key
    post(library, f"/{made['batch_id']}/undo", status=202)
    library.work()
    assert set(library.albums()) == {"Old"}


def test_a_later_change_is_undone_first(library: Library, two: list[UUID]) -> None:
    first = post(library, "", {"tracks": [str(two[0])], "changes": {"title": "Eins"}}, status=201)
    second = post(library, "", {"tracks": [str(two[0])], "changes": {"title": "Uno"}}, status=201)
    other = post(library, "", {"tracks": [str(two[0])], "changes": {"comment": "x"}}, status=201)
    refused = post(library, f"/{first['batch_id']}/undo", status=409)
    assert refused["detail"] == "In 'Uno', title changed again since; undo the later change first."
    post(library, f"/{second['batch_id']}/undo", status=202)
    assert by_id(library, two[0]).title == "Eins"
    post(library, f"/{first['batch_id']}/undo", status=202)
    assert by_id(library, two[0]).title == "One"
    assert by_id(library, two[0]).edits == {"comment": ["x"]}
    assert other["changed"] == 1


def test_lyrics_and_comments_come_and_go(library: Library, tmp_path: Path) -> None:
    path = song(tmp_path / "m" / "a.wav", title="One", album="Old")
    file = WAVE(str(path))
    file.tags.add(USLT(encoding=3, lang="eng", desc="", text="la la"))
    file.tags.add(COMM(encoding=3, lang="eng", desc="", text=["nice"]))
    file.tags.add(TXXX(encoding=3, desc="MY OWN", text=["stays"]))
    file.save()
    library.scan(tmp_path / "m")
    one = track(library, "One").id

    def words() -> list[str]:
        with library.context.database.read(SYSTEM) as session:
            return list(session.scalars(select(Lyrics.text)))

    body = {"tracks": [str(one)], "changes": {"lyrics": "[00:01.00]lo lo", "comment": None}}
    shown = post(library, "/preview", body, status=200)["tracks"][0]
    assert shown["before"] == {"lyrics": ["la la"], "comment": ["nice"]}
    made = post(library, "", body, status=201)
    assert words() == ["[00:01.00]lo lo"]
    post(library, f"/{made['batch_id']}/undo", status=202)
    assert words() == ["la la"]
    post(library, "", {"tracks": [str(one)], "changes": {"lyrics": ""}}, status=201)
    assert words() == []


@pytest.mark.parametrize("kind", KINDS)
def test_who_may_change_tags(library: Library, two: list[UUID], kind: str) -> None:
    body = {"tracks": [str(two[0])], "changes": {"title": "Eins"}}
    made = post(library, "", {"tracks": [str(two[1])], "changes": {"title": "Zwei"}}, "owner", status=201)
    caller = library.callers[kind]
    answers = [
        caller.post(f"{EDITS}/preview", json=body),
        caller.post(EDITS, json=body),
        caller.post(f"{EDITS}/{made['batch_id']}/write"),
        caller.post(f"{EDITS}/{made['batch_id']}/undo"),
    ]
    seen = caller.get(f"{EDITS}/{made['batch_id']}").status_code
    listed = caller.get(EDITS)
    if kind in REFUSED:
        assert {answer.status_code for answer in answers} == {401} == {seen, listed.status_code}
    elif kind == "stranger":
        assert {answer.status_code for answer in answers} == {404} == {seen}
        assert listed.json()["items"] == []
    elif kind in ("viewer", "readonly"):
        assert {answer.status_code for answer in answers} == {403}
        assert seen == 200
        assert len(listed.json()["items"]) == 1
        assert {by_id(library, one).title for one in two} == {"One", "Zwei"}
    else:
        assert [answer.status_code for answer in answers] == [200, 201, 202, 409]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Nothing is to be changed"),
        ({"titel": "x"}, "Extra inputs"),
        ({"date": "yesterday"}, "'yesterday' is no date"),
        ({"date": "1999-13"}, "is no date"),
        ({"track": 0}, "greater than or equal"),
        ({"track": 1_000_000}, "less than or equal"),
        ({"title": "x" * 2049}, "at most 2048"),
        ({"title": 7}, "valid string"),
        ({"artist": "Bob"}, "valid list"),
        ({"genres": ["x"] * 65}, "at most 64"),
        ({"lyrics": "x" * 65_537}, "at most 65536"),
    ],
)
def test_bad_values_are_refused_by_a_sentence(
    library: Library, two: list[UUID], changes: dict[str, Any], says: str
) -> None:
    for path in ("/preview", ""):
        refused = post(library, path, {"tracks": [str(one) for one in two], "changes": changes}, status=422)
        assert says in refused["detail"]
    assert track(library, "One").edits is None


def test_odd_requests_are_refused_whole(library: Library, two: list[UUID]) -> None:
    known, unknown = str(two[0]), str(new_id())
    assert post(library, "", {"tracks": [known, unknown], "changes": {"title": "x"}}, status=404)
    assert post(library, "", {"tracks": [], "changes": {"title": "x"}}, status=422)
    assert post(library, "", {"tracks": [known], "each": {unknown: {"title": "x"}}}, status=422)
    for action in ("write", "undo"):
        assert post(library, f"/{unknown}/{action}", status=404)
    assert library.callers["viewer"].get(f"{EDITS}/{unknown}").status_code == 404
    assert library.callers["viewer"].get(EDITS, params={"cursor": "x"}).status_code == 400
    assert track(library, "One").edits is None


def test_control_characters_and_blanks_do_not_get_into_tags(library: Library, two: list[UUID]) -> None:
    changes = {"title": "  E\x00i\x07ns\ufeff ", "genres": ["", " Jazz ", "\x01"]}
    post(library, "", {"tracks": [str(two[0])], "changes": changes}, status=201)
    assert by_id(library, two[0]).edits == {"title": ["Eins"], "genres": ["Jazz"]}


def test_the_list_tells_what_became_of_each_and_costs_the_same_however_long(library: Library, two: list[UUID]) -> None:
    batches = [
        post(library, "", {"tracks": [str(one) for one in two], "changes": {"comment": str(n)}}, status=201)["batch_id"]
        for n in range(6)
    ]
    post(library, f"/{batches[-1]}/undo", status=202)
    viewer = library.callers["viewer"]
    seen, cursor = [], None
    while True:
        page = viewer.get(EDITS, params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [one["batch_id"] for one in seen] == batches[::-1]
    assert seen[0]["states"] == {"undone": 2}
    assert seen[1]["states"] == {"kept": 2}
    assert seen[0]["tracks"] == 2
    assert len(viewer.get(EDITS, params={"track": str(two[0])}).json()["items"]) == 6
    assert viewer.get(EDITS, params={"track": str(new_id())}).json()["items"] == []

    one_page = viewer.get(f"{EDITS}/{batches[0]}", params={"limit": 1}).json()
    assert (len(one_page["items"]), one_page["total"]) == (1, 2)
    rest = viewer.get(f"{EDITS}/{batches[0]}", params={"limit": 1, "cursor": one_page["next"]}).json()
    assert {one_page["items"][0]["title"], rest["items"][0]["title"]} == {"One", "Two"}
    assert rest["items"][0]["after"] == {"comment": ["0"]}

    counts = []
    for limit in (1, 6):
        with statements(viewer.app.state.context) as sent:  # type: ignore[attr-defined]
            viewer.get(EDITS, params={"limit": limit})
        counts.append(len([one for one in sent if "tag_edits" in one]))
    assert counts == [2, 2]
