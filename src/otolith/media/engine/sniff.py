"""What a file really is, by its bytes: the list of containers that are opened at all."""

from dataclasses import dataclass
from typing import Final

from otolith.media.engine import mpeg
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.reader import SoundFile

HEAD: Final = 1 << 16
_SEARCHED: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Container:
    """A file format: the word for people, FFmpeg's demuxer, the media type and the usual extension."""

    name: str
    demuxer: str
    mime: str
    extension: str


@dataclass(frozen=True, slots=True)
class Found:
    """A container and the byte at which it begins, behind whatever tags or junk came first."""

    container: Container
    offset: int


MP3: Final = Container("MP3", "mp3", "audio/mpeg", "mp3")
ADTS: Final = Container("AAC", "aac", "audio/aac", "aac")
FLAC: Final = Container("FLAC", "flac", "audio/flac", "flac")
WAV: Final = Container("WAV", "wav", "audio/wav", "wav")
W64: Final = Container("Wave64", "w64", "audio/x-w64", "w64")
AIFF: Final = Container("AIFF", "aiff", "audio/aiff", "aiff")
OGG: Final = Container("Ogg", "ogg", "audio/ogg", "ogg")
MP4: Final = Container("MP4", "mp4", "audio/mp4", "m4a")
ASF: Final = Container("Windows Media", "asf", "audio/x-ms-wma", "wma")
MATROSKA: Final = Container("Matroska", "matroska", "audio/x-matroska", "mka")
WEBM: Final = Container("WebM", "matroska", "audio/webm", "webm")
WAVPACK: Final = Container("WavPack", "wv", "audio/x-wavpack", "wv")
TTA: Final = Container("True Audio", "tta", "audio/x-tta", "tta")
APE: Final = Container("Monkey's Audio", "ape", "audio/x-ape", "ape")
MPC7: Final = Container("Musepack", "mpc", "audio/x-musepack", "mpc")
MPC8: Final = Container("Musepack", "mpc8", "audio/x-musepack", "mpc")
AU: Final = Container("AU", "au", "audio/basic", "au")
CAF: Final = Container("CAF", "caf", "audio/x-caf", "caf")
AMR: Final = Container("AMR", "amr", "audio/amr", "amr")
DSF: Final = Container("DSF", "dsf", "audio/x-dsf", "dsf")
AC3: Final = Container("AC-3", "ac3", "audio/ac3", "ac3")
EAC3: Final = Container("E-AC-3", "eac3", "audio/eac3", "ec3")

_MAGIC: Final[tuple[tuple[bytes, Container], ...]] = (
    (b"fLaC", FLAC),
    (b"OggS", OGG),
    (b"wvpk", WAVPACK),
    (b"TTA1", TTA),
    (b"TTA2", TTA),
    (b"MAC ", APE),
    (b"MP+", MPC7),
    (b"MPCK", MPC8),
    (b".snd", AU),
    (b"caff", CAF),
    (b"#!AMR", AMR),
    (b"DSD ", DSF),
    (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", W64),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", ASF),
)
_ATOMS: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_FORMS: Final[dict[tuple[bytes, bytes], Container]] = {
    (b"RIFF", b"WAVE"): WAV,
    (b"RIFX", b"WAVE"): WAV,
    (b"RF64", b"WAVE"): WAV,
    (b"BW64", b"WAVE"): WAV,
    (b"FORM", b"AIFF"): AIFF,
    (b"FORM", b"AIFC"): AIFF,
}
_KNOWN_OTHERS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a bitmap picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an XZ archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"MThd", "a MIDI score (notes without sound)"),
    (b"SQLite format 3", "a database"),
    (b"FLV\x01", "a Flash video"),
    (b"\x00\x00\x01\xba", "an MPEG video"),
)
_OTHER_RIFFS: Final[dict[bytes, str]] = {
    b"AVI ": "an AVI video",
    b"WEBP": "a WebP picture",
    b"RMID": "a MIDI score (notes without sound)",
}
_PLAYLISTS: Final = (b"#extm3u", b"[playlist]", b"ffconcat", b"<asx", b"<smil", b"[reference]", b"<mpd")


def sniff(head: bytes) -> Container | None:
    """The container that begins with these bytes (64 KiB are enough), or None."""
    for magic, container in _MAGIC:
        if head.startswith(magic):
            return container
    form = _FORMS.get((head[:4], head[8:12]))
    if form is not None:
        return form
    if head[4:8] in _ATOMS:
        return MP4
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return WEBM if b"webm" in head[:128] else MATROSKA
    if head.startswith(b"\x0b\x77") and len(head) > 5:
        return EAC3 if head[5] >> 3 > 10 else AC3
    header = mpeg.follows(head, 0, wanted=3, ends=len(head) < HEAD)
    return None if header is None else ADTS if header.demuxer == "aac" else MP3


def tag_length(head: bytes) -> int:
    """The whole length of the ID3v2 tag that begins here, as it claims itself; 0 where there is none."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or max(head[6:10]) >= 0x80:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def locate(file: SoundFile) -> Found:
    """Find the container in a file, skipping tags and junk; a failure says what the file is instead."""
    if file.size == 0:
        raise ListenFailure("empty", "The file is empty (0 bytes).")
    start = end = 0
    for _ in range(16):
        head = file.read_at(end, HEAD)
        container = sniff(head)
        if container is not None:
            return Found(container, end)
        length = tag_length(head)
        if not length:
            break
        start, end = end + 10, end + length
    if end == 0:
        refuse_others(head)
    return _search(file, end if end < file.size else start, start)


def _search(file: SoundFile, place: int, earlier: int) -> Found:
    """Look for MPEG frames from a place on, and failing that (a tag that lies about its size) from earlier."""
    for start in dict.fromkeys((place, earlier)):
        data = file.read_at(start, _SEARCHED)
        hit = mpeg.search(data, ends=start + len(data) >= file.size)
        if hit is not None:
            return Found(ADTS if hit[1].demuxer == "aac" else MP3, start + hit[0])
    raise ListenFailure("not_audio", "This is not a sound file that Otolith knows: nothing in it looks like sound.")


def refuse_others(head: bytes) -> None:
    """Raise where the bytes are something else that we can name; a playlist is refused, never followed."""
    begin = head[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begin.startswith(_PLAYLISTS):
        raise ListenFailure(
            "playlist", "This is a playlist that points at other files or addresses; Otolith does not follow it."
        )
    if head[:4] == b"RIFF" and head[8:12] in _OTHER_RIFFS:
        raise ListenFailure("not_audio", f"This is {_OTHER_RIFFS[head[8:12]]}, not a sound file.")
    for magic, what in _KNOWN_OTHERS:
        if head.startswith(magic):
            raise ListenFailure("not_audio", f"This is {what}, not a sound file.")
    if begin.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        raise ListenFailure("not_audio", "This is a web page or an XML document, not a sound file.")
    if _is_text(head[:4096]):
        raise ListenFailure("not_audio", "This is a text file, not a sound file.")


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) > 3:
        return True
    if any(byte < 9 or 13 < byte < 27 for byte in head):
        return False
    return sum(byte < 128 for byte in head) * 2 > len(head)
