"""Libraries that are older than the catalogue: the next scan files what is there, and hears nothing again."""

from pathlib import Path

from sqlalchemy import select, update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.catalogue.models import Artist
from otolith.library.models import Track
from otolith.media.tags import write_tags
from tests.library.conftest import Scan, write_tone


def test_what_was_never_filed_is_filed_by_the_next_scan(scan: Scan, context: Context, tmp_path: Path) -> None:
    write_tags(write_tone(tmp_path / "music" / "1.wav"), {"title": "One", "artist": "A"})
    scan(tmp_path / "music")
    with context.database.write(SYSTEM) as session:
        heard = session.scalars(select(Track.state)).one()
        # As a release without a catalogue left it.
        session.execute(update(Track).values(counted=False, tags={}, album_key=None, version=0))
        session.execute(update(Artist).values(tracks=0))
    assert scan(tmp_path / "music").failed == []
    with context.database.read(SYSTEM) as session:
        track = session.scalars(select(Track)).one()
        assert (track.counted, track.state, heard) == (True, "analysed", "analysed")
        assert session.scalars(select(Artist.tracks)).one() == 1
    assert scan(tmp_path / "music").unchanged == 1
