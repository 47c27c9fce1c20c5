"""Resumable uploads in parts: sent side by side, joined at the end, and filed once."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import NotAvailable
from otolith.media import sweeping, tus
from otolith.media.models import Media, Upload
from tests.callers import Callers
from tests.media.sounds import recording
from tests.media.test_tus import BYTES, NAME, TUS, URL, begin, leftovers, offset_of, patch

PARTIAL = {"Upload-Concat": "partial"}


def sent_in_parts(client: TestClient, data: bytes, cuts: list[int]) -> list[str]:
    """The addresses of complete parts."""
    urls = []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        piece = data[start:end]
        answer = client.post(URL, content=piece, headers={**BYTES, **PARTIAL, "Upload-Length": str(len(piece))})
        assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(piece)))
        urls.append(str(answer.headers["location"]))
    return urls


def join(client: TestClient, urls: list[str], **headers: str) -> Any:
    told = {**TUS, "Upload-Concat": f"final;{' '.join(urls)}", "Upload-Metadata": f"filename {NAME}"}
    return client.post(URL, headers={**told, **headers})


def media_of(client: TestClient, answer: Any) -> Any:
    return client.get(f"/api/media/{answer.headers['otolith-media']}").json()


def count(context: Context, model: type[Any]) -> int:
    with context.database.read(SYSTEM) as session:
        return len(session.scalars(select(model)).all())


def test_parts_become_the_file_that_they_were(callers: Callers, context: Context) -> None:
    data = recording("flac", 2.0)
    client = callers["editor"]
    urls = sent_in_parts(client, data, [10_000, 40_000])
    assert client.head(urls[0], headers=TUS).headers["upload-concat"] == "partial"
    assert count(context, Media) == 0
    answer = join(client, urls)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(data)))
    media = media_of(client, answer)
    assert (media["name"], media["sha256"]) == ("Ça.flac", hashlib.sha256(data).hexdigest())
    assert leftovers(context) == []
    head = client.head(answer.headers["location"], headers=TUS)
    assert head.headers["upload-concat"] == f"final;{' '.join(urls)}"
    assert (head.headers["upload-length"], head.headers["otolith-media"]) == (str(len(data)), media["id"])


def test_parts_are_joined_in_the_order_named_and_one_may_come_twice(callers: Callers) -> None:
    data = recording("wav", 1.0)
    client = callers["editor"]
    front, silence = sent_in_parts(client, data + bytes(1000), [len(data)])
    answer = join(client, [front, f"http://testserver{silence}", silence])
    assert media_of(client, answer)["sha256"] == hashlib.sha256(data + bytes(2000)).hexdigest()


def test_a_part_is_resumed_like_any_upload_and_becomes_nothing_by_itself(callers: Callers, context: Context) -> None:
    data = recording()
    client = callers["editor"]
    url = begin(client, len(data), **PARTIAL)
    assert patch(client, url, data[:500], 0).status_code == 204
    assert offset_of(client, url) == 500
    last = patch(client, url, data[500:], 500)
    assert last.status_code == 204
    assert "otolith-media" not in last.headers
    assert "otolith-media" not in client.head(url, headers=TUS).headers
    assert sweeping.sweep(context, lambda: None).finished_uploads == 0
    assert count(context, Media) == 0
    assert join(client, [url]).status_code == 201


def test_joining_again_gives_the_media_that_is_there(callers: Callers, context: Context) -> None:
    """As a client does that never heard the first answer."""
    client = callers["editor"]
    urls = sent_in_parts(client, recording(), [700])
    first, again = join(client, urls), join(client, urls)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["otolith-media"] == first.headers["otolith-media"]
    assert again.headers["location"] != first.headers["location"]
    assert count(context, Media) == 1
    other = sent_in_parts(client, recording("wav", 1.0), [])
    assert join(client, [*urls, *other]).status_code == 410


def test_what_was_joined_takes_no_bytes(callers: Callers) -> None:
    client = callers["editor"]
    url = join(client, sent_in_parts(client, recording(), [700])).headers["location"]
    assert patch(client, url, b"more", 0).status_code == 403


def test_parts_that_are_not_complete_are_waited_for(callers: Callers) -> None:
    data = recording()
    client = callers["editor"]
    (first,), second = sent_in_parts(client, data[:700], []), begin(client, len(data) - 700, **PARTIAL)
    answer = join(client, [first, second])
    assert answer.status_code == 409
    assert "not all parts" in answer.json()["detail"].lower()
    assert patch(client, second, data[700:], 0).status_code == 204
    assert media_of(client, join(client, [first, second]))["sha256"] == hashlib.sha256(data).hexdigest()


def test_only_ones_own_parts_are_joined(callers: Callers) -> None:
    urls = sent_in_parts(callers["editor"], recording(), [700])
    assert join(callers["owner"], urls).status_code == 404
    whole = begin(callers["editor"], 100)
    assert join(callers["editor"], [whole]).status_code == 400


def test_the_limit_holds_for_the_whole(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    urls = sent_in_parts(client, recording("wav", 1.0), [700])
    context.settings.media.upload_limit = 1000
    answer = join(client, urls)
    assert answer.status_code == 413
    assert offset_of(client, urls[0]) == 700, "the parts stay"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Concat": "partial"}, 400),
        ({"Upload-Concat": "partial;x", "Upload-Length": "5"}, 400),
        ({"Upload-Concat": "final;"}, 400),
        ({"Upload-Concat": "final;/api/media/uploads/nothing"}, 400),
        ({"Upload-Concat": "final;/api/media/uploads/01a1f9bf-fced-744d-9719-afb160ef05a4"}, 404),
        ({"Upload-Concat": "other;/api/media/uploads/01a1f9bf-fced-744d-9719-afb160ef05a4"}, 400),
        ({"Upload-Concat": "final;/u/01a1f9bf-fced-744d-9719-afb160ef05a4", "Upload-Length": "5"}, 400),
        ({"Upload-Concat": "final;" + " ".join(["01a1f9bf-fced-744d-9719-afb160ef05a4"] * 501)}, 400),
    ],
)
def test_announcements_that_are_refused(callers: Callers, headers: dict[str, str], status: int) -> None:
    assert callers["editor"].post(URL, headers={**TUS, **headers}).status_code == status


def test_what_is_joined_brings_no_bytes_of_its_own(callers: Callers) -> None:
    client = callers["editor"]
    urls = sent_in_parts(client, recording(), [700])
    told = {**BYTES, "Upload-Concat": f"final;{' '.join(urls)}"}
    assert client.post(URL, content=b"more", headers=told).status_code == 400


def test_a_whole_that_is_no_sound_is_refused_with_its_parts(callers: Callers) -> None:
    client = callers["editor"]
    urls = sent_in_parts(client, b"some words " * 60, [300])
    assert join(client, urls).status_code == 415
    assert client.head(urls[0], headers=TUS).status_code == 410


def test_what_was_joined_but_not_filed_is_filed_by_the_sweep(
    callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = callers["editor"]
    data = recording()
    urls = sent_in_parts(client, data, [700])

    def stopped(*_: Any, **__: Any) -> None:
        raise NotAvailable

    with monkeypatch.context() as patched:
        patched.setattr(tus, "file_upload", stopped)
        assert join(client, urls).status_code == 503
    assert sweeping.sweep(context, lambda: None).finished_uploads == 1
    with context.database.write(SYSTEM) as session:
        (media,) = session.scalars(select(Media)).all()
        assert media.sha256 == hashlib.sha256(data).hexdigest()
        assert {upload.media_id for upload in session.scalars(select(Upload))} == {media.id}
        session.execute(update(Upload).values(expires_at=media.added_at))
    assert sweeping.sweep(context, lambda: None).expired_uploads == 3
    assert leftovers(context) == []


def test_lost_bytes_of_a_part_are_told(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    urls = sent_in_parts(client, recording(), [700])
    for path in leftovers(context):
        path.unlink()
    assert join(client, urls).status_code == 410
