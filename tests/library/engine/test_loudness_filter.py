"""K-weighting: the coefficients of the standard, and the block form against the plain recursion."""

import numpy as np
import pytest
from scipy.signal import sosfilt

from otolith.library.engine.loudness_filter import KWeighting, channel_weights, k_weighting

RATES = [4000, 8000, 10007, 11025, 22050, 44100, 48000, 88200, 96000, 192000, 768000]


def test_the_coefficients_are_those_of_the_standard_at_48_khz() -> None:
    shelf, high_pass = k_weighting(48000)
    assert shelf.b == pytest.approx((1.53512485958697, -2.69169618940638, 1.19839281085285), abs=1e-12)
    assert shelf.a == pytest.approx((-1.69065929318241, 0.73248077421585), abs=1e-12)
    assert high_pass.b == (1.0, -2.0, 1.0)
    assert high_pass.a == pytest.approx((-1.99004745483398, 0.99007225036621), abs=1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_the_blocks_give_what_the_recursion_gives(rate: int) -> None:
    rng = np.random.default_rng(rate)
    weighting = KWeighting(rate, ("FL", "FR", "LFE"), most_samples=50_000)
    size = weighting.block
    sound = (0.1 * rng.standard_normal((3, 3 * size + 5 * weighting.hop + 7)) + 0.5).astype(np.float32)
    ours = np.concatenate([weighting.energies(sound[:, start : start + size]) for start in range(0, 4 * size, size)])
    sections = np.array([[*section.b, 1.0, *section.a] for section in k_weighting(rate)])
    filtered = sosfilt(sections, sound[:2].astype(np.float64), axis=1)
    hops = filtered.shape[1] // weighting.hop
    squares = np.square(filtered[:, : hops * weighting.hop]).reshape(2, hops, weighting.hop).mean(axis=2).sum(axis=0)
    assert len(ours) == hops
    assert np.abs(10 * np.log10(ours / squares)).max() < 1e-4


def test_a_loud_constant_does_not_drown_what_is_quiet() -> None:
    rng = np.random.default_rng(1)
    quiet = (1e-4 * rng.standard_normal((1, 3 * 48000))).astype(np.float32)
    still, lifted = (KWeighting(48000, ("FC",), most_samples=48000) for _ in range(2))
    parts = [quiet[:, start : start + 48000] for start in range(0, 3 * 48000, 48000)]
    alone = [still.energies(part) for part in parts]
    above = [lifted.energies(part + np.float32(0.9)) for part in parts]
    assert np.abs(10 * np.log10(above[2] / alone[2])).max() < 0.01


@pytest.mark.parametrize("rate", RATES)
def test_a_hop_is_ten_milliseconds(rate: int) -> None:
    weighting = KWeighting(rate, ("FC",), most_samples=1)
    assert weighting.hop == pytest.approx(rate / 100, rel=0.01, abs=1)
    assert weighting.block == weighting.hop


def test_the_weights_follow_the_places_of_the_loudspeakers() -> None:
    assert channel_weights(("FL", "FR")).tolist() == [1, 1]
    assert channel_weights(("FL", "FR", "FC", "LFE", "BL", "BR")).tolist() == [1, 1, 1, 0, 1.41, 1.41]
    assert channel_weights(("FL", "FR", "FC", "LFE", "SL", "SR")).tolist() == [1, 1, 1, 0, 1.41, 1.41]
    seven = channel_weights(("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"))
    assert seven.tolist() == [1, 1, 1, 0, 1, 1, 1.41, 1.41]
    assert channel_weights(("", "NONE", "FL")).tolist() == [1, 1, 1]
