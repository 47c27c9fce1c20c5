"""Fits the constants of the embedding on pieces composed by `bench.similarity_set`.

`python -m bench.similarity_fit FOLDER` renders what FOLDER lacks (1,080 pieces, half an hour of one core), listens to
every piece as it is and as another studio left it, fits, and writes src/otolith/library/engine/embedding_model.npz.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from bench.music_midi import SOUND_FONT
from bench.similarity_ears import heard
from bench.similarity_set import Band, Style, drawn_style, perform, random_band, random_ensemble, random_style
from otolith.library.engine.embedding import DIMENSIONS, PALETTE
from otolith.library.engine.embedding_model import Constants
from otolith.library.engine.palette import fisher_vector, likelihoods
from otolith.library.engine.portrait import draw

Array = NDArray[np.float64]
MODEL = Path(__file__).parent.parent / "src/otolith/library/engine/embedding_model.npz"
_FONTS = (SOUND_FONT, Path("/usr/share/sounds/sf2/TimGM6mb.sf2"))
_STYLE_SEED, _STYLES, _OF_STYLE = 5411, 120, 3
_ENSEMBLE_SEED, _ENSEMBLES, _OF_ENSEMBLE = 5412, 300, 3
_PIECES = 1080  # Half an hour of one core; more would do no harm.
_ENCODED = 6  # Every sixth piece is heard through a codec as well.
_SECONDS = 16.0
_COMPONENTS = 192
_FRAMES = 20  # Of each recording, for the mixture.
_PRINCIPAL = 300  # Directions that discriminants are looked for in.
_TOLD = 0.7
_BALANCE = (0.55, 0.45)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece to compose, and what is to be learnt from it: who plays (`band`) or how it is played (`style`).

    `studio` is the seed of another studio, which is the same for all pieces of an ensemble.
    """

    file: str
    seed: list[int]
    style: Style
    band: Band
    label: str
    studio: list[int]


def pieces() -> Iterator[Piece]:
    """Every style by three bands, and every ensemble in three styles, in turns: any beginning of them will do."""
    fonts = tuple(font for font in _FONTS if font.exists())
    rng = np.random.default_rng(_STYLE_SEED)
    styles = [(drawn_style if index % 2 else random_style)(rng, f"style {index}") for index in range(_STYLES)]
    own = np.random.default_rng(_ENSEMBLE_SEED)
    ensembles = [random_ensemble(own, f"ensemble {index}", fonts) for index in range(_ENSEMBLES)]
    for number in range(max(_OF_STYLE, _OF_ENSEMBLE)):
        for index, style in enumerate(styles[: _STYLES * (number < _OF_STYLE)]):
            seed = [_STYLE_SEED, number, index]
            yield Piece(
                f"styles/{index:03d}-{number}", seed, style, random_band(rng, "any", fonts), style.name, [*seed, 1]
            )
        for index, band in enumerate(ensembles[: _ENSEMBLES * (number < _OF_ENSEMBLE)]):
            style = (drawn_style if (index + number) % 2 else random_style)(own, "any")
            yield Piece(
                f"ensembles/{index:03d}-{number}",
                [_ENSEMBLE_SEED, number, index],
                style,
                band,
                band.name,
                [_ENSEMBLE_SEED, index],
            )


@dataclass(frozen=True, slots=True)
class Material:
    """What was heard: a row for every copy of every piece, its label, and its frames.

    Another studio makes another band of it, so `labels` tells an ensemble's copies apart.
    """

    labels: NDArray[np.str_]
    pieces: NDArray[np.intp]
    rows: Array
    frames: list[NDArray[np.float32]]


def listened(folder: Path) -> Material:
    labels, numbers, rows, frames = [], [], [], []
    for number, piece in enumerate(islice(pieces(), _PIECES)):
        target = folder / f"{piece.file}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            perform(piece.seed, piece.style, piece.band, target.with_suffix(".part"), _SECONDS).rename(target)
        copies = heard(target, piece.studio, encoded=number % _ENCODED == 0)
        for index, portrait in enumerate(map(draw, copies)):
            if portrait is not None:
                elsewhere = index == 1 and piece.label.startswith("ensemble")
                labels.append(f"{piece.label} elsewhere" if elsewhere else piece.label)
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


def principal(rows: Array, count: int) -> Array:
    """The directions (columns) in which the rows differ most, the strongest first."""
    size = rows.shape[1]
    return np.asarray(eigh(np.cov(rows.T), subset_by_index=[max(0, size - count), size - 1])[1][:, ::-1])


def whitened(rows: Array, count: int) -> Array:
    """The directions (columns) in which the rows differ most, the stronger ones made weaker by half."""
    size = rows.shape[1]
    strength, directions = eigh(np.cov(rows.T), subset_by_index=[size - count, size - 1])
    return np.asarray((directions / strength**0.25)[:, ::-1])


def directions(rows: Array, labels: NDArray[np.str_], learning: NDArray[np.bool_], count: int) -> Array:
    """What tells the labels of the rows to learn from apart and what differs at all, in as few directions as asked.

    The first alone would be blind to whatever composed pieces do not have, the second alone takes what changes from
    piece to piece of a band for its sound.
    """
    strongest = principal(rows, _PRINCIPAL)
    reduced = rows @ strongest
    told = discriminants(reduced[learning], labels[learning], count, 0.4), whitened(reduced, count)
    shares = _TOLD, 1 - _TOLD
    sizes = [np.square(reduced @ part).sum(axis=1).mean() for part in told]
    both = np.concatenate(
        [part * np.sqrt(share / size) for part, share, size in zip(told, shares, sizes, strict=True)], axis=1
    )
    return np.asarray(strongest @ both @ principal(reduced @ both, count))


def fit(material: Material) -> Constants:
    """The constants, but for those that tell a voice."""
    rng = np.random.default_rng(0)
    some = np.concatenate([part[rng.permutation(part.shape[0])[:_FRAMES]] for part in material.frames])
    some = some.astype(np.float64)
    frame_centre, frame_scale = some.mean(axis=0), some.std(axis=0)
    centre = material.rows.mean(axis=0)
    scale = np.maximum(material.rows.std(axis=0), 1e-3)
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
    mean = vectors.mean(axis=0)
    styles = np.char.startswith(material.labels, "style")
    parts = {
        "palette_centre": mean,
        "palette": directions(vectors - mean, material.labels, ~styles, PALETTE),
        "manner": directions(model.scaled(material.rows), material.labels, styles, DIMENSIONS - PALETTE),
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
    save(fit(material))
    print(f"fitted on {material.pieces.max() + 1} pieces; the table has {MODEL.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
