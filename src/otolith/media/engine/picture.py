"""A picture and its thumbnails, as they come out of the helper process."""

from dataclasses import dataclass
from typing import Any, Final, Self

SIZES: Final = (64, 160, 320, 640, 1200)
"""The longer edges of thumbnails, in pixels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what was made of it, or why it cannot be used (`error`).

    `sha256` and `size` (bytes) are of the original, `width` and `height` in pixels; `colour` is the mean as
    ``#rrggbb``; `thumbnails` are WebP, each with its longer edge in pixels, the smallest first.
    """

    mime: str
    sha256: str
    size: int
    width: int | None = None
    height: int | None = None
    colour: str | None = None
    thumbnails: tuple[tuple[int, bytes], ...] = ()
    error: str | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The picture that `asdict` gave, after a trip through a format that knows only lists."""
        return cls(**{**values, "thumbnails": tuple((edge, data) for edge, data in values["thumbnails"])})
