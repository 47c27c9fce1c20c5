"""Uploads in one request: what is taken, what is refused, and what is left on disk afterwards."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from starlette.testclient import TestClient

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.media import room
from otolith.media.models import Media, StoredContent
from tests.callers import MEMBERS, REFUSED, Callers
from tests.media.sounds import recording

FORMS = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3", "ogg": "Ogg", "opus": "Ogg", "m4a": "MP4"}


def post(client: TestClient, data: bytes, name: str = "piece.flac", **options: Any) -> Any:
    return client.post("/api/media", files={"file": (name, data, "audio/flac")}, **options)


def kept(context: Context) -> list[Path]:
    """Every file that an upload left anywhere in the data folder."""
    folder = context.settings.folder
    return [path for root in (folder.media, folder.uploads) for path in root.rglob("*") if path.is_file()]


def test_form_upload_is_stored_once_and_described(callers: Callers, context: Context) -> None:
    data = recording("flac")
    answer = post(callers["editor"], data, "Élan vital.flac")
    assert answer.status_code == 201
    (item,) = answer.json()["items"]
    media = item["media"]
    digest = hashlib.sha256(data).hexdigest()
    assert (item["outcome"], item["name"]) == ("stored", "Élan vital.flac")
    assert (media["sha256"], media["size"], media["container"], media["codec"]) == (digest, len(data), "FLAC", "flac")
    assert (media["sample_rate"], media["channels"], media["origin"]) == (44100, 2, "upload")
    assert media["duration"] == pytest.approx(1.0, abs=0.05)
    assert answer.headers["location"].endswith(f"/media/{media['id']}")
    (file,) = kept(context)
    assert file.relative_to(context.settings.data).as_posix() == f"media/{digest[:2]}/{digest[2:4]}/{digest}.flac"
    assert file.read_bytes() == data
    assert callers["editor"].get(f"/api/media/{media['id']}").json() == media


@pytest.mark.parametrize(("form", "container"), FORMS.items())
def test_formats_are_known_by_their_bytes_not_their_name(callers: Callers, form: str, container: str) -> None:
    answer = post(callers["owner"], recording(form), "holiday.jpg")
    assert answer.status_code == 201
    assert answer.json()["items"][0]["media"]["container"] == container


@pytest.mark.parametrize(
    ("headers", "url", "name"),
    [
        ({"X-Filename": "na%C3%AFve%20song.flac"}, "/api/media", "naïve song.flac"),
        ({"Content-Disposition": "attachment; filename*=UTF-8''%E2%82%AC.flac"}, "/api/media", "€.flac"),
        ({"Content-Disposition": 'attachment; filename="../../etc/passwd"'}, "/api/media", "passwd"),
        ({}, "/api/media?name=from+the+query.flac", "from the query.flac"),
        ({}, "/api/media", "unnamed.flac"),
    ],
)
def test_raw_body_takes_its_name_from_the_headers(
    callers: Callers, headers: dict[str, str], url: str, name: str
) -> None:
    answer = callers["editor"].post(url, content=recording(), headers={"Content-Type": "audio/flac", **headers})
    assert answer.status_code == 201
    assert answer.json()["items"][0]["media"]["name"] == name


def test_body_without_a_told_length_is_taken(callers: Callers) -> None:
    data = recording("wav", 5.0)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(data), 10_000):
            yield data[start : start + 10_000]

    headers = {"Content-Type": "application/octet-stream"}
    answer = callers["editor"].post("/api/media", content=pieces(), headers=headers)
    assert answer.status_code == 201
    assert answer.json()["items"][0]["media"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_same_content_is_one_media_in_a_workspace_and_one_file_in_all(callers: Callers, context: Context) -> None:
    first = post(callers["editor"], recording(), "one.flac").json()["items"][0]
    again = post(callers["owner"], recording(), "two.flac")
    assert again.status_code == 200
    assert again.json()["items"][0]["outcome"] == "known"
    assert again.json()["items"][0]["media"] == first["media"]
    elsewhere = post(callers["stranger"], recording())
    assert elsewhere.status_code == 201
    assert len(kept(context)) == 1
    assert callers["owner"].delete(f"/api/media/{first['media']['id']}").status_code == 204
    assert len(kept(context)) == 1
    assert callers["stranger"].delete(f"/api/media/{elsewhere.json()['items'][0]['media']['id']}").status_code == 204
    assert kept(context) == []
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(StoredContent)).all() == []


def test_several_files_each_get_their_own_answer(callers: Callers, context: Context) -> None:
    files = [
        ("file", ("a.flac", recording("flac"), "audio/flac")),
        ("file", ("notes.mp3", b"dear diary, " * 50, "audio/mpeg")),
        ("file", ("b.ogg", recording("ogg"), "audio/ogg")),
    ]
    answer = callers["editor"].post("/api/media", files=files, data={"comment": "three of them"})
    assert answer.status_code == 201
    items = answer.json()["items"]
    assert [item["outcome"] for item in items] == ["stored", "refused", "stored"]
    assert items[1]["problem"]["status"] == 415
    assert "text file" in items[1]["problem"]["detail"]
    assert len(kept(context)) == 2


@pytest.mark.parametrize(
    ("data", "status", "word"),
    [
        (b"", 415, "empty"),
        (b"just some words\n" * 100, 415, "text file"),
        (b"#EXTM3U\nhttp://127.0.0.1/secret\n", 415, "playlist"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), 415, "PNG"),
        (bytes(5000), 415, "nothing in it looks like sound"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", 415, "WAV"),
    ],
)
def test_what_is_no_sound_is_refused_and_nothing_kept(
    callers: Callers, context: Context, data: bytes, status: int, word: str
) -> None:
    answer = post(callers["editor"], data, "song.mp3")
    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert kept(context) == []
    assert callers["editor"].get("/api/media").json()["total"] == 0


@pytest.mark.parametrize("kind", [*REFUSED, "viewer", "readonly"])
def test_nobody_uploads_without_the_right_to(callers: Callers, context: Context, kind: str) -> None:
    answer = post(callers[kind], recording())
    assert answer.status_code == (401 if kind in REFUSED else 403)
    assert kept(context) == []


def test_workspace_may_be_named_and_must_be_ones_own(callers: Callers) -> None:
    url = f"/api/media?workspace={callers.home}"
    headers = {"Content-Type": "audio/flac"}
    assert callers["editor"].post(url, content=recording(), headers=headers).status_code == 201
    assert callers["stranger"].post(url, content=recording(), headers=headers).status_code == 404
    assert callers["viewer"].post(url, content=recording(), headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"file=abc", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json", 415),
        (b"x", "multipart/form-data", 400),
        (b"nonsense", "multipart/form-data; boundary=b", 400),
        (
            b"--b\r\nContent-Disposition: form-data; name=other\r\n\r\nx\r\n--b--\r\n",
            "multipart/form-data; boundary=b",
            400,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name=file; filename="x.mp3"\r\n\r\nhalf of it',
            "multipart/form-data; boundary=b",
            400,
        ),
    ],
)
def test_bodies_that_are_no_upload_are_told_so(
    callers: Callers, context: Context, body: bytes, kind: str, status: int
) -> None:
    answer = callers["editor"].post("/api/media", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert kept(context) == []


@pytest.mark.parametrize("limited", [True, False], ids=["told length", "chunked"])
@pytest.mark.parametrize("form", [True, False], ids=["form", "raw"])
def test_more_than_the_limit_is_refused(callers: Callers, context: Context, form: bool, limited: bool) -> None:
    context.settings.media.upload_limit = 300_000
    data = recording("wav", 5.0)
    head = b'--b\r\nContent-Disposition: form-data; name=file; filename="x.wav"\r\n\r\n'
    body = head + data + b"\r\n--b--\r\n" if form else data
    kind = "multipart/form-data; boundary=b" if form else "audio/wav"
    content = body if limited else iter([body[:200_000], body[200_000:]])
    answer = callers["editor"].post("/api/media", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:otolith:problem:too-large"
    assert kept(context) == []


def test_full_disk_is_told_before_the_body_is_read(
    callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(context.storage.spool), "free_space", lambda _spool: 1000)
    answer = post(callers["editor"], recording())
    assert answer.status_code == 507
    assert "free" in answer.json()["detail"]
    assert kept(context) == []


def test_a_disk_that_fills_up_meanwhile_ends_an_upload_of_unknown_length(
    callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = recording("wav", 1.0)
    free = iter([10**12])
    monkeypatch.setattr(room, "LOOK_EVERY", 50_000)
    monkeypatch.setattr(type(context.storage.spool), "free_space", lambda _spool: next(free, 1000))
    pieces = (data[start : start + 20_000] for start in range(0, len(data), 20_000))
    answer = callers["editor"].post("/api/media", content=pieces, headers={"Content-Type": "audio/wav"})
    assert answer.status_code == 507
    assert kept(context) == []


def test_statements_do_not_grow_with_the_list(callers: Callers, context: Context) -> None:
    counted: list[str] = []

    def count(*args: Any) -> None:
        if " media" in args[2]:
            counted.append(args[2])

    def listing() -> int:
        counted.clear()
        assert callers["viewer"].get("/api/media").status_code == 200
        return len(counted)

    post(callers["editor"], recording())
    engine = context.database.engine
    # The application has an engine of its own, so the statements are counted wherever they are run.
    event.listen(type(engine), "before_cursor_execute", count)
    listing()
    few = listing()
    for seed in range(1, 6):
        post(callers["editor"], recording(seed=seed))
    assert listing() == few
    event.remove(type(engine), "before_cursor_execute", count)


def test_list_is_paged_newest_first_and_bounded_by_workspace(callers: Callers, context: Context) -> None:
    for seed in range(5):
        post(callers["editor"], recording(seed=seed), f"{seed}.flac")
    post(callers["stranger"], recording(seed=9), "foreign.flac")
    seen: list[str] = []
    cursor = ""
    while True:
        page = callers["viewer"].get(f"/api/media?limit=2{cursor}").json()
        assert page["total"] == 5
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["4.flac", "3.flac", "2.flac", "1.flac", "0.flac"]
    assert callers["viewer"].get("/api/media?cursor=rubbish").status_code == 400


@pytest.mark.parametrize("kind", [*MEMBERS, "readonly", "stranger", "anonymous"])
def test_media_is_seen_by_members_and_deleted_by_editors(callers: Callers, context: Context, kind: str) -> None:
    media = post(callers["editor"], recording()).json()["items"][0]["media"]
    client = callers[kind]
    seen = {"stranger": 404, "anonymous": 401}.get(kind, 200)
    assert client.get(f"/api/media/{media['id']}").status_code == seen
    assert client.get(f"/api/media/{media['id']}/stream").status_code == seen
    gone = {"stranger": 404, "anonymous": 401, "viewer": 403, "readonly": 403}.get(kind, 204)
    assert client.delete(f"/api/media/{media['id']}").status_code == gone
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(Media)).all()) == (0 if gone == 204 else 1)
