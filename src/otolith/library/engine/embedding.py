"""The embedding of a recording: a short vector of unit length whose cosine says how alike two recordings sound."""

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.embedding_model import Constants, constants
from otolith.library.engine.palette import fisher_vector
from otolith.library.engine.portrait import Portrait

Array = NDArray[np.float64]

PALETTE = 64
"""So many of the first dimensions say who plays and how it is recorded; the others say how it is played."""
DIMENSIONS = 128
_KIND = np.dtype("<f2")


def embed(portrait: Portrait, model: Constants | None = None) -> Array:
    """The vector (DIMENSIONS,) of a portrait."""
    model = model or constants()
    vector = fisher_vector(model.scaled_frames(portrait.frames), model)
    parts = (vector - model.palette_centre) @ model.palette, model.scaled(portrait.row()) @ model.manner
    balanced = [
        weight * part / max(1e-9, float(np.linalg.norm(part)))
        for weight, part in zip(np.sqrt(model.balance), parts, strict=True)
    ]
    return np.asarray(np.concatenate(balanced))


def pack(vector: NDArray[np.floating]) -> bytes:
    """Little-endian half precision, as it is stored."""
    return vector.astype(_KIND).tobytes()


def unpack(packed: bytes) -> NDArray[np.float32]:
    """The vector (DIMENSIONS,) of unit length that was stored."""
    vector = np.frombuffer(packed, dtype=_KIND).astype(np.float32)
    return np.asarray(vector / max(1e-9, float(np.linalg.norm(vector))))
