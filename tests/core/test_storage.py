"""Stored files: whole or not there, in a folder and in S3, with the faults that both have."""

import errno
import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from otolith.core.errors import NotAvailable
from otolith.core.settings import BadSettings, Settings, StorageSettings
from otolith.core.spool import Spool, StorageFull
from otolith.core.storage import LocalStorage, Storage, StorageUnavailable, StoredFileMissing, key_of, open_storage
from otolith.core.storage_s3 import S3Storage, open_s3
from tests.services import free_port

# Always the same, because test ids hold its hash, and parallel runners compare ids.
DATA = random.Random(26).randbytes(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()
KEY = f"media/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}.flac"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of a server that speaks S3 and keeps everything in memory."""
    port = free_port()
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def s3_settings(endpoint: str, bucket: str) -> StorageSettings:
    return StorageSettings(
        url=f"s3://{bucket}/some/prefix",
        endpoint=endpoint,
        access_key=SecretStr("test"),
        secret_key=SecretStr("test"),
    )


@pytest.fixture
def bucket(moto: str) -> str:
    name = f"bucket-{uuid4().hex}"
    httpx.put(f"{moto}/{name}", headers={"Authorization": "AWS test:test"}).raise_for_status()
    return name


def local(data: Path) -> Storage:
    settings = Settings(data=data)
    settings.folder.make()
    return open_storage(settings)


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return local(tmp_path / "data")
    settings = Settings(
        data=tmp_path / "data",
        storage=s3_settings(request.getfixturevalue("moto"), request.getfixturevalue("bucket")),
    )
    settings.folder.make()
    return open_storage(settings)


def put(storage: Storage, data: bytes = DATA) -> str:
    with storage.incoming() as incoming:
        for start in range(0, len(data), 700_000):
            incoming.write(data[start : start + 700_000])
        return storage.place(incoming.finish(), "flac")


def test_a_file_comes_back_as_it_went_in(storage: Storage) -> None:
    assert put(storage) == KEY
    found = storage.stat(KEY)
    assert found is not None
    assert found.size == len(DATA)
    assert b"".join(storage.read_range(KEY, 0, len(DATA))) == DATA
    assert b"".join(storage.read_range(KEY, 100, 2_500_000)) == DATA[100:2_500_000]
    assert b"".join(storage.read_range(KEY, 5, 5)) == b""
    with storage.local(KEY) as path:
        assert path.read_bytes() == DATA
    assert list(storage.keys()) == [KEY]
    assert list(storage.keys(older_than=3600)) == []
    assert list(storage.spool.folder.iterdir()) == []
    assert storage.healthy()


def test_shelves_are_kept_apart(storage: Storage) -> None:
    put(storage)
    with storage.incoming() as incoming:
        incoming.write(DATA)
        cover = storage.place(incoming.finish(), "webps", "covers")
    assert cover == KEY.replace("media/", "covers/").replace(".flac", ".webps")
    assert list(storage.keys()) == [KEY]
    assert list(storage.keys(shelf="covers")) == [cover]
    assert b"".join(storage.read_range(cover, 5, 50)) == DATA[5:50]
    storage.delete(KEY)
    assert storage.stat(cover) is not None


def test_placing_again_changes_nothing(storage: Storage) -> None:
    put(storage)
    first = storage.stat(KEY)
    put(storage)
    assert storage.stat(KEY) == first


def test_a_file_may_be_placed_again_after_it_was_taken_away(storage: Storage) -> None:
    with storage.incoming() as incoming:
        incoming.write(DATA)
        spooled = incoming.finish()
        storage.place(spooled, "flac")
        storage.delete(KEY)
        storage.place(spooled, "flac")
    assert b"".join(storage.read_range(KEY, 0, len(DATA))) == DATA


def test_remains_of_the_wrong_size_are_replaced(tmp_path: Path) -> None:
    storage = local(tmp_path / "data")
    put(storage)
    (tmp_path / "data" / KEY).write_bytes(b"half of it")
    put(storage)
    assert b"".join(storage.read_range(KEY, 0, len(DATA))) == DATA


def test_file_systems_without_second_names_are_served_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    storage = local(tmp_path / "data")
    put(storage)
    assert b"".join(storage.read_range(KEY, 0, len(DATA))) == DATA


def test_what_is_missing_is_told_plainly(storage: Storage) -> None:
    assert storage.stat(KEY) is None
    with pytest.raises(StoredFileMissing):
        list(storage.read_range(KEY, 0, 10))
    with pytest.raises(StoredFileMissing), storage.local(KEY):
        pass
    storage.delete(KEY)


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "media/aa/bb/x.flac", KEY.upper(), KEY + "/..", ""])
def test_nothing_but_a_key_is_a_path(storage: Storage, key: str) -> None:
    for call in (storage.stat, storage.delete):
        with pytest.raises(ValueError, match="not a storage key"):
            call(key)
    with pytest.raises(ValueError, match="not a storage key"):
        key_of(DIGEST, "../x")


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = local(tmp_path / "data")
    room = 1_000_000
    real = os.write

    def write(descriptor: int, data: Any) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(descriptor, memoryview(data)[:room])
        room -= taken
        return taken

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(StorageFull):
        put(storage)
    monkeypatch.undo()
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []
    with pytest.raises(StorageFull, match="MB free"):
        storage.spool.require_space(10**18, 0)


def test_sweep_takes_what_nobody_holds(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    abandoned = tmp_path / f"{uuid4()}.incoming"
    abandoned.write_bytes(b"left by a crash")
    (tmp_path / "of somebody else").write_bytes(b"")
    later = time.time() + 3600
    with spool.incoming() as held:
        assert spool.sweep() == 0
        assert spool.sweep(later) == 1
        assert held.path.exists()
        assert not abandoned.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["of somebody else"]


def test_folder_that_cannot_be_written_is_trouble(tmp_path: Path) -> None:
    storage = local(tmp_path / "data")
    assert storage.trouble() is None
    (tmp_path / "data" / "media").rmdir()
    assert not storage.healthy()
    assert "is not there" in (storage.trouble() or "")


def test_bucket_that_is_not_there_is_named_as_such(moto: str, tmp_path: Path) -> None:
    storage = open_s3(s3_settings(moto, "no-such-bucket"), Spool(tmp_path))
    assert "bucket" in (storage.trouble() or "")
    with pytest.raises(StorageUnavailable, match="bucket"):
        put(storage)


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "file:///x"])
def test_settings_that_name_no_bucket_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="OTOLITH_STORAGE_URL"):
        open_s3(StorageSettings(url=url), Spool(tmp_path))


class Flaky:
    """Stands before the S3 server and lets requests fail as told."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.fail: Callable[[str], bool] = lambda _method: False
        self.slow = 0.0
        flaky = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                return

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                time.sleep(flaky.slow)
                if flaky.fail(self.command):
                    self._answer(500, {}, b"<Error><Code>InternalError</Code></Error>")
                    return
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = httpx.request(self.command, flaky.target + self.path, content=body, headers=headers)
                self._answer(answer.status_code, dict(answer.headers), answer.content)

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                length = headers.get("Content-Length", headers.get("content-length", str(len(body))))
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "server", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
            setattr(Handler, f"do_{method}", Handler.do)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def flaky(moto: str) -> Iterator[Flaky]:
    flaky = Flaky(moto)
    yield flaky
    flaky.close()


def behind(flaky: Flaky, bucket: str, folder: Path) -> S3Storage:
    return open_s3(s3_settings(flaky.url, bucket), Spool(folder / "spool"), retry_seconds=2)


def test_s3_that_fails_now_and_then_is_asked_again(flaky: Flaky, bucket: str, tmp_path: Path) -> None:
    storage = behind(flaky, bucket, tmp_path)
    calls = iter(range(10**6))
    flaky.fail = lambda _method: next(calls) % 2 == 0
    flaky.slow = 0.05
    put(storage)
    assert b"".join(storage.read_range(KEY, 0, len(DATA))) == DATA


def test_s3_that_stays_away_is_told_and_leaves_no_temporary_file(flaky: Flaky, bucket: str, tmp_path: Path) -> None:
    storage = behind(flaky, bucket, tmp_path)
    put(storage)
    flaky.fail = lambda _method: True
    assert not storage.healthy()
    with pytest.raises(NotAvailable):
        list(storage.read_range(KEY, 0, 10))
    with pytest.raises(StorageUnavailable), storage.local(KEY):
        pass
    with pytest.raises(StorageUnavailable):
        put(storage, b"another content")
    flaky.fail = lambda _method: False
    assert list(storage.keys()) == [KEY]
    assert list((tmp_path / "spool").iterdir()) == []


def test_s3_that_breaks_off_in_the_middle_of_a_download(flaky: Flaky, bucket: str, tmp_path: Path) -> None:
    storage = behind(flaky, bucket, tmp_path)
    put(storage)
    served = iter(range(10**6))
    flaky.fail = lambda method: method == "GET" and next(served) > 0
    chunks = storage.read_range(KEY, 0, len(DATA))
    assert len(next(chunks)) > 0
    with pytest.raises(StorageUnavailable):
        list(chunks)


def test_the_folder_is_the_default(tmp_path: Path) -> None:
    assert isinstance(local(tmp_path), LocalStorage)
