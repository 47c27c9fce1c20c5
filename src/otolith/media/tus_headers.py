"""The headers of the tus protocol (1.0), read strictly."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from otolith.core.errors import AppError, BadRequest, UnsupportedMedia
from otolith.media import names

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum,concatenation"
CONTENT_TYPE: Final = "application/offset+octet-stream"
_LONGEST_METADATA: Final = 8192
_MOST_PARTS: Final = 500
ALGORITHMS: Final[Mapping[str, Callable[[], Any]]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}


class TusVersionUnknown(AppError):
    """This server speaks tus 1.0.0 alone; send the header `Tus-Resumable: 1.0.0`."""

    status = 412


class LengthNeeded(BadRequest):
    """Say how long the upload is with Upload-Length, or that you do not know yet with Upload-Defer-Length: 1."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The digest that the bytes of one request must have."""

    algorithm: str
    digest: bytes

    def hasher(self) -> Any:
        return ALGORITHMS[self.algorithm]()


def require_version(headers: Mapping[str, str]) -> None:
    if headers.get("tus-resumable") != VERSION:
        raise TusVersionUnknown(headers={"Tus-Version": VERSION})


def require_bytes(headers: Mapping[str, str]) -> None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != CONTENT_TYPE:
        raise UnsupportedMedia(f"The bytes of a resumable upload are sent as {CONTENT_TYPE}.")


def number(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a number of bytes, or None where it is not there."""
    text = headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest(f"The {name} header must be a number of bytes.")
    return int(text)


def length(headers: Mapping[str, str]) -> int | None:
    """The length that a new upload is to have, or None where the sender does not know it yet."""
    size = number(headers, "upload-length")
    deferred = headers.get("upload-defer-length")
    if deferred not in (None, "1") or (size is None) == (deferred is None):
        raise LengthNeeded
    return size


def concat(headers: Mapping[str, str]) -> list[UUID] | None:
    """The parts that an upload is to be joined from; none of them for a part, and None for an upload of its own."""
    sent = headers.get("upload-concat")
    if sent is None:
        return None
    kind, _, addresses = sent.strip().partition(";")
    if kind == "partial" and not addresses:
        return []
    try:
        parts = [UUID(address.rstrip("/").rpartition("/")[2]) for address in addresses.split()]
    except ValueError as error:
        raise BadRequest("Upload-Concat names something that is no upload.") from error
    if kind != "final" or not parts or len(parts) > _MOST_PARTS:
        raise BadRequest(f"Upload-Concat is `partial`, or `final;` and the addresses of 1 to {_MOST_PARTS} parts.")
    if "upload-length" in headers or "upload-defer-length" in headers:
        raise BadRequest("An upload that is joined from parts has their length; leave Upload-Length out.")
    return parts


def metadata(headers: Mapping[str, str]) -> tuple[str, str]:
    """The metadata as they were sent, and the file name in them (`filename` or `name`), cleaned for display."""
    sent = headers.get("upload-metadata", "")
    if len(sent) > _LONGEST_METADATA:
        raise BadRequest(f"The Upload-Metadata header may have {_LONGEST_METADATA} characters at most.")
    values: dict[str, bytes] = {}
    for pair in filter(None, (part.strip() for part in sent.split(","))):
        key, _, value = pair.partition(" ")
        try:
            values.setdefault(key, base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError) as error:
            raise BadRequest(f"The value of {key!r} in Upload-Metadata is not Base64.") from error
    name = values.get("filename") or values.get("name") or b""
    return sent, names.clean(name.decode("utf-8", "replace"))


def checksum(headers: Mapping[str, str]) -> Checksum | None:
    """What the bytes of this request must hash to, or None where the sender does not say."""
    sent = headers.get("upload-checksum")
    if sent is None:
        return None
    algorithm, _, encoded = sent.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequest(f"Checksums are taken as {' or '.join(ALGORITHMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(encoded.strip(), validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadRequest("The Upload-Checksum header is not Base64.") from error
