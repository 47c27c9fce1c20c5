"""Resumable uploads: the tus protocol, what survives, and what is left behind."""

import base64
import datetime as dt
import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.accounts.models import ApiToken
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAvailable
from otolith.media import room, tus
from otolith.media.models import Media, Upload
from otolith.media.tus_files import PartFile, path_of
from tests.callers import REFUSED, Callers
from tests.media.sounds import recording

URL = "/api/media/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
NAME = base64.b64encode("Ça.flac".encode()).decode()


def begin(client: TestClient, size: int | None, **headers: str) -> str:
    length = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
    answer = client.post(URL, headers={**TUS, **length, "Upload-Metadata": f"filename {NAME},empty", **headers})
    assert answer.status_code == 201, answer.text
    assert answer.headers["tus-resumable"] == "1.0.0"
    return str(answer.headers["location"])


def patch(client: TestClient, url: str, data: bytes, offset: int, **headers: str) -> Any:
    return client.patch(url, content=data, headers={**BYTES, "Upload-Offset": str(offset), **headers})


def offset_of(client: TestClient, url: str) -> int:
    answer = client.head(url, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def leftovers(context: Context) -> list[Path]:
    return list(context.settings.folder.uploads.iterdir())


def sent(algorithm: str, data: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def test_options_need_no_sign_in_and_tell_the_limits(client: TestClient, context: Context) -> None:
    answer = client.options(URL)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(context.settings.media.upload_limit)
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"
    wanted = {"creation", "creation-with-upload", "creation-defer-length", "expiration", "termination", "checksum"}
    assert set(answer.headers["tus-extension"].split(",")) == {*wanted, "concatenation"}


def test_upload_in_pieces_becomes_the_same_media_as_in_one(callers: Callers, context: Context) -> None:
    data = recording("flac", 2.0)
    client = callers["editor"]
    url = begin(client, len(data))
    assert url.startswith("/api/media/uploads/")
    offset = 0
    while offset < len(data):
        assert offset_of(client, url) == offset
        answer = patch(client, url, data[offset : offset + 50_000], offset)
        assert answer.status_code == 204
        offset = int(answer.headers["upload-offset"])
    media = client.get(f"/api/media/{answer.headers['otolith-media']}").json()
    assert (media["name"], media["sha256"]) == ("Ça.flac", hashlib.sha256(data).hexdigest())
    assert leftovers(context) == []
    again = client.post("/api/media", files={"file": ("again.flac", data, "audio/flac")})
    assert (again.status_code, again.json()["items"][0]["media"]["id"]) == (200, media["id"])
    done = client.head(url, headers=TUS)
    assert (done.headers["upload-offset"], done.headers["otolith-media"]) == (str(len(data)), media["id"])
    assert patch(client, url, b"more", len(data)).status_code == 409


def test_first_bytes_may_come_with_the_announcement(callers: Callers) -> None:
    data = recording()
    client = callers["editor"]
    answer = client.post(URL, content=data[:1000], headers={**BYTES, "Upload-Length": str(len(data))})
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "1000")
    assert "otolith-media" in patch(client, answer.headers["location"], data[1000:], 1000).headers
    whole = client.post(URL, content=data, headers={**BYTES, "Upload-Length": str(len(data))})
    assert (whole.status_code, whole.headers["upload-offset"]) == (201, str(len(data)))
    assert "otolith-media" in whole.headers


def test_length_may_be_told_later_but_not_changed(callers: Callers) -> None:
    data = recording()
    client = callers["editor"]
    url = begin(client, None)
    assert client.head(url, headers=TUS).headers["upload-defer-length"] == "1"
    assert patch(client, url, data[:500], 0).status_code == 204
    assert patch(client, url, b"", 500, **{"Upload-Length": "400"}).status_code == 400
    assert patch(client, url, data[500:900], 500, **{"Upload-Length": str(len(data))}).status_code == 204
    assert client.head(url, headers=TUS).headers["upload-length"] == str(len(data))
    assert patch(client, url, b"", 900, **{"Upload-Length": str(len(data) + 1)}).status_code == 400
    assert "otolith-media" in patch(client, url, data[900:], 900).headers


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_checksum_lets_only_the_right_bytes_in(callers: Callers, algorithm: str) -> None:
    data = recording()
    client = callers["editor"]
    url = begin(client, len(data))
    wrong = patch(client, url, data[:900], 0, **{"Upload-Checksum": sent(algorithm, b"other")})
    assert wrong.status_code == 460
    assert offset_of(client, url) == 0
    right = patch(client, url, data[:900], 0, **{"Upload-Checksum": sent(algorithm, data[:900])})
    assert (right.status_code, right.headers["upload-offset"]) == (204, "900")
    rest = patch(client, url, data[900:], 900, **{"Upload-Checksum": sent(algorithm, data[900:])})
    media = client.get(f"/api/media/{rest.headers['otolith-media']}").json()
    assert media["sha256"] == hashlib.sha256(data).hexdigest()
    assert patch(client, url, b"", 0, **{"Upload-Checksum": "crc32 AAAA"}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "5"}, 412),
        ({**TUS, "Tus-Resumable": "0.2.2", "Upload-Length": "5"}, 412),
        (TUS, 400),
        ({**TUS, "Upload-Length": "-5"}, 400),
        ({**TUS, "Upload-Length": "5", "Upload-Defer-Length": "1"}, 400),
        ({**TUS, "Upload-Defer-Length": "2"}, 400),
        ({**TUS, "Upload-Length": "5", "Upload-Metadata": "filename !!!"}, 400),
        ({**TUS, "Upload-Length": "999999999999"}, 413),
        ({**TUS, "Upload-Length": "0"}, 415),
    ],
)
def test_announcements_that_are_refused(callers: Callers, headers: dict[str, str], status: int) -> None:
    answer = callers["editor"].post(URL, headers=headers)
    assert answer.status_code == status
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert ("tus-version" in answer.headers) == (status == 412)


def test_bytes_that_do_not_fit_are_refused(callers: Callers) -> None:
    data = recording()
    client = callers["editor"]
    url = begin(client, len(data))
    assert patch(client, url, data[:100], 0).status_code == 204
    for offset in (0, 99, 101):
        wrong = patch(client, url, data[:10], offset)
        assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "100")
    assert client.patch(url, content=b"x", headers={**BYTES}).status_code == 400
    assert client.patch(url, content=b"x", headers={**TUS, "Upload-Offset": "100"}).status_code == 415
    assert patch(client, url, data, 100).status_code == 413
    assert patch(client, url, iter([data[100:], b"extra"]), 100).status_code == 413  # type: ignore[arg-type]
    assert offset_of(client, url) == 100


@pytest.mark.parametrize("kind", [*REFUSED, "owner", "viewer", "stranger"])
def test_an_upload_belongs_to_who_began_it(callers: Callers, kind: str) -> None:
    url = begin(callers["editor"], 100)
    expected = 401 if kind in REFUSED else 404
    client = callers[kind]
    assert client.head(url, headers=TUS).status_code == expected
    assert patch(client, url, b"x", 0).status_code == expected
    assert client.delete(url, headers=TUS).status_code == expected
    refused = 401 if kind in REFUSED else 403 if kind == "viewer" else 201
    assert client.post(URL, headers={**TUS, "Upload-Length": "9"}).status_code == refused


def test_who_may_no_longer_add_does_not_go_on(callers: Callers, context: Context) -> None:
    data = recording()
    url = begin(callers["editor"], len(data))
    assert patch(callers["editor"], url, data[:100], 0).status_code == 204
    with context.database.write(SYSTEM) as session:
        session.execute(update(ApiToken).values(scopes=["read"]))
    assert patch(callers["editor"], url, data[100:], 100).status_code == 403
    assert callers["editor"].delete(url, headers=TUS).status_code == 403
    assert offset_of(callers["editor"], url) == 100


def test_a_disk_that_fills_up_meanwhile_keeps_what_came(
    callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = recording("wav", 1.0)
    url = begin(callers["editor"], len(data))
    monkeypatch.setattr(room, "LOOK_EVERY", 50_000)
    free = iter([10**12])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(type(context.storage.spool), "free_space", lambda _spool: next(free, 1000))
        assert patch(callers["editor"], url, data, 0).status_code == 507
    come = offset_of(callers["editor"], url)
    assert patch(callers["editor"], url, data[come:], come).status_code == 204


def test_termination_removes_everything(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    url = begin(client, 1000)
    patch(client, url, bytes(10), 0)
    assert len(leftovers(context)) == 1
    assert client.delete(url, headers=TUS).status_code == 204
    assert leftovers(context) == []
    assert client.head(url, headers=TUS).status_code == 404
    assert client.delete(url, headers=TUS).status_code == 404


def test_two_writers_do_not_meet(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    url = begin(client, 1000)
    path = path_of(context.settings.folder.uploads, UUID(url.rpartition("/")[2]))
    with PartFile.locked(path):
        busy = patch(client, url, bytes(10), 0)
        assert busy.status_code == 423
    assert patch(client, url, bytes(10), 0).status_code == 204


def test_what_is_no_sound_is_refused_at_the_end(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    url = begin(client, 600)
    answer = patch(client, url, b"some words " * 54 + b"ending", 0)
    assert answer.status_code == 415
    assert "text file" in answer.json()["detail"]
    assert leftovers(context) == []
    gone = client.head(url, headers=TUS)
    assert gone.status_code == 410


def test_expired_uploads_are_gone(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    url = begin(client, 1000)
    assert "upload-expires" in client.head(url, headers=TUS).headers
    with context.database.write(SYSTEM) as session:
        session.execute(update(Upload).values(expires_at=now() - dt.timedelta(seconds=1)))
    assert client.head(url, headers=TUS).status_code == 410
    assert patch(client, url, b"x", 0).status_code == 410


def test_bytes_beyond_the_noted_offset_are_dropped(callers: Callers, context: Context) -> None:
    """As after a server that was killed between writing and flushing."""
    data = recording()
    client = callers["editor"]
    url = begin(client, len(data))
    patch(client, url, data[:1000], 0)
    (path,) = leftovers(context)
    with path.open("ab") as file:
        file.write(b"never promised")
    assert offset_of(client, url) == 1000
    answer = patch(client, url, data[1000:], 1000)
    assert (
        client.get(f"/api/media/{answer.headers['otolith-media']}").json()["sha256"] == hashlib.sha256(data).hexdigest()
    )


def test_lost_bytes_are_told(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    url = begin(client, 1000)
    patch(client, url, bytes(100), 0)
    (path,) = leftovers(context)
    path.unlink()
    assert patch(client, url, bytes(10), 100).status_code == 410


def test_upload_that_was_stopped_before_it_was_filed_is_filed_by_the_next_look(
    callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = recording()
    client = callers["editor"]
    url = begin(client, len(data))

    def stopped(*_: Any, **__: Any) -> None:
        raise NotAvailable

    monkeypatch.setattr(tus, "file_upload", stopped)
    assert patch(client, url, data, 0).status_code == 503
    monkeypatch.undo()
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Media)).all() == []
    answer = client.head(url, headers=TUS)
    assert (answer.status_code, answer.headers["upload-offset"]) == (200, str(len(data)))
    assert client.get(f"/api/media/{answer.headers['otolith-media']}").status_code == 200
    assert leftovers(context) == []


def test_method_may_be_named_in_a_header(callers: Callers) -> None:
    data = recording()
    client = callers["editor"]
    url = begin(client, len(data))
    headers = {**BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert client.post(url, content=data[:10], headers=headers).headers["upload-offset"] == "10"
    assert client.post(url, headers={**TUS, "X-HTTP-Method-Override": "HEAD"}).headers["upload-offset"] == "10"
    assert client.post(url, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert client.post(url, headers={**TUS, "X-HTTP-Method-Override": "GET"}).status_code == 400
