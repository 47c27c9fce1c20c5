"""Filing: what files say becomes tracks, artists, albums, genres and lyrics, the same in whatever order they come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from otolith.core.ids import new_id
from otolith.library.catalogue import filing_queries as queries
from otolith.library.catalogue.crediting import Artists, note_names
from otolith.library.catalogue.describing import describe
from otolith.library.catalogue.entries import Entry, Standing, load_links
from otolith.library.catalogue.labelling import Labels
from otolith.library.catalogue.lyrics import Words, keep_lyrics
from otolith.library.catalogue.names import Names
from otolith.library.catalogue.shelving import Shelves
from otolith.library.catalogue.versions import next_version
from otolith.library.models import Track
from otolith.media.engine.tagedit import edited
from otolith.media.engine.tagging import Tags

_PORTION: Final = 500
_NO_DIFFERENCE: Final = 0.005


@dataclass(frozen=True, slots=True)
class Filed:
    """A track with what its file says: `name` is the file's name, `path` its place, where it is a library file.

    `lyrics_file` is the text of the ``.lrc`` file beside it. A new track needs no more than its workspace and media,
    and need not be added to the session yet.
    """

    track: Track
    tags: Tags
    name: str
    path: bytes | None = None
    lyrics_file: str | None = None


def file_tracks(session: Session, workspace_id: UUID, filed: Sequence[Filed]) -> None:
    """Put tracks in their places in the catalogue, by what their files say and what people changed about it.

    The files were read just now, so the tracks count. It takes the catalogue's next version first.
    """
    with session.no_autoflush:
        version = next_version(session, workspace_id)
        for some in queries.portions(filed, _PORTION):
            _file(session, workspace_id, version, some)


def refile(session: Session, workspace_id: UUID, track_ids: Collection[UUID]) -> None:
    """File tracks again, by their stored tags and edits: after an edit, or when they went missing or came back.

    Lyrics stay as they are but where an edit names them.
    """
    with session.no_autoflush:
        version = next_version(session, workspace_id)
        _refile(session, workspace_id, version, sorted(track_ids))


def remove_tracks(session: Session, workspace_id: UUID, track_ids: Collection[UUID]) -> None:
    """Remove tracks for good, and tell followers so. Their media rows are the caller's to keep or delete."""
    with session.no_autoflush:
        version = next_version(session, workspace_id)
        for some in queries.portions(sorted(track_ids), _PORTION):
            entries = [
                Entry(track, None, counts=False, before=_standing(track))
                for track, _ in queries.stored_tracks(session, workspace_id, some)
            ]
            _place(session, workspace_id, version, entries, {entry.track.id for entry in entries})
            ids = [entry.track.id for entry in entries]
            for entry in entries:
                session.expunge(entry.track)
            queries.drop_tracks(session, ids)
            queries.note_departures(session, workspace_id, ids, version)


def note_duration(session: Session, track: Track, seconds: float) -> None:
    """Take note of how long a track truly is, and with it its album; its version is the caller's to stamp."""
    if track.duration is not None and abs(track.duration - seconds) < _NO_DIFFERENCE:
        return
    track.duration = seconds
    session.flush()
    if track.album_id is not None:
        queries.sum_durations(session, track.album_id, track.version)


def _file(session: Session, workspace_id: UUID, version: int, filed: Sequence[Filed]) -> None:
    known = {one.track.id for one in filed if not _is_new(one.track)}
    edits = queries.edits_of(session, known)
    entries = []
    lyrics = []
    for one in filed:
        track = one.track
        before = _standing(track) if track.id in known else Standing()
        if track.id is None:
            track.id = new_id()
        said = edited(one.tags, edits.get(track.id) or {})
        track.tags = one.tags.as_stored()
        # What an analysis measured is truer than what the headers say.
        if track.state != "analysed" or track.duration is None:
            track.duration = one.tags.length
        entries.append(Entry(track, describe(said, one.name, one.path), counts=True, before=before))
        lyrics.append(Words(track.id, said.lyrics, one.lyrics_file))
        session.add(track)
    _place(session, workspace_id, version, entries, known)
    keep_lyrics(session, workspace_id, lyrics, known)


def _refile(session: Session, workspace_id: UUID, version: int, track_ids: Sequence[UUID]) -> None:
    for some in queries.portions(track_ids, _PORTION):
        entries = []
        lyrics = []
        for track, media in queries.stored_tracks(session, workspace_id, some):
            edits = track.edits or {}
            said = edited(_stored_tags(track), edits)
            described = describe(said, media.name, media.path)
            entries.append(Entry(track, described, counts=not media.missing, before=_standing(track)))
            if "lyrics" in edits:
                lyrics.append(Words(track.id, said.lyrics, None))
        ids = {entry.track.id for entry in entries}
        _place(session, workspace_id, version, entries, ids)
        keep_lyrics(session, workspace_id, lyrics, ids)


def _standing(track: Track) -> Standing:
    return Standing(track.counted, track.album_id, track.album_key)


def _stored_tags(track: Track) -> Tags:
    """The tags that a track was filed by; one that is older than the catalogue has its columns only."""
    if track.tags:
        return Tags.from_dict(track.tags)
    return Tags(
        title=track.title or None,
        artist=track.artist or None,
        artists=(track.artist,) if track.artist else (),
        album=track.album or None,
        album_artist=track.album_artist or None,
        album_artists=(track.album_artist,) if track.album_artist else (),
        genres=(track.genre,) if track.genre else (),
        date=track.date or None,
        track=track.track_number,
        disc=track.disc_number,
        length=track.duration,
    )


def _is_new(track: Track) -> bool:
    state = inspect(track)
    return bool(state.transient or state.pending)


def _place(
    session: Session, workspace_id: UUID, version: int, entries: Sequence[Entry], known: Collection[UUID]
) -> None:
    """Bring the catalogue from what the entries were to what they are."""
    load_links(session, entries, known)
    names = Names(session, workspace_id)
    note_names(names, entries)
    artists = Artists(session, workspace_id, version, names)
    artists.prepare(entries)
    shelves = Shelves(session, workspace_id, version, names, artists)
    shelves.place(entries)
    for entry in entries:
        track = entry.track
        for name, value in entry.described.columns.items() if entry.described is not None else ():
            setattr(track, name, value)
        track.counted, track.version = entry.counts, version
    session.flush()
    artists.store_credits(entries)
    Labels(session, workspace_id).store(entries)
    shelves.settle()
    artists.settle()
    # Where a name means another artist now, its other tracks follow; they write no name in a new way, so this ends.
    others = queries.tracks_named(session, workspace_id, *names.turned()) - {entry.track.id for entry in entries}
    if others:
        _refile(session, workspace_id, version, sorted(others))
