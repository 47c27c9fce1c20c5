"""The bytes of the hostile files: good files of each format, and what can be done to their headers."""

import io
import struct
import zlib
from functools import lru_cache
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from otolith.media.engine import mpeg


def noise(seconds: float, rate: int, channels: int = 2) -> NDArray[np.float32]:
    """Something an encoder cannot make small, and that differs all the way through."""
    rng = np.random.default_rng(7)
    count = round(seconds * rate)
    tones = np.sin(2 * np.pi * np.cumsum(200 + 3000 * np.arange(count) / max(count, 1)) / rate)
    return (0.4 * tones + 0.1 * rng.standard_normal((channels, count))).clip(-1, 1).astype(np.float32)


@lru_cache(maxsize=32)
def encoded(
    container: str, codec: str, sample: str, rate: int = 44100, seconds: float = 5.0, layout: str = "stereo"
) -> bytes:
    """A good file of a format, made by PyAV's encoders."""
    buffer = io.BytesIO()
    options = {"live": "1"} if container == "webm-live" else {}
    form = container.removesuffix("-live")
    with av.open(buffer, "w", format=form, options=options) as out:
        stream = cast("av.AudioStream", out.add_stream(codec, rate=rate, layout=layout, format=sample))
        if not codec.startswith(("pcm", "adpcm", "flac")):
            stream.bit_rate = 128_000
        resampler = av.AudioResampler(format=sample, layout=layout, rate=rate)
        sound = noise(seconds, rate, av.AudioLayout(layout).nb_channels)
        for start in range(0, sound.shape[1], 4096):
            # Interleaved, as PyAV miscounts planes from eight on.
            block = np.ascontiguousarray(sound[:, start : start + 4096].T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            for ready in resampler.resample(frame):
                out.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def mp3(seconds: float = 5.0, rate: int = 44100) -> bytes:
    return encoded("mp3", "libmp3lame", "s16p", rate, seconds)


def frames(count: int) -> bytes:
    """So many frames of an MP3 without any header in front of them."""
    data = mp3()
    hit = mpeg.search(data, ends=False)
    assert hit is not None
    place = hit[0] + hit[1].length
    begin = place
    for _ in range(count):
        header = mpeg.parse(data, place)
        assert header is not None
        place += header.length
    return data[begin:place]


def flac() -> bytes:
    return encoded("flac", "flac", "s16")


def m4a() -> bytes:
    return encoded("ipod", "aac", "fltp")


def opus() -> bytes:
    return encoded("ogg", "libopus", "flt", 48000)


def wma() -> bytes:
    return encoded("asf", "wmav2", "fltp")


def webm(*, live: bool = False) -> bytes:
    return encoded("webm-live" if live else "webm", "libopus", "flt", 48000)


def aiff() -> bytes:
    return encoded("aiff", "pcm_s16be", "s16")


def wav(
    data: bytes, *, rate: int = 44100, channels: int = 2, bits: int = 16, tag: int = 1, size: int | None = None
) -> bytes:
    """A WAV with whatever its header is wanted to say."""
    align = max(1, channels * bits // 8) & 0xFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align, bits)
    stated = len(data) if size is None else size
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", stated) + data
    return b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, 4 + len(body))) + body


def pcm(seconds: float, rate: int = 44100, channels: int = 2) -> bytes:
    return (noise(seconds, rate, channels).T * 32767).astype("<i2").tobytes()


def id3(size: int, body: bytes = b"", version: int = 4) -> bytes:
    """An ID3v2 header that claims a size, and what really follows it."""
    claim = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes((version, 0, 0)) + claim + body


def frame(name: bytes, data: bytes, flags: int = 0) -> bytes:
    size = bytes(len(data) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return name + size + struct.pack(">H", flags) + data


def ape(size: int) -> bytes:
    """The footer of an APEv2 tag of so many bytes."""
    return b"APETAGEX" + struct.pack("<IIII", 2000, size, 9, 1 << 31) + bytes(8)


def floats(*values: float) -> bytes:
    return wav(np.tile(values, 30_000).astype("<f4").tobytes(), bits=32, tag=3)


def bomb() -> bytes:
    """A compressed ID3 frame of a few hundred kilobytes that unfolds to 256 MiB."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    data = struct.pack(">I", 1 << 27) + packed
    body = frame(b"TIT2", data, flags=0x0009)
    return id3(len(body), body) + mp3()


def lying_xing(frames: int) -> bytes:
    data = bytearray(mp3())
    at = max(data.find(b"Xing"), data.find(b"Info"))
    data[at + 8 : at + 12] = struct.pack(">I", frames)
    return bytes(data)


def damaged(data: bytes, at: float, length: int) -> bytes:
    """The same bytes with a hole of noise."""
    start = int(len(data) * at)
    return data[:start] + np.random.default_rng(3).bytes(length) + data[start + length :]


def patched(data: bytes, what: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(what) + offset
    return data[:at] + value + data[at + len(value) :]


def video_only() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(10):
            out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def two_streams() -> bytes:
    """Two audio streams in one Ogg file, page by page."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as out:
        streams = [out.add_stream("libopus", rate=48000, layout="stereo", format="flt") for _ in range(2)]
        for index in range(200):
            for stream in streams:
                block = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.float32), format="flt", layout="stereo")
                block.sample_rate, block.pts = 48000, index * 960
                out.mux(stream.encode(block))
        for stream in streams:
            out.mux(stream.encode(None))
    return buffer.getvalue()


def atom(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I", len(body) + 8 if size is None else size) + name + body


def greedy_mp4() -> bytes:
    """An MP4 whose tables claim four billion samples."""
    return patched(m4a(), b"stsz", 8, struct.pack(">II", 1, 0xFFFFFFF0))
