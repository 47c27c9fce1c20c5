"""Answering requests for pictures: which thumbnail, how long it may be kept, and what stands in for none."""

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response

from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotFound
from otolith.core.storage import StoredFileMissing
from otolith.library.covers.models import Cover
from otolith.library.covers.placeholder import draw
from otolith.library.covers.queries import Pictured
from otolith.media.ranges import Representation, select

log = structlog.get_logger(__name__)

VERSION_LENGTH: Final = 16
# Opened by itself, a drawing may neither run nor load anything.
_GUARD: Final = {"Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "Vary": "Accept"}
# Under an address that names its version, a picture is what it is for ever.
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_ASK_AGAIN: Final = "private, no-cache"


class NoCover(NotFound):
    """There is no picture of this; put a cover.jpg, or for an artist an artist.jpg, beside the files and scan again."""


def version_of(key: str) -> str:
    """What an address says as `v`, so that its answer never grows old."""
    return key[:VERSION_LENGTH]


def answer(
    context: Context, headers: Headers, shown: Pictured, size: int, version: str | None, *, is_head: bool = False
) -> Response:
    """The picture in the size kept that fits best, or a drawing, or that there is none."""
    cover = shown.cover
    if cover is not None and cover.stored is not None:
        edge, start, end = fitting(cover, size)
        found = _Answer(
            f"{version_of(cover.key)}-{edge}", end - start, "image/webp", _lasting(cover, version), cover.colour
        )
        if found.is_known(headers) or is_head:
            return found.send(headers, b"")
        try:
            return found.send(headers, b"".join(context.storage.read_range(cover.stored, start, end)))
        except StoredFileMissing:
            log.warning("library.cover.lost", key=cover.key)
    if not wants_image(headers):
        raise NoCover(headers={"Vary": "Accept"})
    drawing = draw(shown.title, shown.artist).encode()
    etag = hashlib.sha256(drawing).hexdigest()[:VERSION_LENGTH]
    drawn = _Answer(etag, len(drawing), "image/svg+xml", _ASK_AGAIN)
    return drawn.send(headers, b"" if is_head else drawing)


def wants_image(headers: Headers) -> bool:
    """Whether a browser asks for something to show in a page; programs ask for nothing in particular."""
    purpose = headers.get("sec-fetch-dest")
    if purpose is not None:
        return purpose == "image"
    accepted = headers.get("accept", "")
    return "image/" in accepted and "text/html" not in accepted


def fitting(cover: Cover, size: int) -> tuple[int, int, int]:
    """The edge of the smallest thumbnail that is at least so large, or of the largest, and where its bytes lie."""
    places: list[tuple[int, int, int]] = []
    start = 0
    for one in cover.sizes.split(","):
        edge, length = (int(part) for part in one.split(":"))
        places.append((edge, start, start + length))
        start += length
    return next((place for place in places if place[0] >= size), places[-1])


def _lasting(cover: Cover, version: str | None) -> str:
    named = version is not None and len(version) >= VERSION_LENGTH and cover.key.startswith(version)
    return _FOR_EVER if named else _ASK_AGAIN


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is sent, but for its bytes."""

    etag: str
    size: int
    mime: str
    lasting: str
    colour: str | None = None

    def is_known(self, headers: Headers) -> bool:
        what = Representation(self.size, f'"{self.etag}"', now(), self.mime)
        asked = {name: value for name, value in headers.items() if name == "if-none-match"}
        return select(asked, what).status == 304

    def send(self, headers: Headers, data: bytes) -> Response:
        sent = {**_GUARD, "ETag": f'"{self.etag}"', "Cache-Control": self.lasting}
        if self.colour is not None:
            sent["Otolith-Colour"] = self.colour
        if self.is_known(headers):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=sent)
        return Response(data, headers={**sent, "Content-Length": str(self.size), "Content-Type": self.mime})
