"""The weights of the music engines' linear models, as fitted by `bench/music_fit.py` and shipped as JSON."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Linear:
    """A score for each of several candidates: ``((features - centre) / scale) @ weights``."""

    centre: Array
    scale: Array
    weights: Array

    def scores(self, features: Array) -> Array:
        """Scores of `features` (candidates, n); one column a column of `weights`."""
        return np.asarray((features - self.centre) / self.scale @ self.weights)


@cache
def model(name: str) -> Linear:
    """The model called `name` in ``music_model.json``."""
    text = files("otolith.library.engine").joinpath("music_model.json").read_text(encoding="utf-8")
    entry = json.loads(text)[name]
    return Linear(np.array(entry["centre"]), np.array(entry["scale"]), np.array(entry["weights"]))


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum())
