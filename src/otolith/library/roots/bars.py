"""The phases of a scan as lines on a terminal."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from otolith.core.terminal import error_console

_NAMES: Final = {
    "walk": "Find files",
    "compare": "Compare",
    "read": "Read tags",
    "store": "Store",
    "covers": "Covers",
    "analyse": "Analyse",
    "tidy": "Tidy up",
}


def left(seconds: float | None) -> str:
    """How long something will still take, for people."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s left"
    hours, minutes = divmod((whole + 59) // 60, 60)
    return f"{hours} h {minutes:02} min left" if hours else f"{minutes} min left"


class PhaseBars:
    """A line for each phase on stderr, where that is a terminal; why a scan waits is said in any case, once."""

    def __init__(self) -> None:
        console = error_console()
        columns = (
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._said: str | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tell(self, report: Mapping[str, Any]) -> None:
        """Show how far the phases of a scan are."""
        reason = report["paused"]
        if reason and reason != self._said:
            error_console().print(f"Paused: {reason}", markup=False, highlight=False, soft_wrap=True)
        self._said = reason
        for phase in report["phases"]:
            name, total = phase["name"], phase["total"]
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(_NAMES[name], total=None, count="", left="")
            running = phase["state"] == "running"
            self._progress.update(
                self._tasks[name],
                completed=phase["done"],
                # A bar that moves to and fro is for what works and has no end in sight.
                total=total if total is not None else None if running else 1,
                count="" if phase["state"] == "waiting" else _count(phase["done"], total),
                left=left(phase["seconds_left"]) if running else "",
            )


def _count(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None or total == done else f"{done:,} of {total:,}"
