"""One recording: how it sounds, to see and to hear."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.http import CurrentActor, Reading, Writing
from otolith.library import service as library
from otolith.library.catalogue import service as catalogue
from otolith.library.catalogue.service import NoLyrics
from otolith.library.listens import service as listens
from otolith.library.models import Analysis
from otolith.library.schemas import TrackDetail, TrackFile
from otolith.web import queries
from otolith.web.formats import clock
from otolith.web.rendering import Tongue, render, tongue_of
from otolith.web.rows import sound_of
from otolith.web.shapes import beat_marks, beats_of, shape_of, stretches
from otolith.web.words import SEGMENTS

router = APIRouter(include_in_schema=False)

BINS = 720
# Shorter silences at the ends are in every recording, in seconds.
LEAST_SILENCE = 0.1


@router.get("/tracks/{track_id}")
def recording(request: Request, session: Reading, actor: CurrentActor, track_id: UUID) -> Response:
    track = library.get_track(session, actor, track_id)
    analysis = queries.analysis_of(session, actor, track_id)
    beats = beats_of(analysis.beats) if analysis else []
    level = queries.overviews(session, actor, [track.media_id]).get(track.media_id)
    shape = shape_of(*level, BINS) if level else None
    tongue = tongue_of(request)
    values = {
        "track": _facts(track),
        "belonging": queries.belonging_of(session, actor, track_id),
        "shape": shape,
        "beats": beat_marks(beats, track.duration or 0, shape.width) if shape else "",
        "beat_count": len(beats),
        "stretches": stretches(analysis.segments, analysis.duration, shape.width) if analysis and shape else [],
        "parts": _parts(analysis, tongue) if analysis else [],
        "sounding": _sounding(analysis, tongue) if analysis else [],
        "file": _file(track.file, tongue),
        "tags": _tags(track, tongue),
        "warnings": [warning.detail for warning in track.warnings],
        "lyrics": _lyrics(session, actor, track_id),
        "mine": listens.mine(session, actor, [track_id])[track_id],
        "may_rate": actor.user_id is not None and actor.role != "readonly",
        "may_edit": actor.may_edit(track.workspace_id),
    }
    return render(
        request,
        "recording.html",
        values,
        actor=actor,
        section="library",
        follows=track.state == "waiting",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


@router.post("/tracks/{track_id}/rating")
def rate(
    session: Writing,
    actor: CurrentActor,
    track_id: UUID,
    rating: Annotated[int, Form(ge=0, le=5)],
) -> Response:
    """Keep what the reader gives a track; nothing takes it back."""
    listens.rate(session, actor, track_id, rating or None)
    return RedirectResponse(f"/tracks/{track_id}", 303)


def _lyrics(session: Session, actor: Actor, track_id: UUID) -> list[str]:
    try:
        return [line.text for line in catalogue.lyrics_of(session, actor, track_id).lines]
    except NoLyrics:
        return []


def _parts(analysis: Analysis, tongue: Tongue) -> list[tuple[str, str]]:
    """The parts of a recording in words: what each is, and from when to when."""
    kinds = {kind: tongue.words.say(name) for kind, name in SEGMENTS.items()}
    return [
        (kinds[part["kind"]], f"{clock(part['start'])}–{clock(min(part['end'], analysis.duration))}")
        for part in analysis.segments
    ]


def _sounding(analysis: Analysis, tongue: Tongue) -> list[tuple[str, str, float | None]]:
    """What else was heard: a name, a value in words, and a share for a measure where it is one."""
    say, formats = tongue.words.say, tongue.formats
    found: list[tuple[str, str, float | None]] = []
    if analysis.energy is not None:
        found.append((say("Energy"), formats.percent(analysis.energy), analysis.energy))
    if analysis.voice is not None:
        found.append((say("Voice"), formats.percent(analysis.voice), analysis.voice))
    if analysis.onset_rate is not None:
        found.append((say("Notes a second"), formats.decimal(analysis.onset_rate), None))
    if analysis.brightness is not None:
        found.append((say("Brightness"), f"{formats.number(round(analysis.brightness))} Hz", None))
    if analysis.dynamics_db is not None:
        found.append((say("Dynamics"), f"{formats.decimal(analysis.dynamics_db)} dB", None))
    silences = (analysis.silence_start, analysis.silence_end)
    for name, seconds in zip((say("Silence before"), say("Silence after")), silences, strict=True):
        if seconds is not None and seconds >= LEAST_SILENCE:
            found.append((name, f"{formats.decimal(seconds)} s", None))
    return found


def _facts(track: TrackDetail) -> dict[str, Any]:
    features = track.features.model_dump() if track.features else {}
    sound = sound_of(track.media_id, missing=track.missing)
    return {
        "id": track.id,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "duration": track.duration,
        "state": track.state,
        "error": track.error,
        "missing": track.missing,
        "tempo": features.get("tempo"),
        "tempo_confidence": features.get("tempo_confidence"),
        "key": features.get("key"),
        "mode": features.get("mode"),
        "camelot": features.get("camelot"),
        "key_confidence": features.get("key_confidence"),
        "loudness": features.get("loudness_lufs"),
        "loudness_range": features.get("loudness_range_lu"),
        "true_peak": features.get("true_peak_dbtp"),
        "stream": sound.stream,
        "fallback": sound.fallback,
    }


def _file(file: TrackFile, tongue: Tongue) -> list[tuple[str, str, bool]]:
    """What is known of the file: a name, a value, and whether the value is code."""
    say, formats = tongue.words.say, tongue.formats
    found = [(say("Name"), file.name, False), (say("Size"), formats.size(file.size), False)]
    kind = {part.lower(): part for part in (file.codec, file.container) if part}
    if kind:
        found.append((say("Format"), " · ".join(reversed(kind.values())), False))
    sound = []
    if file.sample_rate:
        sound.append(f"{formats.number(file.sample_rate / 1000)} kHz")
    if file.channels:
        sound.append(tongue.words.channels(file.channels))
    if file.bits:
        sound.append(say("%(count)s bits", count=file.bits))
    if file.bit_rate:
        sound.append(f"{formats.number(round(file.bit_rate / 1000))} kbit/s")
    if sound:
        found.append((say("Sound"), " · ".join(sound), False))
    if file.sha256:
        found.append(("SHA-256", file.sha256, True))
    return found


def _tags(track: TrackDetail, tongue: Tongue) -> list[tuple[str, str]]:
    say = tongue.words.say
    named = (
        (say("Title"), track.title),
        (say("Artist"), track.artist),
        (say("Album"), track.album),
        (say("Album artist"), track.album_artist),
        (say("Track"), str(track.track_number or "")),
        (say("Disc"), str(track.disc_number or "")),
        (say("Date"), track.date),
        (say("Genre"), track.genre),
    )
    return [(name, value) for name, value in named if value]
