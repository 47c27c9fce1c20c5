"""The embedding of a recording: a short vector of unit length whose cosine says how alike two recordings sound."""

from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.portrait import Portrait

Array = NDArray[np.float64]

DIMENSIONS = 128
_KIND = np.dtype("<f2")
_FARTHEST = 4.0  # Spreads: what lies beyond what was learnt from counts no more than this.


def embed(portrait: Portrait) -> Array:
    """The vector (DIMENSIONS,) of a portrait."""
    model = constants()
    row = normalised(portrait.row(), model["centre"], model["scale"])
    parts = np.split(row @ model["projection"], model["parts"][:-1])
    weighted = [
        weight * part / max(1e-9, float(np.linalg.norm(part)))
        for weight, part in zip(model["weights"], parts, strict=True)
    ]
    return np.asarray(np.concatenate(weighted))


def normalised(rows: Array, centre: Array, scale: Array) -> Array:
    return np.asarray(np.clip((rows - centre) / scale, -_FARTHEST, _FARTHEST))


@cache
def constants() -> dict[str, Array]:
    """What `bench/similarity_fit.py` learnt: centre and scale of each statistic, the projection and its parts."""
    raw = files("otolith.library.engine").joinpath("embedding_model.npz").read_bytes()
    with np.load(BytesIO(raw), allow_pickle=False) as table:
        kinds = {name: np.intp if name == "parts" else np.float64 for name in table.files}
        return {name: table[name].astype(kinds[name]) for name in table.files}


def pack(vector: NDArray[np.floating]) -> bytes:
    """Little-endian half precision, as it is stored."""
    return vector.astype(_KIND).tobytes()


def unpack(packed: bytes) -> NDArray[np.float32]:
    """The vector (DIMENSIONS,) of unit length that was stored."""
    vector = np.frombuffer(packed, dtype=_KIND).astype(np.float32)
    return np.asarray(vector / max(1e-9, float(np.linalg.norm(vector))))
