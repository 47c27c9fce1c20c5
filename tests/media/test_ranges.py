"""Ranges and conditions: RFC 9110 as functions, and as what the server really sends."""

import datetime as dt
import os
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from otolith.core.context import Context
from otolith.media import names
from otolith.media.models import Media
from otolith.media.ranges import Representation, Span, parse, select
from otolith.media.service import FileFacts, register_file
from tests.callers import Callers
from tests.media.sounds import recording

WHAT = Representation(1000, '"abc"', dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC), "audio/flac")
DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
EARLIER = "Fri, 02 Jan 2026 03:04:04 GMT"


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-0", (Span(0, 1),)),
        ("bytes=0-", (Span(0, 1000),)),
        ("bytes=10-19", (Span(10, 20),)),
        ("bytes=990-2000", (Span(990, 1000),)),
        ("bytes=-1", (Span(999, 1000),)),
        ("bytes=-5000", (Span(0, 1000),)),
        ("Bytes = 1-2", (Span(1, 3),)),
        ("bytes=500-599, 0-9,-10", (Span(500, 600), Span(0, 10), Span(990, 1000))),
        ("bytes=0-9,5000-", (Span(0, 10),)),
        ("bytes=0-99999999999999999999999999999", (Span(0, 1000),)),
        ("bytes=0-" + "9" * 5000, None),
        ("bytes=1000-", ()),
        ("bytes=-0", ()),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=1-2-3", None),
        ("bytes=0x1-2", None),
        ("items=0-9", None),
        ("0-9", None),
        ("bytes=0-10,10-20", None),
        ("bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(17)), None),
    ],
)
def test_range_headers(header: str, spans: tuple[Span, ...] | None) -> None:
    assert parse(header, 1000) == spans


@given(st.text(alphabet="bytes=0123456789-, ", max_size=40), st.integers(0, 50))
def test_no_range_header_leads_outside_the_file(header: str, size: int) -> None:
    spans = parse(header, size)
    assert spans is None or all(0 <= span.start < span.end <= size for span in spans)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"range": "bytes=0-1"}, 206),
        ({"range": "bytes=1000-"}, 416),
        ({"range": "bytes=zzz"}, 200),
        ({"if-none-match": '"abc"'}, 304),
        ({"if-none-match": 'W/"abc"'}, 304),
        ({"if-none-match": '"x", "abc"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x"', "if-modified-since": DATE}, 200),
        ({"if-modified-since": DATE}, 304),
        ({"if-modified-since": EARLIER}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        ({"if-modified-since": "Mon, 01 Jan 99999999999999 00:00:00 GMT"}, 200),
        ({"if-unmodified-since": "Mon, 01 Jan 2020 00:00:00 +9999999999999"}, 200),
        ({"if-match": '"abc"'}, 200),
        ({"if-match": 'W/"abc"'}, 412),
        ({"if-match": '"x"'}, 412),
        ({"if-match": "*"}, 200),
        ({"if-unmodified-since": EARLIER}, 412),
        ({"if-unmodified-since": DATE}, 200),
        ({"range": "bytes=0-1", "if-range": '"abc"'}, 206),
        ({"range": "bytes=0-1", "if-range": 'W/"abc"'}, 200),
        ({"range": "bytes=0-1", "if-range": '"x"'}, 200),
        ({"range": "bytes=0-1", "if-range": DATE}, 206),
        ({"range": "bytes=0-1", "if-range": EARLIER}, 200),
        ({"range": "bytes=2000-", "if-range": '"x"'}, 200),
        ({"range": "bytes=0-1", "if-none-match": '"abc"'}, 304),
    ],
)
def test_conditions(headers: dict[str, str], status: int) -> None:
    assert select(headers, WHAT).status == status


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("song.mp3", 'attachment; filename="song.mp3"'),
        ("Élan.mp3", "attachment; filename=\"Elan.mp3\"; filename*=UTF-8''%C3%89lan.mp3"),
        ('a"b\\c.mp3', "attachment; filename=\"a_b_c.mp3\"; filename*=UTF-8''a%22b%5Cc.mp3"),
        ("音楽", "attachment; filename=\"sound\"; filename*=UTF-8''%E9%9F%B3%E6%A5%BD"),
    ],
)
def test_names_in_headers(name: str, header: str) -> None:
    assert names.disposition(name, attachment=True) == header
    assert names.from_disposition(header.encode()) == names.clean(name)


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("C:\\Users\\me\\a.mp3", "a.mp3"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\r\nc.mp3", "abc.mp3"),
        ("evil\u202e3pm.exe", "evil3pm.exe"),
        ("  lots   of   room .mp3 ", "lots of room .mp3"),
        ("e\u0301.mp3", "é.mp3"),
        ("..", ""),
        ("", ""),
        ("x" * 300 + ".flac", "x" * 195 + ".flac"),
    ],
)
def test_names_for_display(given_name: str, shown: str) -> None:
    assert names.clean(given_name) == shown


@pytest.fixture
def uploaded(callers: Callers) -> tuple[str, bytes]:
    """The address of an uploaded recording, and its bytes."""
    data = recording("wav", 3.0)
    answer = callers["editor"].post("/api/media", files={"file": ("Été.wav", data, "audio/wav")})
    return f"/api/media/{answer.json()['items'][0]['media']['id']}/stream", data


def headers_of(answer: Any) -> dict[str, str]:
    volatile = ("x-request-id", "date")
    return {name: value for name, value in answer.headers.items() if name not in volatile}


def test_whole_file(callers: Callers, uploaded: tuple[str, bytes]) -> None:
    url, data = uploaded
    answer = callers["viewer"].get(url, headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert answer.headers["content-disposition"] == "inline; filename=\"Ete.wav\"; filename*=UTF-8''%C3%89t%C3%A9.wav"
    assert "content-encoding" not in answer.headers
    head = callers["viewer"].head(url, headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.content, headers_of(head)) == (200, b"", headers_of(answer))
    download = callers["viewer"].get(url, params={"download": "true"})
    assert download.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize(("asked", "start", "end"), [("0-99", 0, 100), ("200000-", 200_000, None), ("-7", -7, None)])
def test_one_range(callers: Callers, uploaded: tuple[str, bytes], asked: str, start: int, end: int | None) -> None:
    url, data = uploaded
    answer = callers["viewer"].get(url, headers={"Range": f"bytes={asked}"})
    part = data[start:end]
    first = data.index(part) if start < 0 else start
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(data)}"
    assert answer.headers["content-length"] == str(len(part))


def test_several_ranges_come_as_parts(callers: Callers, uploaded: tuple[str, bytes]) -> None:
    url, data = uploaded
    answer = callers["viewer"].get(url, headers={"Range": "bytes=1000-8999,0-9,-10", "Accept-Encoding": "gzip"})
    assert answer.status_code == 206
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "content-encoding" not in answer.headers
    parser = BytesParser(policy=policy.HTTP)
    message = parser.parsebytes(
        b"Content-Type: " + answer.headers["content-type"].encode() + b"\r\n\r\n" + answer.content
    )
    assert isinstance(message, EmailMessage)
    parts = [
        (part["content-range"], part["content-type"], part.get_payload(decode=True)) for part in message.iter_parts()
    ]
    size = len(data)
    assert parts == [
        (f"bytes 1000-8999/{size}", "audio/wav", data[1000:9000]),
        (f"bytes 0-9/{size}", "audio/wav", data[:10]),
        (f"bytes {size - 10}-{size - 1}/{size}", "audio/wav", data[-10:]),
    ]


def test_a_range_beyond_the_end(callers: Callers, uploaded: tuple[str, bytes]) -> None:
    url, data = uploaded
    answer = callers["viewer"].get(url, headers={"Range": f"bytes={len(data)}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(data)}"
    assert callers["viewer"].head(url, headers={"Range": f"bytes={len(data)}-"}).status_code == 200


def test_revalidation(callers: Callers, uploaded: tuple[str, bytes]) -> None:
    url, data = uploaded
    first = callers["viewer"].head(url)
    for name, value in (
        ("If-None-Match", first.headers["etag"]),
        ("If-Modified-Since", first.headers["last-modified"]),
    ):
        again = callers["viewer"].get(url, headers={name: value})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    resumed = {"Range": "bytes=5-", "If-Range": first.headers["etag"]}
    assert callers["viewer"].get(url, headers=resumed).content == data[5:]
    assert callers["viewer"].get(url, headers={**resumed, "If-Range": '"other"'}).content == data
    assert callers["viewer"].get(url, headers={"If-Match": '"other"'}).status_code == 412


def outside(context: Context, callers: Callers, path: Path) -> str:
    """The address of a library file that lies where it is."""
    status = path.stat()
    with context.database.write(callers.actors["owner"]) as session:
        facts = FileFacts(os.fsencode(path), status.st_size, status.st_mtime_ns, "quick")
        media: Media = register_file(session, callers.home, facts)
    return f"/api/media/{media.id}/stream"


@pytest.fixture
def listener(callers: Callers) -> TestClient:
    return callers["viewer"]


def test_library_file_is_sent_from_where_it_lies(
    context: Context, callers: Callers, listener: TestClient, tmp_path: Path
) -> None:
    data = recording("flac")
    path = tmp_path / os.fsdecode(b"caf\xe9 \xff.flac")
    path.write_bytes(data)
    url = outside(context, callers, path)
    answer = listener.get(url)
    assert (answer.status_code, answer.content) == (200, data)
    assert listener.get(url, headers={"Range": "bytes=3-5"}).content == data[3:6]
    assert listener.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_library_file_that_changed_or_went_is_not_sent(
    context: Context, callers: Callers, listener: TestClient, tmp_path: Path
) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(recording("flac"))
    url = outside(context, callers, path)
    os.utime(path, ns=(1, 1))
    changed = listener.get(url)
    assert (changed.status_code, changed.json()["type"]) == (409, "urn:otolith:problem:file-changed")
    path.unlink()
    assert listener.get(url).status_code == 404
    os.mkfifo(path)
    assert listener.get(url).status_code == 409


def test_a_link_is_followed_to_sound_and_to_nothing_else(
    context: Context, callers: Callers, listener: TestClient, tmp_path: Path
) -> None:
    data = recording("flac")
    path, target, secret = tmp_path / "a.flac", tmp_path / "b.flac", tmp_path / "secret"
    target.write_bytes(data)
    path.symlink_to(target)
    url = outside(context, callers, path)
    assert listener.get(url).content == data
    status = target.stat()
    secret.write_bytes(b"root:x:0:0:".ljust(len(data), b"."))
    os.utime(secret, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()
    path.symlink_to(secret)
    answer = listener.get(url)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:otolith:problem:file-changed")
    assert listener.get(url, params={"format": "mp3"}).status_code == 409


def test_stored_file_that_vanished_is_told_plainly(
    context: Context, listener: TestClient, uploaded: tuple[str, bytes]
) -> None:
    (file,) = [path for path in context.settings.folder.media.rglob("*") if path.is_file()]
    file.unlink()
    answer = listener.get(uploaded[0])
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:otolith:problem:stored-file-missing")
