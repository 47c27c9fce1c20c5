"""Ranges and conditions of HTTP requests (RFC 9110, sections 13 and 14), as plain functions of headers."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime
from itertools import pairwise
from typing import Final, Literal

_RANGE = re.compile(r"([0-9]{0,99})-([0-9]{0,99})")
# More pieces than a player or a download manager ever asks for, and an old way to make servers work for nothing.
_MOST_RANGES: Final = 16


@dataclass(frozen=True, slots=True)
class Representation:
    """What is sent: its size, its strong ETag (with quotes), when it last changed, and its media type."""

    size: int
    etag: str
    modified: dt.datetime
    mime: str

    @property
    def last_modified(self) -> str:
        return format_datetime(self.modified.replace(microsecond=0), usegmt=True)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to and without `end`."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Selection:
    """How to answer: 200 with everything, 206 with the spans, 304 or 412 or 416 with nothing."""

    status: Literal[200, 206, 304, 412, 416]
    spans: tuple[Span, ...] = ()


def select(headers: Mapping[str, str], what: Representation) -> Selection:
    """The answer to a GET or HEAD, with the preconditions in the order of RFC 9110, section 13.2.2.

    The names of `headers` are in lower case.
    """
    if not _if_match(headers, what):
        return Selection(412)
    if _not_modified(headers, what):
        return Selection(304)
    asked = headers.get("range")
    if asked is None or not _if_range(headers.get("if-range"), what):
        return Selection(200, (Span(0, what.size),))
    spans = parse(asked, what.size)
    if spans is None:
        return Selection(200, (Span(0, what.size),))
    return Selection(206, spans) if spans else Selection(416)


def _if_match(headers: Mapping[str, str], what: Representation) -> bool:
    match = headers.get("if-match")
    if match is not None:
        return match.strip() == "*" or what.etag in _tags(match)
    since = _date(headers.get("if-unmodified-since"))
    return since is None or what.modified.replace(microsecond=0) <= since


def _not_modified(headers: Mapping[str, str], what: Representation) -> bool:
    match = headers.get("if-none-match")
    if match is not None:
        # A weak comparison: what the client marked weak still names this content.
        return match.strip() == "*" or what.etag in {tag.removeprefix("W/") for tag in _tags(match)}
    since = _date(headers.get("if-modified-since"))
    return since is not None and what.modified.replace(microsecond=0) <= since


def _if_range(value: str | None, what: Representation) -> bool:
    """Whether the client's part still belongs to this content; a weak tag and a date that differs never prove it."""
    if value is None:
        return True
    value = value.strip()
    if value.startswith(('"', "W/")):
        return value == what.etag
    return value == what.last_modified


def _tags(header: str) -> set[str]:
    return set(re.findall(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"', header))


def _date(value: str | None) -> dt.datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def parse(header: str, size: int) -> tuple[Span, ...] | None:
    """The spans that a Range header asks for, in its order.

    None means the header is to be ignored (another unit, broken, or greedy), and an empty tuple that nothing it
    asks for exists. Overlapping or too many ranges are answered with everything, as RFC 9110, section 14.2 permits.
    """
    unit, equals, listed = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    parts = [part.strip() for part in listed.split(",") if part.strip()]
    if not parts or len(parts) > _MOST_RANGES:
        return None
    spans = []
    for part in parts:
        match = _RANGE.fullmatch(part)
        if match is None or match[0] == "-":
            return None
        first, last = match[1], match[2]
        if first and last and int(last) < int(first):
            return None
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last) + 1, size) if first and last else size
        if start < end:
            spans.append(Span(start, end))
    ordered = sorted(spans, key=lambda span: span.start)
    if any(left.end > right.start for left, right in pairwise(ordered)):
        return None
    return tuple(spans)
