"""Lyrics: which of those in the file and beside it are kept, and whether they tell times."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.links import Lyrics

_LONGEST: Final = 1 << 16
_TIMED: Final = re.compile(r"^\s*\[\d{1,3}:\d{2}(?:[.:]\d{1,3})?\]", re.MULTILINE)
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff]")


@dataclass(frozen=True, slots=True)
class Words:
    """The lyrics that a track's file holds, and those of the ``.lrc`` file beside it."""

    track_id: UUID
    embedded: str | None
    beside: str | None


def is_timed(text: str) -> bool:
    """Whether lyrics are in the LRC format, a time before each line."""
    return _TIMED.search(text) is not None


def keep_lyrics(session: Session, workspace_id: UUID, words: Sequence[Words], known: Collection[UUID]) -> None:
    """Store the lyrics of tracks; of the `known` ones, what they had before goes where it changed."""
    had = queries.lyrics_of(session, [one.track_id for one in words if one.track_id in known])
    added: list[dict[str, Any]] = []
    for one in words:
        chosen = _chosen(one)
        old = had.get(one.track_id)
        if old is not None and chosen == (old.source, old.synced, old.text):
            del had[one.track_id]
        elif chosen is not None:
            source, synced, text = chosen
            ours = {"track_id": one.track_id, "workspace_id": workspace_id}
            added.append({**ours, "source": source, "synced": synced, "text": text})
    queries.drop_links(session, Lyrics, Lyrics.track_id, list(had))
    queries.add(session, Lyrics, added)


def _chosen(words: Words) -> tuple[str, bool, str] | None:
    """Times win; else the file beside, which somebody put there by hand, wins over what came with the sound."""
    found = [
        (source, is_timed(text), text)
        for source, text in (("file", _fit(words.beside)), ("embedded", _fit(words.embedded)))
        if text
    ]
    return max(found, key=lambda one: one[1], default=None)


def _fit(text: str | None) -> str:
    return _UNFIT.sub("", (text or "")[: 2 * _LONGEST]).strip()[:_LONGEST]
