"""A WAV's word on its own length, and whether to believe it."""

import struct
from dataclasses import dataclass
from typing import Final

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.heard import Note
from otolith.media.engine.reader import SoundFile
from otolith.media.engine.sniff import HEAD

# What writers put there that did not know the length yet, such as every tool that writes to a pipe.
_UNSTATED: Final = frozenset({0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFFFFE, 0xFFFFFFFE})
_CHUNKS: Final = 256
# PCM, floats, A-law, µ-law and the extensible form of these.
_PLAIN: Final = frozenset({1, 3, 6, 7, 0xFFFE})


@dataclass(frozen=True, slots=True)
class WavData:
    """A WAV's data chunk: its stated size in bytes (None for a streaming writer's placeholder) and what is there.

    `overrun` says that the sound goes on after the end that the header states; `end` is where the last chunk ends that
    is worth reading.
    """

    stated: int | None
    present: int
    overrun: bool
    end: int
    notes: tuple[Note, ...]


def wav_seconds(file: SoundFile) -> float | None:
    """The length of a WAV of plain samples, by its bytes; None where it takes a decoder to tell."""
    head = file.read_at(0, HEAD)
    data = wav_data(file)
    at = head.find(b"fmt ", 12)
    if data is None or at < 0 or at + 24 > len(head) or head.startswith(b"RIFX"):
        return None
    tag, _, rate, _, align = struct.unpack_from("<HHIIH", head, at + 8)
    if tag not in _PLAIN or not rate or not align:
        return None
    size = data.present if data.stated is None else min(data.stated, data.present)
    return float(size // align / rate)


def wav_data(file: SoundFile) -> WavData | None:
    """Find the data chunk and judge its size against the file's; None where there is none or it is not RIFF.

    Raises `ListenFailure` where there are more chunks before it than anybody writes.
    """
    head = file.read_at(0, HEAD)
    order = ">" if head.startswith(b"RIFX") else "<"
    if not head.startswith((b"RIFF", b"RIFX")):
        return None
    place = 12
    for _ in range(_CHUNKS):
        chunk = file.read_at(place, 8)
        if len(chunk) < 8:
            return None
        size = struct.unpack(order + "I", chunk[4:])[0]
        if chunk[:4] == b"data":
            return _judge_wav(file, place + 8, size)
        place += 8 + size + (size & 1)
    # Whoever walks them all, as others do, may walk for minutes.
    raise ListenFailure("damaged", f"This looks like WAV, but has more than {_CHUNKS} chunks before its sound.")


def _judge_wav(file: SoundFile, start: int, size: int) -> WavData:
    rest = file.size - start
    if size in _UNSTATED:
        overrun = size != 0xFFFFFFFF and rest > 0 and size < rest
        return WavData(None, rest, overrun=overrun, end=file.size, notes=())
    after = start + size
    following = file.read_at(after + (size & 1), 8)
    if size >= rest or len(following) < 8 or _is_chunk(following, file.size - after):
        return WavData(size, rest, overrun=False, end=_end_of_chunks(file, after + (size & 1)), notes=())
    note = Note("header", f"The header states {size:,} bytes of sound; the file goes on with {rest - size:,} more.")
    return WavData(None, rest, overrun=True, end=file.size, notes=(note,))


def _end_of_chunks(file: SoundFile, place: int) -> int:
    """Where the chunks behind the sound end: FFmpeg would take megabytes of padding for as many empty chunks."""
    for _ in range(_CHUNKS):
        chunk = file.read_at(place, 8)
        size = int.from_bytes(chunk[4:], "little")
        if len(chunk) < 8 or chunk == bytes(8) or place + 8 + size > file.size:
            break
        place += 8 + size + (size & 1)
    return min(place, file.size)


def _is_chunk(data: bytes, rest: int) -> bool:
    """Whether a further RIFF chunk, or the zeros some writers pad with, follow the sound."""
    named = all(32 <= byte < 127 for byte in data[:4])
    return (named and int.from_bytes(data[4:], "little") <= rest) or data == bytes(8)
