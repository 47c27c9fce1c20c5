"""Packets to blocks of samples, with a count of everything that went wrong on the way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av
from av.audio.frame import format_dtypes
from av.error import FFmpegError

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.limits import Limits
from otolith.media.engine.mpeg import Header, parse
from otolith.media.engine.opening import Opened, bits_of
from otolith.media.engine.signals import Block, Shape
from otolith.media.engine.sniff import ADTS, MP3
from otolith.media.engine.stored_digest import StoredDigest

Form = tuple[str, int, str]

_BLOCK_SECONDS: Final = 2
_BLOCK_BYTES: Final = 4 << 20
_BLOCK_RESAMPLED: Final = 1 << 20
_HIGHEST_WANTED: Final = 48_000
# Containers with times in milliseconds, and encoders' delays, differ by this much from the count of samples.
_GAP: Final = 0.09
_PATIENCE: Final = 4096
_REOPENINGS: Final = 64


@dataclass(slots=True)
class Decoding:
    """Packets to blocks, with a count of everything that went wrong on the way.

    A packet that cannot be decoded is left out and counted if something could be decoded after it: what comes
    last in a file is often a tag, or a frame cut in two.
    """

    opened: Opened
    limits: Limits
    before: float = 0.0
    frames: int = 0
    lost: int = 0
    repaired: int = 0
    forms: list[Form] = field(default_factory=list)
    _pending_lost: int = 0
    _broken_off: bool = False
    _by_rate: dict[int, int] = field(default_factory=dict)
    _last: tuple[int | None, Fraction | None, float] = (None, None, 0.0)
    _first_pts: int | None = None
    _converters: dict[Shape, av.AudioResampler] = field(default_factory=dict)
    _tail: Any = None
    _head: Header | None = None
    _digest: StoredDigest | None = field(init=False)

    def __post_init__(self) -> None:
        context = self.opened.stream.codec_context
        self._digest = StoredDigest.of(self.opened, bits_of(context.name, context, lossless=True))

    @property
    def seconds(self) -> float:
        return sum(frames / rate for rate, frames in self._by_rate.items())

    @property
    def first_seconds(self) -> float:
        """The time of the first frame, counted from the beginning of the recording; 0 where it carries none."""
        stream = self.opened.stream
        if self._first_pts is None or stream.time_base is None:
            return 0.0
        return float((self._first_pts - (stream.start_time or 0)) * stream.time_base)

    def blocks(self) -> Iterator[Block]:
        """Blocks of one to a few seconds; a change of format in mid-stream begins a new one."""
        fifo: av.AudioFifo | None = None
        shape: Shape | None = None
        target = 0
        for frame in self._frames():
            now = (frame.format.name, frame.sample_rate, frame.layout.name)
            if fifo is None or shape is None or now != self.forms[-1]:
                if fifo is not None and shape is not None and fifo.samples:
                    yield self._block(shape, fifo)
                shape, fifo = self._admit(Shape.of(frame)), av.AudioFifo()
                self.forms.append(now)
                target = block_frames(shape)
            if self._first_pts is None:
                self._first_pts = frame.pts
            self._last = (frame.pts, frame.time_base, frame.samples / frame.sample_rate)
            # The queue would refuse gaps, and where there are gaps we want what is there.
            frame.pts = None
            fifo.write(frame)
            if fifo.samples >= target:
                yield self._block(shape, fifo)
        if fifo is not None and shape is not None and fifo.samples:
            yield self._block(shape, fifo)

    def _block(self, shape: Shape, fifo: av.AudioFifo) -> Block:
        frame = fifo.read(0)
        if frame is None:
            raise ListenFailure("damaged", "The decoder gave no samples where it said it had some.")
        block = Block(shape, frame)
        self.repaired += block.repaired
        self.frames += block.frames
        if self._digest is not None:
            self._digest.update(block.samples)
        self._by_rate[shape.rate] = self._by_rate.get(shape.rate, 0) + block.frames
        self.limits.admit_length(self.before + self.seconds)
        return block

    def _admit(self, shape: Shape) -> Shape:
        self.limits.admit_form(shape.channels, shape.rate)
        return shape

    def _frames(self) -> Iterator[av.AudioFrame]:
        stream = self.opened.stream
        for packet in self._packets():
            try:
                frames = stream.decode(packet)
            except MemoryError as error:
                raise ListenFailure("memory", "Decoding this file needs too much memory.") from error
            except (FFmpegError, ValueError):
                self._pending_lost += 1
                if not self.frames and self._pending_lost > _PATIENCE:
                    return
                continue
            for frame in frames:
                if frame.samples and frame.sample_rate > 0:
                    self.lost, self._pending_lost = self.lost + self._pending_lost, 0
                    yield from self._plain(frame)

    def _plain(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """The frame itself, or one of doubles where NumPy has no word for its samples (64-bit integers)."""
        if frame.format.name in format_dtypes:
            yield frame
            return
        shape = Shape.of(frame)
        if shape not in self._converters:
            self._converters[shape] = av.AudioResampler(format="dblp", layout=frame.layout, rate=frame.sample_rate)
        yield from self._converters[shape].resample(frame)

    def _packets(self) -> Iterator[Any]:
        """The stream's packets; a demuxer that stumbles is asked again, as long as it gets anywhere."""
        opened = self.opened
        for _ in range(_REOPENINGS):
            got = 0
            try:
                for packet in opened.container.demux(opened.stream):
                    got += 1
                    if packet.size:
                        self._note_packet(packet)
                    yield packet
            except MemoryError as error:
                raise ListenFailure(
                    "memory", "Reading this file needs more memory than a sound file may have."
                ) from error
            except (FFmpegError, OSError, ValueError) as error:
                if opened.file.failure is not None:
                    raise opened.file.failure from error
                self._broken_off = True
                if got == 0:
                    break
                self._pending_lost += 1
            else:
                return
        yield None

    def _note_packet(self, packet: Any) -> None:
        if self._tail is None and self.opened.found.container in (MP3, ADTS):
            self._head = _header_of(packet)
        self._tail = packet

    @property
    def cut(self) -> bool:
        """Whether MPEG sound ends in the middle of a frame, as it does where the rest of a file is missing."""
        last = None if self._head is None else _header_of(self._tail)
        if self._head is None or last is None:
            return False
        # What follows the sound, such as a tag, may look like the head of a frame of some other kind.
        return last.family == self._head.family and last.length > self._tail.size

    @property
    def differs(self) -> bool:
        """Whether other samples came out than the file says went in."""
        return self._digest is not None and self._digest.differs

    def silence(self) -> ListenFailure:
        """Why there was not a single block."""
        name = self.opened.found.container.name
        if (self.opened.stated or 0.0) > 1.0 or self._pending_lost or self._broken_off:
            return ListenFailure("damaged", f"This looks like {name}, but nothing in it can be decoded.")
        return ListenFailure("no_sound", f"This {name} file is whole but holds no sound: it is 0 seconds long.")

    @property
    def missing(self) -> float:
        """Seconds that are missing before the last frame, by the times that the frames carry."""
        (pts, base, seconds), first = self._last, self._first_pts
        if pts is None or base is None or first is None or len(self.forms) > 1:
            return 0.0
        gap = float((pts - first) * base) + seconds - self.seconds
        return gap if gap > _GAP else 0.0


def _header_of(packet: Any) -> Header | None:
    return parse(bytes(memoryview(packet)[:8]), 0)


def block_frames(shape: Shape) -> int:
    """How many frames make a block: two seconds, unless that is too much before or after resampling."""
    by_time = _BLOCK_SECONDS * shape.rate
    by_memory = _BLOCK_BYTES // (4 * shape.channels)
    by_resampling = _BLOCK_RESAMPLED * shape.rate // _HIGHEST_WANTED
    return max(1, min(max(by_time, 4096), by_memory, max(by_resampling, 16)))
