"""A file as mutagen may read it, and the raw values each kind of tag holds."""

import base64
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import mutagen
from mutagen.flac import Picture
from mutagen.id3 import ID3

from otolith.media.engine import tagnames
from otolith.media.engine.limits import MIB
from otolith.media.engine.reader import SoundFile

# More than any sane file's tags and pictures together; what claims more is not read.
BUDGET: Final = 64 * MIB


class TagsTooLargeError(mutagen.MutagenError):  # type: ignore[misc]  # mutagen is untyped, and catches only its own
    """A tag claims more than may be read."""


class TagFile(io.RawIOBase):
    """A read-only view of a file for mutagen, with a budget, so that a tag's claim costs nothing."""

    def __init__(self, file: SoundFile, budget: int = BUDGET) -> None:
        super().__init__()
        self._file = file
        self._budget = budget
        self._position = 0
        self.name = ""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._position, self._file.size)[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the beginning of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._file.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self._budget:
            raise TagsTooLargeError(f"a tag of {wanted:,} bytes")
        data = self._file.read_at(self._position, wanted)
        self._budget -= len(data)
        self._position += len(data)
        return data


@dataclass(slots=True)
class Raw:
    """Values by our own field names, as text, and what else was found on the way."""

    values: dict[str, list[str]] = field(default_factory=dict)
    extra: dict[str, list[str]] = field(default_factory=dict)
    pictures: list[bytes] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    length: float | None = None

    def add(self, names: dict[str, str], key: str, values: list[str]) -> None:
        """Put values where they belong; the first tag that names a field wins over later ones."""
        wanted = names.get(key.casefold())
        target = self.extra if wanted is None else self.values
        target.setdefault(key.casefold() if wanted is None else wanted, []).extend(values)

    def merge(self, other: "Raw") -> None:
        """Fill what is missing from a tag of lower rank."""
        for name, values in other.values.items():
            self.values.setdefault(name, values)
        for name, values in other.extra.items():
            self.extra.setdefault(name, values)
        self.pictures += other.pictures
        self.formats += other.formats
        self.problems += other.problems
        self.length = self.length or other.length


def from_id3(tags: ID3) -> Raw:
    """Frames of ID3v1 to ID3v2.4; multiple values are separate, and UTF-8 mislabelled as Latin-1 is mended."""
    raw = Raw(formats=[] if not len(tags) else [f"ID3v{'.'.join(str(part) for part in tags.version[:2])}"])
    for frame in tags.values():
        name = frame.FrameID
        if name in ("APIC", "PIC"):
            raw.pictures.append(bytes(frame.data))
        elif name == "UFID":
            raw.add(tagnames.BY_ID3, f"UFID:{frame.owner}", [frame.data.decode("ascii", "replace")])
        elif name == "USLT":
            raw.add(tagnames.BY_ID3, name, [mended(frame, frame.text)])
        elif name == "COMM":
            # A comment with a description is a program's own data, as iTunes' normalisation values are.
            raw.add(
                tagnames.BY_ID3, f"COMM:{frame.desc}" if frame.desc else name, [mended(frame, t) for t in frame.text]
            )
        elif name == "TXXX":
            raw.add(tagnames.BY_ID3, f"TXXX:{frame.desc}", [mended(frame, text) for text in frame.text])
        elif name in ("TIPL", "TMCL"):
            _add_people(raw, frame)
        elif name == "TCON":
            raw.add(tagnames.BY_ID3, name, [mended(frame, text) for text in frame.genres])
        elif name[0] == "T" and hasattr(frame, "text"):
            raw.add(tagnames.BY_ID3, name, [mended(frame, str(text)) for text in frame.text])
    return raw


def _add_people(raw: Raw, frame: Any) -> None:
    """Who did what, as pairs: players by their instrument, and others by their deed."""
    for deed, name in frame.people:
        known = frame.FrameID == "TIPL" and deed.casefold() in tagnames.ID3_DEEDS
        raw.add(tagnames.BY_ID3, f"TIPL:{deed}" if known else "TMCL", [mended(frame, name)])


def mended(frame: Any, text: str) -> str:
    """Text that says it is Latin-1 and is in truth UTF-8, as many programs once wrote it."""
    if getattr(frame, "encoding", None) != 0 or text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def from_vorbis(tags: Any, kind: str = "Vorbis comment") -> Raw:
    """Vorbis comments, with pictures in base64 among them."""
    raw = Raw(formats=[kind])
    for key, value in tags or ():
        if key.lower() == "metadata_block_picture":
            try:
                raw.pictures.append(bytes(Picture(base64.b64decode(value)).data))
            except (ValueError, mutagen.MutagenError, EOFError):
                raw.problems.append("A picture in the tags cannot be read.")
        elif key.lower() == "coverart":
            raw.pictures.append(base64.b64decode(value, validate=False))
        else:
            raw.add(tagnames.BY_VORBIS, key, [value])
    return raw


def from_ape(tags: Any) -> Raw:
    raw = Raw(formats=["APEv2"])
    for key, value in (tags or {}).items():
        if key.lower().startswith("cover art"):
            raw.pictures.append(bytes(value.value).partition(b"\0")[2])
        elif value.kind == 0:
            raw.add(tagnames.BY_APE, key, list(value))
    return raw


def from_mp4(tags: Any) -> Raw:
    """iTunes atoms; numbers come as (number, total), free names as bytes."""
    raw = Raw(formats=["MP4"])
    for key, value in (tags or {}).items():
        if key == "covr":
            raw.pictures += [bytes(picture) for picture in value]
        elif key in ("trkn", "disk"):
            raw.add(tagnames.BY_MP4, key, [f"{number}/{total}" for number, total in value[:1]])
        elif key == "gnre":
            raw.add({"gnre": "genres"}, key, [str(item) for item in value])
        elif isinstance(value, list):
            texts = [bytes(v).decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in value]
            raw.add(tagnames.BY_MP4, key, texts)
        else:
            raw.add(tagnames.BY_MP4, key, [str(int(value)) if isinstance(value, bool) else str(value)])
    return raw


def from_asf(tags: Any) -> Raw:
    raw = Raw(formats=["ASF"])
    for key, value in tags or ():
        if key == "WM/Picture":
            raw.pictures.append(_asf_picture(bytes(value.value)))
        else:
            raw.add(tagnames.BY_ASF, key, [str(value)])
    return raw


def _asf_picture(data: bytes) -> bytes:
    """The image in a WM/Picture value: a type byte, a length, two UTF-16 strings that end in zeros, the bytes."""
    place = 5
    for _ in range(2):
        while place + 1 < len(data) and data[place : place + 2] != b"\0\0":
            place += 2
        place += 2
    return data[place:]


def from_metadata(metadata: dict[str, str], kind: str) -> Raw:
    """What FFmpeg calls metadata, for the formats that mutagen does not know."""
    raw = Raw(formats=[kind] if metadata else [])
    for key, value in metadata.items():
        raw.add(tagnames.BY_VORBIS, key, [value])
    return raw


def riff_info(file: SoundFile) -> Raw:
    """The LIST INFO chunk of a WAV."""
    raw = Raw()
    for kind, start, size in riff_chunks(file):
        if kind != b"LIST" or file.read_at(start, 4) != b"INFO" or size > MIB:
            continue
        raw.formats.append("RIFF INFO")
        data, place = file.read_at(start + 4, size - 4), 0
        while place + 8 <= len(data):
            key = data[place : place + 4].decode("latin-1")
            length = int.from_bytes(data[place + 4 : place + 8], "little")
            text = data[place + 8 : place + 8 + length].split(b"\0")[0]
            try:
                value = text.decode("utf-8")
            except UnicodeDecodeError:
                value = text.decode("cp1252", "replace")
            raw.add({name.casefold(): wanted for name, wanted in tagnames.RIFF_INFO.items()}, key, [value])
            place += 8 + length + (length & 1)
    return raw


def riff_chunks(file: SoundFile) -> Iterator[tuple[bytes, int, int]]:
    """Name, place and size of a RIFF file's chunks."""
    place = 12
    for _ in range(256):
        head = file.read_at(place, 8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], place + 8, size
        place += 8 + size + (size & 1)
