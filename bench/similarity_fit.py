"""Fits the constants of the embedding on pieces composed by `bench.similarity_set`.

`python -m bench.similarity_fit FOLDER` renders what FOLDER lacks (a thousand pieces, an hour of one core), listens to
every piece as it is and as two studios left it, fits, and writes src/otolith/library/engine/embedding_model.npz.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from bench.music_midi import SOUND_FONT
from bench.similarity_ears import heard
from bench.similarity_set import Band, Style, perform, random_band, random_ensemble, random_style
from otolith.library.engine.embedding import DIMENSIONS, PALETTE
from otolith.library.engine.embedding_model import Constants
from otolith.library.engine.palette import fisher_vector, likelihoods
from otolith.library.engine.portrait import draw

Array = NDArray[np.float64]
MODEL = Path(__file__).parent.parent / "src/otolith/library/engine/embedding_model.npz"
_FONTS = (SOUND_FONT, Path("/usr/share/sounds/sf2/TimGM6mb.sf2"))
_STYLE_SEED, _BANDS, _STYLES, _OF_STYLE = 411, 120, 80, 8
_ENSEMBLE_SEED, _ENSEMBLES, _OF_ENSEMBLE = 412, 100, 5
_SECONDS = 22.0
_COMPONENTS = 40
_BALANCE = (0.45, 0.55)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece to compose, and what is to be learnt from it: who plays (`band`) or how it is played (`style`)."""

    file: str
    seed: list[int]
    style: Style
    band: Band
    label: str


def pieces() -> Iterator[Piece]:
    """Every style by eight bands, and every ensemble in five styles."""
    fonts = tuple(font for font in _FONTS if font.exists())
    rng = np.random.default_rng(_STYLE_SEED)
    bands = [random_band(rng, f"band {index}", fonts) for index in range(_BANDS)]
    styles = [random_style(rng, f"style {index}") for index in range(_STYLES)]
    turns = np.concatenate([rng.permutation(_STYLES) for _ in range(_OF_STYLE)])
    for index, turn in enumerate(turns):
        style = styles[int(turn)]
        yield Piece(f"styles/{index:04d}", [_STYLE_SEED, index], style, bands[index % _BANDS], style.name)
    rng = np.random.default_rng(_ENSEMBLE_SEED)
    ensembles = [random_ensemble(rng, f"ensemble {index}", fonts) for index in range(_ENSEMBLES)]
    for number in range(_OF_ENSEMBLE):
        for index, band in enumerate(ensembles):
            style = random_style(rng, "any")
            yield Piece(f"ensembles/{index:03d}-{number}", [_ENSEMBLE_SEED, number, index], style, band, band.name)


@dataclass(frozen=True, slots=True)
class Material:
    """What was heard: a row for every copy of every piece, its label, and its frames."""

    labels: NDArray[np.str_]
    pieces: NDArray[np.intp]
    rows: Array
    frames: list[NDArray[np.float32]]


def listened(folder: Path) -> Material:
    labels, numbers, rows, frames = [], [], [], []
    for number, piece in enumerate(pieces()):
        target = folder / f"{piece.file}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            perform(piece.seed, piece.style, piece.band, target.with_suffix(".part"), _SECONDS).rename(target)
        for portrait in map(draw, heard(target, [*piece.seed, 1])):
            if portrait is not None:
                labels.append(piece.label)
                numbers.append(number)
                rows.append(portrait.row())
                frames.append(portrait.frames.astype(np.float32))
    return Material(np.array(labels), np.array(numbers), np.array(rows), frames)


def mixture(frames: Array, components: int, rounds: int = 30) -> tuple[Array, Array, Array]:
    """Weights, means and variances of a mixture of diagonal Gaussians, by expectation maximisation."""
    rng = np.random.default_rng(0)
    means = frames[rng.choice(frames.shape[0], components, replace=False)]
    shape = _Shape(np.full(components, 1 / components), means, np.ones_like(means))
    for _ in range(rounds):
        share = likelihoods(frames, shape)
        share = np.exp(share - share.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        amount = share.sum(axis=0) + 1e-3
        means = share.T @ frames / amount[:, None]
        variances = share.T @ np.square(frames) / amount[:, None] - np.square(means) + 0.02
        shape = _Shape(amount / amount.sum(), means, variances)
    return shape.weights, shape.means, shape.variances


@dataclass(frozen=True, slots=True)
class _Shape:
    weights: Array
    means: Array
    variances: Array


def discriminants(rows: Array, labels: NDArray[np.str_], count: int, shrinkage: float) -> Array:
    """The directions (columns) in which the labels differ most, measured by how much each differs from itself."""
    kinds, index = np.unique(labels, return_inverse=True)
    means = np.stack([rows[index == kind].mean(axis=0) for kind in range(kinds.size)])
    inner = rows - means[index]
    within = inner.T @ inner / rows.shape[0]
    outer = means[index] - rows.mean(axis=0)
    between = outer.T @ outer / rows.shape[0]
    size = within.shape[0]
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / size * np.eye(size)
    _, directions = eigh(between, within, subset_by_index=[size - count, size - 1])
    return np.asarray(directions[:, ::-1])


def whitened(rows: Array, count: int) -> Array:
    """The directions (columns) in which the rows differ most, the stronger ones made weaker by half."""
    size = rows.shape[1]
    strength, directions = eigh(np.cov(rows.T), subset_by_index=[size - count, size - 1])
    return np.asarray((directions / strength**0.25)[:, ::-1])


def _manner(scaled: Array, labels: NDArray[np.str_], chosen: NDArray[np.bool_]) -> Array:
    """What tells styles apart and what differs at all, half and half, in as few directions as there is room for."""
    count = DIMENSIONS - PALETTE
    styles = chosen & np.char.startswith(labels, "style")
    told = [discriminants(scaled[styles], labels[styles], count, 0.4), whitened(scaled[chosen], count)]
    both = np.concatenate(
        [part / np.sqrt(np.square(scaled[chosen] @ part).sum(axis=1).mean()) for part in told], axis=1
    )
    size = both.shape[1]
    _, main = eigh(np.cov((scaled[chosen] @ both).T), subset_by_index=[size - count, size - 1])
    return np.asarray(both @ main[:, ::-1])


def fit(material: Material, chosen: NDArray[np.bool_]) -> Constants:
    """The constants, learnt from the chosen rows."""
    rng = np.random.default_rng(0)
    some = np.concatenate([part for part, take in zip(material.frames, chosen, strict=True) if take])
    some = some[rng.choice(some.shape[0], min(some.shape[0], 30_000), replace=False)].astype(np.float64)
    frame_centre, frame_scale = some.mean(axis=0), some.std(axis=0)
    centre = material.rows[chosen].mean(axis=0)
    scale = np.maximum(material.rows[chosen].std(axis=0), 1e-3)
    weights, means, variances = mixture(np.clip((some - frame_centre) / frame_scale, -4, 4), _COMPONENTS)
    nothing = np.zeros(1)
    model = Constants(
        frame_centre,
        frame_scale,
        weights,
        means,
        variances,
        palette_centre=nothing,
        palette=nothing,
        centre=centre,
        scale=scale,
        manner=nothing,
        balance=nothing,
        voice=np.zeros(centre.size + 1),
    )
    vectors = np.array([fisher_vector(model.scaled_frames(part.astype(np.float64)), model) for part in material.frames])
    parts = {
        "palette_centre": vectors[chosen].mean(axis=0),
        "palette": whitened(vectors[chosen], PALETTE),
        "manner": _manner(model.scaled(material.rows), material.labels, chosen),
        "balance": np.array(_BALANCE),
    }
    return Constants(**{**asdict(model), **parts})


def save(model: Constants) -> None:
    small = {name: table.astype(np.float16) for name, table in asdict(model).items() if table.ndim == 2}
    np.savez_compressed(
        MODEL, allow_pickle=False, **{**{n: t.astype(np.float32) for n, t in asdict(model).items()}, **small}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the rendered pieces lie (2 GB)")
    options = parser.parse_args()
    material = listened(options.folder)
    save(fit(material, np.ones(len(material.labels), dtype=bool)))
    print(f"fitted on {material.pieces.max() + 1} pieces; the table has {MODEL.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
