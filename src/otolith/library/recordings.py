"""Makes files of the demo's pieces: encoded in several formats, and tagged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av import AudioStream

from otolith.library.engine.pieces import Piece, perform
from otolith.library.engine.synthesis import RATE, Wave
from otolith.library.sleeves import put_cover, sleeve
from otolith.media.tags import Value, write_tags

_FRAME: Final = 16_384


@dataclass(frozen=True, slots=True)
class _Format:
    """How PyAV writes a kind of file."""

    container: str
    codec: str
    sample: str
    rate: int = RATE
    bit_rate: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


FORMATS: Final[Mapping[str, _Format]] = {
    "mp3": _Format("mp3", "libmp3lame", "s16p", bit_rate=192_000, options={"compression_level": "8"}),
    "flac": _Format("flac", "flac", "s16"),
    "wav": _Format("wav", "pcm_s16le", "s16"),
    "aiff": _Format("aiff", "pcm_s16be", "s16"),
    "ogg": _Format("ogg", "vorbis", "fltp", bit_rate=160_000, options={"strict": "experimental"}),
    "opus": _Format("opus", "libopus", "flt", rate=48_000, bit_rate=128_000, options={"compression_level": "5"}),
    "m4a": _Format("ipod", "aac", "fltp", bit_rate=192_000, options={"aac_coder": "fast"}),
    "wma": _Format("asf", "wmav2", "fltp", bit_rate=192_000),
}


def encode(path: Path, wave: Wave, extension: str) -> None:
    """Write stereo sound (float32 of shape ``(2, n)`` at 44,100 Hz) in the format of an extension."""
    form = FORMATS[extension]
    with av.open(str(path), "w", format=form.container) as file:
        stream = cast("AudioStream", file.add_stream(form.codec, rate=form.rate, layout="stereo", format=form.sample))
        stream.codec_context.options = dict(form.options)
        if form.bit_rate is not None:
            stream.bit_rate = form.bit_rate
        resampler = av.AudioResampler(format=form.sample, layout="stereo", rate=form.rate)
        for start in range(0, wave.shape[1], _FRAME):
            block = np.ascontiguousarray(wave[:, start : start + _FRAME])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, start
            for ready in resampler.resample(frame):
                file.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            file.mux(stream.encode(ready))
        file.mux(stream.encode(None))


def record(piece: Piece, folder: Path) -> Path:
    """Perform, encode and tag a piece, with its artist's cover, in the folder of its artist and album; the file."""
    place = folder / piece.artist / piece.album
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{piece.number:02} {piece.title}.{piece.extension}"
    encode(path, perform(piece), piece.extension)
    tags: dict[str, Value] = {
        "title": piece.title,
        "artist": piece.artist,
        "album": piece.album,
        "album_artist": piece.artist,
        "track": piece.number,
        "date": str(piece.year),
        "genres": [piece.genre],
    }
    write_tags(path, tags)
    put_cover(path, sleeve(piece.artist))
    return path
