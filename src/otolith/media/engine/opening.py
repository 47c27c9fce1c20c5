"""A container opened for its sound and for nothing else: no other file, no address, no picture, no second guess."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

import av
import av.logging
from av.audio.codeccontext import AudioCodecContext
from av.audio.format import AudioFormat
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition

from otolith.media.engine import mpeg
from otolith.media.engine.decoders import DECODERS
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.heard import Note, Sound
from otolith.media.engine.ogg import links
from otolith.media.engine.reader import SoundFile
from otolith.media.engine.riff import WavData, wav_data
from otolith.media.engine.sniff import ADTS, AIFF, AU, CAF, HEAD, MP3, OGG, W64, WAV, Found, locate

av.logging.set_level(av.logging.PANIC)

_BUFFER: Final = 1 << 18
_LOSSLESS: Final = frozenset({"flac", "alac", "wavpack", "ape", "tta", "wmalossless", "mlp", "truehd"})
_LOSSY_PCM: Final = frozenset({"pcm_alaw", "pcm_mulaw", "pcm_vidc"})
_PLAIN: Final = frozenset({WAV, W64, AIFF, AU, CAF})
_NATIVE: Final[dict[int, str]] = {
    1: "mono",
    2: "stereo",
    3: "2.1",
    4: "4.0",
    5: "5.0",
    6: "5.1",
    7: "6.1",
    8: "7.1",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose sound can be asked for; `stated` in seconds, only where the file's word means something."""

    file: SoundFile
    found: Found
    container: InputContainer
    stream: AudioStream
    stated: float | None
    notes: tuple[Note, ...]


def refuse_other_files(*_: Any, **__: Any) -> NoReturn:
    raise PermissionError("a sound file may not open another file or address")


def parts(file: SoundFile) -> list[tuple[Found, int]]:
    """The containers in a file, and where each ends: one, unless it is a chained Ogg file."""
    found = locate(file)
    if found.container is not OGG:
        return [(found, file.size)]
    return [(replace(found, offset=start), end) for start, end in links(file, found.offset)]


@contextmanager
def open_sound(file: SoundFile, part: tuple[Found, int] | None = None) -> Iterator[Opened]:
    """Open a container (the first, if it is not said which), and in it the stream worth hearing."""
    found, file.end = part or parts(file)[0]
    file.offset = found.offset
    file.seek(0)
    options = {
        "codec_whitelist": ",".join(sorted(DECODERS)),
        "protocol_whitelist": "none",
        "max_streams": "256",
    }
    if found.container in _PLAIN:
        # FFmpeg asks every demuxer whether plain samples are not something else; a little of them is enough for that.
        options["probesize"] = "65536"
    data = wav_data(file) if found.container is WAV and found.offset == 0 else None
    if data is not None:
        file.end = min(file.end, data.end)
    if data is not None and data.overrun:
        options["ignore_length"] = "1"
    try:
        container = av.open(
            file,
            "r",
            format=found.container.demuxer,
            container_options=options,
            metadata_errors="replace",
            buffer_size=_BUFFER,
            io_open=refuse_other_files,
        )
    except (FFmpegError, ValueError) as error:
        raise opening_failure(file, found, error) from error
    with container:
        stream = choose(container, found)
        stated = _stated_seconds(file, found, container, stream, data)
        notes = data.notes if data is not None else ()
        yield Opened(file, found, container, stream, stated, notes)


def opening_failure(file: SoundFile, found: Found, error: Exception) -> ListenFailure:
    """What FFmpeg's refusal means: trouble below us, memory, or a broken file."""
    if file.failure is not None:
        return file.failure
    if isinstance(error, MemoryError):
        return ListenFailure("memory", "Reading this file's headers needs more memory than a sound file may have.")
    return ListenFailure("damaged", f"This looks like {found.container.name}, but its headers are broken.")


def choose(container: InputContainer, found: Found) -> AudioStream:
    """The audio stream a player would play, among those that can be decoded."""
    streams = container.streams.audio
    if not streams:
        raise ListenFailure("no_audio_stream", f"This {found.container.name} file has no sound in it.")
    best = container.streams.best("audio")
    order = sorted(streams, key=lambda stream: best is None or stream.index != best.index)
    usable = [stream for stream in order if _decoder(stream) in DECODERS]
    if not usable:
        what = _decoder(order[0]) or "an unknown way"
        raise ListenFailure("no_decoder", f"The sound is encoded in {what}, which Otolith cannot decode.")
    stream = usable[0]
    if _tag(stream) in ("drms", "enca"):
        raise ListenFailure("protected", "The sound is protected by copy protection (DRM) and cannot be decoded.")
    stream.codec_context.thread_count = 1
    for other in container.streams:
        other.discard = Discard.default if other.index == stream.index else Discard.all
    return stream


def _decoder(stream: AudioStream) -> str | None:
    context: Any = stream.codec_context
    return None if context is None else str(context.name)


def _tag(stream: AudioStream) -> str:
    """The four characters by which a container names the codec, which in a broken file may be any bytes."""
    try:
        return stream.codec_context.codec_tag
    except UnicodeDecodeError:
        return ""


def layout_names(layout: Any) -> tuple[str, ...]:
    """FFmpeg's names of the channels; where the file names none, the usual order for their number."""
    names = tuple(str(channel.name) for channel in layout.channels)
    if "NONE" in names and len(names) in _NATIVE:
        return tuple(str(channel.name) for channel in av.AudioLayout(_NATIVE[len(names)]).channels)
    return names


def native_layout(layout: Any) -> str:
    """The layout's name as FFmpeg's mixer takes it, or "" where it could not mix it."""
    channels = tuple(str(channel.name) for channel in layout.channels)
    if "NONE" not in channels:
        return str(layout.name)
    return _NATIVE.get(len(channels), "")


def describe(opened: Opened) -> Sound:
    """The headers' word on a sound, without decoding it."""
    container, stream, file = opened.container, opened.stream, opened.file
    context = stream.codec_context
    codec = str(context.name).removesuffix("float")
    lossless = codec in _LOSSLESS or (codec.startswith(("pcm_", "dsd_")) and codec not in _LOSSY_PCM)
    duration = opened.stated or _container_seconds(container, stream)
    bit_rate = stream.bit_rate or container.bit_rate or None
    if duration and (not bit_rate or lossless):
        bit_rate = round(file.size * 8 / duration)
    return Sound(
        container=opened.found.container.name,
        codec=codec,
        mime=opened.found.container.mime,
        extension=opened.found.container.extension,
        rate=context.sample_rate,
        channels=context.layout.nb_channels,
        layout=layout_names(context.layout),
        bits=bits_of(codec, context, lossless=lossless),
        bit_rate=bit_rate,
        duration=duration,
        lossless=lossless,
        audio_streams=len(container.streams.audio),
        has_video=any(not _is_cover(video) for video in container.streams.video),
        size=file.size,
    )


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def bits_of(codec: str, context: AudioCodecContext, *, lossless: bool) -> int | None:
    """Bits a sample: by the name of a PCM codec, by the header of FLAC and ALAC, else by the decoder's format."""
    extra = context.extradata or b""
    named = re.match(r"pcm_[sfu](\d+)", codec)
    if not lossless:
        return None
    if named:
        return int(named[1])
    if codec == "flac" and len(extra) >= 18:
        return ((extra[12] & 1) << 4 | extra[13] >> 4) + 1
    if codec == "alac" and len(extra) >= 36:
        return extra[17]
    sample: AudioFormat | None = context.format
    return None if sample is None else sample.bits


def _container_seconds(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        seconds = container.duration / 1e6
    else:
        return None
    return seconds if seconds > 0 else None


def _stated_seconds(
    file: SoundFile, found: Found, container: InputContainer, stream: AudioStream, data: WavData | None
) -> float | None:
    """The duration the file itself states; FFmpeg's estimates from a bit rate are not its word."""
    if found.container is MP3:
        return mpeg.promised_seconds(file.read_at(found.offset, HEAD), 0)
    if found.container is ADTS or (data is not None and data.stated is None):
        return None
    seconds = _container_seconds(container, stream)
    if seconds is not None and data is not None and data.stated is not None and data.stated > data.present > 0:
        # FFmpeg already cuts the header's word down to what the file holds.
        return seconds * data.stated / data.present
    return seconds
