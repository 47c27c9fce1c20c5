"""From decoded frames to the forms the engines asked for, each made once."""

from dataclasses import dataclass
from typing import Any, Final, Self

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from otolith.core.audio import Samples, Signal, Source
from otolith.media.engine.opening import layout_names, native_layout

Float = NDArray[np.float32]

# Full scale is ±1. What lies this far beyond it is no sound, and would overflow when squared.
_ABSURD: Final = np.float32(65536.0)
_OFFSET: Final[dict[str, float]] = {"u8": 128.0}
# PyAV takes a frame of so many planes or more to have one too many, and reads behind the last one.
_MISCOUNTED: Final = 8
_KINDS: Final = {"u8p": "u1", "s16p": "i2", "s32p": "i4", "s64p": "i8", "fltp": "f4", "dblp": "f8"}
_SCALE: Final[dict[str, float]] = {"u8": 1 / 128, "s16": 1 / 32768, "s32": 1 / 2147483648}


@dataclass(frozen=True, slots=True)
class Shape:
    """How a run of frames is laid out; a change of it in mid-stream starts a new run."""

    sample: str
    planar: bool
    rate: int
    layout: tuple[str, ...]
    mixable: str

    @classmethod
    def of(cls, frame: av.AudioFrame) -> Self:
        layout = frame.layout
        name = frame.format.name
        planar = frame.format.is_planar
        sample = name.removesuffix("p") if planar else name
        return cls(sample, planar, frame.sample_rate, layout_names(layout), native_layout(layout))

    @property
    def channels(self) -> int:
        return len(self.layout)


class Block:
    """One to a few seconds of decoded samples, as FFmpeg's frame and as arrays."""

    def __init__(self, shape: Shape, frame: av.AudioFrame) -> None:
        self.shape = shape
        self.frames = frame.samples
        self.repaired = 0
        self._frame: av.AudioFrame | None = frame if shape.mixable == frame.layout.name else None
        samples = _array_of(frame)
        self._samples = samples if shape.planar else samples.reshape(-1, shape.channels).T
        if samples.dtype.kind == "f":
            self._repair()

    def _repair(self) -> None:
        """Silence whatever is not a number before anyone can trip over it, and bound what would overflow."""
        samples = self._samples
        # A minimum or maximum is not a number if any sample is not, and then neither comparison holds.
        if samples.max(initial=0.0) <= _ABSURD and samples.min(initial=0.0) >= -_ABSURD:
            return
        bad = ~np.isfinite(samples)
        self.repaired = int(np.count_nonzero(bad))
        self._samples = np.where(bad, 0.0, samples).clip(-_ABSURD, _ABSURD).astype(samples.dtype)
        self._frame = None

    @property
    def samples(self) -> NDArray[Any]:
        """The samples as they were decoded, of shape ``(channels, n)``."""
        return self._samples

    def floats(self) -> Float:
        """Float samples of shape ``(channels, n)``, full scale at ±1."""
        sample = self.shape.sample
        out = np.ascontiguousarray(self._samples, dtype=np.float32)
        if sample in _OFFSET:
            out -= np.float32(_OFFSET[sample])
        if sample in _SCALE:
            out *= np.float32(_SCALE[sample])
        return out

    def frame(self) -> av.AudioFrame:
        """The samples for FFmpeg's own mixer; where that knows no way to mix them, their average."""
        if self._frame is not None:
            return self._frame
        shape = self.shape
        if shape.mixable:
            layout, sample, samples = shape.mixable, shape.sample, self._samples
        else:
            layout, sample, samples = "mono", "flt", mono(self.floats())
        form = f"{sample}p"
        if len(samples) >= _MISCOUNTED:
            samples, form = samples.T.reshape(1, -1), sample
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=form, layout=layout)
        frame.sample_rate = shape.rate
        return frame

    def after(self, skipped: int) -> av.AudioFrame | None:
        """The samples from a place on; None where nothing would be left."""
        if skipped >= self.frames:
            return None
        self._samples, self._frame = self._samples[:, skipped:], None
        return self.frame()


class Rate:
    """A change of sample rate for float samples of shape ``(channels, n)``; an equal rate costs nothing."""

    def __init__(self, given: int, wanted: int, channels: int) -> None:
        self._channels = channels
        self._stream: soxr.ResampleStream | None = None
        if given != wanted:
            self._stream = soxr.ResampleStream(given, wanted, channels, dtype="float32", quality="HQ")

    def push(self, samples: Float) -> Float:
        return samples if self._stream is None else self._run(self._stream, samples, last=False)

    def finish(self) -> Float:
        empty = np.zeros((self._channels, 0), np.float32)
        return empty if self._stream is None else self._run(self._stream, empty, last=True)

    def _run(self, stream: soxr.ResampleStream, samples: Float, *, last: bool) -> Float:
        out = stream.resample_chunk(np.ascontiguousarray(samples.T), last=last)
        return np.ascontiguousarray(np.asarray(out, dtype=np.float32).reshape(-1, self._channels).T)


class IntegerLine:
    """FFmpeg's own mixer and resampler to 16 bits: bit for bit what `fpcalc` hears."""

    def __init__(self, signal: Signal, source: Source) -> None:
        self._mono = signal.channels == "mono"
        self._source = source
        self._rate = signal.rate or source.rate
        self._resampler: av.AudioResampler | None = None
        self._shape: Shape | None = None

    def push(self, block: Block) -> list[Samples]:
        out: list[Samples] = []
        resampler = self._resampler
        if resampler is None or block.shape != self._shape:
            out = self.finish()
            self._shape = block.shape
            resampler = av.AudioResampler(format="s16p", layout=self._layout(block.shape), rate=self._rate)
            self._resampler = resampler
        return out + self._arrays(resampler.resample(block.frame()))

    def finish(self) -> list[Samples]:
        resampler, self._resampler, self._shape = self._resampler, None, None
        return [] if resampler is None else self._arrays(resampler.resample(None))

    def _layout(self, shape: Shape) -> str:
        if self._mono or not shape.mixable:
            return "mono"
        return shape.mixable if shape.channels == self._source.channels else "+".join(self._source.layout)

    def _arrays(self, frames: list[av.AudioFrame]) -> list[Samples]:
        arrays = [_array_of(frame) for frame in frames if frame.samples]
        if self._mono:
            return [array[0] for array in arrays]
        wide = self._source.channels
        return [array if len(array) == wide else np.repeat(array[:1], wide, axis=0) for array in arrays]


def _array_of(frame: av.AudioFrame) -> NDArray[Any]:
    """The samples of a frame: ``(channels, n)``, or ``(1, n * channels)`` where they are interleaved."""
    channels = frame.layout.nb_channels
    if channels < _MISCOUNTED or not frame.format.is_planar:
        array: NDArray[Any] = frame.to_ndarray()
        return array
    planes: Any = frame.planes
    kind = _KINDS[frame.format.name]
    return np.stack([np.frombuffer(planes[number], kind, frame.samples) for number in range(channels)])


def mono(samples: Float) -> Float:
    """The average of the channels, as ``(1, n)``: never louder than the loudest of them."""
    average: Float = samples.mean(axis=0, dtype=np.float32, keepdims=True)
    return samples if len(samples) == 1 else average


def conform(samples: Float, shape: Shape, source: Source) -> Float:
    """Bring channels that changed in mid-stream into the layout the engines were told."""
    if shape.channels == source.channels:
        return samples
    if source.channels == 1:
        return mono(samples)
    if shape.channels == 1:
        return np.repeat(samples, source.channels, axis=0)
    out = np.zeros((source.channels, samples.shape[1]), np.float32)
    for index, name in enumerate(source.layout):
        if name in shape.layout:
            out[index] = samples[shape.layout.index(name)]
    return out
