"""Whether two fingerprints are of the same recording: encodings and cuts are, edits and strangers are not."""

import numpy as np
import pytest

from otolith.identify.engine.likeness import CODE_SECONDS, likeness
from tests.identify.engine.test_sketch import music, noisy


@pytest.mark.parametrize("share", [0.0, 0.04, 0.1])
@pytest.mark.parametrize(("cut", "supposed"), [(0, 0), (0, 5), (30, 30), (30, 20), (100, 104)])
def test_another_encoding_cut_at_the_beginning_is_the_same(share: float, cut: int, supposed: int) -> None:
    codes = music(1)
    found = likeness(codes, noisy(codes[cut:], share), supposed)
    assert found is not None
    assert found.shift == pytest.approx(cut * CODE_SECONDS)
    assert found.error == pytest.approx(share, abs=0.01)


def test_the_other_way_round_the_shift_is_negative() -> None:
    codes = music(1)
    found = likeness(codes[30:], codes, -30)
    assert found is not None
    assert found.shift == pytest.approx(-30 * CODE_SECONDS)


def test_a_cut_in_the_middle_makes_another_recording() -> None:
    codes = music(2)
    edit = np.concatenate([codes[:700], codes[760:]])
    assert likeness(codes, edit, 0) is None


def test_a_verse_sung_anew_makes_another_recording() -> None:
    codes = music(3)
    other = codes.copy()
    other[800:860] = music(4, 60)
    assert likeness(codes, other, 0) is None


def test_noise_at_the_quiet_ends_does_not_matter() -> None:
    codes = music(3)
    other = codes.copy()
    other[:40] = noisy(codes[:40], 0.3)
    assert likeness(codes, other, 0) is not None


@pytest.mark.parametrize("length", [1470, 1000, 100])
def test_an_excerpt_is_not_the_recording(length: int) -> None:
    codes = music(5)
    assert likeness(codes, codes[:length], 0) is None


def test_strangers_noise_and_sounds_without_variety_are_not_alike() -> None:
    assert likeness(music(6), music(7), 0) is None
    assert likeness(music(6), noisy(music(6), 0.2), 0) is None
    silence = np.full(1000, 7, np.uint32)
    assert likeness(silence, silence, 0) is None
    assert likeness(music(6, 40), music(6, 40), 0) is None
    assert likeness(np.empty(0, np.uint32), music(6), 0) is None
