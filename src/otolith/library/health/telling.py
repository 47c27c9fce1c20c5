"""Findings in words: what is wrong with a track, an album or a group of files, and what to do about it."""

from collections.abc import Sequence
from typing import Any

from otolith.library.catalogue.models import Album
from otolith.library.events import shown
from otolith.library.health.kinds import KINDS, Field, Kind
from otolith.library.health.numbering import Numbered, faults_of
from otolith.library.health.queries import Seen
from otolith.library.health.schemas import HealthAlbum, HealthFinding, HealthTrack
from otolith.library.models import DAMAGE, Finding
from otolith.library.roots.whereabouts import Whereabouts

_NAMES: dict[Field, str] = {
    "title": "no title",
    "artist": "no artist",
    "album": "no album",
    "number": "no track number",
    "date": "no date",
    "genre": "no genre",
    "cover": "no cover",
}


def about_track(kind: Kind, seen: Seen) -> HealthFinding:
    """A finding of one track."""
    why, details = _WHY[kind](seen)
    return HealthFinding(
        kind=kind,
        key=str(seen.track.id),
        why=why,
        advice=KINDS[kind].advice,
        tracks=[track_of(seen)],
        details=details,
    )


def about_album(album: Album, tracks: Sequence[Seen]) -> HealthFinding:
    """What does not add up in an album, given with the tracks that are there."""
    numbers = (
        Numbered(one.track.disc_number, one.track.track_number, one.track.track_total, one.track.disc_total)
        for one in tracks
    )
    faults = faults_of(numbers)
    return HealthFinding(
        kind="albums",
        key=str(album.id),
        why=" ".join(fault.sentence[0].upper() + fault.sentence[1:] for fault in faults),
        advice=KINDS["albums"].advice,
        tracks=[track_of(one) for one in tracks],
        album=HealthAlbum(id=album.id, title=album.title, artist=album.artist),
        details={"faults": [fault.as_dict() for fault in faults]},
    )


def about_group(kind: Kind, key: str, tracks: Sequence[Seen], waste: int) -> HealthFinding:
    """Several files that are the same, or hold the same recording."""
    best = best_of(tracks) if tracks else None
    said = f"{len(tracks)} files are the same" if kind == "copies" else f"{len(tracks)} files hold the same recording"
    return HealthFinding(
        kind=kind,
        key=key,
        why=f"{said}; all but one of them take {waste / 1_000_000:.1f} MB.",
        advice=KINDS[kind].advice,
        tracks=[track_of(one, best=one is best) for one in tracks],
        details={"bytes": waste},
    )


def about_masters(key: str, one: Sequence[Seen], other: Sequence[Seen]) -> HealthFinding:
    """Two groups of files that hold the same recording, mastered differently."""
    first, second = _loudness(one), _loudness(other)
    why = f"{len(one) + len(other)} files hold the same recording, mastered differently."
    if first is not None and second is not None:
        why += f" One lies at {first:.1f} LUFS, the other at {second:.1f} LUFS."
    return HealthFinding(
        kind="masters",
        key=key,
        why=why,
        advice=KINDS["masters"].advice,
        tracks=[track_of(seen) for seen in (*one, *other)],
        details={"masters": [[str(seen.track.id) for seen in group] for group in (one, other)]},
    )


def _loudness(tracks: Sequence[Seen]) -> float | None:
    return next((seen.loudness for seen in tracks if seen.loudness is not None), None)


def about_refused(finding: Finding) -> HealthFinding:
    """A file that became no track."""
    return HealthFinding(
        kind="refused",
        key=finding.path_digest.hex(),
        why=finding.error,
        advice=KINDS["refused"].advice,
        tracks=[],
        path=shown(finding.path),
        details={"kind": finding.kind},
    )


def as_told(finding: HealthFinding, where: Whereabouts) -> HealthFinding:
    """A finding with its files where the caller is told that they lie."""
    tracks = [one.model_copy(update={"path": where.path(one.path) if one.path else None}) for one in finding.tracks]
    path = where.path(finding.path) if finding.path else None
    return finding.model_copy(update={"tracks": tracks, "path": path, "why": where.text(finding.why)})


def track_of(seen: Seen, *, best: bool = False) -> HealthTrack:
    track, media = seen.track, seen.media
    return HealthTrack(
        id=track.id,
        workspace_id=track.workspace_id,
        media_id=media.id,
        title=track.title,
        artist=track.artist,
        album=track.album,
        number=track.track_number,
        disc=track.disc_number,
        name=media.name,
        path=shown(media.path) if media.path is not None else None,
        size=media.size,
        codec=media.codec,
        bit_rate=media.bit_rate,
        lossless=media.lossless,
        duration=media.duration,
        loudness_lufs=seen.loudness,
        best=best,
    )


def best_of(tracks: Sequence[Seen]) -> Seen:
    """Of several files of one recording, the one to keep for its sound."""
    return max(tracks, key=_worth)


def _worth(seen: Seen) -> tuple[bool, int, float, int]:
    media = seen.media
    # Among equals the one that was there first, whose plays and ratings are the oldest.
    return bool(media.lossless), media.bit_rate or 0, round(media.duration or 0.0), -seen.track.id.int


def _unreadable(seen: Seen) -> tuple[str, dict[str, Any]]:
    return seen.track.error or "The file could not be heard.", {}


def _damaged(seen: Seen) -> tuple[str, dict[str, Any]]:
    notes = [note for note in seen.notes or [] if note["kind"] in DAMAGE]
    return " ".join(note["detail"] for note in notes), {"notes": notes}


def _missing(seen: Seen) -> tuple[str, dict[str, Any]]:
    where = shown(seen.media.path) if seen.media.path is not None else seen.media.name
    return f"{where} was gone at the last scan.", {}


def _tags(seen: Seen) -> tuple[str, dict[str, Any]]:
    track = seen.track
    lacks: dict[Field, bool] = {
        "title": not seen.titled,
        "artist": not track.artist,
        "album": not track.album,
        "number": track.track_number is None and bool(track.album),
        "date": not track.date,
        "genre": not track.genre,
        "cover": seen.cover is None,
    }
    fields = [field for field, lacking in lacks.items() if lacking]
    return f"It has {_listed([_NAMES[field] for field in fields])}.", {"fields": fields}


def _clipped(seen: Seen) -> tuple[str, dict[str, Any]]:
    peak = round(seen.peak or 0.0, 2)
    return f"Its true peak is {peak:.1f} dB above full scale.", {"true_peak_dbtp": peak}


def _outdated(_seen: Seen) -> tuple[str, dict[str, Any]]:
    return "Not all engines could hear it again.", {}


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


_WHY = {
    "unreadable": _unreadable,
    "damaged": _damaged,
    "missing": _missing,
    "tags": _tags,
    "clipped": _clipped,
    "outdated": _outdated,
}
