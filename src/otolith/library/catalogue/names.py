"""Which artist a name means: by its identifier, by the one identifier that its name has, by an alias, or by itself."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.models import SpellingKind

Spelt = tuple[str, str, str, str]
"""Folded name, identifier or nothing, name, and sort name."""


def spelling_row(workspace_id: UUID, kind: SpellingKind, spelt: Spelt, uses: int) -> dict[str, Any]:
    digest = hashlib.blake2b("\0".join((kind, *spelt)).encode("utf-8", "replace"), digest_size=16).hexdigest()
    key, mbid, name, sort_name = spelt
    return {
        "workspace_id": workspace_id,
        "digest": digest,
        "kind": kind,
        "name_key": key,
        "mbid": mbid,
        "name": name,
        "sort_name": sort_name,
        "uses": uses,
    }


def favourite(uses: Counter[str]) -> str:
    """What most say; of equals the first in the order of the alphabet, so that every order of arrival agrees."""
    return min(uses, key=lambda text: (-uses[text], text), default="")


class Names:
    """The names of people that a transaction touches, before and after it."""

    def __init__(self, session: Session, workspace_id: UUID) -> None:
        self._session, self._workspace_id = session, workspace_id
        self._targets: dict[str, str] = {}
        self._target_names: dict[str, str] = {}
        for key, target_key, target in queries.aliases(session, workspace_id):
            self._targets[key] = target_key
            self._target_names[target_key] = target
        self._before: dict[str, Counter[Spelt]] = {}
        self._after: dict[str, Counter[Spelt]] = {}
        self._by_id: dict[str, Counter[tuple[str, str]]] = {}

    def meant(self, key: str) -> str:
        """The folded name that a name stands for, at the end of its aliases."""
        seen = {key}
        while (following := self._targets.get(key)) is not None and following not in seen:
            key = following
            seen.add(key)
        return key

    def load(self, keys: Iterable[str]) -> None:
        """Look up what is known of these names and of those that they stand for."""
        wanted = {meant for key in keys for meant in (key, self.meant(key))} - self._before.keys()
        for key in wanted:
            self._before[key] = Counter()
        for key, mbid, name, sort_name, uses in queries.spellings(
            self._session, self._workspace_id, "artist", sorted(wanted)
        ):
            self._before[key][key, mbid, name, sort_name] = uses
        for key in wanted:
            self._after[key] = Counter(self._before[key])

    def change(self, uses: Counter[Spelt]) -> None:
        """Add to the uses of loaded names, and store that."""
        changed = {spelt: number for spelt, number in uses.items() if number}
        for spelt, number in changed.items():
            self._after[spelt[0]][spelt] += number
        if changed:
            rows = [spelling_row(self._workspace_id, "artist", spelt, changed[spelt]) for spelt in sorted(changed)]
            queries.add_uses(self._session, rows)

    def turned(self) -> tuple[set[str], set[str]]:
        """Names that mean another artist now than before where no identifier tells, and the aliases of these names."""
        turned = {key for key in self._before if self._one_id(self._before, key) != self._one_id(self._after, key)}
        return turned, {alias for alias in self._targets if turned and self.meant(alias) in turned}

    @staticmethod
    def _one_id(uses: dict[str, Counter[Spelt]], key: str) -> str | None:
        """The identifier of a name, if the files know exactly one."""
        ids = {spelt[1] for spelt, number in uses[key].items() if number > 0 and spelt[1]}
        return next(iter(ids)) if len(ids) == 1 else None

    def identity(self, key: str, mbid: str | None) -> str:
        """What makes the artist of a name unique, as `Artist.identity`."""
        meant = self.meant(key)
        if mbid and meant == key:
            return f"m:{mbid}"
        only = self._one_id(self._after, meant)
        return f"m:{only}" if only else f"n:{meant}"

    def load_shown(self, identities: Iterable[str]) -> None:
        """Look up how artists are written, once all changes are stored."""
        self.load(identity[2:] for identity in identities if identity.startswith("n:"))
        wanted = {identity[2:] for identity in identities if identity.startswith("m:")} - self._by_id.keys()
        for mbid in wanted:
            self._by_id[mbid] = Counter()
        for mbid, name, sort_name, uses in queries.spellings_of_ids(self._session, self._workspace_id, sorted(wanted)):
            self._by_id[mbid][name, sort_name] += uses

    def shown(self, identity: str) -> tuple[str, str]:
        """The name and sort name by which an artist is shown, empty where no counted track tells."""
        if identity.startswith("m:"):
            found = self._by_id[identity[2:]]
        else:
            found = Counter()
            for spelt, number in self._after[identity[2:]].items():
                if number > 0 and not spelt[1]:
                    found[spelt[2:]] += number
        names, sorts = Counter[str](), Counter[str]()
        for (name, sort_name), number in found.items():
            names[name] += number
            if sort_name:
                sorts[sort_name] += number
        return favourite(names) or self._target_names.get(identity[2:], ""), favourite(sorts)
