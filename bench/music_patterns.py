"""The rhythms of `bench.music_variety`: accompaniment, bass and drums of one bar, as data."""

import numpy as np

# Where in the bar, for how many beats, and which of the chord: all of it, its bass, or one note moved by octaves.
CompEvent = tuple[float, float, tuple[str, int, int]]
_ALL = ("chord", 0, 0)
_BLOCKS: dict[str, tuple[tuple[float, ...], float]] = {
    "strum": ((0, 1, 1.5, 2.5, 3, 3.5), 0.5),
    "strum16": ((0, 0.5, 0.75, 1.25, 1.5, 2, 2.5, 2.75, 3.25, 3.5), 0.25),
    "bossa": ((0, 1, 2.5, 3.5), 0.4),
    "syncop": ((0, 0.75, 1.5, 2.5, 3.25), 0.4),
}


def comp_bar(style: str, meter: int, notes: int) -> list[CompEvent]:
    """The accompaniment of one bar of `meter` beats by a chord of `notes` notes."""
    if style in _BLOCKS:
        places, length = _BLOCKS[style]
        return [(at, length, _ALL) for at in places]
    if style.startswith(("arp", "triplet", "alberti")):
        return _broken(style, meter, notes)
    events: dict[str, list[CompEvent]] = {
        "none": [],
        "block_quarter": [(at, 0.9, _ALL) for at in range(meter)],
        "block_half": [(at, 1.9, _ALL) for at in range(0, meter, 2)],
        "block_whole": [(0, meter, _ALL)],
        "pad": [(0, meter, _ALL)],
        "offbeat": [(at + 0.5, 0.3, _ALL) for at in range(meter)],
        "charleston": [(0, 0.5, _ALL), (1.5, 0.8, _ALL)],
        "pulse8": [(at / 2, 0.4, _ALL) for at in range(2 * meter)],
        "oompah": [(0, 0.9, ("low", 0, 0)), (1, 0.6, _ALL), (2, 0.6, _ALL)],
        "stride": [(at, 0.7, _ALL if at % 2 else ("fourth below" if at else "low", 0, 0)) for at in range(meter)],
    }
    return events[style]


def _broken(style: str, meter: int, notes: int) -> list[CompEvent]:
    """The chord note by note."""

    def up(index: int) -> tuple[str, int, int]:
        return ("note", index % notes, 12 * ((index // notes) % 2))

    if style == "arp_quarter":
        return [(at, 1.0, ("note", at % notes, 0)) for at in range(meter)]
    if style == "arp8_up":
        return [(at / 2, 0.5, up(at)) for at in range(2 * meter)]
    if style == "arp16":
        return [(at / 4, 0.3, up(at)) for at in range(4 * meter)]
    if style == "triplet_arp":
        return [(at / 3, 0.4, ("note", at % notes, 0)) for at in range(3 * meter)]
    if style == "alberti":
        order = [0, notes - 1, min(1, notes - 1), notes - 1]
        return [(at / 2, 0.5, ("note", order[at % 4], 0)) for at in range(2 * meter)]
    there_and_back = [(index, 0) for index in range(notes)] + [(0, 12)]
    there_and_back += [(index, 0) for index in range(notes - 1, 0, -1)]
    turns = [there_and_back[at % len(there_and_back)] for at in range(2 * meter)]
    return [(at / 2, 0.6, ("note", *turn)) for at, turn in enumerate(turns)]


def bass_line(style: str, meter: int, length: float) -> list[tuple[float, float, int, int]]:
    """A bass under one chord of `length` beats: where, how long, semitones above the root, how much softer."""
    halves = np.arange(0, length, 0.5).tolist()
    bars = np.arange(0, length, 4.0).tolist()
    lines: dict[str, list[tuple[float, float, int, int]]] = {
        "whole": [(at, min(meter, length) * 0.95, 0, 0) for at in range(0, int(length), meter) or [0]],
        "quarters": [(at, 0.9, 0, 0) for at in np.arange(0, length, 1.0).tolist()],
        "eighths": [(at, 0.45, 0, 0) for at in halves],
        "rootfifth": [
            (at, 1.5, 7 if (at // 2) % 2 else 0, 0) for at in np.arange(0, length, 2.0 if meter == 4 else 3.0).tolist()
        ],
        "octaves": [(at, 0.4, 12 * (index % 2), 0) for index, at in enumerate(halves)],
        "syncop": [(bar + at, 0.5, 0, 0) for bar in bars for at in ((0, 1.5, 2, 3.5) if meter == 4 else (0, 1.5, 2))],
        "bossa": [
            event for at in np.arange(0, length, 2.0).tolist() for event in ((at, 1.4, 0, 0), (at + 1.5, 0.5, 7, 10))
        ],
        "tresillo": [(bar + at, 0.9, 0, 0) for bar in bars for at in (0, 1.5, 3)],
    }
    return lines[style]


def drum_bar(style: str, meter: int, bar: int) -> list[tuple[int, tuple[float, ...], float]]:
    """One bar of a groove: instrument, places, velocity."""
    k, s, h, oh, ride, cl = 36, 38, 42, 46, 51, 37
    eighths = tuple(np.arange(0, meter, 0.5).tolist())
    sixteenths = tuple(np.arange(0, meter, 0.25).tolist())
    quarters = tuple(np.arange(0, meter, 1.0).tolist())
    odd = bar % 2 == 1
    table: dict[str, list[tuple[int, tuple[float, ...], float]]] = {
        "rock8": [(k, (0, 2), 105), (s, (1, 3), 100), (h, eighths, 75)],
        "rock8b": [(k, (0, 1.5, 2, 2.5) if odd else (0, 2, 2.5), 105), (s, (1, 3), 100), (h, eighths, 75)],
        "rock4": [(k, (0, 2), 105), (s, (1, 3), 100), (ride, quarters, 75)],
        "rock16": [(k, (0, 0.75, 2, 2.75), 105), (s, (1, 3), 100), (h, sixteenths, 65)],
        "four_floor": [(k, quarters, 110), (oh, (0.5, 1.5, 2.5, 3.5), 80), (39, (1, 3), 90)],
        "disco": [(k, quarters, 110), (s, (1, 3), 95), (h, sixteenths, 60), (oh, (0.5, 1.5, 2.5, 3.5), 80)],
        "boombap": [(k, (0, 1.5, 2.5), 110), (s, (1, 3), 105), (h, eighths, 70)],
        "halftime": [(k, (0, 1.5 if odd else 3.5), 110), (s, (2,), 105), (h, eighths, 70)],
        "doubletime": [(k, quarters, 100), (s, (0.5, 1.5, 2.5, 3.5), 95), (h, eighths, 70)],
        "swing": [(ride, (0, 1, 1.5, 2, 3, 3.5), 80), (44, (1, 3), 70), (k, (0, 2), 55)],
        "shuffle": [(k, (0, 2), 105), (s, (1, 3), 100), (h, eighths, 75)],
        "bossa": [(k, (0, 1.5, 2, 3.5), 80), (cl, (0, 1.5, 3) if not odd else (1, 2.5), 80), (h, eighths, 60)],
        "onedrop": [(k, (2,), 105), (cl, (2,), 90), (h, eighths, 70)],
        "breakbeat": [(k, (0, 0.5, 2.5), 110), (s, (1, 1.75, 2.25, 3), 95), (h, eighths, 70)],
        "clave": [(75, (0, 1.5, 3) if not odd else (1, 2), 90), (k, (0, 2), 80), (70, eighths, 60)],
        "train": [(k, (0, 2), 90), (s, sixteenths, 50), (s, (1, 3), 95)],
        "toms": [(41, (0, 2), 100), (45, (1, 3), 85), (48, (3.5,), 85)],
        "kickonly": [(k, quarters, 105)],
        "hatonly": [(h, eighths, 75), (h, (0, 2), 100)],
        "march": [(s, (0, 1, 1.5, 2, 3, 3.5), 80), (k, (0, 2), 100)],
        "trap": [(k, (0, 1.75, 2.5), 110), (s, (2,), 105), (h, sixteenths, 65)],
        "waltz": [(k, (0,), 105), (s, (1, 2), 75)],
        "waltz_jazz": [(ride, (0, 1, 1.5, 2), 80), (k, (0,), 80), (44, (1,), 70)],
        "waltz_rock": [(k, (0,), 105), (s, (2,) if odd else (1, 2), 90), (h, eighths, 70)],
    }
    return table[style]
