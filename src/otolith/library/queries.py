"""The statements about tracks, analyses and scans."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from otolith.core import paging
from otolith.core.actor import Actor, visible_to
from otolith.library.apart import first_ids
from otolith.library.models import DAMAGE, Analysis, Finding, Track
from otolith.media.models import Media, Waveform

_SAMPLE = 1000

Sorting = tuple[InstrumentedAttribute[Any], ...]
# The analysis comes from an outer join, which its types do not tell.
Found = Row[tuple[Track, Media, Analysis | None]]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of one file, as far as a walk compares it."""

    media_id: UUID
    size: int
    mtime_ns: int | None
    missing: bool
    state: str | None
    lyrics_ns: int | None

    def differs_from(self, size: int, mtime_ns: int, lyrics_ns: int | None) -> bool:
        return (self.size, self.mtime_ns, self.lyrics_ns) != (size, mtime_ns, lyrics_ns)


def _under(folder: bytes) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The condition of lying below a folder: "0" is the byte behind "/"."""
    stem = folder.rstrip(b"/")
    return Media.path >= stem + b"/", Media.path < stem + b"0"


def stored_at(session: Session, workspace_id: UUID, digests: Collection[bytes]) -> dict[bytes, Stored]:
    """What is stored of these paths, by digest of the path.

    A track that is there and was never filed, because it is older than the catalogue, has no state yet.
    """
    state = case((or_(Track.counted, Media.missing), Track.state))
    rows = session.execute(
        select(Media.path_digest, Media.id, Media.size, Media.mtime_ns, Media.missing, state, Track.lyrics_ns)
        .join(Track, Track.media_id == Media.id, isouter=True)
        .where(Media.workspace_id == workspace_id, Media.path_digest.in_(list(digests)))
    )
    return {row.path_digest: Stored(*row[1:]) for row in rows}


def has_files_under(session: Session, workspace_id: UUID, folder: bytes) -> bool:
    found = exists().where(Media.workspace_id == workspace_id, Media.missing.is_(False), *_under(folder))
    return bool(session.scalar(select(found)))


def count_files_under(session: Session, workspace_id: UUID, folder: bytes) -> int:
    """How many files below a folder are not known to be missing."""
    mine = (Media.workspace_id == workspace_id, Media.missing.is_(False), *_under(folder))
    return session.scalar(select(func.count()).select_from(Media).where(*mine)) or 0


def file_at(session: Session, workspace_id: UUID, path_digest: bytes) -> UUID | None:
    """The file at exactly this path that is not known to be missing."""
    mine = (Media.workspace_id == workspace_id, Media.path_digest == path_digest, Media.missing.is_(False))
    return session.scalar(select(Media.id).where(*mine))


def files_under(
    session: Session, workspace_id: UUID, folder: bytes, after: UUID | None, limit: int
) -> Sequence[tuple[UUID, bytes]]:
    """A page of the files below a folder that are not known to be missing, in the order of their ids."""
    statement = (
        select(Media.id, Media.path)
        .where(Media.workspace_id == workspace_id, Media.missing.is_(False), *_under(folder))
        .order_by(Media.id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(Media.id > after)
    return [(media_id, path) for media_id, path in session.execute(statement).tuples() if path is not None]


def still_at(session: Session, places: Mapping[UUID, bytes]) -> list[UUID]:
    """Those of the media that still stand at these paths, held until the transaction ends."""
    if not places:
        return []
    rows = session.execute(select(Media.id, Media.path).where(Media.id.in_(list(places))).with_for_update())
    return [media_id for media_id, path in rows.tuples() if path == places[media_id]]


@dataclass(frozen=True, slots=True)
class Alike:
    """A stored file whose quick key is that of another one."""

    media_id: UUID
    path: bytes
    quick_key: str
    sha256: str | None
    missing: bool


def with_quick_keys(session: Session, workspace_id: UUID, quick_keys: Collection[str], limit: int) -> list[Alike]:
    """The library files of these quick keys, those first that are known to be missing."""
    rows = session.execute(
        select(Media.id, Media.path, Media.quick_key, Media.sha256, Media.missing)
        .where(Media.workspace_id == workspace_id, Media.quick_key.in_(list(quick_keys)), Media.path.is_not(None))
        .order_by(Media.missing.desc(), Media.id)
        .limit(limit)
    )
    return [
        Alike(media_id, path, quick_key, sha256, missing)
        for media_id, path, quick_key, sha256, missing in rows.tuples()
        if path is not None and quick_key is not None
    ]


def held_media(session: Session, media_ids: Collection[UUID]) -> Sequence[Media]:
    """Media, held until the transaction ends."""
    mine = select(Media).where(Media.id.in_(list(media_ids))).order_by(Media.id).with_for_update()
    return session.scalars(mine.execution_options(populate_existing=True)).all()


def tracks_of(session: Session, media_ids: Collection[UUID]) -> dict[UUID, Track]:
    found = session.scalars(select(Track).where(Track.media_id.in_(list(media_ids))))
    return {track.media_id: track for track in found}


def note_missing(session: Session, media_ids: Collection[UUID], scan_id: UUID | None) -> None:
    session.execute(update(Track).where(Track.media_id.in_(list(media_ids))).values(missing_scan_id=scan_id))


def note_found(session: Session, media_ids: Collection[UUID]) -> None:
    session.execute(update(Track).where(Track.media_id.in_(list(media_ids))).values(missing_scan_id=None))


def track_and_media(session: Session, media_id: UUID) -> tuple[Track, Media] | None:
    found = session.execute(
        select(Track, Media).join(Media, Media.id == Track.media_id).where(Media.id == media_id),
        execution_options={"populate_existing": True},
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def add_findings(session: Session, findings: Sequence[Mapping[str, Any]]) -> None:
    """Store what a scan could not take in; the same path again replaces what was said of it."""
    if not findings:
        return
    scan_id = findings[0]["scan_id"]
    digests = [finding["path_digest"] for finding in findings]
    session.execute(delete(Finding).where(Finding.scan_id == scan_id, Finding.path_digest.in_(digests)))
    session.execute(insert(Finding), list(findings))


def drop_finding(session: Session, scan_id: UUID, path_digest: bytes) -> None:
    session.execute(delete(Finding).where(Finding.scan_id == scan_id, Finding.path_digest == path_digest))


# A content counts as known while its picture is there as well, since one pass makes both.
_IS_DRAWN = exists().where(Waveform.sha256 == Analysis.sha256)


def contents_like(session: Session, quick_key: str) -> dict[str, dict[str, int]]:
    """The analysed contents of this quick key, with the versions of the engines that heard them."""
    rows = session.execute(select(Analysis.sha256, Analysis.engines).where(Analysis.quick_key == quick_key, _IS_DRAWN))
    return dict(rows.tuples().all())


def engines_of(session: Session, sha256: str) -> dict[str, int] | None:
    """The versions of the engines that heard a content, if it was analysed."""
    return session.scalar(select(Analysis.engines).where(Analysis.sha256 == sha256, _IS_DRAWN))


def held_analysis(session: Session, sha256: str) -> Analysis | None:
    """What was found in a content, which nobody forgets before the transaction ends."""
    return session.get(Analysis, sha256, with_for_update={"read": True, "key_share": True}, populate_existing=True)


def delete_unused_analyses(session: Session, limit: int) -> Sequence[str]:
    """Forget what was found in some contents that no media has any more; only the system sees them all.

    A file may be joining such a content just now, whose transaction holds it and is seen only when it ends. So those
    that nobody holds are taken first, and looked at again when nobody can join them any more.
    """
    unused = ~exists().where(Media.sha256 == Analysis.sha256)
    taken = session.scalars(select(Analysis.sha256).where(unused).limit(limit).with_for_update(skip_locked=True)).all()
    if not taken:
        return []
    gone = delete(Analysis).where(Analysis.sha256.in_(taken), unused).returning(Analysis.sha256)
    return session.connection().execute(gone).scalars().all()


def take_statistics(session: Session) -> None:
    """Let the planner of SQLite know what the tables hold by now, from samples; PostgreSQL sees to that by itself."""
    if session.get_bind().dialect.name == "sqlite":
        connection = session.connection()
        connection.exec_driver_sql(f"PRAGMA analysis_limit={_SAMPLE}")
        connection.exec_driver_sql("ANALYZE")


def store_analysis(session: Session, values: Mapping[str, Any]) -> None:
    """Keep what was found in one content; two workers that heard it at once store it one after the other."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {**values, "damaged": any(note["kind"] in DAMAGE for note in values["notes"])}
    statement = dialect.insert(Analysis).values(values)
    others = {name: statement.excluded[name] for name in values if name != "sha256"}
    session.execute(statement.on_conflict_do_update(index_elements=[Analysis.sha256], set_=others))


def tracks_page(
    session: Session,
    condition: ColumnElement[bool],
    sorting: Sorting,
    after: tuple[Any, ...] | None,
    limit: int,
    descending: bool,
    *,
    apart: Sequence[UUID] = (),
) -> Sequence[Found]:
    """A page of tracks with their files and features, behind the row whose sorting values are `after`.

    Where the condition lets through much of several workspaces, `apart` names these.
    """
    order = [column.desc() if descending else column.asc() for column in sorting]
    statement = (
        select(Track, Media, Analysis)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .where(condition)
        .order_by(*order)
        .limit(limit)
    )
    beyond = [] if after is None else [paging.after(sorting, after, descending=descending)]
    if len(apart) > 1:
        statement = statement.where(Track.id.in_(first_ids(Track.id, Track.workspace_id, apart, beyond, order, limit)))
    else:
        statement = statement.where(*beyond)
    return cast("Sequence[Found]", session.execute(statement).all())


def tracks_among(session: Session, actor: Actor, track_ids: Collection[UUID]) -> Sequence[Found]:
    """Those of these tracks that the caller may see, with their files and features."""
    statement = (
        select(Track, Media, Analysis)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .where(visible_to(actor, Track.workspace_id), Track.id.in_(list(track_ids)))
    )
    return cast("Sequence[Found]", session.execute(statement).all())


def count_tracks(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Track).where(condition)) or 0


def track(session: Session, actor: Actor, track_id: UUID) -> Found | None:
    statement = (
        select(Track, Media, Analysis)
        .join(Media, Media.id == Track.media_id)
        .join(Analysis, Analysis.sha256 == Media.sha256, isouter=True)
        .where(visible_to(actor, Track.workspace_id), Track.id == track_id)
    )
    return cast("Found | None", session.execute(statement).one_or_none())


def track_of_media(session: Session, actor: Actor, media_id: UUID) -> UUID | None:
    return session.scalar(select(Track.id).where(visible_to(actor, Track.workspace_id), Track.media_id == media_id))
