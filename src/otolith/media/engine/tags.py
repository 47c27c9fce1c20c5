"""Reading tags: every format, one answer, and no tag so broken that it stops us."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Any, Final

import av
import mutagen
from mutagen import (
    aac,
    aiff,
    apev2,
    asf,
    dsf,
    flac,
    monkeysaudio,
    mp3,
    mp4,
    musepack,
    oggflac,
    oggopus,
    oggspeex,
    oggvorbis,
    trueaudio,
    wave,
    wavpack,
)
from mutagen.id3 import ID3, ID3NoHeaderError

from otolith.media.engine import sniff
from otolith.media.engine import tagsource as source
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.opening import open_sound
from otolith.media.engine.reader import Path, SoundFile
from otolith.media.engine.riff import wav_seconds
from otolith.media.engine.tagform import normalised, picture_type
from otolith.media.engine.tagging import Tags
from otolith.media.engine.tagsource import Raw, TagFile

_END: Final = 1 << 16
# What broken tags make mutagen and the standard library raise.
_BROKEN: Final = (
    mutagen.MutagenError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    zlib.error,
)

# Trouble with the sound is none with the tags.
_NO_SOUND: Final = frozenset({"damaged", "memory", "no_audio_stream", "no_decoder", "no_sound", "protected"})

Read = Callable[[TagFile], Raw]


def read_tags(path: Path) -> Tags:
    """A file's tags. `ListenFailure` only where the file itself cannot be read or is no sound file at all."""
    with SoundFile(path, hashed=False) as file:
        container, raw = _read(file)
        return normalised(raw, container.name if container else None, file.size, quick_key_of(file))


def read_cover(path: Path) -> tuple[str, bytes] | None:
    """The embedded picture, the largest of them where there are several, with its true media type."""
    with SoundFile(path, hashed=False) as file:
        _, raw = _read(file)
    pictures = [(mime, data) for data in raw.pictures if (mime := picture_type(data))]
    return max(pictures, key=lambda picture: len(picture[1]), default=None)


def quick_key(path: Path) -> str:
    """The file's size and a hash of its first and last 64 KiB: equal for the same file under another name."""
    with SoundFile(path, hashed=False) as file:
        return quick_key_of(file)


def quick_key_of(file: SoundFile) -> str:
    digest = hashlib.blake2b(file.read_at(0, _END), digest_size=16)
    digest.update(file.read_at(max(0, file.size - _END), _END))
    return f"{file.size}-{digest.hexdigest()}"


def _read(file: SoundFile) -> tuple[sniff.Container | None, Raw]:
    """Every tag of a file, the better kinds first."""
    raw = Raw()
    try:
        found = sniff.locate(file)
    except ListenFailure as failure:
        if failure.kind != "not_audio" or not sniff.tag_length(file.read_at(0, 10)):
            raise
        # Tags without sound behind them are worth reading all the same.
        found = sniff.Found(sniff.MP3, 0)
        raw.problems.append(failure.detail)
    for what, read in _readers(file, found.container, found.offset):
        try:
            raw.merge(read(TagFile(file)))
            if raw.values and found.container in _FIRST_ONLY:
                break
        except ListenFailure as failure:
            if failure.kind not in _NO_SOUND:
                raise
            raw.problems.append(failure.detail)
        except _BROKEN as error:
            if not isinstance(error, ID3NoHeaderError | apev2.APENoHeaderError):
                raw.problems.append(_problem(what, error))
    return found.container, raw


def _problem(what: str, error: BaseException) -> str:
    if isinstance(error, source.TagsTooLargeError) or isinstance(error.__cause__, source.TagsTooLargeError):
        return f"The {what} is too large and was not read."
    if isinstance(error, MemoryError):
        return f"The {what} needs too much memory and was not read."
    return f"The {what} is broken and was not read."


def _readers(file: SoundFile, container: sniff.Container, offset: int) -> list[tuple[str, Read]]:
    """What may hold tags in a container, in order of rank."""
    id3: tuple[str, Read] = ("ID3 tag", lambda f: source.from_id3(ID3(f)))
    ape: tuple[str, Read] = ("APE tag", lambda f: source.from_ape(apev2.APEv2(f)))
    if container is sniff.MP3:
        return [id3, ape, ("MPEG header", lambda f: Raw(length=mp3.MPEGInfo(f, offset=offset).length))]
    if container is sniff.ADTS:
        return [id3, ape, ("ADTS header", lambda f: Raw(length=aac.AAC(f).info.length))]
    if container is sniff.AIFF:
        return [
            ("AIFF header", lambda f: _typed(aiff.AIFF(f), source.from_id3)),
            ("AIFF text", lambda _: _by_ffmpeg(file)),
        ]
    if container is sniff.WAV:
        return [
            ("WAV header", lambda _: Raw(length=wav_seconds(file) or _by_ffmpeg(file).length)),
            ("ID3 tag", lambda f: source.from_id3(wave.WAVE(f).tags or ID3())),
            ("INFO list", lambda _: source.riff_info(file)),
        ]
    if container in _TYPED:
        kind, convert = _TYPED[container]
        typed: tuple[str, Read] = (f"{container.name} tag", lambda f: _typed(kind(f), convert))
        return [typed, ape] if container is sniff.TTA else [typed]
    if container is sniff.FLAC:
        return [("FLAC header", _flac), id3]
    if container is sniff.OGG:
        return [("Ogg comment", _ogg)]
    return [(f"{container.name} header", lambda _: _by_ffmpeg(file))]


def _typed(opened: Any, convert: Callable[[Any], Raw]) -> Raw:
    raw = convert(opened.tags) if opened.tags is not None else Raw()
    raw.length = getattr(opened.info, "length", None)
    return raw


def _flac(file: TagFile) -> Raw:
    opened = flac.FLAC(file)
    raw = source.from_vorbis(opened.tags) if opened.tags is not None else Raw()
    raw.pictures += [bytes(picture.data) for picture in opened.pictures]
    raw.length = opened.info.length
    return raw


def _ogg(file: TagFile) -> Raw:
    head = file.read(4096)
    file.seek(0)
    for magic, kind in _OGG:
        if magic in head:
            return _typed(kind(file), source.from_vorbis)
    return Raw()


def _by_ffmpeg(file: SoundFile) -> Raw:
    """Matroska, CAF and the like, which mutagen does not read."""
    with open_sound(file) as opened:
        raw = source.from_metadata(dict(opened.container.metadata), opened.found.container.name)
        raw.merge(source.from_metadata(dict(opened.stream.metadata), opened.found.container.name))
        raw.formats = list(dict.fromkeys(raw.formats))
        duration = opened.container.duration
        raw.length = duration / av.time_base if duration else opened.stated
    return raw


# Where these have an ID3 tag, whatever older kind of tag stands beside it is out of date.
_FIRST_ONLY: Final = frozenset({sniff.WAV, sniff.AIFF, sniff.TTA})
_TYPED: Final[dict[sniff.Container, tuple[Callable[[Any], Any], Callable[[Any], Raw]]]] = {
    sniff.MP4: (mp4.MP4, source.from_mp4),
    sniff.ASF: (asf.ASF, source.from_asf),
    sniff.WAVPACK: (wavpack.WavPack, source.from_ape),
    sniff.APE: (monkeysaudio.MonkeysAudio, source.from_ape),
    sniff.MPC7: (musepack.Musepack, source.from_ape),
    sniff.MPC8: (musepack.Musepack, source.from_ape),
    sniff.TTA: (trueaudio.TrueAudio, source.from_id3),
    sniff.DSF: (dsf.DSF, source.from_id3),
}
_OGG: Final[tuple[tuple[bytes, Callable[[Any], Any]], ...]] = (
    (b"OpusHead", oggopus.OggOpus),
    (b"\x01vorbis", oggvorbis.OggVorbis),
    (b"\x7fFLAC", oggflac.OggFLAC),
    (b"Speex   ", oggspeex.OggSpeex),
)
