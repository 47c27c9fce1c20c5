"""Lanes that pause, and the order in which a worker looks at its lanes."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, delete, literal
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from otolith.core.settings import JobSettings
from otolith.jobs.clauses import clock, clock_after
from otolith.jobs.contracts import LANES, Lane
from otolith.jobs.models import LanePause
from otolith.jobs.outcomes import PauseLane, plain

_PAUSES: Table = LanePause.__table__  # type: ignore[assignment]


def known_lanes(names: Sequence[str]) -> tuple[Lane, ...]:
    """These names as lanes, in the house's order; all lanes for none."""
    unknown = sorted(set(names) - set(LANES))
    if unknown:
        message = f"There is no lane {', '.join(unknown)}; the lanes are {', '.join(LANES)}."
        raise ValueError(message)
    return tuple(lane for lane in LANES if not names or lane in names)


def lane_limits(settings: JobSettings) -> Mapping[str, int]:
    """How many jobs of a lane one worker may do at once, for the lanes that have a bound; `ValueError` for others."""
    pairs = [pair.partition("=") for pair in settings.lane_limits.split(",") if pair.strip()]
    limits = {name.strip(): int(count) for name, _, count in pairs}
    return {lane: limits[lane] for lane in known_lanes(list(limits))} if limits else {}


class Rotation:
    """Lanes in an order that moves on by one with every claim, so that each has its turn."""

    def __init__(self, lanes: Sequence[str]) -> None:
        self._orders = [[*lanes[turn:], *lanes[:turn]] for turn in range(len(lanes))]
        self._turn = 0

    def next(self) -> list[str]:
        self._turn = (self._turn + 1) % len(self._orders)
        return self._orders[self._turn]


def pause(connection: Connection, wish: PauseLane) -> None:
    """Claim nothing from the lane for a while; a later pause replaces an earlier one."""
    insert = postgres_insert if connection.dialect.name == "postgresql" else sqlite_insert
    values = {"reason": plain(wish.reason), "until": clock_after(literal(wish.seconds))}
    statement = insert(_PAUSES).values(lane=wish.lane, **values)
    # What stops a lane stops all children at the same moment.
    connection.execute(statement.on_conflict_do_update(index_elements=["lane"], set_=values))


def end_pauses(connection: Connection) -> list[str]:
    """Forget the pauses that are over; the lanes that work again."""
    ended = delete(_PAUSES).where(_PAUSES.c.until <= clock()).returning(_PAUSES.c.lane)
    return list(connection.execute(ended).scalars())
