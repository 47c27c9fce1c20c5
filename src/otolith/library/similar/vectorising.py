"""Describing tracks to a language model: the job that keeps the vectors by which the library is searched by meaning."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from otolith.connectors.embeddings import EmbeddingServer, EmbeddingsRefused, embed, server_of
from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.jobs.service import Run, submit
from otolith.library.similar import queries, text_queries
from otolith.library.similar.events import VECTORISE, VectorisePayload

log = structlog.get_logger(__name__)

_CHUNK: Final = 64
_HARMLESS: Final = "music"


class DimensionsChanged(EmbeddingsRefused):
    """The model gives vectors of another length than before."""


def vectorise(run: Run, payload: VectorisePayload) -> dict[str, Any]:
    """Keep a vector for the description of every track of the job's workspace that has none, or an old one.

    Without a workspace, or to have it all anew, ask for that in all workspaces that have changed, and forget what
    stands for no track.
    """
    server = server_of(run.context.settings.language)
    if server is None:
        return {"model": None, "described": 0, "sent": 0}
    if run.workspace_id is None or payload.anew:
        return _ask_for_all(run, server, payload)
    counts = dict(run.checkpoint or {"described": 0, "sent": 0})
    while chunk := _next(run, run.workspace_id, server, payload):
        run.check()
        versions, texts = chunk
        digests = {track_id: digest_of(text) for track_id, text in texts.items()}
        vectors = _unknown(run, server, {digests[track_id]: text for track_id, text in texts.items()})
        counts = {"described": counts["described"] + len(versions), "sent": counts["sent"] + len(vectors)}
        with run.step(checkpoint=counts) as session:
            text_queries.store_vectors(session, server.model, vectors)
            text_queries.store_texts(session, run.workspace_id, server.model, digests, versions)
        run.progress(counts["described"], note="Describing tracks")
    return {"model": server.model, **counts}


def digest_of(text: str) -> str:
    """The name under which the vector of a text is kept."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _next(
    run: Run, workspace_id: UUID, server: EmbeddingServer, payload: VectorisePayload
) -> tuple[Mapping[UUID, int], Mapping[UUID, str]] | None:
    with run.context.database.read(run.actor) as session:
        versions = text_queries.to_describe(session, workspace_id, server.model, payload.tracks, _CHUNK)
        return (versions, text_queries.descriptions(session, versions)) if versions else None


def _unknown(run: Run, server: EmbeddingServer, texts: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
    """The vectors of those texts that the model was not asked about before, by digest."""
    with run.context.database.read(run.actor) as session:
        known = text_queries.known_texts(session, server.model, texts)
        dimensions = text_queries.dimensions_of(session, server.model)
    asked: Sequence[str] = [digest for digest in texts if digest not in known]
    if not asked:
        return {}
    vectors = _embedded(run, server, {digest: texts[digest] for digest in asked})
    for vector in vectors.values():
        require_dimensions(server, dimensions, len(vector))
    return vectors


def _embedded(run: Run, server: EmbeddingServer, texts: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
    """The vectors of texts by their digests, without those texts that the server refuses.

    Halves are tried where all together were refused, down to the text that it cannot take. Whether it is that or the
    server takes nothing at all, as without the model, a word tells that anybody can take.
    """
    try:
        return dict(zip(texts, embed(server, list(texts.values())), strict=True))
    except EmbeddingsRefused as error:
        run.check()
        if len(texts) == 1:
            embed(server, [_HARMLESS])
            (digest,) = texts
            log.warning("similar.describe.refused", text=digest, detail=error.detail)
            return {}
    digests = list(texts)
    halves = digests[: len(digests) // 2], digests[len(digests) // 2 :]
    return {
        digest: vector
        for half in halves
        for digest, vector in _embedded(run, server, {one: texts[one] for one in half}).items()
    }


def require_dimensions(server: EmbeddingServer, stored: int | None, given: int) -> None:
    """Refuse vectors that cannot be compared with those that are kept."""
    if stored is not None and stored != given:
        detail = (
            f"{server.model} gives vectors of {given} numbers, and those kept have {stored}: it is another model by "
            "the same name. An administrator can have everything described anew: POST /similar/text?anew=true."
        )
        raise DimensionsChanged(detail)


def _ask_for_all(run: Run, server: EmbeddingServer, payload: VectorisePayload) -> dict[str, Any]:
    with run.step(actor=SYSTEM) as session:
        if payload.anew:
            text_queries.forget_model(session, server.model)
        forgotten = text_queries.forget_unused(session)
        versions = queries.versions(session, SYSTEM, None)
        for workspace_id, version in versions.items():
            # Once a version of the catalogue, and once a day, since the server may have been away; more if asked.
            key = None if payload.anew else f"{server.model} {version} {now():%Y-%m-%d}"
            if version:
                submit(
                    session, VECTORISE, VectorisePayload(), workspace=workspace_id, priority="low", idempotency_key=key
                )
    return {"workspaces": len(versions), "forgotten": forgotten}
