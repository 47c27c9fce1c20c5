"""Bodies of uploads on their way to disk, in one pass: parsed, hashed and written as they come."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Protocol

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header

from otolith.core.errors import BadRequest, TooLarge
from otolith.core.spool import Incoming, Spool, Spooled
from otolith.media import names

_MOST_FILES: Final = 100
_MOST_TEXT: Final = 64 << 10
_MOST_PARTS: Final = 200


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that was received whole; `name` is what the sender calls it, for display alone."""

    name: str
    spooled: Spooled


class Receiver(Protocol):
    """Takes a body piece by piece. It waits for the disk, so it belongs in a thread; `close` forgets every file."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> list[Arrived]: ...

    def close(self) -> None: ...


def too_large(limit: int) -> TooLarge:
    detail = (
        f"This is more than the {limit // 1_000_000:,} MB that one upload may have. Send less at once, "
        "or let the server's owner raise OTOLITH_MEDIA_UPLOAD_LIMIT."
    )
    return TooLarge(detail, limit=limit)


class RawReceiver:
    """A body that is the file itself."""

    def __init__(self, spool: Spool, limit: int, name: str) -> None:
        self._incoming = spool.incoming()
        self._limit = limit
        self._name = name

    def feed(self, data: bytes) -> None:
        if self._incoming.size + len(data) > self._limit:
            raise too_large(self._limit)
        self._incoming.write(data)

    def finish(self) -> list[Arrived]:
        return [Arrived(self._name, self._incoming.finish())]

    def close(self) -> None:
        self._incoming.discard()


class MultipartReceiver:
    """A form (RFC 7578): every part with a file name, or called `file`, is a file; other fields are passed over."""

    def __init__(self, spool: Spool, limit: int, boundary: bytes) -> None:
        self._spool = spool
        self._limit = limit
        self._files = ExitStack()
        self._arrived: list[Arrived] = []
        self._received = 0
        self._text_size = 0
        self._parts = 0
        self._header = [b"", b""]
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._incoming: Incoming | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._open,
                "on_part_data": self._data,
                "on_part_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise BadRequest(f"The form could not be read: {error}.") from error

    def finish(self) -> list[Arrived]:
        if self._parser.state != MultipartState.END:
            raise BadRequest("The form ended before its last boundary: the upload was cut off. Send it again.")
        if not self._arrived:
            raise BadRequest("The form holds no file; send at least one, in a field called `file`.")
        return self._arrived

    def close(self) -> None:
        self._files.close()

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise TooLarge(f"A form may have {_MOST_PARTS} fields at most.")
        self._header, self._headers = [b"", b""], {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = [b"", b""]

    def _open(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        options = parse_options_header(disposition)[1]
        if b"filename" not in options and options.get(b"name") != b"file":
            return
        if len(self._arrived) >= _MOST_FILES:
            raise TooLarge(f"Send at most {_MOST_FILES} files at once.")
        self._name = names.clean(names.decoded(options.get(b"filename", b"")))
        self._incoming = self._files.enter_context(self._spool.incoming())

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._incoming is None:
            self._text_size += end - start
            if self._text_size > _MOST_TEXT:
                raise TooLarge("The text fields of this form are longer than 64 KiB.")
            return
        self._received += end - start
        if self._received > self._limit:
            raise too_large(self._limit)
        self._incoming.write(memoryview(data)[start:end])

    def _end(self) -> None:
        if self._incoming is None:
            return
        incoming, self._incoming = self._incoming, None
        # A browser sends an empty part without a name for a file field that was left alone.
        if incoming.size or self._name:
            self._arrived.append(Arrived(self._name, incoming.finish()))
