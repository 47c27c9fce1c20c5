"""One transcoding in a process of its own: a file in, an Opus or MP3 stream out through a pipe.

Started as ``python -m otolith.media.engine.encoder '{"life": 5, …}'`` by `otolith.media.transcode`. Sound goes to
standard output as it is made; where there is none to make, the last line on standard error says why, as JSON.
"""

import base64
import io
import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal

import av
from av.error import FFmpegError

from otolith.media.engine import process
from otolith.media.engine.decoding import Decoding
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.limits import MIB, Limits
from otolith.media.engine.opening import Opened, open_sound, parts
from otolith.media.engine.reader import SoundFile
from otolith.media.engine.signals import Shape

REFUSED: Final = 3
_PROCESSOR_SECONDS: Final = 3600
_MEMORY: Final = 512 * MIB
_MP3_RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True, slots=True)
class Form:
    """An output: FFmpeg's muxer and its options, the encoder, and its sample format."""

    muxer: str
    options: dict[str, str]
    codec: str
    sample: str

    def rate(self, source: int) -> int:
        """The sample rate to encode at: Opus has one of its own, MP3 takes the nearest at or above the source's."""
        if self.codec == "libopus":
            return 48000
        return next((rate for rate in _MP3_RATES if rate >= source), _MP3_RATES[-1])


FORMS: Final[dict[Literal["opus", "mp3"], Form]] = {
    # Pages of a fifth of a second reach the listener sooner than the usual second.
    "opus": Form("ogg", {"page_duration": "200000", "flush_packets": "1"}, "libopus", "s16"),
    # The Xing header could only be completed by going back to the start, which a pipe cannot.
    "mp3": Form("mp3", {"write_xing": "0", "id3v2_version": "3", "flush_packets": "1"}, "libmp3lame", "s16p"),
}


class Pipe(io.RawIOBase):
    """Standard output as a muxer sees it: no way back."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        process.write_all(self._descriptor, data)
        return len(data)


def transcode(file: SoundFile, sink: io.RawIOBase, options: dict[str, Any], limits: Limits) -> None:
    """Encode a file from `start` seconds on, in one or two channels. Raises `ListenFailure`."""
    form = FORMS[options["form"]]
    limits.admit_file(file.size)
    sounds = _frames(file, limits, float(options["start"]))
    first = next(sounds, None)
    if first is None:
        raise ListenFailure("no_sound", "There is no sound at or after this place.")
    layout = "mono" if first[0].channels == 1 or not first[0].mixable else "stereo"
    rate = form.rate(first[0].rate)
    with av.open(sink, "w", format=form.muxer, options=form.options) as out:
        out.metadata.update(options["metadata"])
        stream: Any = out.add_stream(form.codec, rate=rate, layout=layout, format=form.sample)
        stream.bit_rate = options["bit_rate"]
        stream.codec_context.thread_count = 1
        encode(first, sounds, out, stream, av.AudioResampler(format=form.sample, layout=layout, rate=rate))


def encode(
    first: tuple[Shape, av.AudioFrame],
    rest: Iterator[tuple[Shape, av.AudioFrame]],
    out: Any,
    stream: Any,
    resampler: av.AudioResampler,
) -> None:
    """Push everything through the encoder, with time stamps that count from the start of what is sent."""
    shape, frame = first
    format_, layout, rate = stream.format, stream.layout, stream.rate
    place = 0

    def send(ready: list[av.AudioFrame]) -> None:
        nonlocal place
        for one in ready:
            one.pts, one.time_base = place, Fraction(1, rate)
            place += one.samples
            out.mux(stream.encode(one))

    send(resampler.resample(frame))
    for now, frame in rest:
        if now != shape:
            send(resampler.resample(None))
            resampler = av.AudioResampler(format=format_, layout=layout, rate=rate)
            shape = now
        send(resampler.resample(frame))
    send(resampler.resample(None))
    out.mux(stream.encode(None))


def _frames(file: SoundFile, limits: Limits, start: float) -> Iterator[tuple[Shape, av.AudioFrame]]:
    """Blocks from a time on: the demuxer goes near it, and what still comes before it is dropped."""
    links = parts(file)
    passed = 0.0
    for part in links:
        with open_sound(file, part) as opened:
            if start > 0 and len(links) == 1:
                _seek(opened, start)
            decoding = Decoding(opened, limits)
            skip: int | None = None
            for block in decoding.blocks():
                if skip is None:
                    begins = decoding.first_seconds if len(links) == 1 else passed
                    skip = max(0, round((start - begins) * block.shape.rate)) if start > 0 else 0
                frame = block.after(skip)
                skip = max(0, skip - block.frames)
                if frame is not None:
                    yield block.shape, frame
            passed += decoding.seconds


def _seek(opened: Opened, start: float) -> None:
    stream = opened.stream
    if stream.time_base is None:
        return
    target = int(start / stream.time_base) + (stream.start_time or 0)
    try:
        opened.container.seek(target, stream=stream, backward=True)
    except (FFmpegError, OSError):
        # What cannot be sought is read from the start, and dropped up to the place.
        opened.container.seek(0, stream=stream, backward=True)


def refuse(failure: ListenFailure) -> int:
    sys.stderr.write(json.dumps([failure.kind, failure.detail]) + "\n")
    return REFUSED


def main(argv: list[str]) -> int:
    options = json.loads(argv[1])
    process.die_with_parent(options["life"])
    sink = os.dup(1)
    os.dup2(2, 1)
    process.confine(files=64, written=0)
    process.bound_memory(_MEMORY)
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS + 5))
    try:
        with SoundFile(base64.b64decode(options["path"]), hashed=False) as file:
            transcode(file, Pipe(sink), options, Limits(**options["limits"]))
    except ListenFailure as failure:
        return refuse(failure)
    except MemoryError:
        return refuse(ListenFailure("memory", "Transcoding this file needs too much memory."))
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
