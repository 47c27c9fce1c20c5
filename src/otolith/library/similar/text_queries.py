"""The statements about texts that stand for tracks, and their vectors."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.core.actor import Actor, visible_to
from otolith.core.db import now
from otolith.library.catalogue.links import Lyrics, TrackTerm
from otolith.library.catalogue.models import Term
from otolith.library.models import Analysis, Track
from otolith.library.similar.engine.wording import Described, describe
from otolith.library.similar.models import TextVector, TrackText
from otolith.media.models import Media

_PACKED = np.dtype("<f2")
_FEATURES = (Analysis.tempo, Analysis.energy, Analysis.mode, Analysis.brightness, Analysis.voice)


def to_describe(
    session: Session, workspace_id: UUID, model: str, tracks: Collection[UUID] | None, limit: int
) -> dict[UUID, int]:
    """Tracks whose text for this model is missing or older than they are, with their versions."""
    known = and_(TrackText.track_id == Track.id, TrackText.model == model)
    statement = (
        select(Track.id, Track.version)
        .join(Media, Media.id == Track.media_id)
        .join(TrackText, known, isouter=True)
        .where(Track.workspace_id == workspace_id, Media.missing.is_(False))
        .where(or_(TrackText.track_id.is_(None), TrackText.version < Track.version))
        .order_by(Track.id)
        .limit(limit)
    )
    if tracks is not None:
        statement = statement.where(Track.id.in_(list(tracks)))
    return dict(session.execute(statement).tuples().all())


def descriptions(session: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The text that stands for each of these tracks."""
    terms = _terms(session, ids)
    rows = session.execute(
        select(Track.id, Track.title, Track.artist, Track.album, Track.year, Track.genre, Lyrics.text, *_FEATURES)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .join(Lyrics, Lyrics.track_id == Track.id, isouter=True)
        .where(Track.id.in_(list(ids)))
    )
    texts = {}
    for row in rows:
        named = terms.get(row.id, {})
        genres = named.get("genre") or [one.strip() for one in row.genre.split(";") if one.strip()]
        features = {column.key: getattr(row, column.key) for column in _FEATURES}
        texts[row.id] = describe(
            Described(
                title=row.title,
                artist=row.artist,
                album=row.album,
                year=row.year,
                genres=genres,
                moods=named.get("mood", ()),
                lyrics=row.text or "",
                features=features,
            )
        )
    return texts


def _terms(session: Session, ids: Collection[UUID]) -> dict[UUID, dict[str, list[str]]]:
    found: dict[UUID, dict[str, list[str]]] = {}
    statement = (
        select(TrackTerm.track_id, Term.kind, TrackTerm.name)
        .join(Term, Term.id == TrackTerm.term_id)
        .where(TrackTerm.track_id.in_(list(ids)))
        .order_by(TrackTerm.track_id, TrackTerm.position, TrackTerm.name)
    )
    for track_id, kind, name in session.execute(statement).tuples():
        found.setdefault(track_id, {}).setdefault(kind, []).append(name)
    return found


def known_texts(session: Session, model: str, digests: Collection[str]) -> set[str]:
    """Those of these texts whose vectors the model gave before, in whatever workspace."""
    known = select(TextVector.text_digest).where(TextVector.model == model, TextVector.text_digest.in_(list(digests)))
    return set(session.scalars(known))


def dimensions_of(session: Session, model: str) -> int | None:
    """The length of the vectors that a model gave so far."""
    return session.scalar(select(TextVector.dimensions).where(TextVector.model == model).limit(1))


def store_vectors(session: Session, model: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Keep the vectors of texts, by their digests; what is known already stays."""
    rows: list[dict[str, Any]] = [
        {
            "text_digest": digest,
            "model": model,
            "dimensions": len(vector),
            "vector": vector.astype(_PACKED).tobytes(),
            "made_at": now(),
        }
        for digest, vector in sorted(vectors.items())
    ]
    if rows:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        session.execute(dialect.insert(TextVector).on_conflict_do_nothing(), rows)


def store_texts(
    session: Session, workspace_id: UUID, model: str, digests: Mapping[UUID, str], versions: Mapping[UUID, int]
) -> None:
    """Note which text stands for which track; tracks that were removed meanwhile are passed over."""
    there = session.scalars(select(Track.id).where(Track.id.in_(list(digests))).with_for_update(read=True)).all()
    rows = [
        {
            "track_id": one,
            "model": model,
            "workspace_id": workspace_id,
            "text_digest": digests[one],
            "version": versions[one],
            "kept_at": now(),
        }
        for one in sorted(there)
    ]
    if not rows:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(TrackText)
    others = {name: statement.excluded[name] for name in ("text_digest", "version", "kept_at")}
    keys = [TrackText.track_id, TrackText.model]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)


def forget_model(session: Session, model: str) -> None:
    """Forget everything that a model gave, in all workspaces; only the system sees them all."""
    session.execute(delete(TrackText).where(TrackText.model == model))
    session.execute(delete(TextVector).where(TextVector.model == model))


def forget_unused(session: Session) -> int:
    """Forget vectors of texts that stand for no track any more; only the system sees all tracks."""
    used = exists().where(TrackText.text_digest == TextVector.text_digest, TrackText.model == TextVector.model)
    return session.connection().execute(delete(TextVector).where(~used)).rowcount


def kept_at(session: Session, actor: Actor, model: str, workspace_ids: Collection[UUID]) -> dict[UUID, dt.datetime]:
    """When a text of this model was last noted in each of these workspaces; those without any are left out."""
    rows = session.execute(
        select(TrackText.workspace_id, func.max(TrackText.kept_at))
        .where(visible_to(actor, TrackText.workspace_id), TrackText.workspace_id.in_(list(workspace_ids)))
        .where(TrackText.model == model)
        .group_by(TrackText.workspace_id)
    )
    return dict(rows.tuples().all())


def vectors_since(
    session: Session, workspace_id: UUID, model: str, since: dt.datetime | None
) -> Sequence[tuple[UUID, NDArray[np.float32]]]:
    """The texts of a workspace that were noted at a moment or after it, as vectors by their tracks."""
    statement = (
        select(TrackText.track_id, TextVector.vector)
        .join(
            TextVector,
            and_(TextVector.text_digest == TrackText.text_digest, TextVector.model == TrackText.model),
        )
        .where(TrackText.workspace_id == workspace_id, TrackText.model == model)
    )
    if since is not None:
        statement = statement.where(TrackText.kept_at >= since)
    rows = session.execute(statement).tuples()
    return [(track_id, np.frombuffer(vector, _PACKED).astype(np.float32)) for track_id, vector in rows]


def count_described(session: Session, actor: Actor, model: str) -> int:
    """How many tracks that the caller sees have a text for this model."""
    counted = select(func.count()).select_from(TrackText)
    return session.scalar(counted.where(visible_to(actor, TrackText.workspace_id), TrackText.model == model)) or 0


def tracks_with_word(
    session: Session, actor: Actor, word: str, workspace_ids: Collection[UUID], limit: int
) -> list[UUID]:
    """Tracks of these workspaces whose title, artist, genre or mood holds a folded word."""
    of_term = (
        select(TrackTerm.track_id)
        .join(Term, Term.id == TrackTerm.term_id)
        .where(Term.name_key.contains(word, autoescape=True))
    )
    statement = select(Track.id).where(
        visible_to(actor, Track.workspace_id),
        Track.workspace_id.in_(list(workspace_ids)),
        or_(
            Track.title_key.contains(word, autoescape=True),
            Track.artist_key.contains(word, autoescape=True),
            func.lower(Track.genre).contains(word, autoescape=True),
            Track.id.in_(of_term),
        ),
    )
    return list(session.scalars(statement.limit(limit)))
