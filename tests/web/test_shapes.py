"""Waveforms and beats as SVG paths."""

import re
import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from otolith.web.shapes import beat_marks, beats_of, shape_of, sketch_of, stretches


def _levels(pairs: list[tuple[int, int]], rms: list[int]) -> tuple[bytes, bytes]:
    flat = [value for pair in pairs for value in pair]
    return zlib.compress(struct.pack(f"{len(flat)}b", *flat)), zlib.compress(bytes(rms))


def _points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def test_nothing_heard_has_no_shape() -> None:
    assert shape_of(*_levels([], []), 10) is None
    assert sketch_of(_levels([], [])[0], 10) is None


def test_peaks_reach_up_and_down_from_the_middle() -> None:
    shape = shape_of(*_levels([(-64, 127), (-1, 1)], [40, 0]), 2)
    assert shape is not None
    ys = dict.fromkeys(range(3), 0.0) | {int(x): y for x, y in _points(shape.peak)[:3]}
    assert ys[0] < 5
    assert 45 < ys[1] < 50
    lowest = max(y for _, y in _points(shape.peak))
    assert 72 < lowest < 78


def test_silence_is_a_hair_and_not_nothing() -> None:
    shape = shape_of(*_levels([(0, 0)] * 8, [0] * 8), 8)
    assert shape is not None
    assert {y for _, y in _points(shape.peak)} == {49.4, 50.6}


def test_quiet_recordings_are_drawn_taller() -> None:
    quiet = shape_of(*_levels([(-10, 10)] * 4, [5] * 4), 4)
    assert quiet is not None
    assert min(y for _, y in _points(quiet.peak)) < 25


def test_as_many_bins_as_there_is_room_for() -> None:
    shape = shape_of(*_levels([(-5, 5)] * 1000, [3] * 1000), 96)
    assert shape is not None
    assert shape.width == 96
    assert len(_points(shape.peak)) == 2 * 97


@given(
    st.lists(st.tuples(st.integers(-128, 127), st.integers(-128, 127)), min_size=1, max_size=300), st.integers(1, 99)
)
def test_every_shape_stays_on_the_canvas(pairs: list[tuple[int, int]], bins: int) -> None:
    ordered = [(min(pair), max(pair)) for pair in pairs]
    shape = shape_of(*_levels(ordered, [64] * len(pairs)), bins)
    assert shape is not None
    sketch = sketch_of(_levels(ordered, [])[0], bins)
    assert sketch is not None
    for path in (shape.peak, shape.loud, sketch.peak):
        assert all(0 <= x <= shape.width and 0 <= y <= 100 for x, y in _points(path))


def test_beats_stand_where_they_sound() -> None:
    times = beats_of(struct.pack("<2f", 1.0, 3.0))
    assert times == [1.0, 3.0]
    assert beat_marks(times, 4.0, 400) == "M100.0 93V100M300.0 93V100"


def test_beats_that_would_blur_are_left_out() -> None:
    assert beat_marks([float(index) for index in range(300)], 300.0, 720) == ""
    assert beat_marks([], 10.0, 720) == ""


def test_the_parts_of_a_recording_lie_along_its_waveform() -> None:
    parts = [
        {"start": 0.0, "end": 10.0, "kind": "intro"},
        {"start": 10.0, "end": 30.0, "kind": "loud"},
        {"start": 30.0, "end": 40.0, "kind": "outro"},
    ]
    found = stretches(parts, 40.5, 810)
    assert [(one.at, one.width, one.kind) for one in found] == [
        (0.0, 200.0, "intro"),
        (200.0, 400.0, "loud"),
        (600.0, 210.0, "outro"),
    ]
    assert stretches([], 40.0, 800) == []
    assert stretches(parts, 0.0, 800) == []
