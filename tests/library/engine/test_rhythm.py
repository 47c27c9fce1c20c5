"""Tempo and beats: right on sounds whose pulse is known, the same however the stream is cut, silent on noise."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.core.audio import Source
from otolith.library.engine.music import Music, MusicResult

RATE = 22050
SOURCE = Source(rate=44100, layout=("FL", "FR"), duration=None)
Samples = NDArray[np.float32]


def _struck(seconds: float, frequency: float, decay: float) -> NDArray[np.float64]:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.sin(2 * np.pi * frequency * time) * np.exp(-time / decay)


def band(tempo: float, seconds: float, lead_in: float = 0.4) -> tuple[Samples, list[float]]:
    """Bass drum and snare in turn, a hi-hat on the eighths and a chord a bar, with the times of the beats."""
    random = np.random.default_rng(7)
    sound = np.zeros(round((seconds + 3) * RATE))
    kick, hat = _struck(0.2, 55, 0.06), 0.15 * random.standard_normal(800) * np.exp(-np.arange(800) / 150)
    snare = 0.5 * random.standard_normal(3000) * np.exp(-np.arange(3000) / 700)
    chords = [(130.81, 164.81, 196.0), (196.0, 246.94, 293.66), (220.0, 261.63, 329.63), (174.61, 220.0, 261.63)]
    beats = [lead_in + beat * 60 / tempo for beat in range(int((seconds - lead_in) * tempo / 60))]
    for number, beat in enumerate(beats):
        hits = [(beat, kick if number % 2 == 0 else snare), (beat, hat), (beat + 30 / tempo, hat)]
        if number % 4 == 0:
            chord = chords[number // 4 % 4]
            hits += [(beat, 0.2 * _struck(240 / tempo, pitch, 1.5)) for pitch in chord]
        for time, hit in hits:
            start = round(time * RATE)
            sound[start : start + hit.size] += hit
    return (0.3 * sound[: round(seconds * RATE)]).astype(np.float32), beats


def hear(samples: Samples, block: int = 1 << 20) -> MusicResult:
    engine = Music(SOURCE)
    for start in range(0, samples.size, block):
        engine.push(samples[start : start + block])
    return engine.finish()


@pytest.mark.parametrize("tempo", [84.0, 97.3, 120.0, 151.7])
def test_tempo_and_beats_of_a_plain_band(tempo: float) -> None:
    samples, beats = band(tempo, 30)
    result = hear(samples)
    assert result.tempo == pytest.approx(tempo, rel=0.01)
    assert result.tempo_confidence is not None
    assert 0.5 < result.tempo_confidence <= 1.0
    assert mir_eval.beat.f_measure(np.array(beats), np.array(result.beats)) > 0.95
    offsets = [min(abs(beat - found) for found in result.beats) for beat in beats[4:-4]]
    assert float(np.median(offsets)) < 0.02


def test_a_metronome_keeps_its_own_tempo() -> None:
    sound = np.zeros(30 * RATE, dtype=np.float32)
    for beat in np.arange(0.25, 29.5, 0.5):
        click = _struck(0.05, 1200, 0.01)
        sound[round(beat * RATE) :][: click.size] += click.astype(np.float32)
    assert hear(sound).tempo == pytest.approx(120, rel=0.01)


def test_level_does_not_matter() -> None:
    samples, _ = band(110, 25)
    loud, soft = hear(samples), hear(samples * np.float32(0.01))
    assert soft.tempo == pytest.approx(loud.tempo, rel=1e-3)
    assert np.allclose(soft.beats, loud.beats, atol=0.025)


def test_beats_follow_a_slow_change_of_tempo() -> None:
    samples, beats = band(100, 40)
    # The second half is played 6 % faster bit by bit, by reading the samples at a growing speed.
    warp = np.cumsum(1 + np.linspace(0, 0.06, samples.size))
    warp = warp[warp < samples.size - 1]
    moved = np.interp(warp, np.arange(samples.size), samples).astype(np.float32)
    truth = np.searchsorted(warp, np.array(beats) * RATE) / RATE
    result = hear(moved)
    assert mir_eval.beat.f_measure(truth[truth < moved.size / RATE - 0.1], np.array(result.beats)) > 0.9


@pytest.mark.parametrize("seconds", [0.0, 0.05, 2.0, 20.0])
def test_silence_has_no_tempo(seconds: float) -> None:
    result = hear(np.zeros(round(seconds * RATE), dtype=np.float32))
    assert (result.tempo, result.tempo_confidence, result.beats) == (None, None, [])


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_tempo(seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(30 * RATE) * 0.1
    assert hear(noise.astype(np.float32)).tempo is None


def test_a_held_tone_has_no_tempo() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(20 * RATE) / RATE)
    result = hear(tone.astype(np.float32))
    assert (result.tempo, result.tempo_confidence, result.beats) == (None, None, [])


def test_samples_that_are_not_numbers_are_survived() -> None:
    samples, _ = band(120, 20)
    samples[5 * RATE : 5 * RATE + 100] = np.nan
    samples[6 * RATE] = np.inf
    assert hear(samples).tempo == pytest.approx(120, rel=0.01)


SHORT = band(128, 9)[0]
WHOLE = hear(SHORT)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=40))
def test_the_cut_of_the_stream_changes_nothing(sizes: list[int]) -> None:
    engine = Music(SOURCE)
    start = 0
    for size in [*sizes, SHORT.size]:
        engine.push(SHORT[start : start + size])
        start += size
    assert engine.finish() == WHOLE


def test_single_samples_may_be_pushed() -> None:
    samples = SHORT[: RATE * 5]
    assert hear(samples, block=1) == hear(samples)


def test_push_leaves_the_samples_alone() -> None:
    samples = SHORT.copy()
    samples.flags.writeable = False
    engine = Music(SOURCE)
    engine.push(samples)
    engine.finish()
    assert np.array_equal(samples, SHORT)


def test_a_long_recording_is_heard_in_sections() -> None:
    """Twenty minutes, the first half at 90 and the rest at 130: the longer part's tempo, and beats all through."""
    slow, fast = band(90, 60, 0.0)[0], band(130, 60, 0.0)[0]
    engine = Music(SOURCE)
    for part in [slow] * 5 + [fast] * 15:
        engine.push(part)
    result = engine.finish()
    assert result.tempo == pytest.approx(130, rel=0.02)
    beats = np.array(result.beats)
    assert np.all(np.diff(beats) > 0.2)
    assert np.count_nonzero(beats < 290) == pytest.approx(290 * 90 / 60, rel=0.05)
    assert np.count_nonzero(beats > 310) == pytest.approx(890 * 130 / 60, rel=0.05)
