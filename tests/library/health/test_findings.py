"""Every kind of finding over HTTP: what is found, why, with which tracks, by whom, and at what cost."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.library.catalogue.models import Album
from otolith.library.catalogue.versions import next_version
from otolith.library.health.kinds import KINDS
from otolith.library.health.models import ComparedContent, SameRecording
from otolith.library.models import Finding, Scan, Track
from tests.callers import Callers
from tests.library.health.shelves import add_album, add_analysis, add_track, add_tracks
from tests.library.test_tracks import statements


def counts(client: TestClient, **query: Any) -> dict[str, int]:
    """The kinds of which there are findings, and how many."""
    told = client.get("/api/library/health", params=query).json()
    return {one["kind"]: one["count"] for one in told["kinds"] if one["count"]}


def found(client: TestClient, kind: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/library/health/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def tracks_of(finding: dict[str, Any]) -> list[str]:
    return [track["id"] for track in finding["tracks"]]


def pair(context: Context, workspace: UUID, first: str, second: str, relation: Any, group: str | None) -> None:
    with context.database.write(SYSTEM) as session:
        for sha256 in (first, second):
            session.add(ComparedContent(workspace_id=workspace, sha256=sha256, recording=group))
        session.add(
            SameRecording(workspace_id=workspace, first=first, second=second, relation=relation, error=0.03, shift=0.0)
        )


def test_a_library_with_nothing_wrong_has_no_findings(callers: Callers, context: Context) -> None:
    add_track(context, callers.home)
    told = callers["viewer"].get("/api/library/health").json()
    assert [one["kind"] for one in told["kinds"]] == list(KINDS)
    assert {one["count"] for one in told["kinds"]} == {0}
    assert (told["tracks"], told["waiting"]) == (1, 0)
    for kind in KINDS:
        assert found(callers["viewer"], kind) == []


def test_what_could_not_be_heard_is_told_with_its_reason(callers: Callers, context: Context) -> None:
    broken = add_track(context, callers.home, state="failed", error="This is a text file.")
    add_track(context, callers.home, state="failed", error="Gone.", file={"missing": True})
    assert counts(callers["viewer"])["unreadable"] == 1
    (finding,) = found(callers["viewer"], "unreadable")
    assert (finding["why"], tracks_of(finding)) == ("This is a text file.", [str(broken)])


def test_a_missing_file_is_told_with_its_place(callers: Callers, context: Context) -> None:
    gone = add_track(context, callers.home, file={"missing": True, "path": b"/music/\xff.mp3"}, artist="")
    assert counts(callers["viewer"]) == {"missing": 1}
    (finding,) = found(callers["admin"], "missing")
    assert finding["why"] == "/music/\N{REPLACEMENT CHARACTER}.mp3 was gone at the last scan."
    (finding,) = found(callers["viewer"], "missing")
    assert finding["why"] == "…/\N{REPLACEMENT CHARACTER}.mp3 was gone at the last scan."
    assert tracks_of(finding) == [str(gone)]


@pytest.mark.parametrize(
    ("columns", "fields", "why"),
    [
        ({"tags": {}}, ["title"], "It has no title."),
        ({"artist": "", "genre": ""}, ["artist", "genre"], "It has no artist and no genre."),
        ({"track_number": None, "date": ""}, ["number", "date"], "It has no track number and no date."),
        ({"album": "", "track_number": None}, ["album"], "It has no album."),
        ({"cover_key": None}, ["cover"], "It has no cover."),
    ],
)
def test_missing_tags_are_named(
    callers: Callers, context: Context, columns: dict[str, Any], fields: list[str], why: str
) -> None:
    add_track(context, callers.home)
    lacking = add_track(context, callers.home, **columns)
    summary = callers["viewer"].get("/api/library/health").json()
    tags = next(one for one in summary["kinds"] if one["kind"] == "tags")
    assert tags["count"] == 1
    assert [field for field, count in tags["fields"].items() if count] == fields
    (finding,) = found(callers["viewer"], "tags")
    assert (finding["why"], finding["details"]["fields"], tracks_of(finding)) == (why, fields, [str(lacking)])
    for field in tags["fields"]:
        assert len(found(callers["viewer"], "tags", field=field)) == (field in fields)


def test_a_title_that_somebody_gave_is_one(callers: Callers, context: Context) -> None:
    add_track(context, callers.home, tags={}, edits={"title": "Given"})
    assert counts(callers["viewer"]) == {}


def test_the_cover_of_the_album_counts(callers: Callers, context: Context) -> None:
    album = add_album(context, callers.home, "Record")
    add_track(context, callers.home, album_id=album, cover_key=None)
    assert counts(callers["viewer"]) == {"tags": 1}
    with context.database.write(SYSTEM) as session:
        next_version(session, callers.home)
        session.get_one(Album, album).cover_key = "d" * 64
    assert counts(callers["viewer"]) == {}


def test_what_was_heard_tells_damage_and_loudness(callers: Callers, context: Context) -> None:
    cut = {"kind": "truncated", "detail": "The file is cut off."}
    harmless = {"kind": "header", "detail": 'It states "kind": more.'}
    add_analysis(context, "a" * 64, notes=[harmless, cut], true_peak_dbtp=-1.0)
    add_analysis(context, "b" * 64, notes=[harmless], true_peak_dbtp=0.62, loudness_lufs=-6.0)
    add_analysis(context, "c" * 64, notes=[], true_peak_dbtp=0.0)
    a, b, _ = add_tracks(context, callers.home, [{"file": {"sha256": letter * 64}} for letter in "abc"])
    assert counts(callers["viewer"]) == {"damaged": 1, "clipped": 1}
    (damaged,) = found(callers["viewer"], "damaged")
    assert (damaged["why"], tracks_of(damaged)) == ("The file is cut off.", [str(a)])
    (clipped,) = found(callers["viewer"], "clipped")
    assert (clipped["why"], tracks_of(clipped)) == ("Its true peak is 0.6 dB above full scale.", [str(b)])
    assert clipped["tracks"][0]["loudness_lufs"] == -6.0


def test_albums_with_gaps_come_by_artist_and_title(callers: Callers, context: Context) -> None:
    rows = []
    for artist, title, numbers in (("Bob", "A", [1, 1]), ("Ann", "B", [1, 3]), ("Ann", "A", [2, 3]), ("Cy", "C", [1])):
        album = add_album(context, callers.home, title, artist)
        rows += [{"album_id": album, "track_number": number} for number in numbers]
    rows.append({"album_id": album, "track_number": 3, "file": {"missing": True}})
    add_tracks(context, callers.home, rows)
    told = found(callers["viewer"], "albums")
    assert [(one["album"]["artist"], one["album"]["title"], one["why"]) for one in told] == [
        ("Ann", "A", "Track 1 lacks."),
        ("Ann", "B", "Track 2 lacks."),
        ("Bob", "A", "Track 1 occurs more than once."),
    ]
    assert [track["number"] for track in told[0]["tracks"]] == [2, 3]
    assert told[2]["details"]["faults"] == [{"kind": "doubled", "disc": None, "numbers": [1]}]


def test_albums_with_gaps_are_looked_for_once_however_many_pages_are_read(callers: Callers, context: Context) -> None:
    albums = [add_album(context, callers.home, title) for title in "ABCDE"]
    add_tracks(context, callers.home, [{"album_id": album, "track_number": n} for album in albums for n in (1, 3)])
    viewer = callers["viewer"]
    app_context: Context = viewer.app.state.context  # type: ignore[attr-defined]
    with statements(app_context) as sent:
        first = viewer.get("/api/library/health/albums", params={"limit": 2}).json()
        second = viewer.get("/api/library/health/albums", params={"limit": 2, "cursor": first["next"]}).json()
        assert counts(viewer)["albums"] == 5
    assert sum("GROUP BY tracks.album_id" in one for one in sent) == 1
    # The album with which the first page ended is mended; the second page stays what it was.
    with context.database.write(SYSTEM) as session:
        version = next_version(session, callers.home)
        mine = update(Track).where(Track.album_id == albums[1], Track.track_number == 3)
        session.execute(mine.values(track_number=2, version=version))
    again = viewer.get("/api/library/health/albums", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["album"]["title"] for one in again["items"]] == ["C", "D"]
    assert again["items"] == second["items"]
    assert counts(viewer)["albums"] == 4


def test_exact_copies_are_those_of_one_library_that_are_there(callers: Callers, context: Context) -> None:
    rows: list[dict[str, Any]] = [{"file": {"sha256": "a" * 64, "size": 5_000_000}} for _ in range(3)]
    rows += [{"file": {"sha256": "b" * 64, "size": 9_000_000}} for _ in range(2)]
    rows += [{"file": {"sha256": "c" * 64, "missing": missing}} for missing in (True, False)]
    ids = add_tracks(context, callers.home, rows)
    add_track(context, callers.elsewhere, file={"sha256": "c" * 64})
    assert counts(callers["viewer"]) == {"missing": 1, "copies": 2}
    three, two = found(callers["viewer"], "copies")
    assert tracks_of(three) == [str(one) for one in ids[:3]]
    assert three["why"] == "3 files are the same; all but one of them take 10.0 MB."
    assert tracks_of(two) == [str(one) for one in ids[3:5]]
    assert [track["best"] for track in three["tracks"]] == [True, False, False]


def test_the_same_recording_names_the_best_file(callers: Callers, context: Context) -> None:
    lossy = {"sha256": "a" * 64, "bit_rate": 900_000, "lossless": False}
    lossless = {"sha256": "b" * 64, "bit_rate": 800_000, "lossless": True}
    ids = add_tracks(context, callers.home, [{"file": lossy}, {"file": lossless}])
    pair(context, callers.home, "a" * 64, "b" * 64, "copy", "a" * 64)
    assert counts(callers["viewer"]) == {"duplicates": 1}
    (finding,) = found(callers["viewer"], "duplicates")
    assert tracks_of(finding) == [str(one) for one in ids]
    assert [track["best"] for track in finding["tracks"]] == [False, True]
    assert found(callers["stranger"], "duplicates") == []


def test_a_recording_whose_other_file_is_gone_stands_alone(callers: Callers, context: Context) -> None:
    add_track(context, callers.home, file={"sha256": "a" * 64})
    add_track(context, callers.home, file={"sha256": "b" * 64, "missing": True})
    pair(context, callers.home, "a" * 64, "b" * 64, "copy", "a" * 64)
    assert counts(callers["viewer"]) == {"missing": 1}
    assert found(callers["viewer"], "duplicates") == []


def test_masters_are_told_apart_from_copies(callers: Callers, context: Context) -> None:
    add_analysis(context, "a" * 64, loudness_lufs=-14.0)
    add_analysis(context, "b" * 64, loudness_lufs=-8.0)
    ids = add_tracks(context, callers.home, [{"file": {"sha256": letter * 64}} for letter in "ab"])
    pair(context, callers.home, "a" * 64, "b" * 64, "master", None)
    assert counts(callers["viewer"]) == {"masters": 1}
    (finding,) = found(callers["viewer"], "masters")
    assert tracks_of(finding) == [str(one) for one in ids]
    assert finding["why"].endswith("One lies at -14.0 LUFS, the other at -8.0 LUFS.")


def test_files_that_no_scan_could_take_in_are_those_of_the_last_one(callers: Callers, context: Context) -> None:
    def scanned(*paths: bytes) -> None:
        scan = Scan(id=new_id(), workspace_id=callers.home, path=b"/music")
        with context.database.write(SYSTEM) as session:
            session.add(scan)
            session.flush()
            for path in paths:
                session.add(
                    Finding(
                        scan_id=scan.id,
                        workspace_id=callers.home,
                        path=path,
                        path_digest=path.ljust(32)[:32],
                        verdict="failed",
                        kind="text",
                        error="This is a text file.",
                    )
                )

    scanned(b"/music/old.mp3", b"/music/kept.mp3")
    scanned(b"/music/kept.mp3", b"/music/new.mp3")
    assert counts(callers["viewer"]) == {"refused": 2}
    told = found(callers["admin"], "refused")
    assert [(one["path"], one["tracks"]) for one in told] == [("/music/new.mp3", []), ("/music/kept.mp3", [])]
    assert counts(callers["stranger"]) == {}


def test_pages_reach_every_finding_once(callers: Callers, context: Context) -> None:
    rows: list[dict[str, Any]] = [{"artist": "", "file": {"sha256": f"{n // 2:064x}"}} for n in range(12)]
    for number in range(5):
        album = add_album(context, callers.home, f"{number % 2}")
        rows += [{"album_id": album, "track_number": 2}]
    for n in range(6):
        rows.append({"file": {"sha256": f"f{n:063x}"}})
    add_tracks(context, callers.home, rows)
    for n in (0, 2, 4):
        pair(
            context,
            callers.home,
            f"f{n:063x}",
            f"f{n + 1:063x}",
            "copy" if n else "master",
            f"f{n:063x}" if n else None,
        )
    for kind, total in {"tags": 12, "copies": 6, "albums": 5, "duplicates": 2, "masters": 1}.items():
        keys, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = callers["viewer"].get(f"/api/library/health/{kind}", params=query).json()
            keys += [item["key"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert (kind, len(keys), len(set(keys))) == (kind, total, total)


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJ0YWdzIiwgIngiXQ", "WyJjb3BpZXMiLCAieCIsICJ5IiwgInoiXQ"])
@pytest.mark.parametrize("kind", ["tags", "copies", "albums", "refused", "masters"])
def test_a_cursor_that_is_none_is_refused(callers: Callers, kind: str, cursor: str) -> None:
    assert callers["viewer"].get(f"/api/library/health/{kind}", params={"cursor": cursor}).status_code == 400


def test_nobody_sees_the_findings_of_others(callers: Callers, context: Context) -> None:
    add_track(context, callers.home, artist="")
    add_track(context, callers.elsewhere, album="", track_number=None)
    for kind in ("viewer", "readonly", "admin"):
        (finding,) = found(callers[kind], "tags")
        assert finding["details"]["fields"] == ["artist"]
        assert counts(callers[kind], workspace=str(callers.elsewhere)) == {}
    (finding,) = found(callers["stranger"], "tags")
    assert finding["details"]["fields"] == ["album"]
    assert callers["anonymous"].get("/api/library/health").status_code == 401


def test_a_kind_or_field_that_there_is_not_is_said_to_be_none(callers: Callers) -> None:
    assert callers["viewer"].get("/api/library/health/nonsense").status_code == 422
    assert callers["viewer"].get("/api/library/health/tags?field=mood").status_code == 422


def test_a_large_library_costs_as_many_statements_as_a_small_one(callers: Callers, context: Context) -> None:
    browser = callers.browsers["viewer"]
    server: Context = browser.app.state.context  # type: ignore[attr-defined]

    def sent(path: str) -> int:
        with statements(server) as statement:
            assert browser.get(path).status_code == 200
        return len(statement)

    paths = ["/api/library/health", *(f"/api/library/health/{kind}" for kind in KINDS)]
    rows: list[dict[str, Any]] = []
    costs = []
    for size in (1, 12):
        for number in range(size):
            album = add_album(context, callers.home, f"{number}")
            sha256 = new_id().hex * 2
            rows = [{"artist": "", "album_id": album, "track_number": 3, "file": {"sha256": sha256}}] * 2
            add_tracks(context, callers.home, [dict(row, file=dict(row["file"])) for row in rows])
            add_track(context, callers.home, file={"missing": True})
        costs.append([sent(path) for path in paths])
    assert costs[0] == costs[1]
    assert max(costs[0]) < 20


def test_a_library_is_counted_once_for_each_of_its_versions(callers: Callers, context: Context) -> None:
    add_track(context, callers.home, artist="")
    browser = callers.browsers["viewer"]
    server: Context = browser.app.state.context  # type: ignore[attr-defined]
    looked = []
    for change in (False, False, True):
        if change:
            add_track(context, callers.home, artist="")
        with statements(server) as sent:
            summary = browser.get("/api/library/health").json()
        looked.append(any("FROM tracks" in statement for statement in sent))
    assert looked == [True, False, True]
    assert summary["tracks"] == 2
    assert callers["stranger"].get("/api/library/health").json()["tracks"] == 0
