"""The embedding of a recording: a short vector of unit length whose cosine says how alike two recordings sound.

Who only compares embeddings needs no more than this module, which is why those that make them are elsewhere.
"""

import numpy as np
from numpy.typing import NDArray

PALETTE = 64
"""So many of the first dimensions say who plays and how it is recorded; the others say how it is played."""
DIMENSIONS = 128
_KIND = np.dtype("<f2")


def pack(vector: NDArray[np.floating]) -> bytes:
    """Little-endian half precision, as it is stored."""
    return vector.astype(_KIND).tobytes()


def unpack(packed: bytes) -> NDArray[np.float32]:
    """The vector (DIMENSIONS,) of unit length that was stored."""
    vector = np.frombuffer(packed, dtype=_KIND).astype(np.float32)
    return np.asarray(vector / max(1e-9, float(np.linalg.norm(vector))))
