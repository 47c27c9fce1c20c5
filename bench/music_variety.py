"""Composes any number of varied pieces with known tempo, beats and key, to fit the music engines on."""

from dataclasses import dataclass, field

import numpy as np

from bench.music_midi import DRUMS, Note
from bench.music_patterns import CompEvent, bass_line, comp_bar, drum_bar
from bench.music_tables import (
    BASS_INSTRUMENTS,
    CHORDS,
    COMPS_3,
    COMPS_4,
    GROOVES_3,
    GROOVES_4,
    KEYS_INSTRUMENTS,
    LEAD_INSTRUMENTS,
    MAJOR_PROGRESSIONS,
    MAJOR_SCALE,
    MINOR_PROGRESSIONS,
    MINOR_SCALE,
    PAD_INSTRUMENTS,
    SOLO_INSTRUMENTS,
)

PlannedChord = tuple[float, float, int, tuple[int, ...]]  # Bar, length in bars, root pitch class, intervals.


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


def parse(progression: str) -> list[tuple[int, tuple[int, ...]]]:
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

    def __init__(self, seed: int, *, usual: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        r = self.rng
        self.meter = 3 if r.random() < 0.2 else 4
        self.tempo = (
            float(np.exp(r.uniform(np.log(58), np.log(200)))) if r.random() < 0.5 else float(r.uniform(66, 182))
        )
        if usual:
            self.tempo = float(r.uniform(70, 180))
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

    def harmony(self) -> list[PlannedChord]:
        """The chord plan: bar, length in bars, root pitch class, intervals."""
        r = self.rng
        pool = MAJOR_PROGRESSIONS if self.mode == "major" else MINOR_PROGRESSIONS
        first = parse(str(r.choice(np.array(pool)))) if r.random() < 0.6 else self.functional()
        second = parse(str(r.choice(np.array(pool)))) if r.random() < 0.3 else first
        span = float(r.choice([1, 1, 1, 1, 1, 0.5, 2]))
        if self.meter == 3 and span == 0.5:
            span = 1.0
        plan: list[PlannedChord] = []
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
        return plan

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
        return parse(" ".join(tokens))

    def chord_pitches(self, root: int, quality: tuple[int, ...], centre: int = 60) -> list[int]:
        out = []
        for interval in quality:
            pitch = (root + interval) % 12
            out.append(pitch + 12 * round((centre - pitch) / 12))
        return sorted(set(out))

    def comp_events(self, style: str, notes: int) -> list[CompEvent]:
        return comp_bar(style, self.meter, notes)

    def bass_events(self, style: str, length: float) -> list[tuple[float, float, int, int]]:
        return bass_line(style, self.meter, length)

    def drum_events(self, style: str, bar: int) -> list[tuple[int, tuple[float, ...], float]]:
        return drum_bar(style, self.meter, bar)

    def comp(self, channel: int, style: str, plan: list[PlannedChord], velocity: float, centre: int) -> None:
        for bar, span, root, quality in plan:
            pitches = self.chord_pitches(root, quality, centre)
            low = root + 12 * round((43 - root) / 12)
            end = (bar + span) * self.meter
            for number in range(int(np.ceil(span))):
                for at, lasts, which in self.comp_events(style, len(pitches)):
                    beat = (bar + number) * self.meter + at
                    if beat >= end - 1e-6:
                        continue
                    chosen = {"chord": pitches, "low": [low], "fourth below": [low - 5]}.get(which[0])
                    for pitch in chosen or [pitches[which[1]] + which[2]]:
                        self.play(channel, pitch, beat, min(lasts, end - beat), velocity)

    def bass(self, channel: int, style: str, plan: list[PlannedChord], velocity: float) -> None:
        scale = MAJOR_SCALE if self.mode == "major" else MINOR_SCALE
        tones = {(self.key + step) % 12 for step in scale}
        for index, (bar, span, root, quality) in enumerate(plan):
            low = root + 12 * round((38 - root) / 12)
            start, length = bar * self.meter, span * self.meter
            if style != "walking":
                for at, lasts, step, softer in self.bass_events(style, length):
                    self.play(channel, low + step, start + at, lasts, velocity - softer)
                continue
            following = plan[(index + 1) % len(plan)][2]
            target = following + 12 * round((low - following) / 12)
            path = [low, low + quality[1], low + quality[2 % len(quality)], target + (1 if target <= low else -1)]
            for at in np.arange(0, length, 1.0):
                pitch = path[int(at) % 4]
                if int(at) == length - 1 and pitch % 12 not in tones and self.rng.random() < 0.5:
                    pitch = low + 7
                self.play(channel, pitch, start + at, 0.95, velocity)

    def melody(self, channel: int, plan: list[PlannedChord], velocity: float, centre: int) -> None:
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

    def drum_bar(self, style: str, start: float, bar: int) -> None:
        for pitch, at, velocity in self.drum_events(style, bar):
            for beat in at:
                self.play(DRUMS, pitch, start + beat, 0.2, velocity)
        if bar % 8 == 0 and self.crash:
            self.play(DRUMS, 49, start, 0.2, 90)

    crash = False

    def bare(self) -> None:
        """Hardly any music: a metronome, drums alone, or one voice alone."""
        r = self.rng
        kind = str(r.choice(np.array(["click", "click", "drums", "melody", "bass"])))
        if kind == "click":
            accent = float(r.choice([0, 0, 25]))
            pitch = int(r.choice([33, 36, 37, 39, 42, 56, 75, 76]))
            for beat in range(self.bars * self.meter):
                self.play(DRUMS, pitch, beat, 0.2, 85 + (accent if beat % self.meter == 0 else 0))
        elif kind == "drums":
            groove = str(r.choice(np.array(GROOVES_4 if self.meter == 4 else GROOVES_3)))
            for bar in range(self.bars):
                self.drum_bar(groove, bar * self.meter, bar)
        else:
            self.programs[1] = int(r.choice(LEAD_INSTRUMENTS if kind == "melody" else BASS_INSTRUMENTS))
            if kind == "melody":
                self.melody(1, self.harmony(), 95, 70)
            else:
                self.bass(1, str(r.choice(np.array(["quarters", "walking"]))), self.harmony(), 95)
        self.description["bare"] = kind

    def compose(self, *, bare: bool = False) -> Piece:
        r = self.rng
        m = self.meter
        plan = self.harmony()
        d = self.description
        if bare:
            self.bare()
            return self.finished()
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
        return self.finished()

    def finished(self) -> Piece:
        r, m = self.rng, self.meter
        end = self.at(self.bars * m)
        kept = (
            0.0 if r.random() < 0.85 else float(r.uniform(1, 5)),
            0.0 if r.random() < 0.8 else float(r.uniform(2, 8)),
        )
        self.description.update(meter=m, swing=self.swing, jitter=self.jitter, drift=self.drift)
        beats = [float(t) for t in self.times[: self.bars * m]]
        mean_tempo = 60 / float(np.mean(np.diff(beats)))
        return Piece(self.notes, self.programs, mean_tempo, beats, self.key, self.mode, end, kept, self.description)


def compose(seed: int) -> Piece:
    """Piece number `seed`; from 1,536 on there is hardly more than a pulse."""
    bare = seed >= 1536
    return Composer(seed, usual=bare).compose(bare=bare)
