"""The dozen pieces of the demo: invented artists, and music whose tempo and key are known because we wrote it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from otolith.library.engine.synthesis import Hits, Note, Part, Voice, Wave, mix

Mode = Literal["major", "minor"]

PITCH_CLASSES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SCALES: Final[dict[Mode, tuple[int, ...]]] = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


def _harmonics(count: int, slope: float, even: float = 1.0) -> tuple[float, ...]:
    """A spectrum that falls with the power `slope`; `even` weakens the second, fourth, … harmonic."""
    return tuple((even if n % 2 == 0 else 1.0) / n**slope for n in range(1, count + 1))


VOICES: Final[Mapping[str, Voice]] = {
    "electric piano": Voice((1, 0.5, 0.12, 0.3, 0, 0.1, 0.08), (1, 0.12, 0.02), decay=1.1, mellows=0.25, release=0.15),
    "piano": Voice(_harmonics(14, 1.1), _harmonics(6, 2.2), decay=0.9, mellows=0.2, release=0.12, detune=1.2),
    "pad": Voice(_harmonics(10, 1.6), _harmonics(8, 1.8), 0.18, 4.0, 0.8, 0.5, 1.0, detune=6),
    "strings": Voice(_harmonics(16, 1.2), _harmonics(12, 1.4), 0.09, 3.0, 0.85, 0.3, 0.6, detune=4, vibrato=5),
    "organ": Voice((1, 0.7, 0.5, 0.3, 0, 0.25, 0, 0.2), (1, 0.7, 0.5, 0.3, 0, 0.2), 0.008, 9.0, 0.9, 0.05, detune=2),
    "steel guitar": Voice(_harmonics(18, 0.9), _harmonics(6, 1.9), decay=0.7, mellows=0.12, release=0.1),
    "nylon guitar": Voice(_harmonics(10, 1.3), _harmonics(4, 2.3), decay=0.5, mellows=0.09, release=0.09),
    "banjo": Voice(_harmonics(20, 0.7), _harmonics(8, 1.4), 0.002, 0.22, 0.0, 0.05, 0.05),
    "rock guitar": Voice(_harmonics(14, 0.9), _harmonics(12, 1.0), 0.004, 1.6, 0.5, 0.06, 0.5, detune=5, drive=1.6),
    "muted guitar": Voice(_harmonics(12, 1.0), _harmonics(4, 2.0), 0.003, 0.09, 0.0, 0.03, 0.04),
    "saw": Voice(_harmonics(24, 0.9), _harmonics(10, 1.2), 0.004, 0.5, 0.35, 0.09, 0.16, detune=9),
    "square": Voice(_harmonics(21, 1.0, even=0.05), _harmonics(9, 1.4, even=0.05), 0.006, 0.5, 0.4, 0.08, vibrato=8),
    "flute": Voice((1, 0.35, 0.12, 0.05), (1, 0.22, 0.06), 0.05, 3.0, 0.8, 0.1, 0.4, vibrato=12),
    "bell": Voice((1, 0, 0.4, 0.05, 0, 0.25, 0, 0.12), (1, 0, 0.1), 0.002, 1.2, 0.0, 0.4, 0.3),
    "marimba": Voice((1, 0, 0.05, 0.45, 0, 0, 0, 0, 0, 0.15), (1, 0, 0, 0.05), 0.002, 0.35, 0.0, 0.1, 0.05),
    "bass guitar": Voice(_harmonics(10, 1.2), _harmonics(5, 1.8), 0.006, 0.8, 0.25, 0.05, 0.12),
    "upright bass": Voice(_harmonics(7, 1.4), _harmonics(3, 2.0), 0.008, 0.5, 0.1, 0.08, 0.1),
    "synth bass": Voice(_harmonics(16, 1.0), _harmonics(4, 1.6), 0.004, 0.35, 0.3, 0.04, 0.09, drive=1.1),
    "sub bass": Voice((1, 0.35, 0.15, 0.05), (1, 0.2, 0.05), 0.01, 1.5, 0.5, 0.06, 0.2),
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a band plays one bar; a bar has `steps` steps, `per_beat` of them a beat.

    In `drums` a letter is a stroke (``X`` strong, ``x`` plain, ``o`` soft) and a dot a rest. In the other patterns a
    digit is a tone of the chord (1 root, 2 third, 3 fifth, 4 the octave), ``c`` the whole chord, ``-`` holds what
    sounds, and a dot is a rest.
    """

    drums: Mapping[str, str]
    bass: tuple[str, str]
    chords: tuple[str, str]
    lead: str
    arpeggio: tuple[str, str] | None = None
    steps: int = 16
    per_beat: int = 4
    room: float = 1.2
    levels: Mapping[str, float] = field(default_factory=dict)


STYLES: Final[Mapping[str, Style]] = {
    "indie pop": Style(
        {"kick": "X.....x.X.......", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."},
        ("bass guitar", "1-1-1-1-1-1-1-3-"),
        ("pad", "c---------------"),
        "flute",
        ("steel guitar", "1.3.4.3.2.3.4.3."),
    ),
    "house": Style(
        {
            "kick": "X...X...X...X...",
            "clap": "....x.......x...",
            "open hat": "..x...x...x...x.",
            "hat": "oooooooooooooooo",
        },
        ("synth bass", "..1...1...1..14."),
        ("saw", "c..c..c...c..c.."),
        "bell",
        room=0.9,
    ),
    "downtempo": Style(
        {"kick": "X......x..X.....", "rim": "....X.......X...", "shaker": "x.oox.oox.oox.oo"},
        ("sub bass", "1-----..1---3---"),
        ("electric piano", "c-----..c-------"),
        "bell",
        ("marimba", "1..2..3...2..3.."),
        room=2.2,
    ),
    "folk": Style(
        {"kick": "X.......X.......", "brush": "....x..o....x.oo", "shaker": "x.x.x.x.x.x.x.x."},
        ("upright bass", "1-----..3-----.."),
        ("nylon guitar", "c...c.c...c.c.c."),
        "strings",
        ("banjo", "1.3.2.4.1.3.2.4."),
    ),
    "rock": Style(
        {
            "kick": "X.x...x.X.x.....",
            "snare": "....X.......X..o",
            "ride": "x...x...x...x...",
            "hat": "..o...o...o...o.",
        },
        ("bass guitar", "1-1-1-1-1-1-3-3-"),
        ("rock guitar", "c---c-c-c---c-c-"),
        "square",
        room=1.0,
    ),
    "dub": Style(
        {"kick": "X.......X.......", "rim": "....X.......X...", "hat": "x.ox..ox..ox..o."},
        ("sub bass", "1---..1-3---1-.."),
        ("organ", "....c--.....c--."),
        "square",
        ("muted guitar", "....1.......1..."),
        room=2.4,
    ),
    "jazz waltz": Style(
        {"kick": "X...........", "brush": "....x...x...", "ride": "x...x..ox..."},
        ("upright bass", "1---3---2---"),
        ("piano", "....c...c-.."),
        "flute",
        steps=12,
        room=1.6,
    ),
    "shuffle": Style(
        {"kick": "X.....X.....", "snare": "...X.....X..", "ride": "x.ox.ox.ox.o"},
        ("upright bass", "1--2--3--4--"),
        ("organ", "c--..c...c.."),
        "electric piano",
        steps=12,
        per_beat=3,
    ),
    "bossa": Style(
        {"kick": "X..xX..xX..xX..x", "rim": "x..x..x...x..x..", "shaker": "x.oox.oox.oox.oo"},
        ("upright bass", "1--.3---1--.3---"),
        ("nylon guitar", "c..c..c.c..c..c."),
        "marimba",
    ),
    "synth pop": Style(
        {"kick": "X.......X.x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x.", "tom": "..............o."},
        ("synth bass", "1.4.1.4.1.4.1.4."),
        ("pad", "c---------------"),
        "saw",
        ("square", "1.2.3.4.3.2.3.2."),
        room=1.4,
        levels={"arpeggio": 0.5},
    ),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One recording of the demo: what its tags say, and what is true of its sound."""

    artist: str
    title: str
    album: str
    genre: str
    year: int
    number: int
    style: str
    tempo: float
    tonic: int
    mode: Mode
    progression: tuple[int, ...]
    extension: str

    @property
    def key(self) -> str:
        return PITCH_CLASSES[self.tonic]


_POP, _SAD, _FOLK, _TURN, _MODAL = (0, 4, 5, 3), (0, 5, 2, 6), (0, 3, 0, 4), (0, 5, 3, 4), (0, 6, 5, 0)

PIECES: Final = (
    Piece(
        "Paper Carousel", "Window Seat", "Day Return", "Indie Pop", 2021, 1, "indie pop", 112, 7, "major", _POP, "mp3"
    ),
    Piece(
        "Paper Carousel",
        "Platform Nine",
        "Day Return",
        "Indie Pop",
        2021,
        2,
        "synth pop",
        100,
        0,
        "major",
        _TURN,
        "flac",
    ),
    Piece("Kilowatt Kin", "Mains Hum", "Substation", "House", 2019, 1, "house", 124, 9, "minor", _SAD, "m4a"),
    Piece("Kilowatt Kin", "Transformer Blues", "Substation", "House", 2019, 2, "house", 128, 5, "minor", _MODAL, "ogg"),
    Piece("Halden Fjord", "Slow Ferry", "Tidemark", "Downtempo", 2017, 1, "downtempo", 84, 2, "minor", _SAD, "opus"),
    Piece("Halden Fjord", "Lamplight", "Tidemark", "Downtempo", 2017, 2, "downtempo", 90, 4, "minor", _MODAL, "wav"),
    Piece("The Copper Kettles", "Barley Road", "Hedgerow", "Folk", 2023, 1, "folk", 104, 2, "major", _FOLK, "flac"),
    Piece(
        "The Copper Kettles", "Sunday Bread", "Hedgerow", "Folk", 2023, 2, "jazz waltz", 132, 5, "major", _TURN, "mp3"
    ),
    Piece("Basalt Avenue", "Red Line Down", "Ground Floor", "Rock", 2015, 1, "rock", 138, 4, "minor", _SAD, "aiff"),
    Piece("Basalt Avenue", "Fire Escape", "Ground Floor", "Rock", 2015, 2, "shuffle", 120, 9, "major", _FOLK, "wma"),
    Piece("Estrela Norte", "Mar Aberto", "Varanda", "Bossa Nova", 2012, 1, "bossa", 126, 10, "major", _TURN, "m4a"),
    Piece("Estrela Norte", "Eco da Rua", "Varanda", "Dub", 2012, 2, "dub", 76, 11, "minor", _MODAL, "ogg"),
)


def perform(piece: Piece, seconds: float = 24.0) -> Wave:
    """The piece as sound: float32 of shape ``(2, n)`` at 44,100 Hz, about `seconds` long, ending on its tonic."""
    style = STYLES[piece.style]
    bar = style.steps / style.per_beat * 60 / piece.tempo
    bars = max(6, round((seconds - 1.5) / bar))
    band = _Band(piece, style, bars)
    parts = [
        Part(VOICES[style.bass[0]], band.bass(), 0.0, 0.62, 0.03),
        Part(VOICES[style.chords[0]], band.chords(), -0.25, 0.24, 0.25),
        Part(VOICES[style.lead], band.lead(), 0.2, 0.3, 0.35),
    ]
    if style.arpeggio:
        parts.append(
            Part(VOICES[style.arpeggio[0]], band.arpeggio(), 0.45, 0.3 * style.levels.get("arpeggio", 1), 0.25)
        )
    return mix(parts, band.kit(), bars * bar + 3.0, style.room)


class _Band:
    """The players of one piece, reading from the same chart."""

    def __init__(self, piece: Piece, style: Style, bars: int) -> None:
        self.piece, self.style, self.bars = piece, style, bars
        self.step = 60 / piece.tempo / style.per_beat
        self.scale = _SCALES[piece.mode]
        self.random = np.random.default_rng([piece.tonic, round(piece.tempo), piece.number])

    def _time(self, bar: int, step: float) -> float:
        return (bar * self.style.steps + step) * self.step

    def _degree(self, bar: int) -> int:
        """The chord of a bar, as a step of the scale; the piece begins and ends on the first."""
        return 0 if bar >= self.bars else self.piece.progression[bar % len(self.piece.progression)]

    def _pitch(self, degree: int, lowest: int) -> int:
        """The pitch of a step of the scale in the octave that begins at `lowest`."""
        pitch = self.piece.tonic + self.scale[degree % 7]
        return lowest + (pitch - lowest) % 12

    def _chord(self, bar: int, lowest: int) -> list[int]:
        """Root, third and fifth (and the octave of the lowest), each as near above `lowest` as it lies."""
        degree = self._degree(bar)
        return [self._pitch(degree + step, lowest) for step in (0, 2, 4)]

    def _leans(self, bar: int) -> bool:
        """Whether a bar is one of the sparse ones at the beginning, where the band comes in one by one."""
        return bar < 2

    def _read(self, pattern: str) -> Iterator[tuple[int, str, int]]:
        """Each note of a pattern: its step, its sign, and how many steps it is held."""
        for index, sign in enumerate(pattern):
            if sign not in ".-":
                held = 1
                while index + held < len(pattern) and pattern[index + held] == "-":
                    held += 1
                yield index, sign, held

    def bass(self) -> list[Note]:
        notes = []
        for bar in range(self.bars):
            root = self._pitch(self._degree(bar), 33)
            third, fifth = (root + (p - root) % 12 for p in self._chord(bar, 33)[1:])
            tones = {"1": root, "2": third, "3": fifth, "4": root + 12}
            for step, sign, held in self._read(self.style.bass[1]):
                notes.append(Note(self._time(bar, step), held * self.step * 0.95, tones[sign], 0.9))
        notes.append(Note(self._time(self.bars, 0), 2.0, self._pitch(0, 33), 0.9))
        return notes

    def chords(self) -> list[Note]:
        notes = []
        for bar in range(self.bars):
            for step, _, held in self._read(self.style.chords[1]):
                length = max(held, 1.5) * self.step * 0.9
                level = 1.0 if step % self.style.per_beat == 0 else 0.8
                notes += [Note(self._time(bar, step), length, pitch, level) for pitch in self._chord(bar, 55)]
        notes += [Note(self._time(self.bars, 0), 2.2, pitch, 1.0) for pitch in self._chord(self.bars, 55)]
        return notes

    def arpeggio(self) -> list[Note]:
        notes: list[Note] = []
        if self.style.arpeggio is None:
            return notes
        for bar in range(self.bars):
            chord = sorted(self._chord(bar, 60))
            tones = [*chord, chord[0] + 12]
            for step, sign, held in self._read(self.style.arpeggio[1]):
                level = 1.0 if step % self.style.per_beat == 0 else 0.75
                notes.append(Note(self._time(bar, step), (held + 0.8) * self.step, tones[int(sign) - 1], level))
        return notes

    def lead(self) -> list[Note]:
        """A tune of two bars, heard, varied and answered: chord tones on the beats, the scale between them."""
        rhythm = self._rhythm()
        contour = [int(step) for step in self.random.integers(-2, 3, size=len(rhythm))]
        notes = []
        for bar in range(4, self.bars - 1, 2):
            if (bar // 2) % 4 == 3:
                contour = [int(step) for step in self.random.permutation(contour)]
            notes += self._phrase(bar, rhythm, contour)
        notes.append(Note(self._time(self.bars, 0), 2.0, self._pitch(0, 67), 0.8))
        return notes

    def _rhythm(self) -> Sequence[tuple[int, int]]:
        """Where the tune's notes begin within two bars, and how many steps they last."""
        beat, whole = self.style.per_beat, 2 * self.style.steps
        steps, at = [], 0
        while at < whole - beat:
            length = int(self.random.choice([beat // 2 or 1, beat, beat, 2 * beat]))
            steps.append((at, length))
            at += length
        return steps

    def _phrase(self, bar: int, rhythm: Sequence[tuple[int, int]], contour: Sequence[int]) -> list[Note]:
        degree, notes = 7 + self._degree(bar) % 7, []
        for (at, length), move in zip(rhythm, contour, strict=True):
            here = bar + at // self.style.steps
            degree = int(np.clip(degree + move, 5, 14))
            if at % self.style.per_beat == 0:
                tones = {(self._degree(here) + step) % 7 for step in (0, 2, 4)}
                degree += min((0, -1, 1), key=lambda change: ((degree + change) % 7 not in tones, abs(change)))
            pitch = self._pitch(0, 60) + self.scale[degree % 7] + 12 * (degree // 7 - 1)
            level = float(self.random.uniform(0.7, 1.0))
            notes.append(Note(self._time(bar, at), length * self.step * 0.92, pitch, level))
        return notes

    def kit(self) -> list[Hits]:
        strengths = {"X": 1.0, "x": 0.75, "o": 0.4}
        pans = {"hat": 0.35, "open hat": 0.3, "ride": -0.4, "shaker": 0.5, "rim": -0.2, "tom": 0.2}
        kit = []
        for drum, pattern in self.style.drums.items():
            strokes = [
                (self._time(bar, step), strengths[sign] * float(self.random.uniform(0.92, 1.0)))
                for bar in range(self.bars)
                for step, sign in enumerate(pattern)
                if sign != "." and not (self._leans(bar) and drum in {"snare", "clap", "open hat"})
            ]
            if drum == "kick":
                strokes.append((self._time(self.bars, 0), 1.0))
            kit.append(Hits(drum, strokes, pans.get(drum, 0.0), 0.75 if drum == "kick" else 0.45))
        return kit
