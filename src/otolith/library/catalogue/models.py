"""The tables of the catalogue that stand above the tracks: artists, albums, genres, and the catalogue's own version."""

import datetime as dt
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from otolith.accounts.models import Workspace
from otolith.core.db import Base, UtcDateTime, now
from otolith.core.ids import new_id

KEY_LIMIT = 120
TermKind = Literal["genre", "mood"]
SpellingKind = Literal["artist", "genre", "mood"]


class Catalogue(Base):
    """The version of a workspace's catalogue, which grows with every change of it.

    Whoever changes tracks, artists or albums takes the next version first and stamps what it changes with it; the row
    is the lock under which a workspace's catalogue changes, so versions become visible in their order. `mark` is
    another random number after every change: a database that was brought back from a backup reaches the same versions
    again, with other contents and other marks.
    """

    __tablename__ = "catalogues"

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    mark: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class Departure(Base):
    """A track that was removed for good, so that whoever follows the catalogue learns of it."""

    __tablename__ = "track_departures"
    __table_args__ = (Index(None, "workspace_id", "version"),)

    track_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(BigInteger)


class Artist(Base):
    """A person or group of a workspace's catalogue.

    `identity` is what makes one unique: ``m:`` and the MusicBrainz id, or ``n:`` and the folded name. `name_key` and
    `sort_key` are folded once; `tracks` and `albums` count what is credited to the artist in any role. `image_key`
    names the picture, see `otolith.library.covers`.
    """

    __tablename__ = "artists"
    __table_args__ = (
        UniqueConstraint("workspace_id", "identity"),
        Index(None, "workspace_id", "sort_key", "id"),
        Index(None, "workspace_id", "name_key"),
        Index(None, "workspace_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    identity: Mapped[str] = mapped_column(String(KEY_LIMIT + 80))
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    sort_name: Mapped[str] = mapped_column(Text, default="")
    sort_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    mbid: Mapped[str | None] = mapped_column(String(36))
    tracks: Mapped[int] = mapped_column(Integer, default=0)
    albums: Mapped[int] = mapped_column(Integer, default=0)
    image_key: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class ArtistAlias(Base):
    """Another name of an artist, given by a person: credits of that name go to the artist."""

    __tablename__ = "artist_aliases"
    __table_args__ = (UniqueConstraint("workspace_id", "name_key"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    # The name that is meant, and it folded: artists come and go with their tracks, and a person's word stays.
    target: Mapped[str] = mapped_column(Text)
    target_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Spelling(Base):
    """How many counted tracks write a name of a person, a genre or a mood in one way.

    From these rows follow which identifiers a name has, and how it is displayed, without a look at all its tracks.
    `mbid` is empty where the files give none; `digest` stands for all of the text, which an index could not hold.
    """

    __tablename__ = "spellings"
    __table_args__ = (
        Index(None, "workspace_id", "kind", "name_key"),
        Index(None, "workspace_id", "mbid"),
        CheckConstraint("kind IN ('artist', 'genre', 'mood')", name="kind"),
    )

    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[SpellingKind] = mapped_column(String(8))
    name_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    mbid: Mapped[str] = mapped_column(String(36), default="")
    name: Mapped[str] = mapped_column(Text)
    sort_name: Mapped[str] = mapped_column(Text, default="")
    uses: Mapped[int] = mapped_column(Integer)


class Album(Base):
    """An album of a workspace's catalogue; docs/user/catalogue.md says which tracks make one.

    `artist` is as displayed; `duration` in seconds; `cover_key` names the picture, see `otolith.library.covers`.
    """

    __tablename__ = "albums"
    __table_args__ = (
        UniqueConstraint("workspace_id", "identity"),
        Index(None, "workspace_id", "title_key", "id"),
        Index(None, "workspace_id", "artist_key", "title_key", "id"),
        Index(None, "workspace_id", "added_at", "id"),
        Index(None, "workspace_id", "date", "title_key", "id"),
        Index(None, "workspace_id", "version"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    identity: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(Text)
    title_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    artist: Mapped[str] = mapped_column(Text, default="")
    artist_key: Mapped[str] = mapped_column(String(KEY_LIMIT), default="")
    release_mbid: Mapped[str | None] = mapped_column(String(36))
    release_group_mbid: Mapped[str | None] = mapped_column(String(36))
    year: Mapped[int | None] = mapped_column(Integer)
    date: Mapped[str] = mapped_column(Text, default="")
    original_date: Mapped[str] = mapped_column(Text, default="")
    edition: Mapped[str] = mapped_column(Text, default="")
    compilation: Mapped[bool] = mapped_column(Boolean, default=False)
    discs: Mapped[int] = mapped_column(Integer, default=1)
    tracks: Mapped[int] = mapped_column(Integer, default=0)
    duration: Mapped[float] = mapped_column(Float, default=0.0)
    cover_key: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    added_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, default=now)


class Term(Base):
    """A genre or a mood, told apart by its folded name."""

    __tablename__ = "terms"
    __table_args__ = (
        UniqueConstraint("workspace_id", "kind", "name_key"),
        CheckConstraint("kind IN ('genre', 'mood')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey(Workspace.id, ondelete="CASCADE"))
    kind: Mapped[TermKind] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(String(KEY_LIMIT))
    tracks: Mapped[int] = mapped_column(Integer, default=0)
