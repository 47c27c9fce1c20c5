"""How well the embedding finds what sounds alike, beside bliss-audio's 23 features on the same files.

Two sets are composed and rendered from a seed that nothing was fitted on: one in which ten bands play the same pieces,
and one in which fourteen bands each play one piece in a style. Precision@10 leaves out other renderings of the same
piece. Then every file is sent through a 64 kbit/s MP3, and cut in two: each copy must find its source, each half its
other half, as the nearest of all. All is ranked as the product ranks for one track, without artists and albums taking
turns; beside it stands what the plain cosine of the embeddings would give.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.music_midi import SOUND_FONT
from bench.similarity_ears import load
from bench.similarity_set import Labelled, instrumentation_set, style_set
from otolith.library.engine.embedding import PALETTE, unpack
from otolith.library.engine.features import embedding_of
from otolith.library.similar.engine.likeness import alike
from otolith.media.listening import Listener
from tests.signals import write

Array = NDArray[np.float64]
Likeness = NDArray[np.floating]
DEVELOPMENT, FRESH = 11, 9417
_NEIGHBOURS = 10
_GOALS = {"instrumentation": 0.85, "style": 0.7}
_MUSIC = ("otolith.library.engine.music:Music",)
_BLISS = """
import json, sys, bliss_audio
for line in sys.stdin:
    print(json.dumps(list(bliss_audio.Song(line.strip()).analysis)), flush=True)
"""


def otolith_vectors(files: Sequence[Path]) -> Array:
    """The embeddings as the product stores them."""
    rows = []
    with Listener(idle_seconds=600) as listener:
        for file in files:
            packed = embedding_of(listener.listen(file, _MUSIC))
            if packed is None:
                sys.exit(f"{file} has no embedding")
            rows.append(unpack(packed))
    return np.array(rows, dtype=np.float64)


def bliss_vectors(files: Sequence[Path]) -> Array:
    """bliss-audio's features of each file, by a process of its own; compared by Euclidean distance, as bliss does."""
    names = "\n".join(str(file) for file in files)
    done = subprocess.run([sys.executable, "-c", _BLISS], input=names, capture_output=True, text=True, check=True)
    return np.array([json.loads(line) for line in done.stdout.splitlines()])


def cosines(one: Array, other: Array) -> Array:
    return np.asarray(one @ other.T)


def nearness(one: Array, other: Array) -> Array:
    return np.asarray(-np.linalg.norm(one[:, None] - other[None], axis=2))


def precision(likeness: Likeness, tracks: Sequence[Labelled]) -> float:
    """The share of the ten nearest that bear the label of the one asked for, other renderings of its piece left out."""
    labels = np.array([track.label for track in tracks])
    pieces = np.array([track.piece for track in tracks])
    shares = []
    for index, row in enumerate(likeness):
        allowed = np.where(pieces == pieces[index], -np.inf, row)
        shares.append(np.mean(labels[np.argsort(-allowed)[:_NEIGHBOURS]] == labels[index]))
    return float(np.mean(shares))


def copies(tracks: Sequence[Labelled], folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Every track as an MP3 of 64 kbit/s, its first half, and its second."""
    encoded: list[Path] = []
    first: list[Path] = []
    second: list[Path] = []
    for track in tracks:
        sound, rate = load(track.file)
        name = folder / track.file.stem
        encoded.append(write(name, np.ascontiguousarray(sound.T), rate, "mp3", bit_rate=64_000))
        for half, part, found in (("-1", sound[: len(sound) // 2], first), ("-2", sound[len(sound) // 2 :], second)):
            target = name.with_name(name.name + half + ".wav")
            soundfile.write(target, part, rate)
            found.append(target)
    return encoded, first, second


def measure(folder: Path, seed: int, font: Path) -> dict[str, Any]:
    sets = {
        "instrumentation": instrumentation_set(folder, seed, font=font),
        "style": style_set(folder, seed, font=font),
    }
    figures: dict[str, Any] = {"seed": seed}
    for name, tracks in sets.items():
        files = [track.file for track in tracks]
        ours, theirs = otolith_vectors(files), bliss_vectors(files)
        figures[name] = {
            "tracks": len(tracks),
            "otolith": precision(alike(ours, ours), tracks),
            "plain cosine": precision(cosines(ours, ours), tracks),
            "palette alone": precision(cosines(ours[:, :PALETTE], ours[:, :PALETTE]), tracks),
            "manner alone": precision(cosines(ours[:, PALETTE:], ours[:, PALETTE:]), tracks),
            "bliss": precision(nearness(theirs, theirs), tracks),
        }
    tracks = sets["instrumentation"]
    with tempfile.TemporaryDirectory() as place:
        encoded, first, second = copies(tracks, Path(place))
        whole = otolith_vectors([track.file for track in tracks])
        pairs = {
            "64k finds its source": (otolith_vectors(encoded), whole),
            "half finds other half": (otolith_vectors(first), otolith_vectors(second)),
        }
        for name, (ones, others) in pairs.items():
            figures[name] = found(alike(ones, others))
            figures[f"{name}, plain cosine"] = found(cosines(ones, others))
    return figures


def found(likeness: Likeness) -> float:
    """How often the nearest of all is the one of the same place."""
    return float(np.mean(likeness.argmax(axis=1) == np.arange(likeness.shape[0])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the rendered sets here")
    parser.add_argument("--seed", type=int, default=FRESH)
    parser.add_argument("--font", type=Path, default=SOUND_FONT, help="play with this sound font")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        figures = measure(folder, options.seed, options.font)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, goal in _GOALS.items():
        one = figures[name]
        print(f"{name}: precision@10 {one['otolith']:.3f} (goal {goal}), bliss {one['bliss']:.3f}")
        print(f"{'':<17}by the plain cosine {one['plain cosine']:.3f}")
        print(f"{'':<17}palette alone {one['palette alone']:.3f}, manner alone {one['manner alone']:.3f}")
    for name in ("64k finds its source", "half finds other half"):
        print(f"{name:<24} {figures[name]:.3f}, by the plain cosine {figures[f'{name}, plain cosine']:.3f}")


if __name__ == "__main__":
    main()
