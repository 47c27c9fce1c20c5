"""Composes any number of varied pieces with known tempo, beats and key, to fit the music engines on."""

from dataclasses import dataclass, field

import numpy as np
from bench.music_midi import DRUMS, Note

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
CHORDS = {
    "M": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "d": (0, 3, 6),
    "h": (0, 3, 6, 10),
    "sus": (0, 5, 7),
    "5": (0, 7, 12),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
}
# Roots in semitones above the tonic, then the quality.
MAJOR_PROGRESSIONS = (
    "0M 7M 9m 5M",
    "0M 9m 5M 7M",
    "0M 5M 7M 0M",
    "0M 5M 0M 7M",
    "0M 5M 7M 7M",
    "2m7 7:7 0maj7 0maj7",
    "2m 7M 0M 0M",
    "0M 4m 5M 7M",
    "0M 9m 2m 7M",
    "0M 9m 2m 7:7",
    "9m 5M 0M 7M",
    "5M 0M 7M 9m",
    "0M 7M 5M 5M",
    "0M 10M 5M 0M",
    "0:7 0:7 0:7 0:7 5:7 5:7 0:7 0:7 7:7 5:7 0:7 7:7",
    "0M 7M 9m 4m 5M 0M 5M 7M",
    "0maj7 9m7 2m7 7:7",
    "0M 0M 5M 7M",
    "0M 2m 5M 7M",
    "4m7 9m7 2m7 7:7 0maj7 5maj7 7:7 0:6",
    "0M 7M 0M 5M 0M 7M 7:7 0M",
    "0M 5m 0M 7M",
    "0M 2:7 7:7 0M",
    "0M 4:7 9m 5M 0M 7M 0M 7M",
)
MINOR_PROGRESSIONS = (
    "0m 8M 3M 10M",
    "0m 5m 7M 0m",
    "0m 5m 7:7 0m",
    "0m 10M 8M 7M",
    "0m 10M 8M 10M",
    "0m 8M 5m 7M",
    "0m 3M 10M 5m",
    "0m 5m 0m 7m",
    "2h 7:7 0m 0m",
    "0m 8M 10M 0m",
    "0m 0m 5m 7M",
    "0m 5m 10M 3M 8M 2d 7:7 0m",
    "0m7 5m7 0m7 7:7",
    "8M 10M 0m 0m",
    "0m 7M 0m 5m",
    "0m 3M 8M 7M",
    "0m 7m 8M 5m",
    "0m 0m 10M 10M 8M 8M 7M 7M",
    "0m7 5m7 10:7 3maj7 8maj7 2h 7:7 0m6",
    "0m 7m 5m 0m",
    "0m 10M 0m 10M",
)
COMPS_4 = (
    "block_quarter",
    "block_half",
    "block_whole",
    "arp8_up",
    "arp8_updown",
    "arp16",
    "alberti",
    "strum",
    "strum16",
    "offbeat",
    "charleston",
    "bossa",
    "pulse8",
    "triplet_arp",
    "pad",
    "stride",
    "syncop",
    "none",
)
COMPS_3 = (
    "oompah",
    "block_quarter",
    "arp8_up",
    "arp8_updown",
    "pad",
    "block_whole",
    "triplet_arp",
    "arp_quarter",
    "none",
)
GROOVES_4 = (
    "rock8",
    "rock8b",
    "rock16",
    "four_floor",
    "disco",
    "boombap",
    "halftime",
    "doubletime",
    "swing",
    "shuffle",
    "bossa",
    "onedrop",
    "breakbeat",
    "clave",
    "train",
    "toms",
    "kickonly",
    "hatonly",
    "march",
    "rock4",
    "trap",
)
GROOVES_3 = ("waltz", "waltz_jazz", "waltz_rock")
KEYS_INSTRUMENTS = (
    0,
    0,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    11,
    12,
    16,
    18,
    19,
    21,
    24,
    25,
    26,
    27,
    28,
    29,
    30,
    46,
    48,
    49,
    61,
    62,
    80,
    81,
    88,
    90,
)
PAD_INSTRUMENTS = (48, 49, 50, 51, 52, 88, 89, 90, 91, 92, 94, 19, 16)
BASS_INSTRUMENTS = (32, 33, 34, 35, 36, 38, 39, 43, 58)
LEAD_INSTRUMENTS = (
    0,
    4,
    11,
    12,
    22,
    24,
    25,
    27,
    40,
    41,
    42,
    52,
    56,
    57,
    60,
    61,
    64,
    65,
    66,
    68,
    71,
    73,
    74,
    75,
    80,
    81,
    82,
    105,
)
SOLO_INSTRUMENTS = (0, 0, 1, 4, 6, 19, 24, 25, 26, 46, 48, 11, 12, 5)


@dataclass
class Piece:
    """A composed piece and its truth."""

    notes: list[Note]
    programs: dict[int, int]
    tempo: float
    beats: list[float]
    key: int
    mode: str
    duration: float
    fade: tuple[float, float]
    description: dict[str, object] = field(default_factory=dict)


def _parse(progression: str) -> list[tuple[int, tuple[int, ...]]]:
    chords = []
    for token in progression.split():
        if ":" in token:
            root, quality = token.split(":")
        else:
            digits = len(token) - len(token.lstrip("0123456789"))
            root, quality = token[:digits], token[digits:]
        chords.append((int(root), CHORDS[quality]))
    return chords


class Composer:
    """Draws one piece from a random generator."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        r = self.rng
        self.meter = 3 if r.random() < 0.2 else 4
        self.tempo = (
            float(np.exp(r.uniform(np.log(58), np.log(200)))) if r.random() < 0.5 else float(r.uniform(66, 182))
        )
        if r.random() < 0.5:
            self.tempo = float(round(self.tempo))
        self.mode = "major" if r.random() < 0.5 else "minor"
        self.key = int(r.integers(12))
        self.drums = r.random() < 0.58
        self.swing = 0.5
        if r.random() < 0.15 and self.tempo < 185:
            self.swing = float(r.uniform(0.6, 0.68))
        self.jitter = float(r.choice([0.0, 0.0, 0.004, 0.008, 0.012]))
        self.velocity_spread = float(r.choice([0, 4, 8, 12]))
        self.lead_in = float(r.choice([0.0, 0.0, 0.3, 1.0, 2.5]))
        self.drift = float(r.choice([0.0, 0.0, 0.0, 0.0, 0.02]))
        length = float(r.uniform(28, 55))
        bar = self.meter * 60 / self.tempo
        self.bars = max(8, round(length / bar))
        self.notes: list[Note] = []
        self.programs: dict[int, int] = {}
        total = self.bars * self.meter + 2
        speed = 1 + self.drift * np.sin(2 * np.pi * np.arange(total) / r.uniform(32, 90) + r.uniform(0, 6))
        self.times = self.lead_in + np.concatenate([[0], np.cumsum(60 / self.tempo / speed)])
        self.grid = np.arange(self.times.size)
        self.description: dict[str, object] = {}

    def at(self, beat: float) -> float:
        """Seconds of a position in beats, the second half of each beat delayed by the swing."""
        whole = np.floor(beat + 1e-9)
        part = beat - whole
        if self.swing != 0.5 and abs(part - 0.5) < 0.01:
            part = self.swing
        return float(np.interp(whole + part, self.grid, self.times))

    def play(self, channel: int, pitch: int, beat: float, length: float, velocity: float) -> None:
        if beat >= self.bars * self.meter:
            return
        start = self.at(beat) + self.jitter * self.rng.standard_normal()
        end = max(start + 0.03, self.at(min(beat + length, self.bars * self.meter + 1)) - 0.01)
        loud = velocity + self.velocity_spread * self.rng.standard_normal()
        self.notes.append(Note(channel, pitch, start, end, int(np.clip(loud, 15, 127))))

    # --- harmony ---
    def harmony(self) -> list[tuple[int, float, int, tuple[int, ...]]]:
        """The chord plan: bar, length in bars, root pitch class, intervals."""
        r = self.rng
        pool = MAJOR_PROGRESSIONS if self.mode == "major" else MINOR_PROGRESSIONS
        first = _parse(str(r.choice(np.array(pool)))) if r.random() < 0.6 else self.functional()
        second = _parse(str(r.choice(np.array(pool)))) if r.random() < 0.3 else first
        span = float(r.choice([1, 1, 1, 1, 1, 0.5, 2]))
        if self.meter == 3 and span == 0.5:
            span = 1.0
        plan: list[tuple[float, float, int, tuple[int, ...]]] = []
        position = 0.0
        section = 0
        while position < self.bars:
            for root, quality in first if section % 4 < 2 else second:
                if position < self.bars:
                    plan.append((position, min(span, self.bars - position), (self.key + root) % 12, quality))
                position += span
            section += 1
        if r.random() < 0.6:
            final = CHORDS["M"] if self.mode == "major" else CHORDS["m"]
            start = float(self.bars - 1)
            plan = [c for c in plan if c[0] < start]
            plan.append((start, 1.0, self.key, final))
        self.description["span"] = span
        return plan  # type: ignore[return-value]

    def functional(self) -> list[tuple[int, tuple[int, ...]]]:
        """A progression walked at random through tonic, subdominant and dominant functions."""
        r = self.rng
        major = self.mode == "major"
        tonic = "0M 0M 0M 9m 4m" if major else "0m 0m 0m 8M 3M"
        subdominant = "5M 5M 2m 2m7 9m" if major else "5m 5m 2h 8M 5M"
        dominant = "7M 7M 7:7 11d" if major else "7M 7:7 10M 7m"
        groups = {"T": tonic, "S": subdominant, "D": dominant}
        follow = {"T": "TSSD", "S": "SDDT", "D": "TTTS"}
        length = int(r.choice([4, 4, 8, 8, 6]))
        state = "T"
        tokens = ["0M" if major else "0m"] if r.random() < 0.85 else [str(r.choice(subdominant.split()))]
        while len(tokens) < length:
            state = str(r.choice(list(follow[state])))
            tokens.append(str(r.choice(groups[state].split())))
        if r.random() < 0.6:
            tokens[-1] = str(r.choice(dominant.split()))
        return _parse(" ".join(tokens))

    def chord_pitches(self, root: int, quality: tuple[int, ...], centre: int = 60) -> list[int]:
        out = []
        for interval in quality:
            pitch = (root + interval) % 12
            out.append(pitch + 12 * round((centre - pitch) / 12))
        return sorted(set(out))

    def comp(
        self,
        channel: int,
        style: str,
        plan: list[tuple[int, float, int, tuple[int, ...]]],
        velocity: float,
        centre: int,
    ) -> None:
        m = self.meter
        for bar, span, root, quality in plan:
            pitches = self.chord_pitches(root, quality, centre)
            start, length = bar * m, span * m
            end = start + length
            low = root + 12 * round((43 - root) / 12)

            def block(
                at: float, dur: float, vel: float = velocity, which: list[int] = pitches, end: float = end
            ) -> None:
                if at < end - 1e-6:
                    for p in which:
                        self.play(channel, p, at, min(dur, end - at), vel)

            bars = int(np.ceil(span))
            for b in range(bars):
                o = start + b * m
                self._comp_bar(style, o, m, block, pitches, low)

    def _comp_bar(self, style: str, o: float, m: int, block, pitches: list[int], low: int) -> None:  # type: ignore[no-untyped-def]
        n = len(pitches)
        if style == "block_quarter":
            for i in range(m):
                block(o + i, 0.9)
        elif style == "block_half":
            for i in range(0, m, 2):
                block(o + i, 1.9)
        elif style in ("block_whole", "pad"):
            block(o, m)
        elif style == "arp_quarter":
            for i in range(m):
                block(o + i, 1.0, which=[pitches[i % n]])
        elif style == "arp8_up":
            for i in range(2 * m):
                block(o + i / 2, 0.5, which=[pitches[i % n] + 12 * ((i // n) % 2)])
        elif style == "arp8_updown":
            seq = [*pitches, pitches[0] + 12, *pitches[:0:-1]]
            for i in range(2 * m):
                block(o + i / 2, 0.6, which=[seq[i % len(seq)]])
        elif style == "arp16":
            for i in range(4 * m):
                block(o + i / 4, 0.3, which=[pitches[i % n] + 12 * ((i // n) % 2)])
        elif style == "triplet_arp":
            for i in range(3 * m):
                block(o + i / 3, 0.4, which=[pitches[i % n]])
        elif style == "alberti":
            order = [0, n - 1, min(1, n - 1), n - 1]
            for i in range(2 * m):
                block(o + i / 2, 0.5, which=[pitches[order[i % 4]]])
        elif style == "strum":
            for at in (0, 1, 1.5, 2.5, 3, 3.5):
                block(o + at, 0.5)
        elif style == "strum16":
            for at in (0, 0.5, 0.75, 1.25, 1.5, 2, 2.5, 2.75, 3.25, 3.5):
                block(o + at, 0.25)
        elif style == "offbeat":
            for i in range(m):
                block(o + i + 0.5, 0.3)
        elif style == "charleston":
            block(o, 0.5)
            block(o + 1.5, 0.8)
        elif style == "bossa":
            for at in (0, 1, 2.5, 3.5):
                block(o + at, 0.4)
        elif style == "pulse8":
            for i in range(2 * m):
                block(o + i / 2, 0.4)
        elif style == "stride":
            for i in range(m):
                block(o + i, 0.7, which=[low if i == 0 else low - 5] if i % 2 == 0 else pitches)
        elif style == "syncop":
            for at in (0, 0.75, 1.5, 2.5, 3.25):
                block(o + at, 0.4)
        elif style == "oompah":
            block(o, 0.9, which=[low])
            block(o + 1, 0.6)
            block(o + 2, 0.6)

    def bass(
        self, channel: int, style: str, plan: list[tuple[int, float, int, tuple[int, ...]]], velocity: float
    ) -> None:
        m = self.meter
        scale = MAJOR_SCALE if self.mode == "major" else MINOR_SCALE
        tones = {(self.key + s) % 12 for s in scale}
        for index, (bar, span, root, quality) in enumerate(plan):
            low = root + 12 * round((38 - root) / 12)
            start, length = bar * m, span * m
            following = plan[(index + 1) % len(plan)][2]
            target = following + 12 * round((low - following) / 12)
            beats = np.arange(0, length, 1.0)
            if style == "whole":
                for b in range(0, int(length), m) or [0]:
                    self.play(channel, low, start + b, min(m, length) * 0.95, velocity)
            elif style == "quarters":
                for b in beats:
                    self.play(channel, low, start + b, 0.9, velocity)
            elif style == "eighths":
                for b in np.arange(0, length, 0.5):
                    self.play(channel, low, start + b, 0.45, velocity)
            elif style == "rootfifth":
                for b in np.arange(0, length, 2.0 if m == 4 else 3.0):
                    self.play(channel, low + (7 if (b // 2) % 2 else 0), start + b, 1.5, velocity)
            elif style == "octaves":
                for i, b in enumerate(np.arange(0, length, 0.5)):
                    self.play(channel, low + 12 * (i % 2), start + b, 0.4, velocity)
            elif style == "walking":
                path = [low, low + quality[1], low + quality[2 % len(quality)], target + (1 if target <= low else -1)]
                for b in beats:
                    pitch = path[int(b) % 4]
                    if int(b) == length - 1 and pitch % 12 not in tones and self.rng.random() < 0.5:
                        pitch = low + 7
                    self.play(channel, pitch, start + b, 0.95, velocity)
            elif style == "syncop":
                for b in np.arange(0, length, 4.0):
                    for at in (0, 1.5, 2, 3.5) if m == 4 else (0, 1.5, 2):
                        self.play(channel, low, start + b + at, 0.5, velocity)
            elif style == "bossa":
                for b in np.arange(0, length, 2.0):
                    self.play(channel, low, start + b, 1.4, velocity)
                    self.play(channel, low + 7, start + b + 1.5, 0.5, velocity - 10)
            elif style == "tresillo":
                for b in np.arange(0, length, 4.0):
                    for at in (0, 1.5, 3):
                        self.play(channel, low, start + b + at, 0.9, velocity)

    def melody(
        self, channel: int, plan: list[tuple[int, float, int, tuple[int, ...]]], velocity: float, centre: int
    ) -> None:
        r = self.rng
        m = self.meter
        scale = list(MAJOR_SCALE if self.mode == "major" else MINOR_SCALE)
        if self.mode == "minor" and r.random() < 0.3:
            scale[6] = 11
        pool = np.array([p for p in range(centre - 14, centre + 15) if (p - self.key) % 12 in scale])
        if r.random() < 0.2:
            penta = (0, 2, 4, 7, 9) if self.mode == "major" else (0, 3, 5, 7, 10)
            pool = np.array([p for p in range(centre - 14, centre + 15) if (p - self.key) % 12 in penta])
        cells4 = (
            (1, 1, 1, 1),
            (0.5,) * 8,
            (1, 0.5, 0.5, 1, 1),
            (1.5, 0.5, 2),
            (2, 1, 1),
            (0.5, 1, 0.5, 1, 1),
            (1.5, 1.5, 1),
            (0.75, 0.25, 1, 1, 1),
            (2, 2),
            (3, 1),
            (-0.5, 0.5, 1, 2),
            (-1, 1, 1, 1),
            (0.5, 0.5, 1, 0.5, 0.5, 1),
            (0.25,) * 4 + (1, 0.5, 0.5, 1),
        )
        cells3 = ((1, 1, 1), (2, 1), (1.5, 0.5, 1), (0.5,) * 6, (1, 0.5, 0.5, 1), (3,), (-1, 1, 1))
        cells = cells4 if m == 4 else cells3
        chosen = [cells[i] for i in r.integers(len(cells), size=int(r.integers(2, 5)))]
        roots = {int(bar): (root, quality) for bar, _, root, quality in plan}
        current = int(r.integers(pool.size))
        chord = roots[0]
        for bar in range(self.bars):
            chord = roots.get(bar, chord)
            position = 0.0
            for length in chosen[bar % len(chosen)]:
                if length > 0:
                    current = int(np.clip(current + r.integers(-2, 3), 0, pool.size - 1))
                    pitch = int(pool[current])
                    if position == int(position) and position % 2 == 0:
                        tones = [
                            p for p in range(pitch - 6, pitch + 7) if (p - chord[0]) % 12 in {q % 12 for q in chord[1]}
                        ]
                        pitch = min(tones, key=lambda p: abs(p - pitch))
                        current = int(np.argmin(np.abs(pool - pitch)))
                    if bar == self.bars - 1 and position == 0 and r.random() < 0.7:
                        pitch = self.key + 12 * round((pitch - self.key) / 12)
                    self.play(channel, pitch, bar * m + position, length * 0.95, velocity)
                position += abs(length)

    # --- drums ---
    def drum_bar(self, style: str, o: float, bar: int) -> None:
        k, s, h, oh, ride, cl = 36, 38, 42, 46, 51, 37

        def hits(pitch: int, at: tuple[float, ...], velocity: float = 95) -> None:
            for t in at:
                self.play(DRUMS, pitch, o + t, 0.2, velocity)

        eighths = tuple(np.arange(0, self.meter, 0.5))
        sixteenths = tuple(np.arange(0, self.meter, 0.25))
        quarters = tuple(np.arange(0, self.meter, 1.0))
        table: dict[str, list[tuple[int, tuple[float, ...], float]]] = {
            "rock8": [(k, (0, 2), 105), (s, (1, 3), 100), (h, eighths, 75)],
            "rock8b": [(k, (0, 1.5, 2, 2.5) if bar % 2 else (0, 2, 2.5), 105), (s, (1, 3), 100), (h, eighths, 75)],
            "rock4": [(k, (0, 2), 105), (s, (1, 3), 100), (ride, quarters, 75)],
            "rock16": [(k, (0, 0.75, 2, 2.75), 105), (s, (1, 3), 100), (h, sixteenths, 65)],
            "four_floor": [(k, quarters, 110), (oh, (0.5, 1.5, 2.5, 3.5), 80), (39, (1, 3), 90)],
            "disco": [(k, quarters, 110), (s, (1, 3), 95), (h, sixteenths, 60), (oh, (0.5, 1.5, 2.5, 3.5), 80)],
            "boombap": [(k, (0, 1.5, 2.5), 110), (s, (1, 3), 105), (h, eighths, 70)],
            "halftime": [(k, (0, 1.5 if bar % 2 else 3.5), 110), (s, (2,), 105), (h, eighths, 70)],
            "doubletime": [(k, quarters, 100), (s, (0.5, 1.5, 2.5, 3.5), 95), (h, eighths, 70)],
            "swing": [(ride, (0, 1, 1.5, 2, 3, 3.5), 80), (44, (1, 3), 70), (k, (0, 2), 55)],
            "shuffle": [(k, (0, 2), 105), (s, (1, 3), 100), (h, eighths, 75)],
            "bossa": [(k, (0, 1.5, 2, 3.5), 80), (cl, (0, 1.5, 3) if bar % 2 == 0 else (1, 2.5), 80), (h, eighths, 60)],
            "onedrop": [(k, (2,), 105), (cl, (2,), 90), (h, eighths, 70)],
            "breakbeat": [(k, (0, 0.5, 2.5), 110), (s, (1, 1.75, 2.25, 3), 95), (h, eighths, 70)],
            "clave": [(75, (0, 1.5, 3) if bar % 2 == 0 else (1, 2), 90), (k, (0, 2), 80), (70, eighths, 60)],
            "train": [(k, (0, 2), 90), (s, sixteenths, 50), (s, (1, 3), 95)],
            "toms": [(41, (0, 2), 100), (45, (1, 3), 85), (48, (3.5,), 85)],
            "kickonly": [(k, quarters, 105)],
            "hatonly": [(h, eighths, 75), (h, (0, 2), 100)],
            "march": [(s, (0, 1, 1.5, 2, 3, 3.5), 80), (k, (0, 2), 100)],
            "trap": [(k, (0, 1.75, 2.5), 110), (s, (2,), 105), (h, sixteenths, 65)],
            "waltz": [(k, (0,), 105), (s, (1, 2), 75)],
            "waltz_jazz": [(ride, (0, 1, 1.5, 2), 80), (k, (0,), 80), (44, (1,), 70)],
            "waltz_rock": [(k, (0,), 105), (s, (2,) if bar % 2 else (1, 2), 90), (h, eighths, 70)],
        }
        for pitch, at, velocity in table[style]:
            hits(pitch, at, velocity)
        if bar % 8 == 0 and self.crash:
            hits(49, (0.0,), 90)

    crash = False

    def compose(self) -> Piece:
        r = self.rng
        m = self.meter
        plan = self.harmony()
        d = self.description
        solo = not self.drums and r.random() < 0.45
        groove = str(r.choice(np.array(GROOVES_4 if m == 4 else GROOVES_3)))
        if self.drums and groove in ("swing", "shuffle", "waltz_jazz"):
            self.swing = float(r.uniform(0.62, 0.68))
        comps = COMPS_4 if m == 4 else COMPS_3
        if solo:
            instrument = int(r.choice(SOLO_INSTRUMENTS))
            style = str(r.choice(np.array([c for c in comps if c != "none"])))
            self.programs[0] = instrument
            self.comp(0, style, plan, float(r.uniform(60, 95)), int(r.choice([52, 56, 60, 64])))
            left = r.random()
            if left < 0.5:
                bass_style = str(r.choice(np.array(["whole", "rootfifth", "quarters"])))
                self.bass(0, bass_style, plan, float(r.uniform(60, 95)))
                d["bass"] = bass_style
            if r.random() < 0.5:
                self.melody(0, plan, float(r.uniform(75, 105)), int(r.choice([70, 74, 78])))
                d["melody"] = True
            d.update(solo=instrument, comp=style)
        else:
            style = str(r.choice(np.array(comps)))
            pad = style == "pad"
            self.programs[0] = int(r.choice(PAD_INSTRUMENTS if pad else KEYS_INSTRUMENTS))
            self.comp(0, style, plan, float(r.uniform(50, 95)), int(r.choice([56, 60, 64])))
            d.update(comp=style, instrument=self.programs[0])
            if r.random() < 0.25:
                self.programs[3] = int(r.choice(PAD_INSTRUMENTS))
                self.comp(3, "pad", plan, float(r.uniform(40, 80)), 64)
                d["pad"] = self.programs[3]
            if r.random() < 0.8 or style == "none":
                self.programs[1] = int(r.choice(BASS_INSTRUMENTS))
                styles = (
                    ["whole", "quarters", "eighths", "rootfifth", "octaves", "walking", "syncop", "bossa", "tresillo"]
                    if m == 4
                    else ["whole", "quarters", "rootfifth", "walking"]
                )
                bass_style = str(r.choice(np.array(styles)))
                self.bass(1, bass_style, plan, float(r.uniform(70, 105)))
                d.update(bass=bass_style, bass_instrument=self.programs[1])
            if r.random() < 0.6 or style == "none":
                self.programs[2] = int(r.choice(LEAD_INSTRUMENTS))
                self.melody(2, plan, float(r.uniform(70, 110)), int(r.choice([67, 72, 76])))
                d["melody"] = self.programs[2]
            if self.drums:
                self.crash = r.random() < 0.4
                intro = int(r.choice([0, 0, 0, 2, 4]))
                for bar in range(intro, self.bars - int(r.random() < 0.3)):
                    self.drum_bar(groove, bar * m, bar)
                d.update(groove=groove, intro=intro)
        end = self.at(self.bars * m)
        kept = (
            0.0 if r.random() < 0.85 else float(r.uniform(1, 5)),
            0.0 if r.random() < 0.8 else float(r.uniform(2, 8)),
        )
        d.update(meter=m, swing=self.swing, jitter=self.jitter, drift=self.drift)
        beats = [float(t) for t in self.times[: self.bars * m]]
        mean_tempo = 60 / float(np.mean(np.diff(beats)))
        return Piece(self.notes, self.programs, mean_tempo, beats, self.key, self.mode, end, kept, d)
