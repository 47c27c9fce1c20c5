"""Where files lie, as callers are told: the path itself for administrators, the way from a folder's name for others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.core.server_paths import cut_down, last_name
from otolith.library.events import shown
from otolith.library.roots import queries
from otolith.library.roots.models import Root

# What may follow a folder's path in a sentence; anything else makes it another path.
_ENDS: Final = r"(?=[\s/.,;:!?)]|$)"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """How one caller is told paths: `folders` with the names they go by, the innermost first; None: as they are."""

    folders: Sequence[tuple[str, str]] | None

    def also(self, *paths: str) -> "Whereabouts":
        """The same, knowing more folders, which go by their last name where they lie in no folder of a library."""
        if self.folders is None:
            return self
        more = [(path.rstrip("/"), self.path(path).removeprefix("…/")) for path in paths]
        return Whereabouts(_innermost_first([*self.folders, *more]))

    def path(self, path: str) -> str:
        """A path from the name of the folder that holds it."""
        for folder, name in self.folders or ():
            if path == folder:
                return name
            if path.startswith(folder + "/"):
                return name + path[len(folder) :]
        return path if self.folders is None else last_name(path)

    def text(self, text: str) -> str:
        """A sentence with the paths in it told in the same way."""
        if self.folders is None:
            return text
        for folder, name in self.folders:
            # A name is no pattern, whatever signs it holds.
            text = re.sub(re.escape(folder) + _ENDS, name.replace("\\", r"\\"), text)
        return cut_down(text)

    def text_or_none(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)


def whereabouts(session: Session, actor: Actor) -> Whereabouts:
    """How a caller is told where files lie."""
    if actor.is_admin:
        return Whereabouts(None)
    roots = queries.roots_page(session, visible_to(actor, Root.workspace_id))
    return Whereabouts(_innermost_first([(shown(root.path).rstrip("/"), name_of(root)) for root in roots]))


def name_of(root: Root) -> str:
    """What a folder of a library is called: by people, or by its last name."""
    return root.name or shown(root.path).rstrip("/").rpartition("/")[2] or "/"


def _innermost_first(folders: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((one for one in folders if one[0]), key=lambda one: (-len(one[0]), one))
