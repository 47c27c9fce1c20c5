"""Which changes of a recording still pass for the same one, on pieces rendered by FluidSynth and changed by FFmpeg.

The first group has to be found and the second must not; of the third either may be, and the table says how many were.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.music_midi import midi_file, render
from bench.music_variety import compose
from otolith.core.audio import Source
from otolith.identify.engine.chromaprint import Chromaprint
from otolith.identify.engine.chromaprint_frames import RATE
from otolith.identify.engine.chromaprint_text import Codes
from otolith.identify.engine.likeness import CODE_SECONDS, CUT_SECONDS, likeness
from otolith.identify.engine.sketch import candidates, gather, sketch_of

OTHER_FONT: Final = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
MASTERED: Final = "bass=g=5,treble=g=4,acompressor=threshold=0.06:ratio=6:makeup=4,alimiter=limit=0.9"


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to a recording: options of FFmpeg before and after its input, or another rendering."""

    name: str
    expected: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ("-f", "wav")
    rendering: str = "plain"


MP3: Final = ("-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3")
CHANGES: Final = (
    Change("MP3, 64 kbit/s", "same", after=MP3),
    Change("Opus, 48 kbit/s", "same", after=("-c:a", "libopus", "-b:a", "48k", "-f", "ogg")),
    Change("AAC, 64 kbit/s", "same", after=("-c:a", "aac", "-b:a", "64k", "-f", "adts")),
    Change("7 dB quieter", "same", after=("-af", "volume=-7dB", "-f", "wav")),
    *(
        Change(f"MP3, {cut} s later", "same", before=("-ss", str(cut)), after=MP3)
        for cut in (0.05, 0.37, 1.111, 3.21, 7.93)
    ),
    Change("another master", "either", after=("-af", MASTERED, "-f", "wav")),
    Change("the lead left out", "either", rendering="without the lead"),
    Change("7 s cut out", "other", after=("-af", "aselect='not(between(t,15,22))',asetpts=N/SR/TB", "-f", "wav")),
    Change("1 % faster", "other", after=("-af", "asetrate=44541,aresample=44100", "-f", "wav")),
    Change("other instruments", "other", rendering="another font"),
)


def rendered(folder: Path, number: int) -> dict[str, Path]:
    """A piece as it is, with other samples, and without its highest part."""
    piece = compose(number)
    highest = max((note for note in piece.notes if note.channel != 9), key=lambda note: note.pitch).channel
    without = [note for note in piece.notes if note.channel != highest]
    places = {name: folder / f"{number}-{name}.wav" for name in ("plain", "another font", "without the lead")}
    render(midi_file(piece.notes, piece.programs), places["plain"])
    render(midi_file(piece.notes, piece.programs), places["another font"], font=OTHER_FONT)
    render(midi_file(without, piece.programs), places["without the lead"])
    return places


def fingerprint(path: Path, before: Sequence[str] = (), after: Sequence[str] = ("-f", "wav")) -> Codes:
    quiet = ("ffmpeg", "-v", "error", "-nostdin")
    changed = subprocess.run([*quiet, *before, "-i", str(path), *after, "-"], stdout=subprocess.PIPE, check=True)
    heard = subprocess.run(
        [*quiet[:3], "-i", "pipe:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"],
        input=changed.stdout,
        stdout=subprocess.PIPE,
        check=True,
    )
    engine = Chromaprint(Source(RATE, ("FC",), None))
    engine.push(np.frombuffer(heard.stdout, "<i2").astype(np.int16))
    return engine.finish().codes


def found(originals: Sequence[Codes], changed: Sequence[Codes]) -> tuple[int, int, list[float]]:
    """How many are found again, how many others are taken for them, and the errors of the former."""
    some, others = (
        gather([sketch_of(codes) for codes in group], [len(codes) * CODE_SECONDS for codes in group])
        for group in (originals, changed)
    )
    errors, strangers = [], 0
    for one in candidates(some, others, within=CUT_SECONDS):
        alike = likeness(originals[one.first], changed[one.second], one.shift)
        if alike is not None and one.first == one.second:
            errors.append(alike.error)
        strangers += alike is not None and one.first != one.second
    return len(errors), strangers, errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=40)
    pieces = parser.parse_args().pieces
    with tempfile.TemporaryDirectory() as folder:
        places = [rendered(Path(folder), number) for number in range(pieces)]
        originals = [fingerprint(place["plain"]) for place in places]
        for change in CHANGES:
            changed = [fingerprint(place[change.rendering], change.before, change.after) for place in places]
            again, strangers, errors = found(originals, changed)
            error = f"median error {np.median(errors):.3f}" if errors else ""
            print(
                f"{change.expected:6} {change.name:20} {again:3} of {pieces}, {strangers} others  {error}", flush=True
            )


if __name__ == "__main__":
    main()
