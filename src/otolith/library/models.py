"""The tables of the library: tracks, what analysis found in a content, scans, and what a scan could not take in."""

import datetime as dt
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id
from otolith.library.catalogue.models import KEY_LIMIT, Album
from otolith.media.models import Media

TrackState = Literal["waiting", "analysed", "failed"]
Outcome = Literal["added", "updated", "moved", "none"]
Verdict = Literal["failed", "skipped"]
TEXT_LIMIT = 1000
DAMAGE: Final = frozenset({"truncated", "damaged"})
"""The kinds of notes that tell of sound that is lost."""


class Track(Base):
    """One recording of a workspace's catalogue, with its tags and the state of its analysis.

    `title_key` and `artist_key` are the texts that lists are sorted by, folded once by `otolith.library.folding`.
    `tags` is what the file says, as `Tags.as_stored` gives it and `Tags.from_dict` takes it; `edits` is what people
    changed and the file does not say yet; the other columns are what follows from both. `version` is that of the
    `Catalogue` when this row last changed. `duration` in seconds, as the headers say until the analysis knows better.
    """

    __tablename__ = "tracks"
    __table_args__ = (
        UniqueConstraint("media_id"),
        CheckConstraint("state IN ('waiting', 'analysed', 'failed')", name="state"),
        Index(None, "workspace_id", "id"),
        Index(None, "workspace_id", "title_key", "id"),
        Index(None, "workspace_id", "artist_key", "title_key", "id"),
        Index(None, "workspace_id", "version"),
        Index(None, "album_id", "disc_number", "track_number"),
        Index(None, "workspace_id", "album_key"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    media_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Media.id, ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    artist: Mapped[str] = mapped_column(Text, default="")
    album: Mapped[str] = mapped_column(Text, default="")
    album_artist: Mapped[str] = mapped_column(Text, default="")
    genre: Mapped[str] = mapped_column(Text, default="")
    date: Mapped[str] = mapped_column(Text, default="")
    track_number: Mapped[int | None] = mapped_column(Integer)
    disc_number: Mapped[int | None] = mapped_column(Integer)
    track_total: Mapped[int | None] = mapped_column(Integer)
    disc_total: Mapped[int | None] = mapped_column(Integer)
    year: Mapped[int | None] = mapped_column(Integer)
    compilation: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    duration: Mapped[float | None] = mapped_column(Float)
    album_id: Mapped[UUID | None] = mapped_column(Uuid, ForeignKey(Album.id, ondelete="SET NULL"))
    recording_mbid: Mapped[str | None] = mapped_column(String(36))
    release_mbid: Mapped[str | None] = mapped_column(String(36))
    # What the file says of its album, and a digest of what makes it one with others; see `catalogue.describing`.
    album_key: Mapped[str | None] = mapped_column(String(32))
    album_facts: Mapped[str | None] = mapped_column(Text, deferred=True)
    # Whether the counts of artists, albums and genres include it: filed, and there when it was last filed.
    counted: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    cover_key: Mapped[str | None] = mapped_column(String(64))
    tags: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, deferred=True)
    edits: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    # When the .lrc file beside the file was last changed, in nanoseconds since 1970; null where there is none.
    lyrics_ns: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    title_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    artist_key: Mapped[str] = mapped_column(String(KEY_LIMIT), default="")
    state: Mapped[TrackState] = mapped_column(String(16), default="waiting")
    error: Mapped[str | None] = mapped_column(Text)
    # The scan that found the file gone, so that the same scan can take it back when the file turns up elsewhere.
    missing_scan_id: Mapped[UUID | None] = mapped_column(Uuid)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Analysis(Base):
    """What the engines found in one content, whoever holds a copy of it.

    It belongs to no workspace and is reached only from a media row that the caller may see. `engines` maps each
    engine to the version that ran; `beats` holds times in seconds as little-endian float32; `sound` is what its headers
    say and `notes` what was odd about it. `energy` and `voice` from 0 to 1, `onset_rate` a second, `brightness` in Hz,
    silences in seconds at either end, `embedding` as little-endian float16 of unit length. `quick_key` finds what is
    worth comparing before a file is decoded again.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        Index(None, "quick_key"),
        Index(
            "ix_analyses_damaged",
            "sha256",
            sqlite_where=sql_text("damaged = 1"),
            postgresql_where=sql_text("damaged"),
        ),
        Index(
            "ix_analyses_too_loud",
            "sha256",
            sqlite_where=sql_text("true_peak_dbtp > 0"),
            postgresql_where=sql_text("true_peak_dbtp > 0"),
        ),
        Index(
            None,
            "renewal_failed",
            sqlite_where=sql_text("renewal_failed IS NOT NULL"),
            postgresql_where=sql_text("renewal_failed IS NOT NULL"),
        ),
    )

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    quick_key: Mapped[str | None] = mapped_column(String(64))
    engines: Mapped[dict[str, int]] = mapped_column(JSON)
    duration: Mapped[float] = mapped_column(Float)
    tempo: Mapped[float | None] = mapped_column(Float)
    tempo_confidence: Mapped[float | None] = mapped_column(Float)
    beats: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[str | None] = mapped_column(String(2))
    mode: Mapped[str | None] = mapped_column(String(5))
    camelot: Mapped[str | None] = mapped_column(String(3))
    key_confidence: Mapped[float | None] = mapped_column(Float)
    loudness_lufs: Mapped[float | None] = mapped_column(Float)
    loudness_range_lu: Mapped[float | None] = mapped_column(Float)
    true_peak_dbtp: Mapped[float | None] = mapped_column(Float)
    energy: Mapped[float | None] = mapped_column(Float)
    voice: Mapped[float | None] = mapped_column(Float)
    onset_rate: Mapped[float | None] = mapped_column(Float)
    brightness: Mapped[float | None] = mapped_column(Float)
    dynamics_db: Mapped[float | None] = mapped_column(Float)
    silence_start: Mapped[float | None] = mapped_column(Float)
    silence_end: Mapped[float | None] = mapped_column(Float)
    segments: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    timbre: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    embedding: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    # The versions of the engines that tried in vain to hear the content again, or were asked to; see `renewal.queries`.
    renewal_failed: Mapped[str | None] = mapped_column(String(200), deferred=True)
    sound: Mapped[dict[str, Any]] = mapped_column(JSON)
    notes: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    # Whether the notes tell of sound that is lost, so that such contents are found without reading all notes.
    damaged: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    analysed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Scan(Base):
    """One walk over a folder and what came of it; its job tells whether it still runs.

    The counts are of the moment when a file was stored; `worked_at` is when the last of the scan's work so far was
    done. A file whose analysis failed afterwards has a `Finding`, which the report sets against the counts.
    """

    __tablename__ = "scans"
    __table_args__ = (Index(None, "workspace_id", "id"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(Uuid)
    job_id: Mapped[UUID | None] = mapped_column(Uuid)
    path: Mapped[bytes] = mapped_column(LargeBinary)
    added: Mapped[int] = mapped_column(Integer, default=0)
    updated: Mapped[int] = mapped_column(Integer, default=0)
    moved: Mapped[int] = mapped_column(Integer, default=0)
    missing: Mapped[int] = mapped_column(Integer, default=0)
    unchanged: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(Text)
    # As `otolith.library.roots.phases` keeps them.
    phases: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    paused_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # Why the folder cannot be reached just now, as an unmounted share; the scan goes on when it is back.
    away_why: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)
    worked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Finding(Base):
    """A file that a scan could not take in, or passed over, and why.

    `counted_as` is what the scan had counted the file as before it failed.
    """

    __tablename__ = "scan_findings"
    __table_args__ = (
        CheckConstraint("verdict IN ('failed', 'skipped')", name="verdict"),
        CheckConstraint("counted_as IN ('added', 'updated', 'moved', 'none')", name="counted_as"),
        UniqueConstraint("scan_id", "path_digest"),
        Index(None, "workspace_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    scan_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Scan.id, ondelete="CASCADE"))
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    path: Mapped[bytes] = mapped_column(LargeBinary)
    path_digest: Mapped[bytes] = mapped_column(LargeBinary)
    verdict: Mapped[Verdict] = mapped_column(String(16))
    counted_as: Mapped[Outcome] = mapped_column(String(16), default="none")
    kind: Mapped[str] = mapped_column(String(32))
    error: Mapped[str] = mapped_column(Text)
