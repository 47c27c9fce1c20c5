"""Seats for long work, which leave one child of a worker free for what somebody waits for."""

import fcntl
from pathlib import Path
from typing import IO


class Seats:
    """As many locked files as children may do other than interactive work at once.

    The kernel frees a seat when its child ends, however it ends. Without a count there is a seat for everyone.
    """

    def __init__(self, folder: Path, count: int | None) -> None:
        self._paths = None if count is None else [folder / f"seat-{number}" for number in range(count)]
        self._held: IO[bytes] | None = None

    def take(self) -> bool:
        """Whether the caller has a seat now."""
        if self._paths is None:
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
