"""A small synthesiser for the demo: voices from wavetables, a drum kit, and a room to play them in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

RATE: Final = 44_100
_TABLE: Final = 8192
_HIGHEST: Final = 15_000.0

Wave = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Voice:
    """How an instrument sounds: a bright and a dull spectrum, and how one turns into the other.

    `bright` and `dull` are levels of the harmonics from the first on; a note begins bright and becomes dull with the
    time constant `mellows`. `attack`, `decay` and `release` are in seconds, `sustain` is the level that `decay` leads
    to. `detune` in cents spreads two copies over left and right, `vibrato` in cents sways at 5.5 Hz, and `drive`
    bends the wave as an amplifier does.
    """

    bright: tuple[float, ...]
    dull: tuple[float, ...]
    attack: float = 0.005
    decay: float = 0.6
    sustain: float = 0.0
    release: float = 0.08
    mellows: float = 0.15
    detune: float = 0.0
    vibrato: float = 0.0
    drive: float = 0.0


@dataclass(frozen=True, slots=True)
class Note:
    """A pitch (MIDI number) from `start` for `length` seconds, at a `level` between 0 and 1."""

    start: float
    length: float
    pitch: int
    level: float = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """One player: the voice, its notes, its place from left (-1) to right (1), its level, its share of the room."""

    voice: Voice
    notes: Sequence[Note]
    pan: float = 0.0
    level: float = 1.0
    room: float = 0.2


@dataclass(frozen=True, slots=True)
class Hits:
    """One piece of the drum kit: when it is struck, in seconds, and how hard, from 0 to 1."""

    drum: str
    strokes: Sequence[tuple[float, float]]
    pan: float = 0.0
    level: float = 1.0
    room: float = 0.08


@lru_cache(maxsize=512)
def _table(harmonics: tuple[float, ...], pitch: int) -> Wave:
    """One cycle with as many of the harmonics as fit below the highest frequency; phases fixed but scattered."""
    count = max(1, min(len(harmonics), int(_HIGHEST / _frequency(pitch))))
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex64)
    phases = np.exp(2j * np.pi * np.modf(np.arange(count) * 0.61803399)[0])
    spectrum[1 : count + 1] = np.asarray(harmonics[:count]) * phases
    wave = fft.irfft(spectrum, _TABLE).astype(np.float32)
    return (wave * (_TABLE / 2) / max(1e-9, float(np.sqrt(np.sum(np.square(harmonics[:count])))))).astype(np.float32)


def _frequency(pitch: float) -> float:
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def _envelope(voice: Voice, length: float) -> Wave:
    time = np.arange(int((length + voice.release) * RATE), dtype=np.float32) / np.float32(RATE)
    body = voice.sustain + (1 - voice.sustain) * np.exp(-time / np.float32(voice.decay))
    rise = np.minimum(1, time / np.float32(max(voice.attack, 1e-4)))
    fall = np.clip((length + voice.release - time) / np.float32(voice.release), 0, 1)
    return np.asarray(body * rise * fall * fall, dtype=np.float32)


def _tone(voice: Voice, pitch: int, length: float) -> Wave:
    """A note of one player: shape ``(2, n)``, left and right."""
    envelope = _envelope(voice, length)
    time = np.arange(len(envelope), dtype=np.float64) / RATE
    bend = np.zeros(1)
    if voice.vibrato:
        depth = _frequency(pitch) * (2 ** (voice.vibrato / 1200) - 1) / (2 * np.pi * 5.5)
        bend = -depth * np.cos(2 * np.pi * 5.5 * time) * np.minimum(1, time / 0.4)
    mellow = np.exp(-time / voice.mellows).astype(np.float32)
    sides = []
    for cents in (-voice.detune, voice.detune):
        phase = _frequency(pitch + cents / 100) * time + bend
        index = ((phase - np.floor(phase)) * _TABLE).astype(np.int32) % _TABLE
        wave = _table(voice.dull, pitch)[index] * (1 - mellow) + _table(voice.bright, pitch)[index] * mellow
        sides.append(np.tanh(voice.drive * wave) if voice.drive else wave)
        if not voice.detune:
            sides.append(sides[0])
            break
    return np.asarray(np.stack(sides) * envelope, dtype=np.float32)


def _high_passed(noise: Wave, lowest: float) -> Wave:
    spectrum = fft.rfft(noise)
    frequencies = fft.rfftfreq(len(noise), 1 / RATE)
    return np.asarray(fft.irfft(spectrum * (frequencies > lowest), len(noise)), dtype=np.float32)


@lru_cache(maxsize=32)
def _drum(name: str) -> Wave:
    """One stroke on a piece of the kit, mono."""
    random = np.random.default_rng(sum(name.encode()))

    def time(seconds: float) -> Wave:
        return np.arange(int(seconds * RATE), dtype=np.float32) / np.float32(RATE)

    def noise(seconds: float) -> Wave:
        return random.standard_normal(int(seconds * RATE)).astype(np.float32)

    if name == "kick":
        t = time(0.35)
        sweep = 48 * t + (110 / 28) * (1 - np.exp(-28 * t))
        wave = np.sin(2 * np.pi * sweep) * np.exp(-t * 9) + 0.3 * noise(0.35) * np.exp(-t * 400)
    elif name == "snare":
        t = time(0.3)
        body = np.sin(2 * np.pi * 190 * t) * np.exp(-t * 22)
        wave = 0.5 * body + 0.55 * _high_passed(noise(0.3), 1200) * np.exp(-t * 16)
    elif name == "rim":
        t = time(0.08)
        wave = (np.sin(2 * np.pi * 820 * t) + 0.6 * np.sin(2 * np.pi * 1730 * t)) * np.exp(-t * 70)
    elif name == "clap":
        t = time(0.3)
        bursts = sum(np.exp(-np.clip(t - gap, 0, None) * 60) * (t >= gap) for gap in (0, 0.011, 0.021))
        wave = 0.4 * _high_passed(noise(0.3), 900) * np.asarray(bursts)
    elif name == "hat":
        t = time(0.09)
        wave = 0.5 * _high_passed(noise(0.09), 7000) * np.exp(-t * 60)
    elif name == "open hat":
        t = time(0.35)
        wave = 0.45 * _high_passed(noise(0.35), 6500) * np.exp(-t * 11)
    elif name == "ride":
        t = time(0.7)
        ring = sum(np.sin(2 * np.pi * f * t) for f in (3170, 4390, 5230, 6710))
        wave = (0.12 * np.asarray(ring) + 0.3 * _high_passed(noise(0.7), 8000)) * np.exp(-t * 7)
    elif name == "shaker":
        t = time(0.11)
        wave = 0.35 * _high_passed(noise(0.11), 5000) * np.sin(np.pi * np.clip(t / 0.1, 0, 1))
    elif name == "brush":
        t = time(0.24)
        wave = 0.4 * _high_passed(noise(0.24), 2500) * np.minimum(1, t / 0.02) * np.exp(-t * 14)
    elif name == "tom":
        t = time(0.4)
        wave = np.sin(2 * np.pi * (95 * t + 2.2 * (1 - np.exp(-18 * t)))) * np.exp(-t * 8)
    else:
        message = f"The kit has no {name!r}."
        raise ValueError(message)
    return np.asarray(wave, dtype=np.float32)


def _place(stereo: Wave, wave: Wave, start: float, gain: tuple[float, float]) -> None:
    begin = max(0, int(start * RATE))
    count = min(wave.shape[-1], stereo.shape[1] - begin)
    if count > 0:
        cut = wave[..., :count]
        stereo[0, begin : begin + count] += np.float32(gain[0]) * (cut[0] if cut.ndim == 2 else cut)
        stereo[1, begin : begin + count] += np.float32(gain[1]) * (cut[1] if cut.ndim == 2 else cut)


def _gains(pan: float, level: float) -> tuple[float, float]:
    angle = (pan + 1) * np.pi / 4
    return float(level * np.cos(angle) * 1.41), float(level * np.sin(angle) * 1.41)


@lru_cache(maxsize=8)
def _room(seconds: float) -> Wave:
    """The answer of a room to a clap: decaying noise, different left and right, without the rumble."""
    random = np.random.default_rng(7)
    time = np.arange(int(seconds * RATE), dtype=np.float32) / np.float32(RATE)
    noise = random.standard_normal((2, len(time))).astype(np.float32) * np.exp(-time * np.float32(6.0 / seconds))
    noise[:, : int(0.012 * RATE)] = 0
    answer = np.stack([_high_passed(side, 250) for side in noise])
    return np.asarray(answer / np.sqrt(np.sum(answer**2, axis=1, keepdims=True)), dtype=np.float32)


def mix(parts: Sequence[Part], kit: Sequence[Hits], seconds: float, room_seconds: float = 1.2) -> Wave:
    """Everyone together: float32 of shape ``(2, n)`` at 44,100 Hz, its loudest sample just below full scale."""
    frames = int(seconds * RATE)
    dry = np.zeros((2, frames), dtype=np.float32)
    send = np.zeros((2, frames), dtype=np.float32)
    for part in parts:
        bus = np.zeros((2, frames), dtype=np.float32)
        gains = _gains(part.pan, part.level)
        tones: dict[tuple[int, float], Wave] = {}
        for note in part.notes:
            played = (note.pitch, round(note.length, 4))
            tone = tones[played] if played in tones else tones.setdefault(played, _tone(part.voice, *played))
            _place(bus, tone, note.start, (gains[0] * note.level, gains[1] * note.level))
        dry += bus
        send += np.float32(part.room) * bus
    for hits in kit:
        bus = np.zeros((2, frames), dtype=np.float32)
        gains = _gains(hits.pan, hits.level)
        for start, level in hits.strokes:
            _place(bus, _drum(hits.drum), start, (gains[0] * level, gains[1] * level))
        dry += bus
        send += np.float32(hits.room) * bus
    answer = _room(room_seconds)
    length = fft.next_fast_len(frames + answer.shape[1], real=True)
    wet = fft.irfft(fft.rfft(send, length) * fft.rfft(answer, length), length)[:, :frames]
    whole = np.tanh(0.9 * (dry + wet) / _loud(dry))
    return np.asarray(0.92 * whole / max(1e-6, float(np.abs(whole).max())), dtype=np.float32)


def _loud(wave: Wave) -> np.float32:
    """What to divide by so that peaks, and only they, reach into the bend of the limiter."""
    return np.float32(max(1e-6, float(np.quantile(np.abs(wave[:, ::16]), 0.997))))
