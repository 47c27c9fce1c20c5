"""What can be done with links to recordings."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.accounts.shares import service as shares
from otolith.accounts.shares.models import Share
from otolith.accounts.shares.service import LinkNotFound
from otolith.core import paging
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.paging import BadCursor, Page
from otolith.library import service as library
from otolith.library.service import TrackNotFound
from otolith.library.sharing.schemas import NewShareOut, SharedTrack, ShareIn, ShareOut
from otolith.media import service as media
from otolith.media.models import Media

PATH = "/shared"


def share_track(session: Session, context: Context, actor: Actor, track_id: UUID, wish: ShareIn) -> NewShareOut:
    """A link to one track that the caller may share."""
    track = library.get_visible(session, actor, track_id)[0]
    share, secret = shares.make_share(
        session, actor, track.workspace_id, "track", track_id, note=wish.note, expires_at=wish.expires_at
    )
    url = f"{context.settings.public_url.rstrip('/')}{PATH}/{secret}"
    return NewShareOut(**_out(share, actor.user_name, {track_id: track.title}).model_dump(), url=url)


def list_shares(
    session: Session, actor: Actor, *, track_id: UUID | None = None, cursor: str | None = None, limit: int = 50
) -> Page[ShareOut]:
    """The links to recordings of the caller's workspaces, newest first."""
    before = _position(cursor)
    rows = shares.list_shares(session, actor, "track", item_id=track_id, before=before, limit=limit + 1)
    page, following = paging.cut(rows, limit, lambda row: (str(row[0].id),))
    known = library.read_tracks(session, actor, [share.item_id for share, _ in page]).items
    titles = {track.id: track.title for track in known}
    return Page(items=[_out(share, name, titles) for share, name in page], next=following, total=None)


def _position(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(str(paging.decode(cursor, 1)[0]))
    except ValueError as error:
        raise BadCursor from error


def end_share(session: Session, actor: Actor, share_id: UUID) -> ShareOut:
    share = shares.end_share(session, actor, share_id)
    known = library.read_tracks(session, actor, [share.item_id]).items
    return _out(share, actor.user_name, {track.id: track.title for track in known})


def open_track(context: Context, secret: str) -> tuple[SharedTrack, Media]:
    """The recording that a link shows, and its file."""
    share, guest = shares.open_share(context, secret, "track")
    with context.database.read(guest) as session:
        try:
            track, _, analysis = library.get_visible(session, guest, share.item_id)
        except TrackNotFound:
            raise LinkNotFound from None
        file = media.get_media(session, guest, track.media_id)
    shown = SharedTrack(
        title=track.title,
        artist=track.artist,
        album=track.album,
        duration=analysis.duration if analysis is not None else file.duration,
        expires_at=share.expires_at,
    )
    return shown, file


def _out(share: Share, username: str, titles: Mapping[UUID, str]) -> ShareOut:
    return ShareOut(
        id=share.id,
        workspace_id=share.workspace_id,
        track_id=share.item_id,
        title=titles.get(share.item_id),
        note=share.note,
        username=username,
        created_at=share.created_at,
        expires_at=share.expires_at,
        used_at=share.used_at,
        revoked_at=share.revoked_at,
    )
