"""Fits the estimate of how much voice there is: speech by espeak-ng, and singing by a source and formants, over music.

`python -m bench.voice_fit FOLDER` takes the rendered pieces of `bench.similarity_fit`, puts voices over half of them,
prints how well a three-fold cross-validation tells them apart, and writes the weights into the embedding's table.
There is no recorded voice in it, so its figures flatter. Only the movement of the spectrum and its noisiness are asked:
with rhythm, harmony and the mean spectrum it learns this set by heart and takes one instrumental in three for a song.
"""

import argparse
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import lfilter

from bench.similarity_ears import heard, listen, load, mono
from bench.similarity_fit import pieces, save
from otolith.library.engine.embedding_model import constants
from otolith.library.engine.portrait import draw

Array = NDArray[np.float64]
RATE = 22050
_SECONDS = 12
_STRIDE = 5
_MEAN_SHAPE, _TIMBRE = 20, 174
_TEXTS = (
    "The river was high that morning, and nobody on the quay could say when the ferry would come back.",
    "Le train de nuit partait toujours en retard, et pourtant tout le monde courait sur le quai.",
    "We counted the lights across the bay, one by one, until the wind came up and the boats turned home.",
    "Am Abend saßen sie auf der Mauer und hörten den Kindern zu, die unten im Hof noch lange spielten.",
)
_VOICES = ("en+m1", "en+m3", "en+m7", "en+f1", "en+f3", "en+f5", "fr+m2", "fr+f2", "de+m4", "de+f4")
# The first three formants in Hz of five vowels (Peterson and Barney, 1952), for a man.
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_CHOIRS = (52, 53, 54, 91)


def speech(rng: np.random.Generator) -> Array:
    """Somebody who reads a sentence or two aloud."""
    text = " ".join(rng.permutation(np.array(_TEXTS))[:3])
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        how = ["-v", str(rng.choice(_VOICES)), "-s", str(rng.integers(120, 200)), "-p", str(rng.integers(20, 80))]
        subprocess.run(["espeak-ng", *how, "-w", file.name, text], check=True)
        sound, rate = load(Path(file.name))
    return np.resize(soxr.resample(sound[:, 0], rate, RATE).astype(np.float64), _SECONDS * RATE)


def singing(rng: np.random.Generator) -> Array:
    """Somebody who sings a tune: pulses with vibrato and glides through the formants of changing vowels."""
    size = _SECONDS * RATE
    low = rng.uniform(95, 330)
    steps = np.cumsum(rng.choice([-4, -2, -1, 0, 1, 2, 3], 200))
    lengths = rng.choice([0.2, 0.3, 0.4, 0.6, 0.9], 200) * rng.uniform(0.7, 1.3)
    place = np.searchsorted(np.cumsum(lengths), np.arange(size) / RATE)
    tune = low * 2 ** (np.clip(steps, -5, 12)[place] / 12)
    smooth = lfilter([0.0015], [1, -0.9985], tune, zi=[tune[0] * 0.9985])[0]
    time = np.arange(size) / RATE
    pitch = smooth * (1 + rng.uniform(0.003, 0.02) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * time))
    phase = np.cumsum(pitch) / RATE
    source = -np.diff(np.minimum(phase % 1, 0.6) ** 2, prepend=0.0) + 0.01 * rng.standard_normal(size)
    sound = np.zeros(size)
    stretch = rng.uniform(1.0, 1.2)
    vowels = rng.integers(len(_VOWELS), size=200)
    edges = np.flatnonzero(np.diff(place, prepend=-1))
    for note, (start, end) in enumerate(zip(edges, [*edges[1:], size], strict=True)):
        part = source[start:end]
        tone = sum(
            _resonance(part, hertz * stretch, width) * gain
            for hertz, width, gain in zip(_VOWELS[vowels[note % 200]], (80, 110, 160), (1.0, 0.6, 0.3), strict=True)
        )
        breath = np.minimum(1, np.minimum(np.arange(end - start), np.arange(end - start)[::-1]) / (0.03 * RATE))
        sound[start:end] = tone * breath * (rng.random() > 0.12)
        if rng.random() < 0.5:
            noise = rng.standard_normal(min(end - start, round(0.07 * RATE)))
            sound[start : start + noise.size] += 0.15 * np.std(tone) * np.diff(noise, prepend=0.0)
    return sound


def _resonance(source: Array, hertz: float, width: float) -> Array:
    radius = np.exp(-np.pi * width / RATE)
    turn = 2 * np.pi * hertz / RATE
    return np.asarray(lfilter([1 - radius], [1, -2 * radius * np.cos(turn), radius**2], source))


def examples(folder: Path) -> tuple[Array, Array, Array]:
    """Statistics, whether there is a voice (1 or 0), and the piece that each is made of."""
    rows, truth, groups = [], [], []
    chosen = [piece for piece in pieces() if (folder / f"{piece.file}.wav").exists()][::_STRIDE]
    for number, piece in enumerate(chosen):
        if {piece.band.lead, piece.band.keys, piece.band.pad} & set(_CHOIRS):
            continue
        rng = np.random.default_rng([9, number])
        music = mono(*load(folder / f"{piece.file}.wav")).astype(np.float64)[: _SECONDS * RATE]
        voice = (singing if number % 3 else speech)(rng)[: music.size]
        loud = np.std(music) / max(1e-9, float(np.std(voice)))
        louder = 10 ** (rng.uniform(-2, 8) / 20)
        mixes = [(music, 0), (music + louder * loud * voice, 1)]
        if number % 5 == 0:
            mixes.append((voice * loud, 1))
        heard_so = [
            (listen((0.3 * sound / max(1e-9, float(np.abs(sound).max()))).astype(np.float32)), is_voice)
            for sound, is_voice in mixes
        ]
        # The whole piece as well, lest a short one be taken for a song.
        heard_so.append((heard(folder / f"{piece.file}.wav", piece.studio)[0], 0))
        for streams, is_voice in heard_so:
            portrait = draw(streams)
            if portrait is not None:
                rows.append(portrait.row())
                truth.append(is_voice)
                groups.append(number)
    return np.array(rows), np.array(truth, dtype=float), np.array(groups)


def logistic(rows: Array, truth: Array, penalty: float = 3.0) -> Array:
    """Weights, the last one the offset, by Newton's method."""
    wide = np.concatenate([rows, np.ones((rows.shape[0], 1))], axis=1)
    weights = np.zeros(wide.shape[1])
    for _ in range(12):
        chance = 1 / (1 + np.exp(-wide @ weights))
        slope = wide.T @ (chance - truth) + penalty * weights
        bend = (wide * (chance * (1 - chance))[:, None]).T @ wide + penalty * np.eye(wide.shape[1])
        weights -= np.linalg.solve(bend, slope)
    return weights


def _asked(count: int) -> Array:
    """One for the statistics of timbre behind the mean shape of the spectrum, nought for all others."""
    asked = np.zeros(count)
    asked[_MEAN_SHAPE:_TIMBRE] = 1.0
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    model = constants()
    rows, truth, groups = examples(options.folder)
    scaled = model.scaled(rows) * _asked(rows.shape[1])
    found = np.zeros(truth.size)
    for part in range(3):
        test = groups % 3 == part
        weights = logistic(scaled[~test], truth[~test])
        found[test] = scaled[test] @ weights[:-1] + weights[-1]
    order = np.argsort(found)
    ranks = np.empty(order.size)
    ranks[order] = np.arange(order.size)
    count = truth.sum()
    area = (ranks[truth == 1].sum() - count * (count - 1) / 2) / (count * (truth.size - count))
    print(f"{truth.size} examples: accuracy {np.mean((found > 0) == truth):.3f}, area under the curve {area:.3f}")
    save(replace(model, voice=logistic(scaled, truth)))


if __name__ == "__main__":
    main()
