"""The statements that only pages need, such as the overviews of many waveforms at once."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from otolith.core.actor import Actor, visible_to
from otolith.jobs.models import Job
from otolith.library.catalogue.links import Credit, Lyrics, TrackTerm
from otolith.library.catalogue.models import Album, Artist, Term
from otolith.library.models import Analysis, Track
from otolith.media.models import Media, Waveform

# The waveform engine's coarsest level has at most so many points; finer ones are not fetched to draw a page.
OVERVIEW_POINTS = 1000


def overviews(session: Session, actor: Actor, media_ids: Collection[UUID]) -> dict[UUID, tuple[bytes, bytes]]:
    """Peaks and mean levels of these media's overviews, as `otolith.media.models.Waveform` keeps them."""
    rows = session.execute(
        select(Media.id, Waveform.peaks, Waveform.rms)
        .join(Waveform, Waveform.sha256 == Media.sha256)
        .where(
            visible_to(actor, Media.workspace_id),
            Media.id.in_(list(media_ids)),
            Waveform.points <= OVERVIEW_POINTS,
        )
        # The newest version comes last and wins.
        .order_by(Waveform.version, Waveform.samples_per_point)
    )
    return {media_id: (peaks, rms) for media_id, peaks, rms in rows.tuples()}


def unfinished_jobs(session: Session, actor: Actor) -> dict[str, int]:
    """How many jobs of the caller's workspaces are in each unfinished state, not counting parts of larger jobs."""
    rows = session.execute(
        select(Job.state, func.count())
        .where(visible_to(actor, Job.workspace_id), Job.finished_at.is_(None), Job.parent_id.is_(None))
        .group_by(Job.state)
    )
    return dict(rows.tuples().all())


def is_unfinished(session: Session, actor: Actor, job_id: UUID) -> bool:
    """Whether a job that the caller may see is yet to end."""
    mine = select(Job.id).where(visible_to(actor, Job.workspace_id), Job.id == job_id, Job.finished_at.is_(None))
    return session.scalar(mine) is not None


def analysis_of(session: Session, actor: Actor, track_id: UUID) -> Analysis | None:
    """Everything that the engines found in a track, but for its embedding."""
    return session.scalar(
        select(Analysis)
        .join(Media, Media.sha256 == Analysis.sha256)
        .join(Track, Track.media_id == Media.id)
        .where(visible_to(actor, Track.workspace_id), Track.id == track_id)
    )


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where a track stands in the catalogue: its album, and the artists and genres to go on to, by id and name."""

    album_id: UUID | None
    artists: list[tuple[UUID, str]]
    genres: list[tuple[UUID, str]]


def belonging_of(session: Session, actor: Actor, track_id: UUID) -> Belonging:
    album_id = session.scalar(select(Track.album_id).where(visible_to(actor, Track.workspace_id), Track.id == track_id))
    artists = session.execute(
        select(Credit.artist_id, Credit.name)
        .where(visible_to(actor, Credit.workspace_id), Credit.track_id == track_id, Credit.role == "artist")
        .order_by(Credit.position)
    )
    genres = session.execute(
        select(Term.id, Term.name)
        .join(TrackTerm, TrackTerm.term_id == Term.id)
        .where(visible_to(actor, TrackTerm.workspace_id), TrackTerm.track_id == track_id, Term.kind == "genre")
        .order_by(TrackTerm.position)
    )
    return Belonging(album_id, list(artists.tuples()), list(genres.tuples()))


def tagged(session: Session, actor: Actor, track_ids: Collection[UUID]) -> list[tuple[Track, str | None]]:
    """Tracks with their tags, edits and lyrics, in the order of their album."""
    rows = session.execute(
        select(Track, Lyrics.text)
        .join(Lyrics, Lyrics.track_id == Track.id, isouter=True)
        .where(visible_to(actor, Track.workspace_id), Track.id.in_(list(track_ids)))
        .order_by(Track.disc_number, Track.track_number, Track.title_key)
        .options(undefer(Track.tags), undefer(Track.edits))
    )
    return list(rows.tuples())


def tracks_of_album(session: Session, actor: Actor, album_id: UUID, limit: int) -> list[UUID]:
    return list(
        session.scalars(
            select(Track.id).where(visible_to(actor, Track.workspace_id), Track.album_id == album_id).limit(limit)
        )
    )


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a radio starts from, and its page."""

    name: str
    href: str


def names_of(
    session: Session,
    actor: Actor,
    tracks: Collection[UUID],
    albums: Collection[UUID],
    artists: Collection[UUID],
) -> list[Name]:
    """The names of what a radio starts from, as far as the caller may see them: a statement for each kind named."""
    found = []
    for place, wanted, table, title in (
        ("tracks", tracks, Track, Track.title),
        ("albums", albums, Album, Album.title),
        ("artists", artists, Artist, Artist.name),
    ):
        if wanted:
            rows = session.execute(
                select(table.id, title).where(visible_to(actor, table.workspace_id), table.id.in_(list(wanted)))
            )
            found += [Name(name, f"/{place}/{row_id}") for row_id, name in rows.tuples()]
    return found


def credited(session: Session, actor: Actor, workspace_id: UUID, name_key: str) -> int:
    """How many recordings of a library credit somebody by this folded name."""
    mine = select(func.count(Credit.track_id.distinct())).where(visible_to(actor, Credit.workspace_id))
    return session.scalar(mine.where(Credit.workspace_id == workspace_id, Credit.name_key == name_key)) or 0


def disc_titles(session: Session, actor: Actor, album_id: UUID) -> dict[int, str]:
    """The titles that the discs of an album have of their own, by number; of several the first in the alphabet."""
    title = Track.tags["disc_subtitle"].as_string()
    number = func.coalesce(Track.disc_number, 1)
    rows = session.execute(
        select(number, func.min(title))
        .where(visible_to(actor, Track.workspace_id), Track.album_id == album_id, title.is_not(None))
        .group_by(number)
    )
    return {disc: name for disc, name in rows.tuples() if name}
