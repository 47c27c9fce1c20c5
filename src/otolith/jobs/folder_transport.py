"""The embedded broker: kombu's file transport, made atomic, and so cheap while idle that it may look 20 times a second.

Kombu's own lists the folder and sorts it for every queue at every look. This one asks for the folder's time first,
puts messages in place by renaming, and takes each by removing it, so that of several readers exactly one has it.
"""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

# Times of files move in steps of a few milliseconds; a folder that changed just now may change again unseen.
_SETTLED_NS = 100_000_000


class Channel(filesystem.Channel):
    """A channel whose queues are files `<time>_<uuid>.<queue>.msg` of one folder."""

    _quiet_since = 0

    def _poll(self, cycle: Any, callback: Callable[..., Any], timeout: float | None = None) -> Any:
        changed = Path(self.data_folder_in).stat().st_mtime_ns
        if changed == self._quiet_since:
            raise Empty
        # Read before the look, so that what arrives during it changes the time again.
        settled = time.time_ns() - changed > _SETTLED_NS
        try:
            return super()._poll(cycle, callback, timeout=timeout)
        except Empty:
            self._quiet_since = changed if settled else 0
            raise

    def _put(self, queue: str, payload: Any, **_options: Any) -> None:  # type: ignore[override]  # As kombu's own does.
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        partial = folder / f".{name}.part"
        partial.write_text(dumps(payload))
        partial.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002 -- Kombu names it.
        for name in self._names(queue):
            path = Path(self.data_folder_in, name)
            try:
                text = path.read_text()
                path.unlink()
            except FileNotFoundError:
                # Another reader was faster.
                continue
            return loads(text)
        raise Empty

    def _names(self, queue: str) -> list[str]:
        ending = f".{queue}.msg"
        names = (path.name for path in Path(self.data_folder_in).iterdir())
        return sorted(name for name in names if name.endswith(ending) and not name.startswith("."))

    def _size(self, queue: str) -> int:
        return len(self._names(queue))

    def _purge(self, queue: str) -> int:
        names = self._names(queue)
        for name in names:
            Path(self.data_folder_in, name).unlink(missing_ok=True)
        return len(names)


class Transport(filesystem.Transport):
    """The file transport with the channel above."""

    Channel = Channel
