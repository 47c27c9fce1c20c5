"""A database from before the catalogue, brought to the newest schema with what was in it."""

from pathlib import Path
from uuid import UUID

from alembic import command
from sqlalchemy import func, select, text

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import Base, Database
from otolith.library.catalogue.models import Album
from otolith.library.models import Analysis, Finding, Scan, Track
from otolith.media.models import Media
from otolith.media.tags import write_tags
from otolith.migrations.migrate import alembic_config, migrate
from tests.library.conftest import Scan as ScanFolder
from tests.library.conftest import write_tone

TABLES: tuple[type[Base], ...] = (Track, Media, Analysis, Scan, Finding)


def rows(database: Database, table: type[Base]) -> int:
    with database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_an_older_database_keeps_all_it_holds_and_the_next_scan_makes_the_catalogue(
    scan: ScanFolder, context: Context, workspace: UUID, tmp_path: Path
) -> None:
    music = tmp_path / "music"
    for hertz in (300, 400):
        write_tags(write_tone(music / f"{hertz}.wav", hertz=hertz), {"artist": ["Muse"], "album": ["Live"]})
    (music / "broken.mp3").write_bytes(b"nothing at all")
    scan(music)
    before = [rows(context.database, table) for table in TABLES]
    assert before == [2, 2, 2, 1, 1]
    with context.database.restructure(SYSTEM) as session:
        command.downgrade(alembic_config(session.connection()), "0004")
    assert migrate(context.database) is True
    assert [rows(context.database, table) for table in TABLES] == before
    assert rows(context.database, Album) == 0
    report = scan(music)
    assert (report.added, report.updated, report.failures) == (0, 2, 1)
    with context.database.read(SYSTEM) as session:
        assert session.execute(select(Album.title, Album.tracks)).one() == ("Live", 2)
        assert set(session.scalars(select(Track.state))) == {"analysed"}


def test_references_are_watched_again_after_an_upgrade(database: Database) -> None:
    with database.restructure(SYSTEM) as session:
        command.downgrade(alembic_config(session.connection()), "0004")
    migrate(database)
    if database.is_sqlite:
        with database.read(SYSTEM) as session:
            assert session.scalar(text("PRAGMA foreign_keys")) == 1
