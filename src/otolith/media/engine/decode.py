"""The one decode: a file's blocks, made once in each form that is asked for, heard by every engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.audio.frame import format_dtypes
from av.error import FFmpegError

from otolith.core.audio import Engine, Samples, Signal, Source
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.heard import Heard, Note
from otolith.media.engine.limits import Limits
from otolith.media.engine.opening import Opened, describe, open_sound
from otolith.media.engine.reader import Path, SoundFile
from otolith.media.engine.signals import Block, Float, IntegerLine, Rate, Shape, conform, mono
from otolith.media.engine.sniff import OGG

Progress = Callable[[float, float], None]

_BLOCK_SECONDS: Final = 2
_BLOCK_BYTES: Final = 4 << 20
_BLOCK_RESAMPLED: Final = 1 << 20
_HIGHEST_WANTED: Final = 48_000
# Containers with times in milliseconds, and encoders' delays, differ by this much from the count of samples.
_GAP: Final = 0.09
_PATIENCE: Final = 4096
_REOPENINGS: Final = 64


def listen(path: Path, engines: Sequence[type[Engine]], limits: Limits, progress: Progress | None = None) -> Heard:
    """Decode a file once, let every engine hear it, and say what was heard.

    `progress` is called about once a block with the share of the file read (0 to 1) and the seconds decoded; what
    it raises ends the call. Raises `ListenFailure`; an engine that breaks down does not stop the others.
    """
    with SoundFile(path) as file:
        limits.admit_file(file.size)
        with open_sound(file) as opened:
            sound = describe(opened)
            limits.admit_sound(sound)
            decoding = Decoding(opened, limits)
            hall: Hall | None = None
            for block in decoding.blocks():
                if hall is None:
                    source = Source(block.shape.rate, block.shape.layout, sound.duration)
                    hall = Hall(engines, source)
                hall.push(block)
                if progress is not None:
                    progress(file.passed, decoding.seconds)
            if hall is None:
                raise decoding.silence()
            results, versions, failed = hall.finish()
            sha256 = file.sha256()
            file.require_unchanged()
            heard = Heard(
                sound=replace(sound, rate=hall.source.rate, channels=hall.source.channels, layout=hall.source.layout),
                sha256=sha256,
                duration=decoding.seconds,
                frames=decoding.frames,
                stated=opened.stated,
                lost=decoding.lost,
                notes=opened.notes + decoding.notes(),
                results=results,
                versions=versions,
                failed=failed,
            )
    if progress is not None:
        progress(1.0, heard.duration)
    return heard


@dataclass(slots=True)
class Decoding:
    """Packets to blocks, with a count of everything that went wrong on the way.

    A packet that cannot be decoded is left out and counted if something could be decoded after it: what comes
    last in a file is often a tag, or a frame cut in two.
    """

    opened: Opened
    limits: Limits
    frames: int = 0
    lost: int = 0
    changes: int = 0
    repaired: int = 0
    _pending_lost: int = 0
    _broken_off: bool = False
    _by_rate: dict[int, int] = field(default_factory=dict)
    _last: tuple[int | None, Fraction | None, float] = (None, None, 0.0)
    _first_pts: int | None = None
    _converters: dict[Shape, av.AudioResampler] = field(default_factory=dict)

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
        key: tuple[Any, ...] | None = None
        target = 0
        for frame in self._frames():
            now = (frame.format.name, frame.sample_rate, frame.layout.name)
            if fifo is None or shape is None or now != key:
                if fifo is not None and shape is not None and fifo.samples:
                    yield self._block(shape, fifo)
                self.changes += key is not None
                key, shape, fifo = now, self._admit(Shape.of(frame)), av.AudioFifo()
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
        self._by_rate[shape.rate] = self._by_rate.get(shape.rate, 0) + block.frames
        self.limits.admit_length(self.seconds)
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

    def silence(self) -> ListenFailure:
        """Why there was not a single block."""
        name = self.opened.found.container.name
        if (self.opened.stated or 0.0) > 1.0 or self._pending_lost or self._broken_off:
            return ListenFailure("damaged", f"This looks like {name}, but nothing in it can be decoded.")
        return ListenFailure("no_sound", f"This {name} file is whole but holds no sound: it is 0 seconds long.")

    def _missing(self) -> float:
        """Seconds that are missing before the last frame, by the times that the frames carry."""
        (pts, base, seconds), first = self._last, self._first_pts
        if pts is None or base is None or first is None or self.changes:
            return 0.0
        gap = float((pts - first) * base) + seconds - self.seconds
        return gap if gap > _GAP else 0.0

    def notes(self) -> tuple[Note, ...]:
        """What a person should know about a file that could be heard all the same."""
        found: list[Note] = []
        stated, seconds, missing = self.opened.stated, self.seconds, self._missing()
        tolerance = max(1.0, 0.005 * (stated or 0.0))
        if stated is not None and seconds + missing < stated - tolerance:
            text = f"The file is cut off: it states {clock(stated)}, but only {clock(seconds)} are there."
            found.append(Note("truncated", text))
        elif stated is not None and seconds > stated + tolerance and self.opened.found.container is not OGG:
            found.append(Note("header", f"The file states {clock(stated)}, but holds {clock(seconds)}."))
        if missing:
            found.append(Note("damaged", f"The file is damaged: {clock(missing)} are missing in the middle of it."))
        if self.lost:
            what = "place" if self.lost == 1 else "places"
            found.append(Note("damaged", f"The file is damaged: {self.lost:,} {what} could not be decoded."))
        if self.changes:
            found.append(Note("changes", "The sample rate or the channels change in the middle of the file."))
        if self.repaired:
            found.append(Note("not_finite", f"{self.repaired:,} samples were not numbers and were silenced."))
        return tuple(found)


def clock(seconds: float) -> str:
    """Seconds for people: 12.3 s, 4:05 min, 1:02:03 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def block_frames(shape: Shape) -> int:
    """How many frames make a block: two seconds, unless that is too much before or after resampling."""
    by_time = _BLOCK_SECONDS * shape.rate
    by_memory = _BLOCK_BYTES // (4 * shape.channels)
    by_resampling = _BLOCK_RESAMPLED * shape.rate // _HIGHEST_WANTED
    return max(1, min(max(by_time, 4096), by_memory, max(by_resampling, 16)))


class Hall:
    """The engines, the source they were told, and the forms of each block that they share."""

    def __init__(self, engines: Sequence[type[Engine]], source: Source) -> None:
        self.source = source
        self._failed: dict[str, str] = {}
        self._signals: dict[Signal, list[Engine]] = {}
        self._engines: list[Engine] = []
        for kind in engines:
            try:
                engine = kind(source)
            except Exception as error:  # noqa: BLE001 - any engine's own fault is reported, and the others go on
                self._fail(kind.name, error)
            else:
                self._engines.append(engine)
                self._signals.setdefault(kind.wants, []).append(engine)
        self._integers = {wants: IntegerLine(wants, source) for wants in self._signals if wants.sample == "s16"}
        self._floats = {wants: self._rate(wants) for wants in self._signals if wants.sample == "f32"}
        self._entry: tuple[Shape, Rate] | None = None

    def _rate(self, wants: Signal) -> Rate:
        channels = 1 if wants.channels == "mono" else self.source.channels
        return Rate(self.source.rate, wants.rate or self.source.rate, channels)

    def push(self, block: Block) -> None:
        for wants, integers in self._integers.items():
            for samples in integers.push(block):
                self._tell(wants, samples)
        if self._floats:
            self._push_floats(self._enter(block))

    def _enter(self, block: Block) -> Float:
        """Float samples at the rate and in the channels of the source, whatever the stream changed to."""
        samples = conform(block.floats(), block.shape, self.source)
        if self._entry is None and block.shape.rate == self.source.rate:
            return samples
        left = np.zeros((self.source.channels, 0), np.float32)
        if self._entry is None or self._entry[0] != block.shape:
            if self._entry is not None:
                left = self._entry[1].finish()
            self._entry = (block.shape, Rate(block.shape.rate, self.source.rate, self.source.channels))
        samples = self._entry[1].push(samples)
        return np.concatenate([left, samples], axis=1) if left.size else samples

    def _push_floats(self, native: Float) -> None:
        mixed: Float | None = None
        for wants, rate in self._floats.items():
            samples = native
            if wants.channels == "mono":
                mixed = mono(native) if mixed is None else mixed
                samples = mixed
            self._tell(wants, self._form(wants, rate.push(samples)))

    def _form(self, wants: Signal, samples: Float) -> Float:
        return samples[0] if wants.channels == "mono" else samples

    def _tell(self, wants: Signal, samples: Samples) -> None:
        if samples.shape[-1] == 0:
            return
        samples.flags.writeable = False
        for engine in list(self._signals[wants]):
            try:
                engine.push(samples)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - any engine's own fault is reported, and the others go on
                self._signals[wants].remove(engine)
                self._engines.remove(engine)
                self._fail(engine.name, error)

    def _fail(self, name: str, error: Exception) -> None:
        self._failed[name] = f"{name} broke down: {type(error).__name__}: {error}"[:500]

    def finish(self) -> tuple[dict[str, dict[str, Any]], dict[str, int], dict[str, str]]:
        """The engines' results as plain dicts, their versions, and what became of those that broke down."""
        if self._entry is not None:
            self._push_floats(self._entry[1].finish())
        for wants, integers in self._integers.items():
            for samples in integers.finish():
                self._tell(wants, samples)
        for wants, rate in self._floats.items():
            self._tell(wants, self._form(wants, rate.finish()))
        results: dict[str, dict[str, Any]] = {}
        versions: dict[str, int] = {}
        for engine in self._engines:
            try:
                results[engine.name] = plain(engine.finish())
                versions[engine.name] = engine.version
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - any engine's own fault is reported, and the others go on
                self._fail(engine.name, error)
        return results, versions, self._failed


def plain(result: Any) -> dict[str, Any]:
    """A result's fields as a dict."""
    if is_dataclass(result) and not isinstance(result, type):
        return asdict(result)
    return dict(result)
