"""Search by meaning: what a person says of a sound, through a language model where one is set, by words where not."""

import datetime as dt
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from otolith.connectors.embeddings import (
    EmbeddingServer,
    EmbeddingsRefused,
    EmbeddingsUnavailable,
    embed,
    server_of,
)
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import AppError, Conflict, NotAllowed
from otolith.jobs.service import submit
from otolith.library.similar import queries, text_queries
from otolith.library.similar.engine.picking import best
from otolith.library.similar.engine.shelf import Shelf, Sounding, empty_shelf
from otolith.library.similar.events import VECTORISE, VectorisePayload
from otolith.library.similar.schemas import DescribingStarted, TextMatch, TextMatches
from otolith.library.similar.service import WorkspaceNotFound
from otolith.library.similar.showing import shown
from otolith.library.similar.words import by_words

log = structlog.get_logger(__name__)

Kept = TypeVar("Kept")

_PATIENCE: Final = 10.0
_REST: Final = 30.0
_REMEMBERED: Final = 500
_SPARE: Final = 20

NO_MODEL: Final = (
    "No model for embeddings is set (OTOLITH_LANGUAGE_EMBEDDING_MODEL), so words and features answer, not meaning."
)
NO_ANSWER: Final = (
    "The language model does not answer at the moment, so words and features answer. The server's log tells more."
)
NOT_DESCRIBED: Final = "No track was described to the model yet, so words and features answer. It happens by itself."


class NoModel(Conflict):
    """No model for embeddings is set, so nothing can be described to it; see OTOLITH_LANGUAGE_EMBEDDING_MODEL."""


class Meanings:
    """The vectors of what was asked lately, those of the tracks' texts, and whether the model's server rests."""

    def __init__(self) -> None:
        self._asked: OrderedDict[tuple[str, str], NDArray[np.float32]] = OrderedDict()
        self._shelves: dict[tuple[UUID, str], tuple[dt.datetime, Shelf]] = {}
        self._rests_until = 0.0
        self._refused: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def vector(self, server: EmbeddingServer, text: str) -> NDArray[np.float32] | None:
        """The vector of a question, or None where the server gives none.

        A server that failed is left alone for a while; one that refused is not asked the same again for a while, since
        what it cannot take may be this one text.
        """
        question = (server.model, text)
        with self._lock:
            if (known := self._asked.get(question)) is not None:
                return known
            if time.monotonic() < max(self._rests_until, self._refused.get(question, 0.0)):
                return None
        try:
            found: NDArray[np.float32] = embed(server, [text], timeout=min(server.timeout, _PATIENCE))[0]
        except EmbeddingsUnavailable as error:
            log.warning("similar.text.unanswered", detail=error.detail)
            with self._lock:
                self._rests_until = time.monotonic() + _rest(error)
            return None
        except EmbeddingsRefused as error:
            log.warning("similar.text.refused", detail=error.detail)
            with self._lock:
                _keep(self._refused, question, time.monotonic() + _REST)
            return None
        with self._lock:
            _keep(self._asked, question, found)
        return found

    def shelves(self, session: Session, actor: Actor, model: str, workspace_ids: list[UUID]) -> list[Shelf]:
        """The texts of these workspaces, with what was noted since the last time."""
        found = []
        for workspace_id, latest in text_queries.kept_at(session, actor, model, workspace_ids).items():
            key = (workspace_id, model)
            since, shelf = self._shelves.get(key, (None, None))
            if shelf is None or since is None or since < latest:
                vectors = text_queries.vectors_since(session, workspace_id, model, since)
                changes = [Sounding(track_id, "", None, vector) for track_id, vector in vectors]
                shelf = (shelf or _empty_for(changes)).merged(changes)
                with self._lock:
                    self._shelves[key] = (latest, shelf)
            found.append(shelf)
        return [shelf for shelf in found if len(shelf)]

    def close(self) -> None:
        with self._lock:
            self._asked.clear()
            self._refused.clear()
            self._shelves.clear()


def _keep(kept: OrderedDict[tuple[str, str], Kept], question: tuple[str, str], value: Kept) -> None:
    """Remember something of a question, and forget the oldest of many."""
    kept[question] = value
    kept.move_to_end(question)
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)


def _empty_for(changes: list[Sounding]) -> Shelf:
    vector = changes[0].vector if changes else None
    return empty_shelf(0 if vector is None else len(vector))


def _rest(error: AppError) -> float:
    asked = error.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else _REST


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody says of a sound, and where to look."""

    text: str
    workspace_id: UUID | None = None
    limit: int = 20


def by_text(context: Context, actor: Actor, question: Question) -> TextMatches:
    """What sounds as a person says; the answer tells whether a model or mere words were asked.

    It opens its own transaction, so that none is held while the model is waited for.
    """
    server = server_of(context.settings.language)
    meanings = context.resource(Meanings)
    vector = meanings.vector(server, question.text) if server is not None else None
    with context.database.read(actor) as session:
        visible = queries.versions(session, actor, question.workspace_id)
        if question.workspace_id is not None and not visible:
            raise WorkspaceNotFound
        if server is None:
            return by_words(session, context, actor, question.text, visible, question.limit, NO_MODEL)
        if vector is None:
            return by_words(session, context, actor, question.text, visible, question.limit, NO_ANSWER)
        shelves = meanings.shelves(session, actor, server.model, list(visible))
        fitting = [shelf for shelf in shelves if shelf.vectors.shape[1] == len(vector)]
        if not fitting:
            return by_words(session, context, actor, question.text, visible, question.limit, NOT_DESCRIBED)
        return _by_meaning(session, actor, server, fitting, vector, question.limit)


def _by_meaning(
    session: Session,
    actor: Actor,
    server: EmbeddingServer,
    shelves: list[Shelf],
    vector: NDArray[np.float32],
    limit: int,
) -> TextMatches:
    ranked: list[tuple[float, UUID]] = []
    for shelf in shelves:
        scores = shelf.scores(vector)[:, 0]
        ranked += [(float(scores[place]), shelf.id_at(place)) for place in best(scores, limit + _SPARE)]
    ranked.sort(key=lambda one: (-one[0], one[1]))
    rows = queries.tracks(session, actor, [track_id for _, track_id in ranked[: limit + _SPARE]])
    items = [
        TextMatch(track=shown(rows[track_id]), score=round(min(1.0, score), 4), words=[])
        for score, track_id in ranked
        if track_id in rows
    ]
    return TextMatches(
        items=items[:limit], method="meaning", model=server.model, note=None, compared=sum(map(len, shelves))
    )


def start_describing(
    session: Session, context: Context, actor: Actor, *, workspace_id: UUID | None = None, anew: bool = False
) -> DescribingStarted:
    """Ask for the tracks of a workspace to be described to the model; `anew` forgets what it gave, everywhere."""
    if server_of(context.settings.language) is None:
        raise NoModel
    visible = queries.versions(session, actor, workspace_id)
    if workspace_id is not None and not visible:
        raise WorkspaceNotFound
    editable = [one for one in visible if actor.may_edit(one)]
    if not editable:
        raise NotAllowed("You may not have these tracks described; ask the workspace's owner for the editor's role.")
    if anew:
        if not actor.is_admin:
            raise NotAllowed("Only an administrator may have everything described anew; it concerns all workspaces.")
        editable = editable[:1]
    jobs = [
        submit(session, VECTORISE, VectorisePayload(anew=anew), workspace=one, user=actor.user_id, priority="high")
        for one in editable
    ]
    return DescribingStarted(job_id=jobs[0])
