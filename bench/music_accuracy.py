"""Measures tempo, beats and key of the music engines, and of librosa beside them, on the set of 60 pieces.

`python -m bench.music_accuracy [FOLDER] [--librosa] [--mp3] [--json FILE]` renders the set into FOLDER once.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import av
import mir_eval
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.music_midi import midi_file, render
from bench.music_set import PIECES, SetPiece, compose
from otolith.core.audio import Source
from otolith.library.engine.music import Music

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
RATE = Music.wants.rate or 22050
Samples = NDArray[np.float32]
Answer = tuple[float | None, list[float], str | None, str | None]


def sound_of(piece: SetPiece, folder: Path, *, mp3: bool) -> Samples:
    """Mono samples at the engine's rate, rendered at 44.1 kHz and, if so asked, through a 128 kbit/s MP3."""
    wave = folder / f"{piece.name[:2]}.wav"
    if not wave.exists():
        folder.mkdir(parents=True, exist_ok=True)
        render(midi_file(piece.notes, piece.programs), wave)
    sound, rate = soundfile.read(wave, dtype="float32")
    if mp3:
        packed = wave.with_suffix(".mp3")
        if not packed.exists():
            _encode(sound, rate, packed)
        sound = _decode(packed)
    return np.asarray(soxr.resample(sound.mean(axis=1), rate, RATE), dtype=np.float32)


def _encode(sound: Samples, rate: int, target: Path) -> None:
    with av.open(str(target), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate)
        stream.bit_rate = 128_000
        planes = (sound.T.clip(-1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format="s16p", layout="stereo")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def _decode(source: Path) -> Samples:
    with av.open(str(source)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.concatenate(blocks, axis=1).T.astype(np.float32)


def otolith(sound: Samples) -> Answer:
    engine = Music(Source(rate=RATE, layout=("FC",), duration=None))
    for start in range(0, sound.size, 16384):
        engine.push(sound[start : start + 16384])
    result = engine.finish()
    return result.tempo, result.beats, result.key, result.mode


def librosa_yardstick(sound: Samples) -> Answer:
    """librosa's beat tracker, and its constant-Q chroma against the profiles of Krumhansl and Kessler."""
    import librosa  # noqa: PLC0415

    major = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
    minor = np.array([6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
    tempo, beats = librosa.beat.beat_track(y=sound, sr=RATE, units="time")
    chroma = librosa.feature.chroma_cqt(y=sound, sr=RATE).mean(axis=1)
    fits = [np.corrcoef(np.roll(chroma, -tonic), shape)[0, 1] for shape in (major, minor) for tonic in range(12)]
    best = int(np.argmax(fits))
    return float(np.atleast_1d(tempo)[0]), beats.tolist(), NAMES[best % 12], "minor" if best >= 12 else "major"


def score(piece: SetPiece, answer: Answer) -> dict[str, float]:
    """Hits of tempo (within 4 %), tempo up to octaves and thirds, and key; F-measures of the beats, all and trimmed."""
    tempo, beats, key, mode = answer
    ratios = [abs(np.log((tempo or 1e-9) * k / piece.tempo)) < np.log(1.04) for k in (1, 2, 1 / 2, 3, 1 / 3)]
    truth, found = np.array(piece.beats), np.array(beats)
    trim = mir_eval.beat.trim_beats
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = mir_eval.beat.f_measure(truth, found)
        trimmed = mir_eval.beat.f_measure(trim(truth), trim(found))
    return {
        "tempo": float(ratios[0]),
        "tempo_octave": float(any(ratios)),
        "beats": float(whole),
        "beats_trimmed": float(trimmed),
        "key": float((key, mode) == (piece.key, piece.mode)),
    }


def measure(
    pieces: list[SetPiece], folder: Path, listen: Callable[[Samples], Answer], *, mp3: bool, verbose: bool
) -> dict[str, float]:
    rows = []
    spent = seconds = 0.0
    for piece in pieces:
        sound = sound_of(piece, folder, mp3=mp3)
        began = time.process_time()
        answer = listen(sound)
        spent += time.process_time() - began
        seconds += sound.size / RATE
        row = score(piece, answer)
        rows.append(list(row.values()))
        if verbose and (not row["tempo"] or not row["key"] or row["beats"] < 0.8):
            tempo, _, key, mode = answer
            print(
                f"  {piece.name}: {piece.tempo} {piece.key} {piece.mode};"
                f" heard {tempo} {key} {mode}, F {row['beats']:.2f}"
            )
    means = dict(zip(row, np.mean(rows, axis=0).round(4).tolist(), strict=True))
    return {**means, "times_real_time": round(seconds / spent, 1)}


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(tempfile.gettempdir()) / "otolith-music-set")
    parser.add_argument("--librosa", action="store_true")
    parser.add_argument("--mp3", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    pieces = [compose(index) for index in range(PIECES)]
    runs = {"otolith": measure(pieces, options.folder, otolith, mp3=False, verbose=options.verbose)}
    if options.mp3:
        runs["otolith, MP3"] = measure(pieces, options.folder, otolith, mp3=True, verbose=False)
    if options.librosa:
        runs["librosa"] = measure(pieces, options.folder, librosa_yardstick, mp3=False, verbose=False)
    heads = list(next(iter(runs.values())))
    print(f"{'':14}" + "".join(f"{head:>16}" for head in heads))
    for name, figures in runs.items():
        print(f"{name:14}" + "".join(f"{figures[head]:16.3f}" for head in heads))
    if options.json:
        options.json.write_text(json.dumps(runs, indent=2) + "\n")


if __name__ == "__main__":
    main()
