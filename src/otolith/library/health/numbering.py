"""Whether the numbers of an album's tracks add up, and what is wrong where they don't."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

_NAMED: Final = 12


@dataclass(frozen=True, slots=True)
class Numbered:
    """The numbers of one track, as its tags give them."""

    disc: int | None
    number: int | None
    total: int | None
    disc_total: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not add up; `numbers` are track numbers, disc numbers, or totals, as `kind` says."""

    kind: str
    disc: int | None
    numbers: tuple[int, ...]
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "disc": self.disc, "numbers": list(self.numbers)}


def faults_of(tracks: Iterable[Numbered]) -> list[Fault]:
    """What does not add up in an album, disc by disc; `queries.uneven_albums` finds the same albums.

    Numbers lack only where at least half of a disc is there, since otherwise somebody chose a few of its tracks; the
    discs are judged alike. A disc behind the first may go on counting where the one before ended.
    """
    by_disc = sorted(tracks, key=_disc)
    discs = {disc: list(group) for disc, group in groupby(by_disc, _disc)}
    several = len(discs) > 1
    faults = [fault for disc, group in discs.items() for fault in _of_disc(disc, group, several)]
    return faults + _of_discs(discs)


def _disc(track: Numbered) -> int:
    return track.disc if track.disc is not None and track.disc > 0 else 1


def _of_disc(disc: int, tracks: Sequence[Numbered], several: bool) -> list[Fault]:
    counted = Counter(track.number for track in tracks if track.number is not None and track.number > 0)
    totals = sorted({track.total for track in tracks if track.total is not None and track.total > 0})
    where, named = (f"On disc {disc}, ", disc) if several else ("", None)
    faults = []
    if twice := tuple(sorted(number for number, times in counted.items() if times > 1)):
        verb = "occurs" if len(twice) == 1 else "occur"
        faults.append(Fault("doubled", named, twice, f"{where}{_named(twice)} {verb} more than once."))
    if len(totals) > 1:
        said = " and ".join(map(str, totals[:_NAMED]))
        faults.append(Fault("totals", named, tuple(totals), f"{where}the tags disagree on how many there are: {said}."))
    lowest, highest, most = min(counted, default=0), max(counted, default=0), max(totals, default=0)
    if 0 < most < highest and lowest <= most:
        beyond = tuple(sorted(number for number in counted if number > most))
        sentence = f"{where}{_named(beyond)} goes beyond the {most} that there are said to be."
        faults.append(Fault("beyond", named, beyond, sentence))
    last, first = max(highest, most), (lowest if disc > 1 else 1)
    # Counted before they are listed, since a tag may claim a million tracks.
    if 0 < last - first + 1 - len(counted) <= len(counted):
        lacking = tuple(number for number in range(first, last + 1) if number not in counted)
        verb = "lacks" if len(lacking) == 1 else "lack"
        faults.append(Fault("gap", named, lacking, f"{where}{_named(lacking)} {verb}."))
    return faults


def _of_discs(discs: dict[int, list[Numbered]]) -> list[Fault]:
    totals = sorted({t.disc_total for group in discs.values() for t in group if t.disc_total and t.disc_total > 0})
    faults = []
    if len(totals) > 1:
        said = " and ".join(map(str, totals[:_NAMED]))
        sentence = f"The tags disagree on how many discs there are: {said}."
        faults.append(Fault("disc totals", None, tuple(totals), sentence))
    last = max(max(discs, default=1), max(totals, default=0))
    if 0 < last - len(discs) <= len(discs):
        lacking = tuple(disc for disc in range(1, last + 1) if disc not in discs)
        said = ", ".join(map(str, lacking[:_NAMED]))
        verb = "lacks" if len(lacking) == 1 else "lack"
        faults.append(Fault("discs", None, lacking, f"Of {last} discs, {said} {verb}."))
    return faults


def _named(numbers: Sequence[int]) -> str:
    """Numbers for people: "track 3", "tracks 3, 4 and 7", and no more than a dozen of them."""
    if len(numbers) == 1:
        return f"track {numbers[0]}"
    shown = [str(number) for number in numbers[:_NAMED]]
    if len(numbers) > _NAMED:
        return f"tracks {', '.join(shown)} and {len(numbers) - _NAMED} more"
    return f"tracks {', '.join(shown[:-1])} and {shown[-1]}"
