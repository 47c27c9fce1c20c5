"""Makes embeddings, by constants that `bench/similarity_fit.py` learnt, shipped as a small table."""

from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from otolith.library.engine.palette import fisher_vector
from otolith.library.engine.portrait import Portrait

Array = NDArray[np.float64]
_FARTHEST = 4.0  # Spreads: what lies beyond what was learnt from counts no more than this.


@dataclass(frozen=True, slots=True)
class Constants:
    """Frames are scaled by `frame_centre` and `frame_scale` (features,) and seen from the mixture.

    `palette` (fisher, n) projects the Fisher vector less `palette_centre`; `manner` (statistics, m) the statistics of
    a portrait, scaled by `centre` and `scale`; `balance` says how much each of the two parts counts. `voice` holds
    the weights of the logistic regression on the scaled statistics, the last one being its offset.
    """

    frame_centre: Array
    frame_scale: Array
    weights: Array
    means: Array
    variances: Array
    palette_centre: Array
    palette: Array
    centre: Array
    scale: Array
    manner: Array
    balance: Array
    voice: Array

    def scaled_frames(self, frames: Array) -> Array:
        return np.clip((frames - self.frame_centre) / self.frame_scale, -_FARTHEST, _FARTHEST)

    def scaled(self, row: Array) -> Array:
        return np.clip((row - self.centre) / self.scale, -_FARTHEST, _FARTHEST)


def embed(portrait: Portrait, model: Constants | None = None) -> Array:
    """The embedding (DIMENSIONS,) of a portrait."""
    model = model or constants()
    vector = fisher_vector(model.scaled_frames(portrait.frames), model)
    parts = (vector - model.palette_centre) @ model.palette, model.scaled(portrait.row()) @ model.manner
    balanced = [
        weight * part / max(1e-9, float(np.linalg.norm(part)))
        for weight, part in zip(np.sqrt(model.balance), parts, strict=True)
    ]
    return np.asarray(np.concatenate(balanced))


@cache
def constants() -> Constants:
    raw = files("otolith.library.engine").joinpath("embedding_model.npz").read_bytes()
    with np.load(BytesIO(raw), allow_pickle=False) as table:
        return Constants(**{field.name: table[field.name].astype(np.float64) for field in fields(Constants)})
