"""Draws the covers of the demo's invented artists, each in its own colours and shapes, and puts them into files."""

import base64
import colorsys
import hashlib
import io
import struct
from functools import cache
from pathlib import Path
from typing import Final

import mutagen
import numpy as np
from mutagen.aiff import AIFF
from mutagen.asf import ASF, ASFByteArrayAttribute
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover
from mutagen.wave import WAVE
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]

EDGE: Final = 640
# With it the demo's artists are spread over colours and shapes.
_SALT: Final = 2160
_FRONT: Final = 3
_MIME: Final = "image/jpeg"


@cache
def sleeve(artist: str) -> bytes:
    """The cover of an invented artist as a JPEG, the same each time."""
    seed = hashlib.sha256(f"{_SALT} {artist}".encode()).digest()
    y, x = np.mgrid[0:EDGE, 0:EDGE].astype(np.float32) / EDGE
    hue = seed[0] / 256
    sky, ground, mark = (
        _colour(hue, 0.15, 0.45),
        _colour(hue + 0.07, 0.40, 0.5),
        _colour(hue + 0.14 + seed[1] / 2560, 0.82, 0.6),
    )
    picture = _mixed(sky, ground, y)
    shapes = _SHAPES[seed[2] % len(_SHAPES)](x, y, seed)
    picture = picture + (mark - picture) * (0.9 * shapes)[..., None]
    out = io.BytesIO()
    Image.fromarray((255 * picture.clip(0, 1)).round().astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()


def _colour(hue: float, lightness: float, strength: float) -> Field:
    return np.array(colorsys.hls_to_rgb(hue % 1.0, lightness, strength), np.float32)


def _mixed(first: Field, second: Field, share: Field) -> Field:
    mixed: Field = first + (second - first) * share[..., None]
    return mixed


def _inside(distance: Field) -> Field:
    """1 where a distance is negative and 0 where it is positive, with a soft edge of some pixels."""
    soft: Field = np.clip(0.5 - distance * EDGE / 3, 0, 1)
    return soft


def _rings(x: Field, y: Field, seed: bytes) -> Field:
    away = np.hypot(x - 0.2 - seed[3] / 425, y - 0.2 - seed[4] / 425)
    width = 0.05 + seed[5] / 5000
    return _inside(np.abs((away + width / 2) % width - width / 2) - width / 5)


def _waves(x: Field, y: Field, seed: bytes) -> Field:
    swing = 0.04 * np.sin(2 * np.pi * (x * (1 + seed[3] % 3) + seed[4] / 256))
    height = 0.08 + seed[5] / 4000
    lines = _inside(np.abs((y + swing) % height - height / 2) - height / 6)
    return np.where(y + swing > 0.3, lines, 0)


def _sun(x: Field, y: Field, seed: bytes) -> Field:
    middle, horizon = 0.3 + seed[3] / 640, 0.62 + seed[4] / 2000
    disc = _inside(np.hypot(x - middle, y - horizon + 0.08) - 0.22 - seed[5] / 3000)
    stripes = _inside(np.abs((y * 18) % 1 - 0.5) / 18 - 0.012)
    return np.where(y < horizon, disc, disc * stripes)


def _bars(x: Field, y: Field, seed: bytes) -> Field:
    number = 9 + seed[3] % 6
    heights = np.array([0.15 + 0.6 * seed[6 + place] / 256 for place in range(number)], np.float32)
    column = np.minimum((x * number).astype(int), number - 1)
    narrow = _inside(np.abs((x * number) % 1 - 0.5) / number - 0.32 / number)
    return narrow * _inside(np.abs(y - 0.5) - heights[column] / 2)


_SHAPES: Final = (_rings, _waves, _sun, _bars)


def put_cover(path: Path, data: bytes) -> None:
    """Embed a JPEG in a file, in the way of its format."""
    file = mutagen.File(path)
    if isinstance(file, (MP3, WAVE, AIFF)):
        file.tags.add(APIC(encoding=3, mime=_MIME, type=_FRONT, desc="", data=data))
    elif isinstance(file, MP4):
        file["covr"] = [MP4Cover(data, imageformat=MP4Cover.FORMAT_JPEG)]
    elif isinstance(file, ASF):
        head = struct.pack("<BI", _FRONT, len(data)) + _MIME.encode("utf-16-le") + b"\0\0" + b"\0\0"
        file["WM/Picture"] = [ASFByteArrayAttribute(head + data)]
    elif isinstance(file, FLAC):
        file.add_picture(_picture(data))
    else:
        file["metadata_block_picture"] = [base64.b64encode(_picture(data).write()).decode("ascii")]
    file.save()


def _picture(data: bytes) -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = _FRONT, _MIME, data
    picture.width = picture.height = EDGE
    picture.depth = 24
    return picture
