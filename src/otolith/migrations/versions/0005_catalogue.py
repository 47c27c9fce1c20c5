"""The catalogue: artists, albums, genres, and what joins them to tracks; what scans and analyses learnt to say.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from otolith.core.db import UtcDateTime
from otolith.migrations.row_security import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = {
    "analyses": (
        "energy",
        "voice",
        "onset_rate",
        "brightness",
        "dynamics_db",
        "silence_start",
        "silence_end",
        "segments",
        "timbre",
        "embedding",
        "renewal_failed",
    ),
    "scans": ("phases", "paused_at", "away_why"),
    "tracks": (
        "track_total",
        "disc_total",
        "year",
        "compilation",
        "duration",
        "album_id",
        "recording_mbid",
        "release_mbid",
        "album_key",
        "album_facts",
        "counted",
        "cover_key",
        "tags",
        "edits",
        "lyrics_ns",
        "version",
    ),
}


def upgrade() -> None:
    _catalogues()
    _track_departures()
    _artists()
    _artist_aliases()
    _spellings()
    _albums()
    _terms()
    _tracks()
    _analyses_and_scans()
    _credits()
    _album_credits()
    _track_terms()
    _lyrics()


def _catalogues() -> None:
    op.create_table(
        "catalogues",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_catalogues_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_catalogues"),
    )
    protect(op, "catalogues")


def _track_departures() -> None:
    op.create_table(
        "track_departures",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_track_departures_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", name="pk_track_departures"),
    )
    op.create_index("ix_track_departures_workspace_id_version", "track_departures", ["workspace_id", "version"])
    protect(op, "track_departures")


def _artists() -> None:
    op.create_table(
        "artists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.String(120), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.String(120), nullable=False),
        sa.Column("mbid", sa.String(36), nullable=True),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.Column("albums", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_artists_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_artists"),
        sa.UniqueConstraint("workspace_id", "identity", name="uq_artists_workspace_id_identity"),
    )
    op.create_index("ix_artists_workspace_id_name_key", "artists", ["workspace_id", "name_key"])
    op.create_index("ix_artists_workspace_id_sort_key_id", "artists", ["workspace_id", "sort_key", "id"])
    op.create_index("ix_artists_workspace_id_version", "artists", ["workspace_id", "version"])
    protect(op, "artists")


def _artist_aliases() -> None:
    op.create_table(
        "artist_aliases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.String(120), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("target_key", sa.String(120), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_artist_aliases_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_artist_aliases"),
        sa.UniqueConstraint("workspace_id", "name_key", name="uq_artist_aliases_workspace_id_name_key"),
    )
    protect(op, "artist_aliases")


def _spellings() -> None:
    op.create_table(
        "spellings",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name_key", sa.String(120), nullable=False),
        sa.Column("mbid", sa.String(36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('artist', 'genre', 'mood')", name="ck_spellings_kind"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_spellings_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name="pk_spellings"),
    )
    op.create_index("ix_spellings_workspace_id_kind_name_key", "spellings", ["workspace_id", "kind", "name_key"])
    op.create_index("ix_spellings_workspace_id_mbid", "spellings", ["workspace_id", "mbid"])
    protect(op, "spellings")


def _albums() -> None:
    op.create_table(
        "albums",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.String(120), nullable=False),
        sa.Column("artist", sa.Text(), nullable=False),
        sa.Column("artist_key", sa.String(120), nullable=False),
        sa.Column("release_mbid", sa.String(36), nullable=True),
        sa.Column("release_group_mbid", sa.String(36), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("date", sa.Text(), nullable=False),
        sa.Column("original_date", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("compilation", sa.Boolean(), nullable=False),
        sa.Column("discs", sa.Integer(), nullable=False),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("cover_key", sa.String(64), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_albums_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_albums"),
        sa.UniqueConstraint("workspace_id", "identity", name="uq_albums_workspace_id_identity"),
    )
    op.create_index("ix_albums_workspace_id_added_at_id", "albums", ["workspace_id", "added_at", "id"])
    op.create_index(
        "ix_albums_workspace_id_artist_key_title_key_id", "albums", ["workspace_id", "artist_key", "title_key", "id"]
    )
    op.create_index("ix_albums_workspace_id_date_title_key_id", "albums", ["workspace_id", "date", "title_key", "id"])
    op.create_index("ix_albums_workspace_id_title_key_id", "albums", ["workspace_id", "title_key", "id"])
    op.create_index("ix_albums_workspace_id_version", "albums", ["workspace_id", "version"])
    protect(op, "albums")


def _terms() -> None:
    op.create_table(
        "terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.String(120), nullable=False),
        sa.Column("tracks", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('genre', 'mood')", name="ck_terms_kind"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_terms_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_terms"),
        sa.UniqueConstraint("workspace_id", "kind", "name_key", name="uq_terms_workspace_id_kind_name_key"),
    )
    protect(op, "terms")


def _credits() -> None:
    op.create_table(
        "credits",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("artist_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.String(120), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("mbid", sa.String(36), nullable=True),
        sa.ForeignKeyConstraint(["artist_id"], ["artists.id"], name="fk_credits_artist_id_artists", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_credits_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_credits_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "role", "position", name="pk_credits"),
    )
    op.create_index("ix_credits_artist_id_role", "credits", ["artist_id", "role"])
    op.create_index("ix_credits_workspace_id_name_key", "credits", ["workspace_id", "name_key"])
    protect(op, "credits")


def _album_credits() -> None:
    op.create_table(
        "album_credits",
        sa.Column("album_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("artist_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["album_id"], ["albums.id"], name="fk_album_credits_album_id_albums", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["artist_id"], ["artists.id"], name="fk_album_credits_artist_id_artists", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_album_credits_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("album_id", "position", name="pk_album_credits"),
    )
    op.create_index("ix_album_credits_artist_id", "album_credits", ["artist_id"])
    protect(op, "album_credits")


def _track_terms() -> None:
    op.create_table(
        "track_terms",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["term_id"], ["terms.id"], name="fk_track_terms_term_id_terms", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_track_terms_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_track_terms_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "term_id", name="pk_track_terms"),
    )
    op.create_index("ix_track_terms_term_id_track_id", "track_terms", ["term_id", "track_id"])
    protect(op, "track_terms")


def _lyrics() -> None:
    op.create_table(
        "lyrics",
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_lyrics_track_id_tracks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name="fk_lyrics_workspace_id_workspaces", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", name="pk_lyrics"),
    )
    op.create_index("ix_lyrics_workspace_id", "lyrics", ["workspace_id"])
    protect(op, "lyrics")


def _tracks() -> None:
    op.add_column("tracks", sa.Column("track_total", sa.Integer(), nullable=True))
    op.add_column("tracks", sa.Column("disc_total", sa.Integer(), nullable=True))
    op.add_column("tracks", sa.Column("year", sa.Integer(), nullable=True))
    op.add_column("tracks", sa.Column("compilation", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tracks", sa.Column("duration", sa.Float(), nullable=True))
    op.add_column("tracks", sa.Column("recording_mbid", sa.String(36), nullable=True))
    op.add_column("tracks", sa.Column("release_mbid", sa.String(36), nullable=True))
    op.add_column("tracks", sa.Column("album_key", sa.String(32), nullable=True))
    op.add_column("tracks", sa.Column("album_facts", sa.Text(), nullable=True))
    op.add_column("tracks", sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tracks", sa.Column("cover_key", sa.String(64), nullable=True))
    _add_json("tracks", "{}", "tags")
    op.add_column("tracks", sa.Column("edits", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("tracks", sa.Column("lyrics_ns", sa.BigInteger(), nullable=True))
    op.add_column("tracks", sa.Column("version", sa.BigInteger(), nullable=False, server_default="0"))
    # SQLite cannot add a constraint to a table, so the table is copied there.
    with op.batch_alter_table("tracks") as batch:
        batch.add_column(sa.Column("album_id", sa.Uuid(), nullable=True))
        batch.create_foreign_key("fk_tracks_album_id_albums", "albums", ["album_id"], ["id"], ondelete="SET NULL")
    op.create_index(
        "ix_tracks_album_id_disc_number_track_number", "tracks", ["album_id", "disc_number", "track_number"]
    )
    op.create_index("ix_tracks_workspace_id_album_key", "tracks", ["workspace_id", "album_key"])
    op.create_index("ix_tracks_workspace_id_version", "tracks", ["workspace_id", "version"])


def _analyses_and_scans() -> None:
    op.add_column("analyses", sa.Column("energy", sa.Float(), nullable=True))
    op.add_column("analyses", sa.Column("voice", sa.Float(), nullable=True))
    op.add_column("analyses", sa.Column("onset_rate", sa.Float(), nullable=True))
    op.add_column("analyses", sa.Column("brightness", sa.Float(), nullable=True))
    op.add_column("analyses", sa.Column("dynamics_db", sa.Float(), nullable=True))
    op.add_column("analyses", sa.Column("silence_start", sa.Float(), nullable=True))
    op.add_column("analyses", sa.Column("silence_end", sa.Float(), nullable=True))
    _add_json("analyses", "[]", "segments")
    _add_json("analyses", "{}", "timbre")
    op.add_column("analyses", sa.Column("embedding", sa.LargeBinary(), nullable=True))
    op.add_column("analyses", sa.Column("renewal_failed", sa.String(200), nullable=True))
    _add_json("scans", "[]", "phases")
    op.add_column("scans", sa.Column("paused_at", UtcDateTime(), nullable=True))
    op.add_column("scans", sa.Column("away_why", sa.Text(), nullable=True))


def _add_json(table: str, default: str, *names: str) -> None:
    """Columns of JSON that old rows fill with `default` and new ones must name."""
    with op.batch_alter_table(table) as batch:
        for name in names:
            batch.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default=default))
    with op.batch_alter_table(table) as batch:
        for name in names:
            batch.alter_column(name, existing_type=sa.JSON(), server_default=None)


def downgrade() -> None:
    for table in ("lyrics", "track_terms", "album_credits", "credits"):
        op.drop_table(table)
    for index in (
        "ix_tracks_album_id_disc_number_track_number",
        "ix_tracks_workspace_id_album_key",
        "ix_tracks_workspace_id_version",
    ):
        op.drop_index(index, "tracks")
    with op.batch_alter_table("tracks") as batch:
        batch.drop_constraint("fk_tracks_album_id_albums", type_="foreignkey")
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)
    for table in ("terms", "albums", "spellings", "artist_aliases", "artists", "track_departures", "catalogues"):
        op.drop_table(table)
