"""Pictures for tests: drawn, encoded, put into sound files and folders, and some that no decoder should meet."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from mutagen.id3 import APIC, TALB, TIT2, TPE1, TRCK
from mutagen.wave import WAVE
from PIL import Image

from tests.library.conftest import write_tone

RED, BLUE, GREEN = (200, 30, 40), (20, 60, 210), (10, 160, 60)


def picture(colour: tuple[int, ...] = RED, size: tuple[int, int] = (500, 500), kind: str = "JPEG", **how: Any) -> bytes:
    mode = how.pop("mode", "RGBA" if len(colour) == 4 else "RGB")
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **how)
    return out.getvalue()


def song(
    path: Path,
    *pictures: bytes,
    hertz: float = 440.0,
    title: str = "",
    album: str = "",
    track: int = 0,
    seconds: float = 0.4,
) -> Path:
    """A small WAV with an ID3 tag."""
    write_tone(path, hertz=hertz, seconds=seconds)
    file = WAVE(str(path))
    file.add_tags()
    for frame, text in ((TIT2, title), (TALB, album), (TPE1, "Ada" if album else ""), (TRCK, str(track or ""))):
        if text:
            file.tags.add(frame(encoding=3, text=[text]))
    for number, data in enumerate(pictures):
        file.tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc=str(number), data=data))
    file.save()
    return path


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header claims so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
