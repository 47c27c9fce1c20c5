"""Tracks and what they have in common, as the API shows them."""

from otolith.library.similar.engine.reasons import Traits, reasons
from otolith.library.similar.queries import Seen
from otolith.library.similar.schemas import Common, SoundTrack


def shown(seen: Seen) -> SoundTrack:
    """A track as lists of what sounds alike show it."""
    return SoundTrack(**{name: getattr(seen.row, name) for name in SoundTrack.model_fields})


def shown_likeness(value: float) -> float:
    """A likeness as it is answered, from 0 to 1: what is below 0 is no less like than two by chance."""
    return round(min(1.0, max(0.0, value)), 4)


def common(one: Seen, other: Seen) -> list[Common]:
    """What two tracks have in common."""
    return [
        Common(code=reason.code, seed=reason.seed, track=reason.track)
        for reason in reasons(_traits(one), _traits(other))
    ]


def _traits(seen: Seen) -> Traits:
    row = seen.row
    return Traits(
        row.tempo, row.camelot, row.brightness, row.energy, row.voice, row.artist, row.genre, row.timbre or {}
    )
