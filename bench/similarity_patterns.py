"""Draws manners of playing that no table holds, so that the embedding learns what rhythm is and not a list of grooves.

A drawn manner has an accompaniment, a bass and drums of its own, each by chance within what players do: strong beats
are likelier than weak ones, a hat keeps time, a snare answers, a chord is struck, broken or held.
"""

from dataclasses import dataclass

import numpy as np

from bench.music_patterns import CompEvent

Strokes = tuple[int, tuple[float, ...], float]  # Instrument, places in the bar in beats, velocity.
_TIMEKEEPERS = (42, 42, 42, 51, 44, 46, 70, 82, 54, 69)
_ANSWERS = (38, 38, 38, 40, 37, 39)
_SPICE = (37, 39, 45, 48, 41, 56, 60, 61, 62, 64, 75, 76, 46, 49)


@dataclass(frozen=True, slots=True)
class Manner:
    """One bar of accompaniment and of bass (where, how long, which note), and two bars of drums."""

    comp: tuple[tuple[float, float, tuple[str, int, int]], ...]
    bass: tuple[tuple[float, float, int, int], ...]
    drums: tuple[tuple[Strokes, ...], tuple[Strokes, ...]]

    def comp_bar(self, notes: int) -> list[CompEvent]:
        """The accompaniment by a chord of so many notes."""
        return [
            (at, lasts, (kind, index % notes, 12 * (index // notes % 2 + octave)) if kind == "note" else (kind, 0, 0))
            for at, lasts, (kind, index, octave) in self.comp
        ]

    def bass_line(self, meter: int, length: float) -> list[tuple[float, float, int, int]]:
        """The bass under one chord of `length` beats."""
        return [
            (bar + at, min(lasts, length - bar - at), step, softer)
            for bar in np.arange(0, length, meter).tolist()
            for at, lasts, step, softer in self.bass
            if bar + at < length
        ]

    def drum_bar(self, bar: int) -> list[Strokes]:
        return list(self.drums[bar % 2])


def random_manner(rng: np.random.Generator, meter: int) -> Manner:
    """A manner of `meter` beats a bar, on a grid of halves, thirds or quarters of the beat."""
    parts = int(rng.choice([2, 2, 4, 4, 4, 3]))
    return Manner(_comp(rng, meter, parts), _bass(rng, meter, parts), _drums(rng, meter, parts))


def _places(rng: np.random.Generator, meter: int, parts: int, density: float, pull: float) -> list[float]:
    """Places in a bar; `pull` says how much likelier strong ones are, `density` how many of all there are."""
    grid = np.arange(meter * parts)
    weight = np.where(grid == 0, 3.0, np.where(grid % parts == 0, 2.0, np.where(2 * grid % parts == 0, 1.0, 0.5)))
    count = max(1, int(rng.binomial(grid.size, density)))
    chance = weight**pull
    chosen = rng.choice(grid, count, replace=False, p=chance / chance.sum())
    return sorted(float(place) / parts for place in chosen)


def _lengths(places: list[float], meter: int, longest: float) -> list[float]:
    gaps = np.diff([*places, places[0] + meter])
    return [float(min(gap, longest)) * 0.95 for gap in gaps]


def _comp(rng: np.random.Generator, meter: int, parts: int) -> tuple[tuple[float, float, tuple[str, int, int]], ...]:
    kind = str(rng.choice(["struck", "struck", "struck", "broken", "broken", "held", "low and high"]))
    if kind == "held":
        half = meter / 2 if rng.random() < 0.3 else float(meter)
        return tuple((at, half, ("chord", 0, 0)) for at in np.arange(0, meter, half).tolist())
    if kind == "broken":
        step = float(rng.choice([1, 2])) / parts
        places = np.arange(0, meter, step).tolist()
        order = rng.integers(0, 6, int(rng.choice([3, 4, 6, 8])))
        octave = int(rng.choice([0, 0, 1]))
        return tuple((at, 1.1 * step, ("note", int(order[n % order.size]), octave)) for n, at in enumerate(places))
    places = _places(rng, meter, parts, float(rng.uniform(0.15, 0.7)), float(rng.choice([0.0, 1.0, -0.7])))
    lengths = _lengths(places, meter, float(rng.choice([0.25, 0.5, 1.0, 4.0])))
    low = kind == "low and high"
    return tuple(
        (at, lasts, ("low" if low and n % 2 == 0 else "chord", 0, 0))
        for n, (at, lasts) in enumerate(zip(places, lengths, strict=True))
    )


def _bass(rng: np.random.Generator, meter: int, parts: int) -> tuple[tuple[float, float, int, int], ...]:
    places = _places(rng, meter, parts, float(rng.choice([0.05, 0.2, 0.4, 0.7])), float(rng.uniform(0.3, 2.0)))
    lengths = _lengths(places, meter, float(rng.choice([0.4, 1.0, 4.0])))
    steps = rng.choice([0, 0, 0, 7, 12, -5, 5], len(places)) * (rng.random() < 0.6)
    return tuple(
        (at, lasts, int(step), int(5 * (at % 1 != 0))) for at, lasts, step in zip(places, lengths, steps, strict=True)
    )


def _drums(rng: np.random.Generator, meter: int, parts: int) -> tuple[tuple[Strokes, ...], tuple[Strokes, ...]]:
    keeper = int(rng.choice(_TIMEKEEPERS))
    often = float(rng.choice([1.0, 1 / 2, 1 / 2, 1 / parts]))
    off_beat = 0.5 if often == 1.0 and parts != 3 and rng.random() < 0.3 else 0.0
    strokes: list[Strokes] = []
    if rng.random() < 0.85:
        time = tuple((np.arange(0, meter - off_beat, often if parts != 3 else max(often, 1 / 3)) + off_beat).tolist())
        strokes.append((keeper, time, float(rng.uniform(55, 85))))
    if rng.random() < 0.75:
        regular = tuple(float(beat) for beat in range(1, meter, 2)), (float(meter // 2),)
        drawn = tuple(_places(rng, meter, parts, 0.2, -0.5))
        answer = (*regular, drawn)[int(rng.integers(3))]
        strokes.append((int(rng.choice(_ANSWERS)), answer, float(rng.uniform(75, 105))))
    if rng.random() < 0.35:
        spice = tuple(_places(rng, meter, parts, float(rng.uniform(0.1, 0.5)), 0.0))
        strokes.append((int(rng.choice(_SPICE)), spice, float(rng.uniform(60, 90))))
    every_beat = tuple(float(beat) for beat in range(meter))
    pull, density = float(rng.uniform(0.5, 2.0)), float(rng.uniform(0.1, 0.35))
    kicks = [tuple(_places(rng, meter, parts, density, pull)) for _ in range(2)]
    if rng.random() < 0.25:
        kicks = [every_beat, every_beat]
    elif rng.random() < 0.6:
        kicks = [kicks[0], kicks[0]]
    one, other = ((*strokes, (36, kick, float(rng.uniform(90, 112)))) for kick in kicks)
    return one, other
