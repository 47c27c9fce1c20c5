"""Chained Ogg files: several recordings one after the other, as web radio and careless joining leave them.

FFmpeg follows a chain only as long as nothing changes from link to link, and drops the rest without a word. So a
chain is taken apart here, by RFC 3533's page headers, and its links are decoded one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otolith.media.engine.reader import SoundFile

_LARGEST_PAGE: Final = 65_307
_AT_ONCE: Final = 1 << 20
_BEGINS: Final = 2
_MOST_LINKS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page header: where it lies, how long the page is, which stream it belongs to, whether it begins one."""

    start: int
    length: int
    serial: bytes
    begins: bool


def links(file: SoundFile, start: int) -> list[tuple[int, int]]:
    """Where each link of a chain begins and ends; a file that is no chain is one link, found without reading it."""
    first = {page.serial for page in _opening(file, start)}
    tail = max(start, file.size - 2 * _LARGEST_PAGE)
    last = next(pages(file, file.read_at(tail, 2 * _LARGEST_PAGE).rfind(b"OggS") + tail), None)
    if last is None or last.serial in first:
        return [(start, file.size)]
    begins = [start]
    inside = False
    for page in pages(file, start):
        if page.begins and inside and len(begins) < _MOST_LINKS:
            begins.append(page.start)
        inside = not page.begins
    return list(zip(begins, [*begins[1:], file.size], strict=True))


def _opening(file: SoundFile, start: int) -> Iterator[Page]:
    """The pages that begin the streams of the first link."""
    for page in pages(file, start):
        if not page.begins:
            return
        yield page


def pages(file: SoundFile, start: int) -> Iterator[Page]:
    """The pages of a file from a place on; what lies between them is skipped."""
    place, base, data = start, start, b""
    while place < file.size:
        if place + _LARGEST_PAGE > base + len(data) and base + len(data) < file.size:
            base, data = place, file.read_at(place, _AT_ONCE)
        at = data.find(b"OggS", place - base)
        if at < 0 or at + 27 > len(data):
            # The mark itself may lie across the edge of what was read.
            step = base + len(data) - 3
            if base + len(data) >= file.size or step <= place:
                return
            place = step
            continue
        segments = data[at + 26]
        length = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        yield Page(base + at, length, data[at + 14 : at + 18], bool(data[at + 5] & _BEGINS))
        place = base + at + length
