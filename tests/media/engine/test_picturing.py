"""Pictures of every kind become thumbnails, and what is no picture, or too much of one, is refused by a sentence."""

import io
from pathlib import Path

import pytest
from PIL import Image

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.picture import SIZES
from otolith.media.engine.picturing import MOST_BYTES, picture_at, picture_in, picture_of
from otolith.media.listening import Limits, Listener
from tests.library.covers.pictures import BLUE, RED, huge_png, picture, song


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_large_picture_is_kept_in_every_size() -> None:
    found = picture_of(picture(RED, (2000, 1500)))
    assert found.error is None
    assert (found.mime, found.width, found.height) == ("image/jpeg", 2000, 1500)
    assert [edge for edge, _ in found.thumbnails] == list(SIZES)
    for edge, data in found.thumbnails:
        small = opened(data)
        assert small.format == "WEBP"
        assert max(small.size) == edge
        assert small.size == (edge, round(edge * 3 / 4))
    assert found.colour is not None
    for said, wanted in zip(bytes.fromhex(found.colour[1:]), RED, strict=True):
        assert abs(said - wanted) < 8


def test_nothing_is_made_larger_than_it_is() -> None:
    assert [edge for edge, _ in picture_of(picture(RED, (500, 400))).thumbnails] == [64, 160, 320, 500]
    assert [edge for edge, _ in picture_of(picture(RED, (20, 30))).thumbnails] == [30]
    assert [edge for edge, _ in picture_of(picture(RED, (1, 1), "PNG")).thumbnails] == [1]


@pytest.mark.parametrize("size", [(3000, 1), (1, 3000)])
def test_a_line_is_a_picture_too(size: tuple[int, int]) -> None:
    found = picture_of(picture(RED, size, "PNG"))
    assert found.error is None
    assert all(min(opened(data).size) == 1 for _, data in found.thumbnails)


@pytest.mark.parametrize(
    ("mode", "colour", "kind"),
    [
        ("1", (1,), "PNG"),
        ("L", (90,), "PNG"),
        ("LA", (90, 120), "PNG"),
        ("P", (3,), "GIF"),
        ("P", (3,), "PNG"),
        ("RGBA", (200, 30, 40, 128), "PNG"),
        ("RGBA", (200, 30, 40, 128), "WEBP"),
        ("CMYK", (10, 200, 30, 0), "JPEG"),
        ("I;16", (40_000,), "PNG"),
        ("RGB", BLUE, "BMP"),
    ],
)
def test_colours_of_every_kind_are_understood(mode: str, colour: tuple[int, ...], kind: str) -> None:
    value = colour[0] if len(colour) == 1 else colour
    out = io.BytesIO()
    Image.new(mode, (100, 80), value).save(out, kind)
    found = picture_of(out.getvalue())
    assert found.error is None
    assert [edge for edge, _ in found.thumbnails] == [64, 100]
    assert opened(found.thumbnails[0][1]).mode == ("RGBA" if mode in {"RGBA", "LA"} else "RGB")
    if mode == "I;16":
        assert found.colour is not None
        assert abs(int(found.colour[1:3], 16) - 40_000 / 257) < 4


def test_a_picture_taken_sideways_stands_upright() -> None:
    sideways = Image.Exif()
    sideways[0x0112] = 6
    found = picture_of(picture(RED, (300, 100), exif=sideways))
    assert opened(found.thumbnails[-1][1]).size == (100, 300)


def test_the_first_frame_of_a_moving_picture_is_taken() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (90, 90), RED), Image.new("RGB", (90, 90), BLUE)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    found = picture_of(out.getvalue())
    assert found.colour is not None
    assert bytes.fromhex(found.colour[1:])[0] > 150


def test_a_bomb_is_refused_by_its_header() -> None:
    found = picture_of(huge_png(30_000, 30_000))
    assert found.error == "The picture is 30,000 × 30,000 pixels, and the limit is 50 megapixels in all."
    assert found.thumbnails == ()
    assert (found.width, found.height) == (30_000, 30_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        b"GIF89a" + bytes(50),
        b"RIFF\x10\0\0\0WEBP" + bytes(16),
        picture()[:900],
        picture(kind="PNG")[:200],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
)
def test_what_is_no_picture_is_told_plainly(data: bytes) -> None:
    found = picture_of(data)
    assert found.error == "The picture is broken, or of a kind that is not shown."
    assert found.thumbnails == ()
    assert len(found.sha256) == 64


def test_a_picture_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    heavy = tmp_path / "cover.jpg"
    with heavy.open("wb") as file:
        file.write(picture())
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ListenFailure, match="42 MB") as refused:
        picture_at(heavy)
    assert refused.value.kind == "too_large"
    assert picture_of(bytes(MOST_BYTES + 1)).error == "The picture has 42 MB, and the limit is 42 MB."


def test_the_largest_embedded_picture_is_taken(tmp_path: Path) -> None:
    small, large = picture(RED, (50, 50)), picture(BLUE, (700, 700))
    found = picture_in(song(tmp_path / "a.wav", small, large))
    assert found is not None
    assert found.width == 700
    assert picture_in(song(tmp_path / "b.wav")) is None


class TestInTheHelper:
    def test_pictures_come_back_whole(self, tmp_path: Path) -> None:
        beside = tmp_path / "cover.png"
        beside.write_bytes(picture(BLUE, (400, 400), "PNG"))
        with Listener() as listener:
            found = listener.picture(beside, embedded=False)
            assert found is not None
            assert found == picture_at(beside)
            assert listener.picture(song(tmp_path / "a.wav", picture(RED)), embedded=True) == picture_of(picture(RED))
            assert listener.picture(song(tmp_path / "b.wav"), embedded=True) is None
            with pytest.raises(ListenFailure, match="not there"):
                listener.picture(tmp_path / "gone.png", embedded=False)

    def test_a_picture_that_needs_too_much_memory_ends_the_helper_and_nothing_else(self, tmp_path: Path) -> None:
        beside = tmp_path / "cover.png"
        beside.write_bytes(picture(BLUE, (6000, 6000), "PNG"))
        with Listener() as listener:
            with pytest.raises(ListenFailure) as refused:
                listener.picture(beside, embedded=False, limits=Limits(memory_bytes=20_000_000))
            assert refused.value.kind == "memory"
            found = listener.picture(beside, embedded=False)
            assert found is not None
            assert found.error is None
