"""The phases of a scan: how far each is, and how long what is left of it will take."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Phase = Literal["walk", "compare", "read", "store", "covers", "analyse", "tidy"]
PhaseState = Literal["waiting", "running", "done"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)

# The pace is that of about the last so many seconds.
_MEMORY: Final = 20.0
# A gap longer than this was no work: a pause, a restart, or a clock that jumped.
_LONGEST_GAP: Final = 300.0
# Whose total is final once the phase named here is over; the others say so themselves.
_FED_BY: Final[Mapping[Phase, Phase]] = {
    "compare": "walk",
    "read": "compare",
    "store": "read",
    "covers": "store",
    "analyse": "store",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What happened in one phase: `done` more are done, `more` more are to do, `over` says that no more will come.

    `expected` is a guess at the total, from what is stored, for a phase that learns its total only at its end.
    """

    phase: Phase
    done: int = 0
    more: int = 0
    over: bool = False
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A phase as it is shown: `total` is None where nobody can know it yet, `seconds_left` where nothing tells."""

    name: Phase
    state: PhaseState
    done: int
    total: int | None
    seconds_left: float | None


def applied(phases: Sequence[Mapping[str, Any]], steps: Iterable[Step], moment: float) -> list[dict[str, Any]]:
    """The stored phases after these steps; `moment` in seconds since 1970."""
    found: dict[str, dict[str, Any]] = {str(phase["name"]): dict(phase) for phase in phases}
    for step in steps:
        fresh = {"name": step.phase, "done": 0, "total": 0, "over": False, "pace": 0.0, "weight": 0.0, "at": moment}
        phase = found.setdefault(step.phase, fresh)
        phase["done"] += step.done
        phase["total"] += step.more
        phase["over"] = phase["over"] or step.over
        if step.expected is not None:
            phase["expected"] = step.expected
        if step.done:
            _learn_pace(phase, step.done, moment)
    return [found[name] for name in PHASES if name in found]


def rested(phases: Sequence[Mapping[str, Any]], moment: float) -> list[dict[str, Any]]:
    """The phases after a pause, which says nothing about their pace."""
    return [{**phase, "at": moment} for phase in phases]


def _learn_pace(phase: dict[str, Any], done: int, moment: float) -> None:
    gap = moment - phase["at"]
    phase["at"] = moment
    if not 0 <= gap <= _LONGEST_GAP:
        return
    share = 1.0 - math.exp(-gap / _MEMORY)
    # Steps of several workers come close upon each other, so the limit for no gap at all counts.
    gained = done * share / gap if gap > 0.001 else done / _MEMORY
    phase["pace"] = round(phase["pace"] * (1.0 - share) + gained, 6)
    phase["weight"] = round(phase["weight"] + share * (1.0 - phase["weight"]), 6)


def stages(phases: Sequence[Mapping[str, Any]], *, ended: bool) -> list[Stage]:
    """All phases in their order, as they are shown; of a scan that went through, each is done."""
    found = {phase["name"]: phase for phase in phases}
    over: dict[str, bool] = {}
    shown = []
    for name in PHASES:
        phase = found.get(name)
        done, total = (phase["done"], phase["total"]) if phase else (0, 0)
        feeder = _FED_BY.get(name)
        final = over[feeder] if feeder else bool(phase and phase["over"])
        over[name] = ended or (final and done >= total)
        state: PhaseState = "done" if over[name] else "running" if phase else "waiting"
        expected = phase.get("expected") if phase else None
        known = total if final or ended else expected if expected is not None and expected >= done else None
        if feeder and known is None and phase:
            known = max(total, done)
        shown.append(Stage(name, state, done, known, _left(phase, known, over=over[name])))
    return shown


def _left(phase: Mapping[str, Any] | None, total: int | None, *, over: bool) -> float | None:
    if over:
        return 0.0
    if phase is None or total is None or phase["weight"] <= 0 or phase["pace"] <= 0:
        return None
    todo = max(0, total - int(phase["done"]))
    return round(todo * float(phase["weight"]) / float(phase["pace"]), 1)


def seconds_left(shown: Sequence[Stage]) -> float | None:
    """How long a scan will still take: phases work side by side, so the slowest of them tells."""
    known = [stage.seconds_left for stage in shown if stage.state == "running" and stage.seconds_left is not None]
    return max(known, default=None)
