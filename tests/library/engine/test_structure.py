"""The parts of a recording: found where the sound changes, named for what they are to the whole."""

import numpy as np
import pytest

from tests.library.engine.sounds import RATE, hear, tune


def test_a_soft_beginning_and_end_around_a_loud_middle() -> None:
    soft, loud = tune("flute", 1, seconds=25), tune("saw", 2, seconds=60)
    result = hear(np.concatenate([0.02 * soft, loud, 0.02 * soft]).astype(np.float32))
    assert [part["kind"] for part in result.segments][:: len(result.segments) - 1] == ["intro", "outro"]
    assert any(part["kind"] == "loud" for part in result.segments)
    starts = [part["start"] for part in result.segments]
    assert min(abs(start - 25) for start in starts) <= 2
    assert min(abs(start - 85) for start in starts) <= 2
    assert result.segments[0]["level_db"] < -10 < result.segments[1]["level_db"]


def test_the_parts_join_and_cover_the_whole() -> None:
    pieces = [tune(name, 3, seconds=20) for name in ("bell", "saw", "organ", "flute")]
    result = hear(np.concatenate(pieces))
    assert result.segments[0]["start"] == 0
    assert result.segments[-1]["end"] == pytest.approx(80, abs=1.1)
    for one, following in zip(result.segments, result.segments[1:], strict=False):
        assert one["end"] == following["start"]
        assert one["end"] - one["start"] >= 8
    assert len(result.segments) >= 3


def test_one_sound_from_end_to_end_is_one_part() -> None:
    noise = 0.2 * np.random.default_rng(1).standard_normal(60 * RATE).astype(np.float32)
    assert [part["kind"] for part in hear(noise).segments] == ["part"]


def test_a_short_sound_is_not_divided() -> None:
    assert hear(tune("bell", 1, seconds=12)).segments == []
