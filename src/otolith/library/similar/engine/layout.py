"""A map of sounds: what sounds alike lies together, in two dimensions, and stays where it was when more is added.

The method is our own in its parts and known in its whole: a graph of nearest neighbours, laid out by attraction along
its edges and repulsion from random others with the kernel 1 / (1 + d²), as in UMAP (McInnes, Healy and Melville,
2018), from a start by principal components. Beyond `LANDMARKS` tracks only as many are laid out so, chosen by a hash
of their ids and therefore mostly the same ones the next time, and the others are put among their nearest landmarks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.similar.engine.likeness import halves, likeness
from otolith.library.similar.engine.picking import chance
from otolith.library.similar.engine.shelf import Shelf

LANDMARKS: Final = 10_000
"""The most tracks that are laid out by force."""

_NEIGHBOURS: Final = 12
_NEGATIVES: Final = 6
_EPOCHS: Final = 250
_SETTLING: Final = 80
_BLOCK: Final = 1024
_REACH: Final = 10.0
# Of what a new map needs, so much must be known for the old one to be kept.
_KNOWN: Final = 0.7
_ANCHOR: Final = 0.5

Points = NDArray[np.float32]
Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Graph:
    """Edges in both directions between sources and targets, with weights; `total` is the weight at each node."""

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: NDArray[np.float32]
    total: NDArray[np.float32]


def draw(shelf: Shelf, known: Points, tell: Tell) -> Points:
    """Places (n, 2) from -1 to 1 for the tracks of a shelf.

    `known` (n, 2) are their places on the map so far, NaN where a track has none; if most are known they only give way.
    `tell` hears the share done, often, and may raise to end the work.
    """
    if len(shelf) < 2:
        return np.where(np.isnan(known), np.float32(0), known)
    landmarks = _landmarks(shelf)
    vectors = shelf.vectors_at(landmarks)
    old = known[landmarks]
    keeps = np.mean(~np.isnan(old[:, 0])) >= _KNOWN
    graph = _graph(vectors, lambda share: tell(0.2 * share))
    places = _settled(graph, vectors, old, tell) if keeps else _fresh(graph, vectors, tell)
    drawn = known.copy() if keeps else np.full_like(known, np.nan)
    drawn[landmarks] = places
    rest = np.flatnonzero(np.isnan(drawn[:, 0]))
    _place_among(shelf, rest, vectors, places, drawn, lambda share: tell(0.7 + 0.3 * share))
    return np.clip(drawn, -1.0, 1.0)


def _landmarks(shelf: Shelf) -> NDArray[np.intp]:
    if len(shelf) <= LANDMARKS:
        return np.arange(len(shelf))
    return np.sort(np.argpartition(chance(shelf.ids, 0), LANDMARKS)[:LANDMARKS])


def nearest(vectors: NDArray[np.float32], to: NDArray[np.float32], count: int) -> tuple[NDArray[np.intp], Points]:
    """The `count` nearest of `to` (m, d) for each of a few vectors (n, d), best first, with how alike they are."""
    near = likeness(*(one @ other.T for one, other in zip(halves(vectors), halves(to), strict=True)))
    top = np.argpartition(near, -count, axis=1)[:, -count:]
    found = np.take_along_axis(near, top, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1), np.take_along_axis(found, order, axis=1)


def _graph(vectors: NDArray[np.float32], tell: Tell) -> _Graph:
    """The graph of nearest neighbours; an edge weighs more the nearer it is beside the others of its node."""
    count = min(_NEIGHBOURS, len(vectors) - 1)
    targets = np.empty((len(vectors), count), np.intp)
    weights = np.empty((len(vectors), count), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(vectors)))
        found, alike = nearest(vectors[block], vectors, count + 1)
        other = found != block[:, np.newaxis]
        # Of several equal vectors the track itself need not be among the first.
        other[other.all(axis=1), -1] = False
        targets[block] = found[other].reshape(len(block), count)
        away = 1 - alike[other].reshape(len(block), count)
        scale = np.maximum(away.mean(axis=1, keepdims=True) - away[:, :1], 1e-4)
        weights[block] = np.exp(-np.maximum(0.0, away - away[:, :1]) / scale)
        tell(start / len(vectors))
    one, two = np.repeat(np.arange(len(vectors)), count), targets.ravel()
    sources, ends, weight = np.concatenate([one, two]), np.concatenate([two, one]), np.tile(weights.ravel(), 2)
    total = np.bincount(sources, weight, len(vectors)).astype(np.float32)
    return _Graph(sources, ends, weight, total)


def _fresh(graph: _Graph, vectors: NDArray[np.float32], tell: Tell) -> Points:
    """A map from nothing: principal components, then force."""
    middle = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(middle.T @ middle)
    start = middle @ axes[:, [-1, -2]]
    # The same vectors give the same map: the sign of a component is otherwise left to chance.
    start *= np.where(np.abs(start.min(axis=0)) > start.max(axis=0), -1, 1)
    start *= _REACH / max(1e-6, float(np.abs(start).max()))
    places = _pulled(graph, start.astype(np.float32), None, _EPOCHS, lambda share: tell(0.2 + 0.5 * share))
    places -= np.median(places, axis=0)
    reach = float(np.quantile(np.abs(places), 0.998)) or 1.0
    return np.asarray(places / (1.02 * reach), np.float32)


def _settled(graph: _Graph, vectors: NDArray[np.float32], old: Points, tell: Tell) -> Points:
    """The old map with the new tracks put in: those that were there are held back at their places."""
    new = np.isnan(old[:, 0])
    start = old.copy()
    there = np.flatnonzero(~new)
    for block in _blocks(np.flatnonzero(new)):
        start[block] = _among(vectors[block], vectors[there], old[there])
    size = _size_at_rest(graph, start)
    moved = _pulled(graph, start * size, ~new, _SETTLING, lambda share: tell(0.2 + 0.5 * share))
    return np.asarray(moved / size, np.float32)


def _size_at_rest(graph: _Graph, places: Points) -> float:
    """How large the forces want the map to be: the size at which they move it least, measured by itself."""
    random = np.random.default_rng(0)
    sizes = np.geomspace(2.0, 60.0, 18)
    unrest = [float(np.abs(_force(graph, places * size, random)).mean()) / size for size in sizes]
    return float(sizes[int(np.argmin(unrest))])


def _pulled(graph: _Graph, start: Points, held: NDArray[np.bool_] | None, epochs: int, tell: Tell) -> Points:
    random = np.random.default_rng(0)
    places = start.astype(np.float32)
    for epoch in range(epochs):
        move = _force(graph, places, random)
        if held is not None:
            move[held] = 0.1 * move[held] + _ANCHOR * (start[held] - places[held])
        places = places + (1 - epoch / epochs) * move
        tell(epoch / epochs)
    return places


def _force(graph: _Graph, places: Points, random: np.random.Generator) -> Points:
    """Where each node is drawn: towards the mean of its neighbours, and away from a few nodes of the whole."""
    count = len(places)
    apart = places[graph.targets] - places[graph.sources]
    pull = graph.weights / (1 + np.einsum("ij,ij->i", apart, apart))
    force = np.empty_like(places)
    for axis in (0, 1):
        force[:, axis] = np.bincount(graph.sources, pull * apart[:, axis], count) / graph.total
    others = random.integers(0, count, (_NEGATIVES, count))
    away = places[np.newaxis] - places[others]
    far = np.einsum("kij,kij->ki", away, away)
    push = away * (1 / ((0.05 + far) * (1 + far)))[:, :, np.newaxis]
    return np.asarray(force + np.clip(push.mean(axis=0), -1.0, 1.0), np.float32)


def _blocks(places: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [places[start : start + _BLOCK] for start in range(0, len(places), _BLOCK)]


def _among(vectors: NDArray[np.float32], landmarks: NDArray[np.float32], places: Points) -> Points:
    """Places in the middle of the nearest landmarks, the nearer ones weighing more."""
    found, alike = nearest(vectors, landmarks, min(6, len(landmarks)))
    weights = np.exp((alike - alike[:, :1]) / 0.05)[:, :, np.newaxis]
    return np.asarray((places[found] * weights).sum(axis=1) / weights.sum(axis=1), np.float32)


def _place_among(
    shelf: Shelf, rest: NDArray[np.intp], landmarks: NDArray[np.float32], places: Points, drawn: Points, tell: Tell
) -> None:
    """Put the rest among the landmarks, each a little beside its middle, so that equals do not hide each other."""
    for number, block in enumerate(_blocks(rest)):
        aside = np.stack([chance(shelf.ids[block], stream) - 0.5 for stream in (1, 2)], axis=1)
        drawn[block] = _among(shelf.vectors_at(block), landmarks, places) + 0.01 * aside
        tell(number * _BLOCK / len(rest))
