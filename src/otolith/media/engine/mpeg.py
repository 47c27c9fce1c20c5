"""MPEG audio and ADTS frame headers: enough to find the first true frame and what the encoder promised.

Sources: ISO/IEC 11172-3 section 2.4.1.3, ISO/IEC 13818-3, ISO/IEC 14496-3 (ADTS), and the de facto Xing and VBRI
headers.
"""

import itertools
import re
from dataclasses import dataclass
from typing import Final

_BITRATES: Final[dict[tuple[bool, int], tuple[int, ...]]] = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = (44100, 48000, 32000)
_ADTS_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_TRIES: Final = 100_000
_SYNC: Final = re.compile(rb"\xff[\xe0-\xff]")


@dataclass(frozen=True, slots=True)
class Header:
    """One frame header: `length` in bytes, `samples` a channel; frames of one stream share `family`."""

    length: int
    samples: int
    rate: int
    mono: bool
    family: tuple[str, int, int]

    @property
    def demuxer(self) -> str:
        return self.family[0]


def parse(data: bytes, at: int) -> Header | None:
    """The header at a place of the data, or None where there is none."""
    head = data[at : at + 6]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return _adts(head)
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate_index, rate_index = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    first = version == 3
    rate = _RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    bitrate = _BITRATES[first, layer][bitrate_index - 1] * 1000
    padding = head[2] >> 1 & 1
    samples = 384 if layer == 1 else 576 if layer == 3 and not first else 1152
    length = (12 * bitrate // rate + padding) * 4 if layer == 1 else samples // 8 * bitrate // rate + padding
    return Header(length, samples, rate, head[3] >> 6 == 3, ("mp3", version * 4 + layer, rate))


def _adts(head: bytes) -> Header | None:
    if len(head) < 6:
        return None
    index = head[2] >> 2 & 15
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if index >= len(_ADTS_RATES) or length < 7:
        return None
    rate = _ADTS_RATES[index]
    return Header(length, 1024, rate, False, ("aac", head[1] & 0xF9, rate))


def follows(data: bytes, at: int, *, wanted: int, ends: bool) -> Header | None:
    """The header at `at` if a stream of frames really begins there.

    True for `wanted` frames in a row, or, where `ends` says that the data reaches to the end of the file, for
    fewer that fill it (a trailing ID3v1 or APE tag aside) or of which the last one is cut off.
    """
    first = header = parse(data, at)
    count = 0
    while header is not None and first is not None and header.family == first.family:
        count += 1
        if count == wanted:
            return first
        at += header.length
        if at >= len(data):
            return first if ends and (count > 1 or at == len(data)) else None
        header = parse(data, at)
    return first if ends and count and data[at:].startswith((b"TAG", b"APETAGEX", b"LYRICS")) else None


def search(data: bytes, *, ends: bool, start: int = 0) -> tuple[int, Header] | None:
    """The first place from which four frames of one kind follow each other."""
    for found in itertools.islice(_SYNC.finditer(data, start), _TRIES):
        header = follows(data, found.start(), wanted=4, ends=ends and len(data) < 8192)
        if header is not None:
            return found.start(), header
    return None


def promised_seconds(data: bytes, at: int) -> float | None:
    """The duration an MP3's Xing, Info or VBRI header promises, or None where there is none."""
    header = parse(data, at)
    if header is None or header.demuxer != "mp3":
        return None
    side = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}
    place = at + 4 + side[header.samples == 1152, header.mono]
    if data[place : place + 4] in (b"Xing", b"Info"):
        if not data[place + 7] & 1 or len(data) < place + 12:
            return None
        frames = int.from_bytes(data[place + 8 : place + 12], "big")
    elif data[at + 36 : at + 40] == b"VBRI" and len(data) >= at + 54:
        frames = int.from_bytes(data[at + 50 : at + 54], "big")
    else:
        return None
    return frames * header.samples / header.rate or None
