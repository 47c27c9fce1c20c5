"""What was heard: the list of recordings, and uploads for browsers without JavaScript."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library import service as library
from otolith.library.schemas import TrackFeatures, TrackItem
from otolith.media import service as media
from otolith.web import queries
from otolith.web.rendering import API, Message, Tongue, render, tongue_of
from otolith.web.shapes import sketch_of

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
LIST_BINS = 72
# After an upload without JavaScript, the page of the jobs asks for itself anew this often, in seconds.
LOOK_AGAIN = 5


@dataclass(frozen=True, slots=True)
class Sound:
    """What the player needs of a recording: where its bytes are, and where they are in a form every browser plays."""

    stream: str
    fallback: str


def sound_of(media_id: UUID, *, missing: bool) -> Sound:
    if missing:
        return Sound("", "")
    stream = f"{API}/media/{media_id}/stream"
    return Sound(stream, f"{stream}?format=mp3")


def row_of(track: TrackItem, tongue: Tongue, levels: Mapping[UUID, tuple[bytes, bytes]]) -> dict[str, Any]:
    """A recording as its row in the list shows it."""
    features = track.features
    sound = sound_of(track.media_id, missing=track.missing)
    return {
        "id": track.id,
        "title": track.title,
        "artist": track.artist,
        "duration": track.duration,
        "state": track.state,
        "tempo": features and features.tempo,
        "key": features and features.key,
        "mode": features and features.mode,
        "loudness": features and features.loudness_lufs,
        "facts": facts_of(features, tongue) if features else [],
        "wave": sketch_of(levels[track.media_id][0], LIST_BINS) if track.media_id in levels else None,
        "stream": sound.stream,
        "fallback": sound.fallback,
    }


def facts_of(features: TrackFeatures, tongue: Tongue) -> list[str]:
    """The features in few words, for narrow screens."""
    decimal = tongue.formats.decimal
    found = []
    if features.tempo is not None:
        found.append(f"{decimal(features.tempo, 0)} BPM")
    if features.key is not None and features.mode is not None:
        found.append(tongue.words.key_and_mode(features.key, features.mode))
    if features.loudness_lufs is not None:
        found.append(f"{decimal(features.loudness_lufs)} LUFS")
    return found


def _home(
    request: Request,
    context: Context,
    session: Session,
    actor: Actor,
    cursor: str | None = None,
    messages: Sequence[Message] = (),
    status: int = 200,
) -> Response:
    tongue = tongue_of(request)
    page = library.list_tracks(session, actor, cursor=cursor, limit=PER_PAGE)
    levels = queries.overviews(session, actor, [track.media_id for track in page.items])
    values = {
        "tracks": [row_of(track, tongue, levels) for track in page.items],
        "total": page.total,
        "older": page.next,
        "newer": cursor,
        "may_upload": any(actor.may_edit(workspace) for workspace in actor.workspaces),
        "limit": context.settings.media.upload_limit,
    }
    return render(
        request,
        "home.html",
        values,
        actor=actor,
        section="heard",
        follows=True,
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=messages,
        status=status,
        address=None if request.method == "GET" else "/",
    )


@router.get("/")
def home(request: Request, context: Ctx, session: Reading, actor: CurrentActor, cursor: str | None = None) -> Response:
    return _home(request, context, session, actor, cursor or None)


@router.post("/upload")
async def upload(request: Request, context: Ctx, actor: CurrentActor) -> Response:
    """Take the files of the form that works without JavaScript, and show them at work or say what was refused."""
    received = await media.receive(context, actor, request)
    refused = [(file.name, file.refused) for file in received if file.refused is not None]
    if not refused:
        return RedirectResponse(f"/activity?refresh={LOOK_AGAIN}", 303)

    def answer() -> Response:
        messages = [Message(f"{name}:", bad=True, reason=error.detail) for name, error in refused]
        if stored := len(received) - len(refused):
            said = tongue_of(request).words.say("%(count)s stored. What was refused:", count=stored)
            messages.insert(0, Message(said))
        with context.database.read(actor) as session:
            return _home(request, context, session, actor, messages=messages, status=refused[0][1].status)

    return await to_thread.run_sync(answer)
