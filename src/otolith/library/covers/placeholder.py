"""The picture that stands in for a missing one: drawn from the title, the same each time, safe under our policy."""

import colorsys
import hashlib
from typing import Final
from xml.sax.saxutils import escape

_EDGE: Final = 320


def draw(title: str, artist: str = "") -> str:
    """An SVG without scripts, styles or links: rings in a colour of the title's own, and its first letters."""
    seed = hashlib.sha256(f"{title}\0{artist}".encode("utf-8", "replace")).digest()
    hue = int.from_bytes(seed[:2], "big") / 0xFFFF
    ground, ring = _colour(hue, 0.30), _colour((hue + 0.06) % 1.0, 0.38)
    x, y = 60 + seed[2] * 200 // 255, 60 + seed[3] * 200 // 255
    rings = "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="none" stroke="{ring}" stroke-width="{6 + seed[4] % 10}"/>'
        for radius in range(24 + seed[5] % 24, 2 * _EDGE, 40)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_EDGE} {_EDGE}" width="{_EDGE}" height="{_EDGE}">'
        f'<rect width="{_EDGE}" height="{_EDGE}" fill="{ground}"/>{rings}'
        f'<text x="{_EDGE // 2}" y="{_EDGE // 2}" fill="#ffffff" font-family="sans-serif" font-size="112" '
        f'font-weight="600" text-anchor="middle" dominant-baseline="central">{escape(initials(title))}</text></svg>'
    )


def initials(title: str) -> str:
    """The first letter or digit of the first two words, or a note where there is none."""
    firsts = [next((letter for letter in word if letter.isalnum()), "") for word in title.split()]
    return "".join([letter for letter in firsts if letter][:2]).upper()[:3] or "♪"


def _colour(hue: float, lightness: float) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, 0.42))
