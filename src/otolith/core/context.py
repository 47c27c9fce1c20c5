"""What a process holds while it runs: its settings, database and storage, and who listens to what happens."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from otolith.core.db import Database
from otolith.core.settings import OtelSettings, Settings
from otolith.core.storage import Storage
from otolith.core.tracing import Tracing


class Closing(Protocol):
    """Something that wants to be told when it is no longer needed."""

    def close(self) -> None: ...


Kept = TypeVar("Kept", bound=Closing)
Hook = Callable[["Context", Session, Any], None]
Hooks = Mapping[type, Sequence[Hook]]


@dataclass(frozen=True)
class Context:
    """Everything that a request or a job needs from its process, handed down instead of looked up.

    `hooks` maps a type of event to the functions that higher slices subscribed to it, so that a lower slice can tell
    what happened without knowing who cares. `otolith.composition` fills it.
    """

    settings: Settings
    database: Database
    storage: Storage
    hooks: Hooks = field(default_factory=dict)
    tracing: Tracing = field(default_factory=lambda: Tracing(OtelSettings()))
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _keeping: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def announce(self, session: Session, event: object) -> None:
        """Call the hooks of this event inside the caller's transaction: they succeed or fail with it."""
        for hook in self.hooks.get(type(event), ()):
            hook(self, session, event)

    def resource(self, kind: Callable[[], Kept]) -> Kept:
        """The one `kind` of this context, made on first use and closed with it: what is costly to start."""
        with self._keeping:
            if kind not in self._kept:
                self._kept[kind] = kind()
            kept: Kept = self._kept[kind]
            return kept

    def close(self) -> None:
        with self._keeping:
            for kept in self._kept.values():
                kept.close()
            self._kept.clear()
        self.database.dispose()
        self.tracing.close()
