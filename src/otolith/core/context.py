"""What a process holds while it runs: its settings, database and storage, and who listens to what happens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from otolith.core.db import Database
from otolith.core.settings import Settings
from otolith.core.storage import Storage

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

    def announce(self, session: Session, event: object) -> None:
        """Call the hooks of this event inside the caller's transaction: they succeed or fail with it."""
        for hook in self.hooks.get(type(event), ()):
            hook(self, session, event)

    def close(self) -> None:
        self.database.dispose()
