"""Judges the key from the chroma: what sounds overall, what the chords are, and which chord opens and closes."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from otolith.library.engine.chroma import FRAME_RATE
from otolith.library.engine.music_model import model, softmax

Array = NDArray[np.float64]
_SMOOTH = 5
_CHANGE_COST = 0.25
_BASS_SHARE = 0.25
_LEAST_CHORD = 4  # Frames; what is shorter is a passing sound.
_OPENING, _CLOSING = 30, 40  # Frames of the first and the last chord that are listened to.
_SILENT = 0.3
_LEAST_STEADINESS = 0.12  # Music has 0.2 to 0.95, noise and speech less than 0.06.
_FEWEST_CLASSES, _MOST_CLASSES = 2.5, 11.5  # A triad has three, noise 11.9.
_SECTION = round(900 * FRAME_RATE)


@dataclass(frozen=True, slots=True)
class Key:
    """Tonic (0 is C), whether it is minor, and the probability the model gives it."""

    tonic: int
    minor: bool
    probability: float


@dataclass(frozen=True, slots=True)
class Chord:
    """Frames `start` to `end`, and which of the 24 triads: C major..B major, then C minor..B minor."""

    start: int
    end: int
    triad: int


def _triads() -> Array:
    shapes = np.zeros((24, 12))
    for root in range(12):
        shapes[root, [root, (root + 4) % 12, (root + 7) % 12]] = 1.0, 0.9, 0.9
        shapes[12 + root, [root, (root + 3) % 12, (root + 7) % 12]] = 1.0, 0.9, 0.9
    return np.asarray(shapes / np.linalg.norm(shapes, axis=1, keepdims=True))


def _unit(rows: Array) -> Array:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9))


def _best_path(fit: Array) -> NDArray[np.intp]:
    """The sequence of triads that fits best when every change costs `_CHANGE_COST` (Viterbi)."""
    total = fit[0]
    stay = np.arange(fit.shape[1])
    origins = np.zeros(fit.shape, dtype=np.int8)
    for frame in range(1, fit.shape[0]):
        best = int(total.argmax())
        jump = total[best] - _CHANGE_COST
        kept = total >= jump
        origins[frame] = np.where(kept, stay, best)
        total = np.where(kept, total, jump) + fit[frame]
    path = np.zeros(fit.shape[0], dtype=np.intp)
    path[-1] = int(total.argmax())
    for frame in range(fit.shape[0] - 1, 0, -1):
        path[frame - 1] = origins[frame, path[frame]]
    return path


def _chords(path: NDArray[np.intp], sounding: NDArray[np.bool_]) -> list[Chord]:
    changes = np.flatnonzero((np.diff(path) != 0) | (np.diff(sounding) != 0)) + 1
    edges = [0, *changes.tolist(), path.size]
    chords: list[Chord] = []
    for start, end in pairwise(edges):
        if not sounding[start] or end - start < _LEAST_CHORD:
            continue
        triad = int(path[start])
        if chords and chords[-1].triad == triad:
            chords[-1] = Chord(chords[-1].start, end, triad)
        else:
            chords.append(Chord(start, end, triad))
    return chords


def features(chroma: NDArray[np.floating]) -> Array | None:
    """What is known of each of the twelve tonics, seen from it: (12, n), or None where nothing tonal sounds."""
    if chroma.shape[0] < 2 * _LEAST_CHORD:
        return None
    table = chroma.astype(np.float64)
    smooth = uniform_filter1d(table, _SMOOTH, axis=0)
    treble, bass = _unit(smooth[:, :12]), _unit(smooth[:, 12:])
    sounding = np.linalg.norm(smooth[:, :12], axis=1) > _SILENT
    fit = treble @ _triads().T + _BASS_SHARE * np.tile(bass, 2)
    chords = _chords(_best_path(fit), sounding)
    if not chords:
        return None
    time, count, first, last = (np.zeros(24) for _ in range(4))
    for chord in chords:
        time[chord.triad] += chord.end - chord.start
        count[chord.triad] += 1 / len(chords)
    time /= time.sum()
    first[chords[0].triad] = last[chords[-1].triad] = 1.0
    steps = np.zeros((24, 24))
    for earlier, later in pairwise(chords):
        steps[earlier.triad, later.triad] += 1 / (len(chords) - 1)
    opening = slice(chords[0].start, min(chords[0].end, chords[0].start + _OPENING))
    closing = slice(max(chords[-1].start, chords[-1].end - _CLOSING), chords[-1].end)
    twelve = np.stack(
        [
            _unit((table[:, :12] * sounding[:, None]).sum(axis=0)),
            _unit(treble[sounding].sum(axis=0)),
            _unit(bass[sounding].sum(axis=0)),
            *(part.reshape(2, 12)[half] for part in (time, count, first, last) for half in (0, 1)),
            *(_unit(part[span].sum(axis=0)) for span in (opening, closing) for part in (treble, bass)),
        ]
    )
    rows = []
    for tonic in range(12):
        seen = np.roll(twelve, -tonic, axis=1)
        into = steps[:, [tonic, 12 + tonic]].T.reshape(2, 2, 12)
        rows.append(np.concatenate([seen.ravel(), np.roll(into, -tonic, axis=2).ravel()]))
    return np.array(rows)


def tonal_character(chroma: NDArray[np.floating]) -> tuple[float, float]:
    """How alike the chroma stays over 0.4 s (-1..1), and how many pitch classes share the whole (1..12).

    Noise and speech change all the time and use all twelve alike; a test tone uses one. Music has always stayed
    between these. Of what is silent or too short both are zero.
    """
    treble = chroma[:, :12].astype(np.float64)
    treble = treble[treble.sum(axis=1) > _SILENT]
    if treble.shape[0] < 2 * _LEAST_CHORD:
        return 0.0, 0.0
    shape = _unit(treble - treble.mean(axis=1, keepdims=True))
    steadiness = float((shape[_LEAST_CHORD:] * shape[:-_LEAST_CHORD]).sum(axis=1).mean())
    share = treble.mean(axis=0) / treble.mean(axis=0).sum()
    return steadiness, float(np.exp(-np.sum(share * np.log(share + 1e-12))))


def key_chances(chroma: NDArray[np.floating]) -> Array | None:
    """Probability of each key of chroma (n, 24): (2, 12), major then minor, or None where nothing tonal sounds."""
    steadiness, classes = tonal_character(chroma)
    if steadiness < _LEAST_STEADINESS or not _FEWEST_CLASSES <= classes <= _MOST_CLASSES:
        return None
    known = features(chroma)
    return None if known is None else softmax(model("key").scores(known).T)


def find_key(chroma: NDArray[np.floating]) -> Key | None:
    """The most likely key of chroma (n, 24), or None where nothing tonal sounds.

    A long recording is heard in sections, and the key that is likely for most of it wins.
    """
    sections = max(1, round(chroma.shape[0] / _SECTION))
    total, heard = np.zeros((2, 12)), 0.0
    for part in np.array_split(chroma, sections):
        chances = key_chances(part)
        if chances is not None:
            total += chances * part.shape[0]
            heard += part.shape[0]
    if heard < 0.2 * chroma.shape[0] or heard == 0:
        return None
    best = int(np.argmax(total))
    return Key(best % 12, best >= 12, float(total.flat[best]) / chroma.shape[0])
