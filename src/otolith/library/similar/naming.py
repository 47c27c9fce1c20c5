"""Which track a person means: by its id, its file, or words of its title and artist."""

from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.errors import BadRequest, NotFound
from otolith.library.folding import fold
from otolith.library.similar import queries


class NoSuchTrack(NotFound):
    """No track of the library is called so. Give its file, words of its title and artist, or its id."""


class SeveralTracks(BadRequest):
    """Several tracks are called so; give more words, or the id."""


def track_named(session: Session, actor: Actor, name: str, path: bytes | None = None) -> UUID:
    """The track that `name` means, where `path` is the file of that name, if there is one."""
    if path is not None:
        found = queries.track_at(session, actor, path)
        if found is not None:
            return found
    try:
        return UUID(name)
    except ValueError:
        words = fold(name).split()
    named = queries.tracks_called(session, actor, words, 6) if words else []
    if not named:
        raise NoSuchTrack
    exact = [one for one in named if one.title_key == fold(name)]
    if len(named) > 1 and len(exact) != 1:
        some = "; ".join(f"{one.artist or '?'}: {one.title} ({one.id})" for one in named[:5])
        raise SeveralTracks(f"Several tracks are called so; give more words, or the id. For example: {some}")
    found_id: UUID = (exact or named)[0].id
    return found_id
