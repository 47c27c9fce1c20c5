"""What routes, pages and commands may do with the library."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from otolith.core import paging
from otolith.core.actor import Actor, visible_to
from otolith.core.context import Context
from otolith.core.errors import NotFound
from otolith.core.paging import BadCursor, Page
from otolith.identify import service as identify
from otolith.jobs.service import submit
from otolith.library import queries
from otolith.library.apart import workspaces_of
from otolith.library.catalogue import queries as catalogue
from otolith.library.catalogue.filing import Filed, file_tracks, remove_tracks
from otolith.library.catalogue.versions import next_version
from otolith.library.engine.features import unpack_beats, unpack_embedding
from otolith.library.events import ANALYSE, AnalysePayload, ToAnalyse
from otolith.library.models import Analysis, Track
from otolith.library.schemas import (
    AllTrackFeatures,
    CreditItem,
    LabelItem,
    NotedOddity,
    Sort,
    TrackBeats,
    TrackDetail,
    TrackFeatures,
    TrackFile,
    TrackGain,
    TrackItem,
    TrackSegment,
    TracksRead,
    TrackTimbre,
)
from otolith.media.engine.tagging import Tags
from otolith.media.events import MediaAdded, MediaDeleted, MediaSentAgain
from otolith.media.models import Media

_SORTINGS: Final[dict[Sort, queries.Sorting]] = {
    "added": (Track.id,),
    "title": (Track.title_key, Track.id),
    "artist": (Track.artist_key, Track.title_key, Track.id),
}


class NotHeardYet(NotFound):
    """This track was not analysed yet, or its analysis failed; its state says which."""


class TrackNotFound(NotFound):
    """There is no such track, or you may not see it."""


def list_tracks(
    session: Session,
    actor: Actor,
    *,
    sort: Sort = "added",
    workspace_id: UUID | None = None,
    album_id: UUID | None = None,
    artist_id: UUID | None = None,
    genre_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TrackItem]:
    """A page of what the caller may see: newest first, or by title, or by artist; of one album, artist or genre."""
    condition: ColumnElement[bool] = visible_to(actor, Track.workspace_id)
    if workspace_id is not None:
        condition = and_(condition, Track.workspace_id == workspace_id)
    if album_id is not None:
        condition = and_(condition, Track.album_id == album_id)
    if artist_id is not None:
        condition = and_(condition, catalogue.with_artist(artist_id))
    if genre_id is not None:
        condition = and_(condition, catalogue.with_term(genre_id))
    sorting = _SORTINGS[sort]
    is_narrow = any(one is not None for one in (workspace_id, album_id, artist_id, genre_id))
    rows = queries.tracks_page(
        session,
        condition,
        sorting,
        _position(cursor, sort),
        limit + 1,
        sort == "added",
        apart=() if is_narrow else workspaces_of(actor),
    )
    page, following = paging.cut(rows, limit, lambda row: (sort, *(str(getattr(row[0], c.key)) for c in sorting)))
    return Page[TrackItem](
        items=[TrackItem(**item_of(*row)) for row in page],
        next=following,
        total=queries.count_tracks(session, condition),
    )


def _position(cursor: str | None, sort: Sort) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    made_for, *values, track_id = paging.decode(cursor, len(_SORTINGS[sort]) + 1)
    try:
        last = UUID(str(track_id))
    except ValueError as error:
        raise BadCursor from error
    if made_for != sort:
        raise BadCursor
    return (*map(str, values), last)


def read_tracks(session: Session, actor: Actor, track_ids: Sequence[UUID]) -> TracksRead:
    """Many tracks in the order asked for; what the caller may not see is named and left out."""
    rows = queries.tracks_among(session, actor, set(track_ids)) if track_ids else ()
    known = {row[0].id: TrackItem(**item_of(*row)) for row in rows}
    return TracksRead(
        items=[known[track_id] for track_id in track_ids if track_id in known],
        missing=[track_id for track_id in dict.fromkeys(track_ids) if track_id not in known],
    )


def get_track(session: Session, actor: Actor, track_id: UUID) -> TrackDetail:
    """One track with all that is known of it, but for its beats."""
    track, media, analysis = get_visible(session, actor, track_id)
    fingerprint = identify.fingerprint(session, media.sha256) if media.sha256 else None
    return TrackDetail(
        **item_of(track, media, analysis),
        album_artist=track.album_artist,
        genre=track.genre,
        date=track.date,
        track_number=track.track_number,
        track_total=track.track_total,
        disc_number=track.disc_number,
        disc_total=track.disc_total,
        year=track.year,
        compilation=track.compilation,
        recording_mbid=track.recording_mbid,
        release_mbid=track.release_mbid,
        credits=[CreditItem(role=r, artist_id=i, name=n) for r, i, n in catalogue.credits_of(session, track_id)],
        labels=[LabelItem(id=t.id, kind=t.kind, name=name) for t, name in catalogue.terms_of(session, track_id)],
        replaygain=_gain(catalogue.tags_of(session, track_id)),
        changed_at=track.changed_at,
        file=TrackFile(
            media_id=media.id,
            **{name: getattr(media, name) for name in TrackFile.model_fields if name != "media_id"},
        ),
        engines=analysis.engines if analysis else {},
        # Whether somebody else here had this very content before, and when, is no concern of this workspace.
        analysed_at=max(analysis.analysed_at, track.added_at) if analysis else None,
        warnings=[NotedOddity(**note) for note in analysis.notes] if analysis else [],
        fingerprint=fingerprint.text if fingerprint else None,
    )


def _gain(tags: Mapping[str, Any]) -> TrackGain | None:
    gain = tags.get("replaygain")
    return TrackGain(**gain) if gain else None


def get_features(session: Session, actor: Actor, track_id: UUID) -> AllTrackFeatures:
    """Everything that was heard in a track."""
    _, _, analysis = get_visible(session, actor, track_id)
    if analysis is None:
        raise NotHeardYet
    numbers = {name: getattr(analysis, name) for name in TrackFeatures.model_fields}
    return AllTrackFeatures(
        **numbers,
        segments=[TrackSegment(**part) for part in analysis.segments],
        timbre=TrackTimbre(**analysis.timbre),
        embedding=unpack_embedding(analysis.embedding),
        engines=analysis.engines,
    )


def get_beats(session: Session, actor: Actor, track_id: UUID) -> TrackBeats:
    """The beats of a track; none where it has no pulse or was not analysed yet."""
    _, _, analysis = get_visible(session, actor, track_id)
    return TrackBeats(beats=unpack_beats(analysis.beats) if analysis else [])


def track_of_media(session: Session, actor: Actor, media_id: UUID) -> UUID:
    """The track that an upload became."""
    found = queries.track_of_media(session, actor, media_id)
    if found is None:
        raise TrackNotFound
    return found


def get_visible(session: Session, actor: Actor, track_id: UUID) -> queries.Found:
    """A track with its file and its analysis, if the caller may see it."""
    found = queries.track(session, actor, track_id)
    if found is None:
        raise TrackNotFound
    return found


def item_of(track: Track, media: Media, analysis: Analysis | None) -> dict[str, Any]:
    """The values of a `TrackItem`."""
    features = None
    if analysis is not None:
        features = TrackFeatures(**{name: getattr(analysis, name) for name in TrackFeatures.model_fields})
    return {
        "id": track.id,
        "workspace_id": track.workspace_id,
        "media_id": media.id,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "album_id": track.album_id,
        "duration": analysis.duration if analysis is not None else media.duration,
        "state": track.state,
        "error": track.error,
        "missing": media.missing,
        "added_at": track.added_at,
        "features": features,
    }


def on_media_added(context: Context, session: Session, event: MediaAdded) -> None:
    """Let an upload become a track, and ask for its analysis before that of whole folders."""
    del context
    media = session.get_one(Media, event.media_id)
    track = Track(workspace_id=event.workspace_id, media_id=event.media_id)
    # Its tags are read when it is analysed; until then it goes by the name it was sent under.
    file_tracks(session, event.workspace_id, [Filed(track, Tags(), media.name)])
    event.made["track"] = track.id
    event.made["job"] = _analyse_upload(session, event)


def on_media_deleted(context: Context, session: Session, event: MediaDeleted) -> None:
    """Take the track of a media that goes out of the catalogue."""
    del context
    track = queries.tracks_of(session, [event.media_id]).get(event.media_id)
    if track is not None:
        remove_tracks(session, event.workspace_id, [track.id])


def on_media_sent_again(context: Context, session: Session, event: MediaSentAgain) -> None:
    """Name the track that an upload is already; one that failed is tried again, since the cause may be gone."""
    del context
    track = queries.tracks_of(session, [event.media_id]).get(event.media_id)
    if track is None:
        return
    event.made["track"] = track.id
    if track.state == "failed":
        track.version = next_version(session, track.workspace_id)
        track.state, track.error = "waiting", None
        event.made["job"] = _analyse_upload(session, event)


def _analyse_upload(session: Session, event: MediaAdded | MediaSentAgain) -> UUID:
    payload = AnalysePayload(media=[ToAnalyse(media_id=event.media_id)], read_tags=True)
    return submit(session, ANALYSE, payload, workspace=event.workspace_id, user=event.user_id, priority="high")
