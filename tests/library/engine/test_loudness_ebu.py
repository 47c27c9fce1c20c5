"""The minimum requirements of EBU Tech 3341 and Tech 3342, with signals made from their descriptions."""

import numpy as np
import pytest

from otolith.core.audio import Source
from otolith.library.engine.loudness import Loudness, LoudnessResult
from tests.signals import Sound, silence, tone

RATE = 48000
STEREO = ("FL", "FR")


def measure(sound: Sound, rate: int = RATE, layout: tuple[str, ...] = STEREO) -> LoudnessResult:
    engine = Loudness(Source(rate=rate, layout=layout, duration=None))
    engine.push(sound)
    return engine.finish()


def steps(*parts: tuple[float, float], rate: int = RATE) -> Sound:
    """A stereo tone of 1 kHz whose level changes: (seconds, dBFS) a part, without a jump of phase."""
    levels = np.concatenate([np.full(round(seconds * rate), 10 ** (dbfs / 20)) for seconds, dbfs in parts])
    wave = levels * np.sin(2 * np.pi * 1000 * np.arange(len(levels)) / rate)
    return np.tile(wave.astype(np.float32), (2, 1))


@pytest.mark.parametrize("rate", [44100, 48000, 96000, 192000])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_cases_1_and_2_a_steady_tone_reads_its_level_on_every_scale(level: float, rate: int) -> None:
    result = measure(steps((20, level), rate=rate), rate)
    assert result.loudness_lufs == pytest.approx(level, abs=0.1)
    assert result.momentary_max_lufs == pytest.approx(level, abs=0.1)
    assert result.short_term_max_lufs == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([(10, -36), (60, -23), (10, -36)], id="case 3"),
        pytest.param([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], id="case 4"),
        pytest.param([(20, -26), (20.1, -20), (20, -26)], id="case 5"),
    ],
)
def test_cases_3_to_5_the_gates_leave_out_what_is_quiet(parts: list[tuple[float, float]]) -> None:
    assert measure(steps(*parts)).loudness_lufs == pytest.approx(-23, abs=0.1)


def test_case_6_five_channels_are_weighted() -> None:
    levels = {"FL": -28, "FR": -28, "FC": -24, "SL": -30, "SR": -30}
    sound = np.concatenate([tone(20, RATE, 1000, level, channels=1) for level in levels.values()])
    assert measure(sound, layout=tuple(levels)).loudness_lufs == pytest.approx(-23, abs=0.1)


def test_case_6_with_a_low_frequency_channel_that_does_not_count() -> None:
    levels = {"FL": -28, "FR": -28, "FC": -24, "LFE": -3, "BL": -30, "BR": -30}
    sound = np.concatenate([tone(20, RATE, 1000, level, channels=1) for level in levels.values()])
    assert measure(sound, layout=tuple(levels)).loudness_lufs == pytest.approx(-23, abs=0.1)


def test_case_9_short_term_loudness_of_a_pattern_of_three_seconds() -> None:
    result = measure(steps(*[(1.34, -20), (1.66, -30)] * 5))
    assert result.short_term_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("index", range(20))
def test_case_10_a_tone_of_three_seconds_reads_full_wherever_it_begins(index: int) -> None:
    sound = np.concatenate([silence(index * 0.15, RATE), steps((3, -23)), silence(1, RATE)], axis=1)
    assert measure(sound).short_term_max_lufs == pytest.approx(-23, abs=0.1)


def test_case_11_short_term_maxima_follow_a_rising_series() -> None:
    parts: list[Sound] = []
    for index, level in enumerate(range(-38, -18)):
        parts += [silence(index * 0.15, RATE), steps((3, level)), silence(3 - index * 0.15, RATE)]
        result = measure(np.concatenate(parts, axis=1))
        assert result.short_term_max_lufs == pytest.approx(level, abs=0.1)


def test_case_12_momentary_loudness_of_a_pattern_of_400_milliseconds() -> None:
    result = measure(steps(*[(0.18, -20), (0.22, -30)] * 25))
    assert result.momentary_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("index", range(20))
def test_case_13_a_tone_of_400_milliseconds_reads_full_wherever_it_begins(index: int) -> None:
    sound = np.concatenate([silence(index * 0.02, RATE), steps((0.4, -23)), silence(1, RATE)], axis=1)
    assert measure(sound).momentary_max_lufs == pytest.approx(-23, abs=0.1)


def test_case_14_momentary_maxima_follow_a_rising_series() -> None:
    parts: list[Sound] = []
    for index, level in enumerate(range(-38, -18)):
        parts += [silence(index * 0.02, RATE), steps((0.4, level)), silence(0.4 - index * 0.02, RATE)]
        result = measure(np.concatenate([*parts, silence(0.1, RATE)], axis=1))
        assert result.momentary_max_lufs == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    ("divisor", "phase", "amplitude", "expected"),
    [
        pytest.param(4, 0.0, 0.5, -6.0, id="case 15"),
        pytest.param(4, 45.0, 0.5, -6.0, id="case 16"),
        pytest.param(6, 60.0, 0.5, -6.0, id="case 17"),
        pytest.param(8, 67.5, 0.5, -6.0, id="case 18"),
        pytest.param(4, 45.0, 1.41, 3.0, id="case 19"),
    ],
)
def test_cases_15_to_19_the_crest_between_the_samples_of_a_sine(
    divisor: int, phase: float, amplitude: float, expected: float
) -> None:
    sound = _faded(tone(2, RATE, RATE / divisor, 20 * np.log10(amplitude), phase=phase))
    peak = measure(sound).true_peak_dbtp
    assert peak is not None
    assert expected - 0.4 <= peak <= expected + 0.2


@pytest.mark.parametrize("offset", range(4), ids=["case 20", "case 21", "case 22", "case 23"])
def test_cases_20_to_23_an_impulse_that_falls_between_the_samples(offset: int) -> None:
    time = (np.arange(-400, 400) - offset / 4).astype(np.float64)
    inside = np.abs(time) < 32
    pulse = np.where(inside, np.sinc(0.9 * time) * np.cos(np.pi * np.clip(time, -32, 32) / 64) ** 2, 0.0)
    sound = np.concatenate([silence(0.5, RATE, 1), pulse[None].astype(np.float32), silence(0.5, RATE, 1)], axis=1)
    peak = measure(np.tile(sound, (2, 1))).true_peak_dbtp
    assert peak is not None
    assert -0.4 <= peak <= 0.2


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([(20, -20), (20, -30)], 10, id="case 1"),
        pytest.param([(20, -20), (20, -15)], 5, id="case 2"),
        pytest.param([(20, -40), (20, -20)], 20, id="case 3"),
        pytest.param([(20, -50), (20, -35), (20, -20), (20, -35), (20, -50)], 15, id="case 4"),
    ],
)
def test_tech_3342_loudness_range(parts: list[tuple[float, float]], expected: float) -> None:
    assert measure(steps(*parts)).loudness_range_lu == pytest.approx(expected, abs=0.1)


def _faded(sound: Sound) -> Sound:
    """Fade in and out over 50 ms: the transient of an abrupt start is a true peak of its own."""
    count = round(0.05 * RATE)
    shape = np.ones(sound.shape[1], dtype=np.float32)
    shape[:count] = np.linspace(0, 1, count)
    shape[-count:] = shape[count - 1 :: -1]
    return sound * shape
