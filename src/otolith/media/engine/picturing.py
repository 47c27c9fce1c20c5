"""Pictures of covers: looked at by their headers first, decoded within limits, and made small.

It runs in the helper process, because a picture is as untrusted as the file that holds it, and decoders of pictures
are as often the way in as those of sound.
"""

import hashlib
import io
import os
import warnings
from typing import Final

from PIL import Image, ImageOps, WebPImagePlugin

from otolith.media.engine.failures import ListenFailure, from_os_error
from otolith.media.engine.limits import MIB
from otolith.media.engine.picture import SIZES, Picture
from otolith.media.engine.reader import Path, open_regular
from otolith.media.engine.tagform import picture_type
from otolith.media.engine.tags import read_cover

MOST_BYTES: Final = 40 * MIB
MOST_PIXELS: Final = 50_000_000
_QUALITY: Final = 80
_METHOD: Final = 3
# Of all that Pillow could open, only what covers are made of; importing a plugin is what registers it.
_FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", WebPImagePlugin.WebPImageFile.format)

# The size is looked at below, before anything is decoded, and told in plain words.
Image.MAX_IMAGE_PIXELS = None


def picture_in(path: Path) -> Picture | None:
    """The picture embedded in a sound file, the largest where there are several."""
    found = read_cover(path)
    return None if found is None else picture_of(found[1])


def picture_at(path: Path) -> Picture:
    """The picture that a file is. Raises `ListenFailure` where it cannot be read."""
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        if size > MOST_BYTES:
            raise ListenFailure("too_large", _too_heavy(size))
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise from_os_error(error) from error
    finally:
        os.close(descriptor)
    return picture_of(data)


def picture_of(data: bytes) -> Picture:
    """What a picture's bytes hold, and its thumbnails; one that cannot be used tells why."""
    mime = picture_type(data) or "application/octet-stream"
    sha256 = hashlib.sha256(data).hexdigest()
    if len(data) > MOST_BYTES:
        return Picture(mime, sha256, len(data), error=_too_heavy(len(data)))
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                return Picture(mime, sha256, len(data), width, height, error=_too_wide(width, height))
            return Picture(mime, sha256, len(data), width, height, *_made(image))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- Whatever a broken picture makes a decoder raise, it cannot be shown.
        return Picture(mime, sha256, len(data), error="The picture is broken, or of a kind that is not shown.")


def _too_heavy(size: int) -> str:
    return f"The picture has {size / 1e6:,.0f} MB, and the limit is {MOST_BYTES / 1e6:,.0f} MB."


def _too_wide(width: int, height: int) -> str:
    megapixels = MOST_PIXELS / 1e6
    return f"The picture is {width:,} × {height:,} pixels, and the limit is {megapixels:,.0f} megapixels in all."


def _made(image: Image.Image) -> tuple[str, tuple[tuple[int, bytes], ...]]:
    """The mean colour and the thumbnails; nothing is made larger than it is."""
    small = _plain(image)
    longest = max(small.size)
    edges = [edge for edge in SIZES if edge < longest] + [longest]
    made = []
    # From large to small, each made of the one before, which costs a fraction of going back to the original.
    for edge in reversed(edges):
        if edge < max(small.size):
            small = small.resize(_within(small.size, edge), Image.Resampling.LANCZOS, reducing_gap=3.0)
        made.append((edge, _webp(small)))
    return _colour(small), tuple(reversed(made))


def _plain(image: Image.Image) -> Image.Image:
    """A picture in plain colours, upright, and no larger than the largest thumbnail."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda level: level * (1 / 257)).convert("L")
    elif image.mode in {"P", "PA", "1", "F"}:
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    image.thumbnail((SIZES[-1], SIZES[-1]), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image = ImageOps.exif_transpose(image)
    clear = image.mode in {"RGBA", "LA", "RGBa", "La"} or "transparency" in image.info
    return image.convert("RGBA" if clear else "RGB")


def _within(size: tuple[int, int], edge: int) -> tuple[int, int]:
    longest = max(size)
    width, height = (max(1, round(side * edge / longest)) for side in size)
    return width, height


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=_METHOD)
    return out.getvalue()


def _colour(image: Image.Image) -> str:
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX).convert("RGB").tobytes()
    return f"#{red:02x}{green:02x}{blue:02x}"
