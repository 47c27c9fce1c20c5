"""Fits the constants of the embedding on pieces composed by `bench.similarity_set`.

`python -m bench.similarity_fit FOLDER` renders what FOLDER lacks, listens to every piece as it is and as copies that
went through a studio or a codec, fits, and writes src/otolith/library/engine/embedding_model.npz.
"""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from bench.music_midi import SOUND_FONT
from bench.similarity_ears import listen, load, mono, through_codec, through_studio
from bench.similarity_set import Band, Style, perform, random_band, random_style
from otolith.library.engine.portrait import Streams

_SEED = 411
_BANDS, _STYLES, _PIECES_OF_BAND = 120, 80, 8
_FONTS = (SOUND_FONT, Path("/usr/share/sounds/sf2/TimGM6mb.sf2"))


def plan() -> list[tuple[int, int, Band, Style]]:
    """Which band plays which style: every band eight styles, every style a dozen bands."""
    rng = np.random.default_rng(_SEED)
    fonts = tuple(font for font in _FONTS if font.exists())
    bands = [random_band(rng, f"band {index}", fonts) for index in range(_BANDS)]
    styles = [random_style(rng, f"style {index}") for index in range(_STYLES)]
    turns = np.concatenate([rng.permutation(_STYLES) for _ in range(_BANDS * _PIECES_OF_BAND // _STYLES)])
    return [
        (index % _BANDS, int(turns[index]), bands[index % _BANDS], styles[int(turns[index])])
        for index in range(_BANDS * _PIECES_OF_BAND)
    ]


def rendered(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for index, (_, _, band, style) in enumerate(plan()):
        target = folder / f"{index:04d}.wav"
        if not target.exists():
            perform([_SEED, index], style, band, target.with_suffix(".part"), 22.0).rename(target)
        files.append(target)
    return files


def heard(file: Path) -> list[Streams]:
    """The streams of a rendered piece: as it is, and the ends of two copies; kept beside it."""
    kept = file.with_suffix(".npz")
    if not kept.exists():
        rng = np.random.default_rng([_SEED, int(file.stem)])
        sound, rate = load(file)
        most = round(0.65 * sound.shape[0])
        copies = [
            listen(mono(sound, rate)),
            listen(mono(through_studio(sound[:most], rate, rng), rate)),
            listen(through_codec(sound[-most:], rate, int(rng.choice([64_000, 96_000, 128_000])))),
        ]
        keep(kept, copies)
    return kept_streams(kept)


def keep(path: Path, copies: Sequence[Streams]) -> None:
    tables = {
        f"{index}.{field.name}": np.asarray(getattr(copy, field.name) or 0.0)
        if field.name.startswith("tempo")
        else getattr(copy, field.name)
        for index, copy in enumerate(copies)
        for field in fields(Streams)
    }
    part = path.with_name(path.stem + ".part.npz")
    np.savez(part, allow_pickle=False, **tables)
    part.rename(path)


def kept_streams(path: Path) -> list[Streams]:
    with np.load(path) as tables:
        count = len(tables.files) // len(fields(Streams))
        rows = [{field.name: tables[f"{index}.{field.name}"] for field in fields(Streams)} for index in range(count)]
    for row in rows:
        row["tempo"], row["tempo_confidence"] = float(row["tempo"]) or None, float(row["tempo_confidence"]) or None
    return [Streams(**row) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the rendered pieces lie (4 GB)")
    options = parser.parse_args()
    for file in rendered(options.folder):
        heard(file)


if __name__ == "__main__":
    main()
