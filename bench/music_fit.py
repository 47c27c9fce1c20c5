"""Fits the weights of the music engines' linear models on pieces composed by `bench.music_variety`.

`python -m bench.music_fit FOLDER --pieces 1500` renders what FOLDER lacks, listens, fits, prints the accuracy of
a five-fold cross-validation and writes src/otolith/library/engine/music_model.json.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.music_midi import midi_file, render
from bench.music_variety import Piece, compose
from otolith.library.engine import beats, key, onsets, tempo
from otolith.library.engine.chroma import ChromaStream
from otolith.library.engine.evidence import gather
from otolith.library.engine.music_model import Model
from otolith.library.engine.onsets import OnsetStream

Array = NDArray[np.float64]
Single = NDArray[np.float32]
MODEL = Path(__file__).parent.parent / "src/otolith/library/engine/music_model.json"
_SAME_TEMPO = 0.04
_DROPPED = 0.15
_RIGHT = 0.1


@dataclass
class Question:
    """Candidates with their features (candidates, n) and how right each is (candidates, summing to one)."""

    features: Array
    truth: Array


@dataclass(frozen=True)
class Settings:
    """How a model is fitted: hidden units (none is a plain conditional logit), passes, penalty, output columns."""

    hidden: int = 0
    passes: int = 60
    penalty: float = 1e-3
    columns: int = 1
    floor: float = 1e-6


def fit(questions: list[Question], how: Settings) -> Model:
    """The weights that make the right candidates most probable, by Adam with dropped features and an L2 penalty.

    With several columns each candidate is asked about that many times (a key's major and minor), `truth` being
    ordered column by column.
    """
    every = np.concatenate([q.features for q in questions])
    centre, scale = every.mean(axis=0), np.maximum(every.std(axis=0), how.floor)
    plain = Model(centre, scale, np.zeros(every.shape[1]))
    most = max(q.features.shape[0] for q in questions)
    rows = np.zeros((len(questions), most, every.shape[1]), dtype=np.float32)
    truth = np.zeros((len(questions), how.columns, most), dtype=np.float32)
    real = np.zeros((len(questions), 1, most), dtype=bool)
    for index, question in enumerate(questions):
        count = question.features.shape[0]
        rows[index, :count] = plain.normalise(question.features)
        truth[index, :, :count] = question.truth.reshape(how.columns, count)
        real[index, :, :count] = True
    parts = {name: part.astype(np.float64) for name, part in _descend(rows, truth, real, how).items()}
    weights = parts["weights"][:, 0] if how.columns == 1 else parts["weights"]
    if not how.hidden:
        return Model(centre, scale, weights)
    return Model(centre, scale, weights, parts["hidden"], parts["offsets"], parts["gains"])


def _descend(rows: Single, truth: Single, real: NDArray[np.bool_], how: Settings) -> dict[str, Single]:
    random = np.random.default_rng(0)
    count, _, width = rows.shape
    units = max(1, how.hidden)
    parts = {
        "weights": np.zeros((width, how.columns)),
        "hidden": random.standard_normal((width, units)) * 0.5 / np.sqrt(width),
        "offsets": np.zeros(units),
        "gains": random.standard_normal(units) * (0.3 if how.hidden else 0.0),
    }
    parts = {name: values.astype(np.float32) for name, values in parts.items()}
    moving = ["weights", "hidden", "offsets", "gains"] if how.hidden else ["weights"]
    first = {name: np.zeros_like(parts[name]) for name in moving}
    second = {name: np.zeros_like(parts[name]) for name in moving}
    step = 0
    for turn in range(how.passes):
        order = random.permutation(count)
        rate = 0.002 * (1 + np.cos(np.pi * turn / how.passes))
        for start in range(0, count, 64):
            step += 1
            some = order[start : start + 64]
            slopes = _slopes(parts, rows[some], truth[some], real[some], random, hidden=how.hidden > 0)
            for name in moving:
                slope = slopes[name] + how.penalty * parts[name]
                first[name] = 0.9 * first[name] + 0.1 * slope
                second[name] = 0.999 * second[name] + 0.001 * np.square(slope)
                change = first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8)
                parts[name] = (parts[name] - rate * change).astype(np.float32)
    return parts


def _slopes(
    parts: dict[str, Single],
    rows: Single,
    truth: Single,
    real: NDArray[np.bool_],
    random: np.random.Generator,
    *,
    hidden: bool,
) -> dict[str, Single]:
    """The gradient of the loss over one batch, every feature of every piece left out at random one time in seven."""
    kept = random.random((rows.shape[0], 1, rows.shape[2])) > _DROPPED
    rows = rows * (kept / (1 - _DROPPED)).astype(np.float32)
    units = np.tanh(rows @ parts["hidden"] + parts["offsets"])
    scores = np.moveaxis(rows @ parts["weights"], 2, 1) + (units @ parts["gains"])[:, None, :]
    scores = np.where(real, scores, -1e9)
    powers = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))
    chance = powers / powers.sum(axis=(1, 2), keepdims=True)
    right = chance * truth
    right /= right.sum(axis=(1, 2), keepdims=True) + 1e-12
    error = ((chance - right) / rows.shape[0]).astype(np.float32)
    slopes = {"weights": np.tensordot(rows, np.moveaxis(error, 1, 2), ((0, 1), (0, 1)))}
    if hidden:
        total = error.sum(axis=1)
        inner = total[..., None] * parts["gains"] * (1 - np.square(units))
        slopes["hidden"] = np.tensordot(rows, inner, ((0, 1), (0, 1)))
        slopes["offsets"] = inner.sum(axis=(0, 1))
        slopes["gains"] = np.einsum("nk,nkh->h", total, units)
    return slopes


def choose(fitted: Model, question: Question) -> int:
    return int(np.argmax(fitted.scores(question.features).T))


def cross_validate(questions: list[Question], how: Settings, folds: int) -> float:
    """The share of right choices by models each fitted without the questions they are asked."""
    right = 0
    for fold in range(folds):
        fitted = fit([q for index, q in enumerate(questions) if index % folds != fold], how)
        right += sum(q.truth[choose(fitted, q)] > _RIGHT for q in questions[fold::folds])
    return right / len(questions)


def listen(folder: Path, seed: int) -> dict[str, Any]:
    """The piece's truth and what the streams hear of it, rendered and computed once and then kept in `folder`."""
    truth, heard = folder / f"{seed:05d}.json", folder / f"{seed:05d}.npz"
    if not heard.exists():
        piece = compose(seed)
        samples = _samples(piece, folder / f"{seed:05d}.wav")
        flux, harmony = OnsetStream(), ChromaStream()
        for stream in (flux, harmony):
            stream.push(samples)
            stream.finish()
        np.savez(heard, flux=flux.flux.rows(), chroma=harmony.series.rows())
        facts = {"tempo": piece.tempo, "beats": piece.beats, "key": piece.key, "mode": piece.mode}
        truth.write_text(json.dumps({**facts, "description": piece.description}, default=float))
    arrays = np.load(heard)
    return {**json.loads(truth.read_text()), "flux": arrays["flux"], "chroma": arrays["chroma"]}


def _samples(piece: Piece, wave: Path) -> NDArray[np.float32]:
    kept = wave.with_suffix(".npy")
    if not kept.exists():
        render(midi_file(piece.notes, piece.programs), wave)
        sound, rate = soundfile.read(wave, dtype="float32")
        wave.unlink()
        mono = fade(sound.mean(axis=1), piece, rate)
        np.save(kept, (soxr.resample(mono, rate, onsets.RATE).clip(-1, 1) * 32767).astype(np.int16))
    return np.asarray(np.load(kept) / 32768, dtype=np.float32)


def fade(samples: NDArray[np.float32], piece: Piece, rate: int) -> NDArray[np.float32]:
    """`samples` with the fades the piece asks for; what follows a fade-out is cut off."""
    rise, fall = (round(seconds * rate) for seconds in piece.fade)
    first, last = round(piece.beats[0] * rate), round(piece.duration * rate)
    samples[first : first + rise] *= np.linspace(0.01, 1, rise, dtype=np.float32)
    if fall:
        samples[last - fall : last] *= np.linspace(1, 0, fall, dtype=np.float32)
        return samples[:last]
    return samples


def tempo_question(heard: dict[str, Any]) -> Question | None:
    if heard["description"].get("bare") == "melody":
        return None  # A voice alone that wanders at random has no beat to be heard.
    gram = tempo.tempogram(gather(heard["flux"], heard["chroma"]))
    periods = tempo.candidates(gram)
    right = (np.abs(np.log(60 / periods / heard["tempo"])) < _SAME_TEMPO).astype(np.float64)
    return Question(tempo.features(gram, periods), right) if right.any() else None


def phase_question(heard: dict[str, Any]) -> Question | None:
    evidence = gather(heard["flux"], heard["chroma"])
    found = beats.follow(evidence.strength, 60 / heard["tempo"] * onsets.FRAME_RATE)
    truth = np.array(heard["beats"]) * onsets.FRAME_RATE
    inside = truth[(truth > found[0]) & (truth < found[-1])]
    turns = np.exp(2j * np.pi * np.interp(inside, found, np.arange(found.size)))
    if abs(turns.mean()) < 0.7:
        return None
    phase = np.angle(turns.mean()) / (2 * np.pi) * beats.PHASES
    distance = np.abs((np.arange(beats.PHASES) - phase + beats.PHASES / 2) % beats.PHASES - beats.PHASES / 2)
    return Question(beats.phase_features(evidence, found), np.exp(-0.5 * np.square(distance / 0.5)))


def key_question(heard: dict[str, Any]) -> Question | None:
    if "bare" in heard["description"]:
        return None
    known = key.features(heard["chroma"])
    truth = np.zeros(24)
    truth[heard["key"] + (12 if heard["mode"] == "minor" else 0)] = 1.0
    return None if known is None else Question(known, truth)


TASKS: tuple[tuple[str, Callable[[dict[str, Any]], Question | None], Settings], ...] = (
    ("tempo", tempo_question, Settings(hidden=32, passes=40, penalty=3e-3)),
    ("phase", phase_question, Settings(hidden=8, passes=40, penalty=3e-3)),
    ("key", key_question, Settings(passes=80, penalty=3e-3, columns=2, floor=0.02)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", type=int, default=1719)
    parser.add_argument("--folds", type=int, default=5, help="0 skips the cross-validation")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    heard = [listen(options.folder, seed) for seed in range(options.pieces)]
    models = {}
    for name, ask, how in TASKS:
        questions = [question for question in map(ask, heard) if question is not None]
        if options.folds:
            share = cross_validate(questions, how, options.folds)
            print(f"{name}: {share:.3f} of {len(questions)} right in cross-validation", flush=True)
        parts = asdict(fit(questions, how))
        models[name] = {part: np.round(values, 4).tolist() for part, values in parts.items() if values is not None}
    MODEL.write_text(json.dumps(models, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
