"""Sending a recording as it is: from the storage or from where it lies, whole or in ranges."""

import datetime as dt
import os
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from otolith.core.context import Context
from otolith.core.errors import AppError, Conflict, NotFound
from otolith.core.storage import StoredFileMissing, read_descriptor
from otolith.media import names
from otolith.media.engine.reader import SoundFile, open_regular
from otolith.media.engine.sniff import locate
from otolith.media.listening import ListenFailure
from otolith.media.models import Media
from otolith.media.ranges import Representation, Selection, Span, select
from otolith.media.threads import iterate

# A sound file is never a page: whatever it contains may neither run nor load anything when it is opened by itself.
GUARD: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_UNKNOWN: Final = "application/octet-stream"


class FileChanged(Conflict):
    """The file was changed since Otolith last looked at it; scan its folder again."""


class FileGone(NotFound):
    """The file is no longer where it was; scan its folder again."""


class FileUnreadable(Conflict):
    """The file cannot be read; look at its owner and its rights, and scan its folder again."""


class WrongVersion(AppError):
    """The file is not the version that the request was made for."""

    status = 412


class RangeNotThere(AppError):
    """The file has no such bytes."""

    status = 416


@dataclass(frozen=True, slots=True)
class Recording:
    """A media's bytes, checked to be those that its row describes."""

    context: Context
    media: Media
    what: Representation

    def read(self, span: Span) -> Iterator[bytes]:
        """The bytes of a span in chunks; an error where they are no longer the same."""
        left = span.end - span.start
        for chunk in self._read(span):
            left -= len(chunk)
            yield chunk
        if left:
            raise FileChanged

    def _read(self, span: Span) -> Iterator[bytes]:
        if self.media.path is None:
            yield from self.context.storage.read_range(self.media.stored or "", span.start, span.end)
            return
        descriptor = open_unchanged(self.media)
        try:
            yield from read_descriptor(descriptor, span.start, span.end)
        finally:
            os.close(descriptor)


def open_unchanged(media: Media) -> int:
    """A descriptor of a library file that still is what the last scan saw; opening it never blocks."""
    try:
        descriptor = open_regular(media.path or b"")
    except ListenFailure as failure:
        raise (FileGone if failure.kind == "vanished" else FileUnreadable) from failure
    status = os.fstat(descriptor)
    same = (status.st_size, status.st_mtime_ns) == (media.size, media.mtime_ns)
    if not same or (_is_elsewhere(descriptor, media.path or b"") and not _is_sound(descriptor)):
        os.close(descriptor)
        raise FileChanged
    return descriptor


def _is_elsewhere(descriptor: int, path: bytes) -> bool:
    """Whether a link led to this file; whoever may write to a library can turn links, and set sizes and times."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}".encode()) != path  # noqa: PTH115 - the path is bytes
    except OSError:
        return os.path.realpath(path) != path


def _is_sound(descriptor: int) -> bool:
    try:
        with SoundFile(f"/dev/fd/{descriptor}", hashed=False) as file:
            locate(file)
    except ListenFailure:
        return False
    return True


def open_recording(context: Context, media: Media) -> Recording:
    """Look whether a media's file is there; call it from a thread."""
    mime = media.mime or _UNKNOWN
    if media.path is None:
        found = context.storage.stat(media.stored or "")
        if found is None or found.size != media.size:
            raise StoredFileMissing
        what = Representation(media.size, f'"{media.sha256}"', media.added_at, mime)
    else:
        os.close(open_unchanged(media))
        nanoseconds = media.mtime_ns or 0
        modified = dt.datetime.fromtimestamp(nanoseconds // 1_000_000_000, dt.UTC)
        etag = media.sha256 or f"{media.size:x}-{nanoseconds:x}"
        what = Representation(media.size, f'"{etag}"', modified, mime)
    return Recording(context, media, what)


def respond(recording: Recording, headers: Headers, *, is_head: bool, download: bool) -> Response:
    """The answer to a GET or HEAD of a recording."""
    what = recording.what
    # A range is defined for GET alone.
    asked = {name: value for name, value in headers.items() if not (is_head and name == "range")}
    selection = select(asked, what)
    common = {
        **GUARD,
        "Accept-Ranges": "bytes",
        "ETag": what.etag,
        "Last-Modified": what.last_modified,
        # Kept by the listener's browser alone, and asked for again each time, so that a lost right is a lost right.
        "Cache-Control": "private, no-cache",
        "Content-Disposition": names.disposition(recording.media.name, attachment=download),
    }
    if selection.status == 304:
        return Response(status_code=304, headers=common)
    if selection.status == 412:
        raise WrongVersion(headers={"ETag": what.etag})
    if selection.status == 416:
        detail = f"The file has {what.size} bytes, and none of the bytes asked for."
        raise RangeNotThere(detail, headers={"Content-Range": f"bytes */{what.size}", "Accept-Ranges": "bytes"})
    if len(selection.spans) > 1:
        return _several(recording, selection, common, is_head=is_head)
    span = selection.spans[0]
    common["Content-Type"] = what.mime
    common["Content-Length"] = str(span.end - span.start)
    if selection.status == 206:
        common["Content-Range"] = span.content_range(what.size)
    return FileStream(iter(()) if is_head else recording.read(span), selection.status, common)


def _several(recording: Recording, selection: Selection, headers: Mapping[str, str], *, is_head: bool) -> Response:
    """Several ranges as multipart/byteranges (RFC 9110, section 14.6)."""
    boundary = uuid4().hex
    what = recording.what
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {what.mime}\r\nContent-Range: {span.content_range(what.size)}\r\n\r\n"
        for span in selection.spans
    ]
    tail = f"\r\n--{boundary}--\r\n"
    length = sum(len(head) + span.end - span.start for head, span in zip(heads, selection.spans, strict=True))

    def body() -> Iterator[bytes]:
        for head, span in zip(heads, selection.spans, strict=True):
            yield head.encode()
            yield from recording.read(span)
        yield tail.encode()

    sent = {
        **headers,
        "Content-Type": f"multipart/byteranges; boundary={boundary}",
        "Content-Length": str(length + len(tail)),
    }
    return FileStream(iter(()) if is_head else body(), 206, sent)


class FileStream(StreamingResponse):
    """A body read from files in threads, let go as soon as the listener has gone."""

    def __init__(self, chunks: Iterator[bytes], status: int, headers: Mapping[str, str]) -> None:
        self._chunks = iterate(chunks)
        super().__init__(self._chunks, status, headers)

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._chunks):
            await super().stream_response(send)
