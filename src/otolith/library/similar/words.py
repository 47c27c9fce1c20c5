"""Search by words and features, for where no language model answers: "slow sad piano" without any server."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.library.folding import fold
from otolith.library.similar import queries, text_queries
from otolith.library.similar.engine.picking import best
from otolith.library.similar.engine.shelf import Shelf
from otolith.library.similar.engine.wishing import fulfilment
from otolith.library.similar.engine.wording import IDLE, WISHES
from otolith.library.similar.index import SoundIndex
from otolith.library.similar.schemas import TextMatch, TextMatches
from otolith.library.similar.showing import shown

_MOST_WORDS: Final = 10
_MOST_HITS: Final = 2_000
_SPARE: Final = 20
_FULFILLED: Final = 0.6


def by_words(
    session: Session, context: Context, actor: Actor, text: str, versions: Mapping[UUID, int], limit: int, note: str
) -> TextMatches:
    """What fulfils the most of the words: those that say how it sounds by its features, the others by its tags."""
    asked = [word for word in re.findall(r"\w+", fold(text)) if word not in IDLE]
    words = list(dict.fromkeys(asked))[:_MOST_WORDS]
    shelves = context.resource(SoundIndex).shelves(session, versions)
    hits = {word: _hits(session, actor, word, versions) for word in words if word not in WISHES}
    found: dict[UUID, list[str]] = {}
    scores: dict[UUID, float] = {}
    for shelf in shelves:
        fits = {word: _fit(shelf, word, hits.get(word)) for word in words}
        together = np.mean(list(fits.values()), axis=0) if fits else np.zeros(len(shelf), np.float32)
        for place in best(np.where(together > 0, together, -np.inf), limit + _SPARE):
            track_id = shelf.id_at(int(place))
            scores[track_id] = float(together[place])
            found[track_id] = [word for word in words if fits[word][place] >= _FULFILLED]
    for track_id in set().union(*hits.values()) - scores.keys():
        _add_unheard(shelves, track_id, hits, len(words), scores, found)
    ranked = sorted(scores, key=lambda one: (-scores[one], one))[: limit + _SPARE]
    rows = queries.tracks(session, actor, ranked)
    items = [
        TextMatch(track=shown(rows[one]), score=round(scores[one], 4), words=found[one])
        for one in ranked
        if one in rows
    ]
    return TextMatches(
        items=items[:limit], method="words", model=None, note=note, compared=sum(len(shelf) for shelf in shelves)
    )


def _hits(session: Session, actor: Actor, word: str, workspace_ids: Collection[UUID]) -> set[UUID]:
    return set(text_queries.tracks_with_word(session, actor, word, workspace_ids, _MOST_HITS))


def _fit(shelf: Shelf, word: str, hits: set[UUID] | None) -> NDArray[np.float32]:
    """How well each track of a shelf (n,) fits a word, from 0 to 1."""
    if hits is None:
        return fulfilment(shelf, WISHES[word])
    fits = np.zeros(len(shelf), np.float32)
    fits[shelf.places(hits)] = 1.0
    return fits


def _add_unheard(
    shelves: Sequence[Shelf],
    track_id: UUID,
    hits: dict[str, set[UUID]],
    words: int,
    scores: dict[UUID, float],
    found: dict[UUID, list[str]],
) -> None:
    """Take in a track that has the words and was not analysed yet, so that nothing is known of its sound."""
    if any(len(shelf.places([track_id])) for shelf in shelves):
        return
    found[track_id] = [word for word, ids in hits.items() if track_id in ids]
    scores[track_id] = len(found[track_id]) / words
