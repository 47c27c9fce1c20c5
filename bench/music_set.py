"""The evaluation set of the music engines: 60 pieces with known tempo, beats and key, the same on every machine.

It is written apart from `bench.music_variety`, in another manner (grids of text, one bar a line), and is not
used for fitting: what the engines know was learnt from the other composer alone.
"""

from dataclasses import dataclass

import numpy as np

from bench.music_midi import DRUMS, Note

PIECES = 60
_SEED = 20260
_SECONDS = 40.0
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_TRIADS = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "M7": (0, 4, 7, 11), "o": (0, 3, 6)}
_ROMAN = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
# Roman numerals: capitals major, small letters minor; b lowers the root.
_MAJOR = (
    "I V vi IV",
    "I vi IV V",
    "I IV V I",
    "ii7 V7 IM7 IM7",
    "I IV I V",
    "I iii IV V",
    "I vi ii V",
    "I V IV I",
    "I I IV V",
    "IM7 vi7 ii7 V7",
)
_MINOR = (
    "i bVI bIII bVII",
    "i iv V i",
    "i bVII bVI V",
    "i iv bVII bIII",
    "i bVI iv V",
    "i v bVI bVII",
    "i iv i V",
    "iio V7 i i",
)
# A cell is a sixteenth in 4/4 and 3/4, or a third of a beat where the name ends in "swing" or "triplet".
# Drums: k kick, s snare, h closed hat, o open hat, r ride, t rim, c clave, each on a line of its own.
_DRUMS = {
    "rock": {"k": "x.......x.......", "s": "....x.......x...", "h": "x.x.x.x.x.x.x.x."},
    "pop": {"k": "x.....x.x.......", "s": "....x.......x...", "h": "x.x.x.x.x.x.x.x."},
    "disco": {"k": "x...x...x...x...", "s": "....x.......x...", "o": "..x...x...x...x."},
    "house": {"k": "x...x...x...x...", "h": "..x...x...x...x.", "s": "....x.......x..."},
    "hiphop": {"k": "x.....x...x.....", "s": "....x.......x...", "h": "x.x.x.x.x.x.x.xx"},
    "funk": {"k": "x..x..x...x.....", "s": "....x..x.x..x...", "h": "xxxxxxxxxxxxxxxx"},
    "bossa": {"k": "x..xx..xx..xx..x", "t": "x..x..x...x..x..", "h": "x.x.x.x.x.x.x.x."},
    "half": {"k": "x.........x.....", "s": "........x.......", "h": "x.x.x.x.x.x.x.x."},
    "reggae": {"k": "........x.......", "t": "........x.......", "h": "x.x.x.x.x.x.x.x."},
    "swing": {"r": "x..x.xx..x.x", "h": "...x.....x..", "k": "x.....x....."},
    "shuffle": {"k": "x.....x.....", "s": "...x.....x..", "h": "x.xx.xx.xx.x"},
    "waltz": {"k": "x...........", "s": "....x...x...", "h": "x...x...x..."},
    "waltz8": {"k": "x...........", "s": "........x...", "h": "x.x.x.x.x.x."},
}
_DRUM_KEYS = {"k": 36, "s": 38, "h": 42, "o": 46, "r": 51, "t": 37}
# Accompaniment: digits are chord notes counted from the lowest, C the whole chord, B the bass note; - lengthens.
_PLAY = {
    "quarters": "C---C---C---C---",
    "halves": "C-------C-------",
    "whole": "C---------------",
    "arpeggio": "0-1-2-3-2-1-2-1-",
    "arpeggio16": "0123210121232101",
    "alberti": "0-2-1-2-0-2-1-2-",
    "offbeats": "..C-..C-..C-..C-",
    "strum": "C---C-C-..C-C-C-",
    "stride": "B---C---B---C---",
    "eighths": "C-C-C-C-C-C-C-C-",
    "montuno": "C-..C-C-..C-..C-",
    "swing": "C-......C---",
    "triplet": "012012012012",
    "waltz": "B---C---C---",
    "waltz_arpeggio": "0-1-2-3-2-1-",
    "waltz_whole": "C-----------",
}
_BASS = {
    "whole": "B---------------",
    "two": "B-------F-------",
    "walk": "B---T---F---A---",
    "eighths": "B-B-B-B-B-B-B-B-",
    "dotted": "B-----B-B-------",
    "octave": "B-O-B-O-B-O-B-O-",
    "swing": "B--T--F--A--",
    "waltz": "B-----------",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How one piece is made; the fields name rows of the tables above."""

    tempo: float
    drums: str | None
    play: str
    bass: str | None
    melody: bool
    programs: tuple[int, int, int]
    humanised: bool
    lead_in: float


@dataclass(frozen=True, slots=True)
class SetPiece:
    """One piece of the set: its notes and what is true of it."""

    name: str
    notes: list[Note]
    programs: dict[int, int]
    tempo: float
    beats: list[float]
    key: str
    mode: str


_STYLES: tuple[tuple[str | None, str, str | None, tuple[int, int], tuple[int, ...]], ...] = (
    ("rock", "quarters", "eighths", (95, 165), (29, 27, 0)),
    ("rock", "eighths", "whole", (100, 170), (30, 29)),
    ("pop", "strum", "dotted", (80, 132), (25, 26, 4)),
    ("pop", "arpeggio", "dotted", (78, 125), (0, 5, 24)),
    ("pop", "whole", "dotted", (84, 130), (48, 50, 89)),
    ("disco", "offbeats", "octave", (108, 130), (5, 27, 62)),
    ("house", "offbeats", "eighths", (118, 132), (81, 90, 0)),
    ("house", "whole", "octave", (120, 140), (90, 50)),
    ("hiphop", "halves", "dotted", (72, 104), (4, 5, 0)),
    ("hiphop", "arpeggio", "whole", (76, 100), (11, 4)),
    ("funk", "montuno", "dotted", (92, 118), (27, 7, 16)),
    ("bossa", "montuno", "two", (110, 150), (24, 4)),
    ("half", "quarters", "whole", (126, 156), (29, 0)),
    ("reggae", "offbeats", "dotted", (68, 92), (16, 27)),
    ("swing", "swing", "swing", (105, 184), (0, 26)),
    ("swing", "swing", "swing", (90, 150), (26, 4)),
    ("shuffle", "triplet", "swing", (84, 130), (0, 16)),
    ("waltz", "waltz", "waltz", (90, 178), (0, 21)),
    ("waltz8", "waltz_arpeggio", "waltz", (84, 150), (24, 46)),
    (None, "waltz", None, (88, 180), (0, 6, 21)),
    (None, "waltz_arpeggio", "waltz", (80, 150), (0, 24)),
    (None, "arpeggio", None, (64, 120), (0, 24, 46)),
    (None, "arpeggio", "whole", (70, 128), (0, 4, 6)),
    (None, "arpeggio16", "whole", (60, 104), (0, 24)),
    (None, "alberti", None, (76, 150), (0, 6)),
    (None, "quarters", "whole", (66, 140), (0, 48, 19)),
    (None, "stride", None, (90, 180), (0, 3)),
    (None, "strum", None, (84, 140), (24, 25)),
    (None, "halves", "walk", (84, 160), (26, 0)),
    (None, "whole", "two", (76, 130), (48, 50, 89)),
)


class _Writer:
    def __init__(self, plan: Plan, rng: np.random.Generator, cells: int, per_beat: int) -> None:
        self.plan, self.rng, self.cells = plan, rng, cells
        self.cell = 60 / plan.tempo / per_beat
        self.notes: list[Note] = []

    def write(self, channel: int, pitch: int, cell: int, length: int, velocity: int) -> None:
        start = self.plan.lead_in + cell * self.cell
        if self.plan.humanised:
            start = max(0.0, start + 0.006 * self.rng.standard_normal())
            velocity += int(6 * self.rng.standard_normal())
        self.notes.append(Note(channel, pitch, start, start + 0.92 * length * self.cell, velocity))

    def line(self, channel: int, grid: str, bar: int, chord: tuple[int, tuple[int, ...]], velocity: int) -> None:
        """One bar of a grid of symbols over `chord` (root pitch class, intervals)."""
        root, shape = chord
        upper = sorted((root + step - 7) % 12 + 55 for step in shape)
        low = root % 12 + 36
        third, fifth = low + shape[1], low + shape[2]
        single = {"B": low, "F": fifth, "T": third, "A": low + 9 if shape[1] == 4 else low + 10, "O": low + 12}
        for place, symbol in enumerate(grid):
            if symbol in ".-":
                continue
            length = 1 + len(grid[place + 1 :]) - len(grid[place + 1 :].lstrip("-"))
            if symbol == "C":
                pitches = upper
            elif symbol.isdigit():
                pitches = [[*upper, upper[0] + 12][int(symbol)]]
            else:
                pitches = [single[symbol]]
            for pitch in pitches:
                self.write(channel, pitch, bar * self.cells + place, length, velocity)

    def drums(self, name: str, bar: int) -> None:
        for instrument, grid in _DRUMS[name].items():
            for place, symbol in enumerate(grid):
                if symbol == "x":
                    velocity = 100 if instrument in "ks" else 72
                    self.write(DRUMS, _DRUM_KEYS[instrument], bar * self.cells + place, 1, velocity)


def _chord(token: str, tonic: int) -> tuple[int, tuple[int, ...]]:
    flat = token.startswith("b")
    numeral = token.removeprefix("b").rstrip("o7M")
    suffix = token.removeprefix("b")[len(numeral) :]
    if suffix in ("", "7") and numeral.islower():
        suffix = "m" + suffix
    return (tonic + _ROMAN[numeral.upper()] - flat) % 12, _TRIADS[suffix]


def _melody(writer: _Writer, chords: list[tuple[int, tuple[int, ...]]], scale: list[int], per_beat: int) -> None:
    """A tune of quarters, eighths and longer notes: chord notes on the beats of weight, steps between them."""
    rng = writer.rng
    rhythms = (
        [[2, 1, 1], [1, 1, 2], [1, 1, 1, 1], [3, 1], [4]] if writer.cells // per_beat == 4 else [[1, 1, 1], [2, 1], [3]]
    )
    phrase = [rhythms[int(rng.integers(len(rhythms)))] for _ in range(4)]
    pitch = 72
    for bar, (root, shape) in enumerate(chords):
        beat = 0
        for length in phrase[bar % 4]:
            choices = [p for p in range(pitch - 5, pitch + 6) if 64 <= p <= 86]
            if beat == 0:
                near = [p for p in choices if (p - root) % 12 in shape]
            else:
                near = [p for p in choices if p % 12 in scale and p != pitch]
            pitch = int(rng.choice(near)) if near else 72
            cell = bar * writer.cells + beat * per_beat
            if length == 1 and per_beat == 4 and rng.random() < 0.3:
                writer.write(2, pitch, cell, 2, 92)
                writer.write(2, pitch, cell + 2, 2, 88)
            else:
                writer.write(2, pitch, cell, length * per_beat, 95)
            beat += length


def compose(index: int) -> SetPiece:
    """Piece `index` of the set, 0 to 59."""
    rng = np.random.default_rng([_SEED, index])
    drums, play, bass, (slowest, fastest), instruments = _STYLES[index % len(_STYLES)]
    tempo = round(float(rng.uniform(slowest, fastest)), 1 if index % 3 == 0 else 0)
    programs = (
        int(rng.choice(instruments)),
        int(rng.choice([32, 33, 34, 38])),
        int(rng.choice([73, 65, 56, 40, 0, 11])),
    )
    plan = Plan(
        tempo,
        drums,
        play,
        bass,
        bool(rng.random() < 0.5),
        programs,
        bool(rng.random() < 0.5),
        float(rng.choice([0.0, 0.0, 0.5, 1.5])),
    )
    per_beat = 3 if play in ("swing", "triplet") else 4
    cells = per_beat * (3 if "waltz" in play else 4)
    tonic, minor = int(rng.integers(12)), bool(rng.random() < 0.5)
    pool = _MINOR if minor else _MAJOR
    progression = [_chord(token, tonic) for token in pool[int(rng.integers(len(pool)))].split()]
    writer = _Writer(plan, rng, cells, per_beat)
    bars = 4 * max(2, round(_SECONDS / (cells * writer.cell) / 4))
    chords = [progression[bar % len(progression)] for bar in range(bars)]
    chords.append((tonic, _TRIADS["m" if minor else ""]))
    for bar, chord in enumerate(chords[:-1]):
        writer.line(0, _PLAY[play], bar, chord, 80)
        if bass is not None:
            writer.line(1, _BASS[bass], bar, chord, 90)
        if drums is not None:
            writer.drums(drums, bar)
    writer.line(0, "C" + "-" * (cells - 1), bars, chords[-1], 80)
    scale = [(tonic + step) % 12 for step in ((0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11))]
    if plan.melody:
        _melody(writer, chords[:-1], scale, per_beat)
    used = {note.channel for note in writer.notes} - {DRUMS}
    beats = [plan.lead_in + beat * 60 / tempo for beat in range((bars + 1) * cells // per_beat)]
    name = f"{index:02d} {drums or 'no drums'}, {play}, {bass or 'no bass'}{', melody' if plan.melody else ''}"
    return SetPiece(
        name,
        writer.notes,
        {channel: programs[channel] for channel in used},
        tempo,
        beats,
        _NAMES[tonic],
        "minor" if minor else "major",
    )
