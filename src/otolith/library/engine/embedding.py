"""The embedding of a recording: a short vector of unit length whose cosine says how alike two recordings sound."""

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 128
_KIND = np.dtype("<f2")


def pack(vector: NDArray[np.floating]) -> bytes:
    """Little-endian half precision, as it is stored."""
    return vector.astype(_KIND).tobytes()


def unpack(packed: bytes) -> NDArray[np.float32]:
    """The vector (DIMENSIONS,) of unit length that was stored."""
    vector = np.frombuffer(packed, dtype=_KIND).astype(np.float32)
    return np.asarray(vector / max(1e-9, float(np.linalg.norm(vector))))
