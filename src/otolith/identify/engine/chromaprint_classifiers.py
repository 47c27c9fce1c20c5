"""The sixteen classifiers that turn a stretch of chroma into one 32-bit code of Chromaprint."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_BANDS = 12
_FRAMES = 16
CONTEXT = _FRAMES - 1
"""How many frames of chroma a code needs beside its own first one."""


class _Classifier(NamedTuple):
    kind: int
    band: int
    height: int
    width: int
    thresholds: tuple[float, float, float]


# Facts of the public algorithm: the trained classifiers of AcoustID's algorithm 1, first one in the highest bits.
_CLASSIFIERS = (
    _Classifier(0, 4, 3, 15, (1.98215, 2.35817, 2.63523)),
    _Classifier(4, 4, 6, 15, (-1.03809, -0.651211, -0.282167)),
    _Classifier(1, 0, 4, 16, (-0.298702, 0.119262, 0.558497)),
    _Classifier(3, 8, 2, 12, (-0.105439, 0.0153946, 0.135898)),
    _Classifier(3, 4, 4, 8, (-0.142891, 0.0258736, 0.200632)),
    _Classifier(4, 0, 3, 5, (-0.826319, -0.590612, -0.368214)),
    _Classifier(1, 2, 2, 9, (-0.557409, -0.233035, 0.0534525)),
    _Classifier(2, 7, 3, 4, (-0.0646826, 0.00620476, 0.0784847)),
    _Classifier(2, 6, 2, 16, (-0.192387, -0.029699, 0.215855)),
    _Classifier(2, 1, 3, 2, (-0.0397818, -0.00568076, 0.0292026)),
    _Classifier(5, 10, 1, 15, (-0.53823, -0.369934, -0.190235)),
    _Classifier(3, 6, 2, 10, (-0.124877, 0.0296483, 0.139239)),
    _Classifier(2, 1, 1, 14, (-0.101475, 0.0225617, 0.231971)),
    _Classifier(3, 5, 6, 4, (-0.0799915, -0.00729616, 0.063262)),
    _Classifier(1, 9, 2, 12, (-0.272556, 0.019424, 0.302559)),
    _Classifier(3, 4, 2, 14, (-0.164292, -0.0321188, 0.0846339)),
)


def classify(chroma: NDArray[np.float64]) -> NDArray[np.uint32]:
    """The codes of normalised chroma of shape ``(frames, 12)``: uint32 of shape ``(frames - 15,)``, or empty.

    Each classifier compares the sums a and b of two regions of a window of 16 frames by log((1 + a) / (1 + b)). All
    of these sums are linear, so one matrix product makes them for every window at once.
    """
    if len(chroma) < _FRAMES:
        return np.empty(0, dtype=np.uint32)
    windows = sliding_window_view(chroma, _FRAMES, axis=0).reshape(-1, _BANDS * _FRAMES)
    sums = 1.0 + windows @ _REGIONS
    values = np.log(sums[:, : len(_CLASSIFIERS)] / sums[:, len(_CLASSIFIERS) :])
    levels = (values[:, :, None] >= _THRESHOLDS).sum(axis=2)
    codes: NDArray[np.uint32] = np.bitwise_or.reduce(_GRAY[levels] << _SHIFTS, axis=1)
    return codes


def _regions(classifier: _Classifier) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The regions a and b of a classifier as weights over ``(12 bands, 16 frames)``."""
    band, height, width = classifier.band, classifier.height, classifier.width
    bands, frames = np.arange(_BANDS)[:, None] - band, np.arange(_FRAMES)[None, :]
    whole = (bands >= 0) & (bands < height) & (frames < width)
    upper, right = bands >= height // 2, frames >= width // 2
    third, later_third = height // 3, width // 3
    chosen = {
        0: whole,
        1: upper,
        2: right,
        3: upper != right,
        4: (bands >= third) & (bands < 2 * third),
        5: (frames >= later_third) & (frames < 2 * later_third),
    }[classifier.kind]
    return (whole & chosen).astype(np.float64), (whole & ~chosen).astype(np.float64)


def _all_regions() -> NDArray[np.float64]:
    """The regions of all classifiers, first every a and then every b: shape ``(192, 32)``."""
    pairs = [_regions(classifier) for classifier in _CLASSIFIERS]
    columns = [a for a, _ in pairs] + [b for _, b in pairs]
    return np.stack([column.reshape(-1) for column in columns], axis=1)


_REGIONS = _all_regions()
_THRESHOLDS = np.array([classifier.thresholds for classifier in _CLASSIFIERS])
_GRAY = np.array([0, 1, 3, 2], dtype=np.uint32)
_SHIFTS = np.arange(2 * len(_CLASSIFIERS) - 2, -2, -2, dtype=np.uint32)
