"""Composes pieces in given styles for given bands, to fit the embedding on and to measure it with.

A band is an instrumentation with its balance and its sound; a style is a manner of playing. Key, tempo within the
style's range, progression and tune differ from piece to piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from bench.music_midi import DRUMS, SOUND_FONT, Note, midi_file, render
from bench.music_patterns import CompEvent
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
    MINOR_PROGRESSIONS,
    PAD_INSTRUMENTS,
)
from bench.music_variety import Composer, PlannedChord, parse
from bench.similarity_patterns import Manner, Strokes, random_manner

_KITS = (0, 8, 16, 24, 25, 32, 40)
_BASS_4 = ("whole", "quarters", "eighths", "rootfifth", "octaves", "walking", "syncop", "bossa", "tresillo")
_BASS_3 = ("whole", "quarters", "rootfifth", "walking")
RATE = 22050
_SECONDS = 32.0
_EVEN = 50.0  # The velocity that players play at before the band balances them.


@dataclass(frozen=True, slots=True)
class Band:
    """Who plays: MIDI programs, how loud each is, and what the studio does: a tilt in dB an octave, and drive.

    `roles` says which of keys, bass, lead, pad and drums the band has; None leaves that to the style.
    """

    name: str
    keys: int
    bass: int
    lead: int
    pad: int
    kit: int
    levels: tuple[float, float, float, float]
    drums: float = 0.0
    tilt: float = 0.0
    drive: float = 0.0
    font: Path = SOUND_FONT
    roles: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How is played, by names of `bench.music_tables` and `bench.music_patterns`; tempo in beats a minute.

    Where there is a `drawn` manner, that is played, and the names only say who takes part.
    """

    name: str
    tempo: tuple[float, float]
    comp: str
    bass: str | None
    groove: str | None
    lead: bool = True
    pad: bool = False
    meter: int = 4
    swing: float = 0.5
    minor: float = 0.5
    span: float = 1.0
    sevenths: bool = False
    colour: str | None = None
    drawn: Manner | None = None

    @property
    def roles(self) -> frozenset[str]:
        """Who plays where the band leaves it to the style."""
        asked = {"bass": self.bass is not None, "lead": self.lead, "pad": self.pad, "drums": self.groove is not None}
        return frozenset({"keys"} | {role for role, wanted in asked.items() if wanted})


def random_band(rng: np.random.Generator, name: str, fonts: tuple[Path, ...] = (SOUND_FONT,)) -> Band:
    """A band drawn from the whole of General MIDI's usual instruments, who plays whatever the style asks for."""
    return Band(
        name,
        int(rng.choice(KEYS_INSTRUMENTS)),
        int(rng.choice(BASS_INSTRUMENTS)),
        int(rng.choice(LEAD_INSTRUMENTS)),
        int(rng.choice(PAD_INSTRUMENTS)),
        int(rng.choice(_KITS)),
        tuple(float(level) for level in rng.normal((72, 85, 92, 60), 9)),  # type: ignore[arg-type]
        float(rng.normal(0, 8)),
        float(rng.normal(0, 1.0)),
        float(rng.choice([0.0, 0.0, 1.0, 2.5])),
        fonts[int(rng.integers(len(fonts)))],
    )


def random_ensemble(rng: np.random.Generator, name: str, fonts: tuple[Path, ...] = (SOUND_FONT,)) -> Band:
    """A band that always plays together, whatever the style: from one voice alone to five."""
    chances = {"keys": 0.85, "bass": 0.7, "lead": 0.6, "pad": 0.35, "drums": 0.6}
    roles = frozenset(role for role, chance in chances.items() if rng.random() < chance)
    return replace(random_band(rng, name, fonts), roles=roles if roles - {"drums"} else frozenset({"keys"}))


def random_style(rng: np.random.Generator, name: str) -> Style:
    """A style drawn from everything that can be played, sensible or not."""
    meter = 3 if rng.random() < 0.15 else 4
    slowest = float(np.exp(rng.uniform(np.log(62), np.log(150))))
    groove = None if rng.random() < 0.3 else str(rng.choice(np.array(GROOVES_4 if meter == 4 else GROOVES_3)))
    comps = [comp for comp in (COMPS_4 if meter == 4 else COMPS_3) if comp != "none"]
    swung = groove in ("swing", "shuffle", "waltz_jazz")
    return Style(
        name,
        (slowest, slowest * 1.22),
        str(rng.choice(np.array(comps))),
        None if rng.random() < 0.15 else str(rng.choice(np.array(_BASS_4 if meter == 4 else _BASS_3))),
        groove,
        bool(rng.random() < 0.6),
        bool(rng.random() < 0.3),
        meter,
        0.65 if swung else 0.5,
        float(rng.choice([0.1, 0.5, 0.9])),
        float(rng.choice([1.0, 1.0, 1.0, 0.5, 2.0] if meter == 4 else [1.0, 2.0])),
        bool(rng.random() < 0.25),
    )


def drawn_style(rng: np.random.Generator, name: str) -> Style:
    """A style whose patterns stand in no table."""
    style = random_style(rng, name)
    return replace(style, swing=0.5, drawn=random_manner(rng, style.meter))


STYLES = (
    Style("rock", (112, 142), "pulse8", "eighths", "rock8", colour="5", minor=0.4),
    Style("ballad", (62, 80), "arp8_updown", "whole", "rock4", pad=True, minor=0.3),
    Style("disco", (110, 128), "offbeat", "octaves", "disco", minor=0.7),
    Style("house", (120, 132), "charleston", "syncop", "four_floor", lead=False, pad=True, minor=0.8),
    Style("hip hop", (80, 98), "block_whole", "tresillo", "boombap", lead=False, minor=0.9, span=2.0),
    Style("funk", (96, 116), "strum16", "syncop", "rock16", minor=0.6, span=2.0, sevenths=True),
    Style("bossa", (118, 146), "bossa", "bossa", "bossa", sevenths=True, minor=0.4),
    Style("reggae", (68, 84), "offbeat", "syncop", "onedrop", minor=0.5),
    Style("swing", (132, 178), "charleston", "walking", "swing", swing=0.66, sevenths=True, minor=0.3, span=0.5),
    Style("waltz", (138, 176), "oompah", "whole", "waltz", meter=3, minor=0.2),
    Style("folk", (96, 118), "strum", "rootfifth", None, minor=0.2),
    Style("classical", (108, 134), "alberti", None, None, minor=0.3),
    Style("ambient", (62, 76), "pad", "whole", None, lead=False, pad=True, minor=0.7, span=2.0),
    Style("march", (104, 122), "stride", "rootfifth", "march", minor=0.1),
    Style("trap", (132, 150), "block_whole", "whole", "trap", minor=0.95, span=2.0),
    Style("drum and bass", (164, 178), "pad", "eighths", "breakbeat", lead=False, minor=0.9, span=2.0),
)


class _Player(Composer):
    """A composer who is told the style."""

    def __init__(self, seed: list[int], style: Style, seconds: float) -> None:
        super().__init__(0)
        self.rng = np.random.default_rng(seed)
        self.meter, self.swing, self.drawn = style.meter, style.swing, style.drawn
        self.tempo = float(self.rng.uniform(*style.tempo))
        self.mode = "minor" if self.rng.random() < style.minor else "major"
        self.key = int(self.rng.integers(12))
        self.jitter, self.velocity_spread = 0.005, 6.0
        self.bars = max(6, round(seconds * self.tempo / 60 / self.meter))
        self.times = 0.2 + np.arange(self.bars * self.meter + 2) * 60 / self.tempo
        self.grid = np.arange(self.times.size)
        self.crash = bool(self.rng.random() < 0.4)

    def comp_events(self, style: str, notes: int) -> list[CompEvent]:
        return self.drawn.comp_bar(notes) if self.drawn and style != "pad" else super().comp_events(style, notes)

    def bass_events(self, style: str, length: float) -> list[tuple[float, float, int, int]]:
        return self.drawn.bass_line(self.meter, length) if self.drawn else super().bass_events(style, length)

    def drum_events(self, style: str, bar: int) -> list[Strokes]:
        return self.drawn.drum_bar(bar) if self.drawn else super().drum_events(style, bar)

    def chords(self, style: Style) -> list[PlannedChord]:
        pool = MAJOR_PROGRESSIONS if self.mode == "major" else MINOR_PROGRESSIONS
        progression = parse(str(self.rng.choice(np.array(pool))))
        if style.sevenths:
            wider = {CHORDS["M"]: CHORDS["maj7"], CHORDS["m"]: CHORDS["m7"]}
            progression = [(root, wider.get(quality, quality)) for root, quality in progression]
        if style.colour:
            progression = [(root, CHORDS[style.colour]) for root, _ in progression]
        plan: list[PlannedChord] = []
        place = 0.0
        while place < self.bars:
            root, quality = progression[len(plan) % len(progression)]
            plan.append((place, min(style.span, self.bars - place), (self.key + root) % 12, quality))
            place += style.span
        return plan


def compose(seed: list[int], style: Style, band: Band, seconds: float = _SECONDS) -> tuple[list[Note], dict[int, int]]:
    """The notes of one piece and the programs; the same seed and style give the same piece to every band."""
    player = _Player(seed, style, seconds)
    plan = player.chords(style)
    roles = band.roles or style.roles
    if "keys" in roles:
        player.comp(0, "drawn" if style.drawn else style.comp, plan, _EVEN, int(player.rng.choice([56, 60, 64])))
    if "bass" in roles:
        player.bass(1, "drawn" if style.drawn else style.bass or "rootfifth", plan, _EVEN)
    if "lead" in roles:
        player.melody(2, plan, _EVEN, int(player.rng.choice([67, 70, 74])))
    if "pad" in roles:
        player.comp(3, "pad", plan, _EVEN, 62)
    if "drums" in roles:
        groove = style.groove or ("hatonly" if style.meter == 4 else "waltz")
        for bar in range(int(player.rng.choice([0, 0, 2])), player.bars):
            player.drum_bar(groove, bar * style.meter, bar)
    programs = {0: band.keys, 1: band.bass, 2: band.lead, 3: band.pad, DRUMS: band.kit}
    notes = []
    for note in player.notes:
        level = band.drums if note.channel == DRUMS else band.levels[note.channel] - _EVEN
        velocity = int(np.clip(note.velocity + level, 12, 127))
        notes.append(Note(note.channel, note.pitch, note.start, note.end, velocity))
    return notes, {channel: programs[channel] for channel in {note.channel for note in notes}}


def perform(seed: list[int], style: Style, band: Band, target: Path, seconds: float = _SECONDS) -> Path:
    """Compose and render a piece, with the band's own sound, as a WAV file of as high a rate as the engines hear."""
    import soundfile  # noqa: PLC0415 - only who renders needs it

    notes, programs = compose(seed, style, band, seconds)
    render(midi_file(notes, programs), target, rate=RATE, font=band.font)
    if band.tilt or band.drive:
        sound, rate = soundfile.read(target, dtype="float32", always_2d=True)
        soundfile.write(target, studio(sound, rate, band.tilt, band.drive), rate, subtype="PCM_16", format="WAV")
    return target


def studio(sound: NDArray[np.float32], rate: int, tilt: float, drive: float) -> NDArray[np.float32]:
    """Tilt the spectrum by so many dB an octave around 1 kHz and press the peaks; the level is kept."""
    level = float(np.sqrt(np.mean(np.square(sound)))) or 1.0
    size = fft.next_fast_len(sound.shape[0], real=True)
    spectrum = fft.rfft(sound, size, axis=0)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    gain = 10 ** (tilt * np.log2(np.clip(hertz, 40, 12000) / 1000) / 20)
    shaped = fft.irfft((spectrum.T * gain).T, size, axis=0)[: sound.shape[0]]
    if drive:
        loud = float(np.sqrt(np.mean(np.square(shaped)))) or 1.0
        shaped = np.tanh(shaped / loud * 0.35 * drive)
    shaped *= level / (float(np.sqrt(np.mean(np.square(shaped)))) or 1.0)
    return np.asarray(shaped / max(1.0, float(np.abs(shaped).max())), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A rendered file and what is true of it; `piece` is the same for all renderings of one piece."""

    file: Path
    label: str
    piece: str


def instrumentation_set(
    folder: Path, seed: int, bands: int = 10, font: Path = SOUND_FONT, styles: Sequence[Style] = STYLES
) -> list[Labelled]:
    """Every band plays the same fourteen pieces, two in each of seven styles: what tells them apart is who plays."""
    rng = np.random.default_rng([seed, 1])
    chosen = [styles[int(index)] for index in rng.permutation(len(styles))[:7]]
    found = []
    for band in [random_ensemble(rng, f"band {index}", (font,)) for index in range(bands)]:
        for number, style in enumerate([*chosen, *chosen]):
            target = folder / f"i{seed}-{band.name.replace(' ', '-')}-{number:02d}.wav"
            if not target.exists():
                perform([seed, 1, number], style, band, target.with_suffix(".part"), 25.0).rename(target)
            found.append(Labelled(target, band.name, f"{number}"))
    return found


def style_set(
    folder: Path, seed: int, count: int = 12, font: Path = SOUND_FONT, styles: Sequence[Style] = STYLES
) -> list[Labelled]:
    """Fourteen pieces in each style, each by a band of its own: what tells them apart is how it is played."""
    rng = np.random.default_rng([seed, 2])
    found = []
    for chosen in rng.permutation(len(styles))[:count]:
        style = styles[int(chosen)]
        for number in range(14):
            band = random_band(rng, "anyone", (font,))
            target = folder / f"s{seed}-{style.name.replace(' ', '-')}-{number:02d}.wav"
            if not target.exists():
                perform([seed, 2, int(chosen), number], style, band, target.with_suffix(".part"), 25.0).rename(target)
            found.append(Labelled(target, style.name, f"{style.name} {number}"))
    return found
