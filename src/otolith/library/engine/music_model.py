"""The models that judge tempo, beat phase and key, with the weights `bench/music_fit.py` fitted, shipped as JSON."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_FARTHEST = 5.0  # Standard deviations: what lies beyond what was learnt from counts no more than this.


@dataclass(frozen=True, slots=True)
class Model:
    """Scores candidates by their features: a linear part, and a few hidden units where they help.

    The scores are log odds: `softmax` of a recording's candidates gives the probability of each.
    """

    centre: Array
    scale: Array
    weights: Array
    hidden: Array | None = None
    offsets: Array | None = None
    gains: Array | None = None

    def normalise(self, features: Array) -> Array:
        return np.asarray(np.clip((features - self.centre) / self.scale, -_FARTHEST, _FARTHEST))

    def scores(self, features: Array) -> Array:
        """Scores of `features` (candidates, n): one a candidate, or one a column of `weights` where it has several."""
        rows = self.normalise(features)
        scores = np.asarray(rows @ self.weights)
        if self.hidden is not None and self.offsets is not None and self.gains is not None:
            scores = scores + np.tanh(rows @ self.hidden + self.offsets) @ self.gains
        return scores


@cache
def model(name: str) -> Model:
    """The model called `name` in ``music_model.json``."""
    text = files("otolith.library.engine").joinpath("music_model.json").read_text(encoding="utf-8")
    return Model(**{part: np.array(values) for part, values in json.loads(text)[name].items()})


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum())
