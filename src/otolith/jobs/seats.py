"""Seats for long work: they leave one child of a worker free for what somebody waits for, and bound its lanes."""

import fcntl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


class Seats:
    """As many locked files as children may do some work at once.

    The kernel frees a seat when its child ends, however it ends. Without a count there is a seat for everyone.
    """

    def __init__(self, folder: Path, count: int | None, name: str = "seat") -> None:
        self._paths = None if count is None else [folder / f"{name}-{number}" for number in range(count)]
        self._held: IO[bytes] | None = None

    def take(self) -> bool:
        """Whether the caller has a seat now."""
        if self._paths is None or self._held is not None:
            return True
        for path in self._paths:
            # Programs that clean temporary folders may have taken this one away.
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            self._held = file
            return True
        return False

    def leave(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def seats_beside_interactive(lanes: int, concurrency: int, *, interactive: bool) -> int | None:
    """How many children may do other work: all but one, where there is a choice to make."""
    return concurrency - 1 if interactive and lanes > 1 and concurrency > 1 else None


class LaneSeats:
    """The lanes in which a worker does few jobs at once, whatever the number of its children."""

    def __init__(self, folder: Path, limits: Mapping[str, int]) -> None:
        self._seats = {lane: Seats(folder, count, f"lane-{lane}") for lane, count in limits.items()}

    def admit(self, lanes: Sequence[str]) -> list[str]:
        """Those of these lanes in which there is a seat left; it is taken until `keep` says otherwise."""
        return [lane for lane in lanes if lane not in self._seats or self._seats[lane].take()]

    def keep(self, wanted: str | None) -> None:
        """Leave all seats but the one in this lane."""
        for lane, seats in self._seats.items():
            if lane != wanted:
                seats.leave()
