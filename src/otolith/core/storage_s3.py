"""Stored media in S3 or in anything that speaks its protocol."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from otolith.core.settings import BadSettings, StorageSettings
from otolith.core.spool import Incoming, Spool, Spooled
from otolith.core.storage import Shelf, StorageUnavailable, StoredFile, StoredFileMissing, key_of, require_key

log = structlog.get_logger(__name__)

# Each block is a request of its own, so that a player that pauses holds no connection open.
_BLOCK: Final = 2 << 20
_PART: Final = 16 << 20
_RETRY_SECONDS: Final = 20


class S3Storage:
    """The storage in a bucket; files are received into the local spool first, where they are probed."""

    def __init__(self, store: S3Store, spool: Spool) -> None:
        self._store = store
        self.spool = spool

    def incoming(self) -> Incoming:
        return self.spool.incoming()

    def place(self, spooled: Spooled, extension: str, shelf: Shelf = "media") -> str:
        key = key_of(spooled.sha256, extension, shelf)
        present = self.stat(key)
        if present is None or present.size != spooled.size:
            with _plain():
                obstore.put(self._store, key, spooled.path, chunk_size=_PART, max_concurrency=4)
        return key

    def stat(self, key: str) -> StoredFile | None:
        require_key(key)
        try:
            with _plain():
                found = obstore.head(self._store, key)
        except StoredFileMissing:
            return None
        return StoredFile(key, found["size"], found["last_modified"].timestamp())

    def read_range(self, key: str, start: int, end: int) -> Iterator[bytes]:
        require_key(key)
        while start < end:
            with _plain():
                data = bytes(obstore.get_range(self._store, key, start=start, end=min(start + _BLOCK, end)))
            if not data:
                return
            yield data
            start += len(data)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        found = self.stat(key)
        if found is None:
            raise StoredFileMissing
        with self.spool.incoming() as copy:
            for data in self.read_range(key, 0, found.size):
                copy.write(data)
            if copy.size != found.size:
                raise StorageUnavailable
            yield copy.path

    def delete(self, key: str) -> None:
        require_key(key)
        try:
            with _plain():
                obstore.delete(self._store, key)
        except StoredFileMissing:
            # Somebody else took it away: what was wanted is so.
            log.info("storage.delete.absent", key=key)

    def keys(self, older_than: float = 0.0, shelf: Shelf = "media") -> Iterator[str]:
        newest = time.time() - older_than
        with _plain():
            for batch in obstore.list(self._store, shelf, chunk_size=1000):
                for found in batch:
                    if found["last_modified"].timestamp() <= newest:
                        yield found["path"]

    def free_space(self) -> int:
        return self.spool.free_space()

    def trouble(self) -> str | None:
        try:
            with _plain():
                obstore.list_with_delimiter(self._store, "media/00/00")
        except StorageUnavailable as error:
            return error.detail
        return None

    def healthy(self) -> bool:
        return self.trouble() is None


@contextmanager
def _plain() -> Iterator[None]:
    """Turn the library's errors into ours; what they say goes to the log, since it may hold addresses."""
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        if "NoSuchBucket" in str(error):
            detail = "The bucket that the settings name does not exist; make it, or correct OTOLITH_STORAGE_URL."
            raise StorageUnavailable(detail) from error
        if isinstance(error, NotFoundError | FileNotFoundError):
            raise StoredFileMissing from error
        log.warning("storage.s3.failed", error=type(error).__name__, reason=str(error)[:500])
        raise StorageUnavailable(headers={"Retry-After": "10"}) from error


def open_s3(settings: StorageSettings, spool: Spool, retry_seconds: float = _RETRY_SECONDS) -> S3Storage:
    """The storage in the bucket that the settings name; `s3://bucket/prefix`."""
    if not settings.url.startswith("s3://") or len(settings.url) == len("s3://"):
        raise BadSettings("OTOLITH_STORAGE_URL must read s3://bucket or s3://bucket/prefix.")
    bucket, _, prefix = settings.url.removeprefix("s3://").partition("/")
    store = S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        endpoint=settings.endpoint or None,
        region=settings.region,
        access_key_id=settings.access_key.get_secret_value() if settings.access_key else None,
        secret_access_key=settings.secret_key.get_secret_value() if settings.secret_key else None,
        # An address of its own is a server of its own, which need not have a name for every bucket.
        virtual_hosted_style_request=not settings.endpoint,
        client_options={
            "allow_http": settings.endpoint.startswith("http://"),
            "connect_timeout": dt.timedelta(seconds=5),
            "timeout": dt.timedelta(seconds=120),
        },
        retry_config={
            "max_retries": 6,
            "retry_timeout": dt.timedelta(seconds=retry_seconds),
            "backoff": {
                "init_backoff": dt.timedelta(milliseconds=100),
                "max_backoff": dt.timedelta(seconds=5),
                "base": 2,
            },
        },
    )
    return S3Storage(store, spool)
