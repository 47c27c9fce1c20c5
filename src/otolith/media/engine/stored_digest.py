"""Whether lossless sound is what its encoder stored: the MD5 of the samples in a FLAC header (RFC 9639, 8.2)."""

import hashlib
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from otolith.media.engine.opening import Opened
from otolith.media.engine.sniff import FLAC

_STREAMINFO: Final = 34
_PLACE: Final = slice(18, 34)
_UNKNOWN: Final = bytes(16)


class StoredDigest:
    """The digest that a file states, and that of the samples that came out of it."""

    def __init__(self, stated: bytes, bits: int) -> None:
        self._stated = stated
        self._bits = bits
        self._digest = hashlib.md5(usedforsecurity=False)
        self._able = True

    @classmethod
    def of(cls, opened: Opened, bits: int | None) -> Self | None:
        """The digest that a file states, or None where it states none."""
        header = opened.stream.codec_context.extradata or b""
        if opened.found.container is not FLAC or bits is None or len(header) < _STREAMINFO:
            return None
        stated = header[_PLACE]
        return None if stated == _UNKNOWN else cls(stated, bits)

    def update(self, samples: NDArray[Any]) -> None:
        """Take more decoded samples, as ``(channels, n)`` of signed integers whose highest bits are the sound."""
        width = samples.dtype.itemsize
        if samples.dtype.kind != "i" or self._bits > 8 * width:
            self._able = False
            return
        interleaved = np.ascontiguousarray(samples.T)
        if self._bits < 8 * width:
            interleaved = interleaved >> (8 * width - self._bits)
        stored = (self._bits + 7) // 8
        if stored < width:
            octets = interleaved.astype(f"<i{width}", copy=False).view(np.uint8).reshape(-1, width)
            interleaved = np.ascontiguousarray(octets[:, :stored])
        self._digest.update(interleaved.data)

    @property
    def differs(self) -> bool:
        """Whether other samples came out than went in."""
        return self._able and self._digest.digest() != self._stated
