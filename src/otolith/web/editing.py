"""Changing tags: a form, what it would change, and changes to write into the files or to take back."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError, BadRequest
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.library.editing import service as editing
from otolith.library.editing.fields import LISTS, NUMBERS, said
from otolith.library.editing.schemas import MOST_TRACKS, EditItem, EditRequest
from otolith.library.editing.service import TracksNotFound
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.words import EDIT_STATES, TAGS

router = APIRouter(include_in_schema=False)

FORM: Final = (
    *("title", "artist", "album", "album_artist", "track", "track_total", "disc", "disc_total"),
    *("date", "genres", "composers", "compilation", "comment", "lyrics"),
)
# What each track has of its own, and nobody gives to several at once.
SINGLE: Final = frozenset({"title", "track", "lyrics"})
LONG: Final = frozenset({"comment", "lyrics"})
SEVERAL: Final = frozenset(LISTS)
PER_PAGE: Final = 50
# How many of the tracks a page about many of them names.
NAMED: Final = 200

Ids = Annotated[list[UUID], Query(alias="track", max_length=MOST_TRACKS)]


class Filled(BaseModel):
    """The form as it comes back; `was` is what stood in it, so that only what somebody changed is changed."""

    track: list[UUID] = Field(min_length=1, max_length=MOST_TRACKS)
    was: str = Field(default="{}", max_length=1 << 18)
    title: str = ""
    artist: str = ""
    album: str = ""
    album_artist: str = ""
    track_number: str = ""
    track_total: str = ""
    disc: str = ""
    disc_total: str = ""
    date: str = ""
    genres: str = ""
    composers: str = ""
    compilation: str = ""
    comment: str = ""
    lyrics: str = ""

    def given(self) -> dict[str, str]:
        """The fields by their names in tags, with the line ends that tags have."""
        texts = {name: getattr(self, "track_number" if name == "track" else name) for name in FORM}
        return {name: text.replace("\r\n", "\n").strip() for name, text in texts.items()}


@router.get("/edit")
def form(
    request: Request,
    session: Reading,
    actor: CurrentActor,
    tracks: Ids = [],  # noqa: B006 -- FastAPI copies it.
    album: UUID | None = None,
) -> Response:
    """The form for some tracks, or for all of an album."""
    wanted = tracks or (queries.tracks_of_album(session, actor, album, MOST_TRACKS) if album else [])
    return _form(request, session, actor, wanted, f"/albums/{album}" if album else None)


@router.get("/tracks/{track_id}/edit")
def form_of_one(request: Request, session: Reading, actor: CurrentActor, track_id: UUID) -> Response:
    return _form(request, session, actor, [track_id], None)


def _form(
    request: Request,
    session: Session,
    actor: Actor,
    wanted: Sequence[UUID],
    back: str | None,
    *,
    filled: Mapping[str, str] | None = None,
    fault: Message | None = None,
) -> Response:
    rows = queries.tagged(session, actor, wanted)
    if not rows or len(rows) < len(set(wanted)):
        raise TracksNotFound
    tongue = tongue_of(request)
    before = _common([said(editing.current(track, lyrics)) for track, lyrics in rows])
    values = {
        "tracks": [(track.id, track.title) for track, _ in rows],
        "fields": _fields(before, filled or {}, tongue, single=len(rows) == 1),
        "was": json.dumps({name: text for name, text in before.items() if text is not None}),
        "back": back or (f"/tracks/{rows[0][0].id}" if len(rows) == 1 else "/library/tracks"),
    }
    return render(
        request,
        "edit.html",
        values,
        actor=actor,
        section="library",
        messages=[fault] if fault else [],
        status=400 if fault else 200,
        address=None if request.method == "GET" else "/library",
    )


def _common(texts: Sequence[Mapping[str, list[str]]]) -> dict[str, str | None]:
    """What all tracks say in each field of the form; None where they differ."""
    found: dict[str, str | None] = {}
    for name in FORM:
        said_of_it = {"; ".join(one.get(name, [])) for one in texts}
        found[name] = said_of_it.pop() if len(said_of_it) == 1 else None
    return found


def _fields(
    before: Mapping[str, str | None], filled: Mapping[str, str], tongue: Tongue, *, single: bool
) -> list[dict[str, Any]]:
    return [
        {
            "name": "track_number" if name == "track" else name,
            "label": tongue.words.say(TAGS[name]),
            "value": filled.get(name, before[name] or ""),
            "various": before[name] is None,
            "kind": "long" if name in LONG else "flag" if name == "compilation" else "text",
            "number": name in NUMBERS,
            "several": name in SEVERAL,
        }
        for name in FORM
        if single or name not in SINGLE
    ]


@router.post("/edit")
def preview(
    request: Request, context: Ctx, session: Reading, actor: CurrentActor, filled: Annotated[Filled, Form()]
) -> Response:
    """What the form would change, to be kept or to be gone back from."""
    given = filled.given()
    try:
        wish = EditRequest.model_validate({"tracks": filled.track, "changes": _changes(given, filled.was)})
        return _preview(request, session, context, actor, wish)
    except ValidationError as error:
        fault = _fault(error, tongue_of(request))
    except BadRequest as error:
        fault = Message("", bad=True, reason=error.detail)
    return _form(request, session, actor, filled.track, None, filled=given, fault=fault)


def _fault(error: ValidationError, tongue: Tongue) -> Message:
    """What is wrong with the form: in the sentence of the rule that was broken, or by the name of the field."""
    first = error.errors()[0]
    if first["type"] == "value_error":
        return Message("", bad=True, reason=str(first["msg"]).removeprefix("Value error, "))
    named = next((str(part) for part in first["loc"] if part in TAGS), "title")
    message = TAGS[named]
    say = tongue.words.say
    text = say("“%(field)s” cannot hold what you typed: it is too long, or no number or date.", field=say(message))
    return Message(text, bad=True)


def _changes(given: Mapping[str, str], was: str) -> dict[str, Any]:
    """The fields that somebody changed, in the form that edits take; a field that was not offered stays."""
    try:
        before = json.loads(was)
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(before, dict):
        raise BadRequest
    offered = {name: given[name] for name in FORM if isinstance(before.get(name), str) or given[name]}
    changed = {name: text for name, text in offered.items() if text != before.get(name, "")}
    return {name: _value(name, text) for name, text in changed.items()}


def _value(name: str, text: str) -> Any:
    if name in LISTS:
        return [part.strip() for part in text.split(";") if part.strip()]
    if name == "compilation":
        return text == "1"
    return text or None


def _preview(request: Request, session: Session, context: Context, actor: Actor, wish: EditRequest) -> Response:
    shown = editing.preview(session, context, actor, wish)
    tongue = tongue_of(request)
    values = {
        "changed": shown.changed,
        "unchanged": shown.unchanged,
        "tracks": [
            {
                "title": one.title,
                "changes": changes_of(one.before, one.after, tongue),
                "unwritable": one.unwritable,
            }
            for one in shown.tracks[:NAMED]
        ],
        "more": max(0, shown.changed - NAMED),
        "wish": wish.model_dump_json(exclude_unset=True),
        "back": f"/tracks/{wish.tracks[0]}" if len(wish.tracks) == 1 else "/library/tracks",
        "again": "/edit?" + "&".join(f"track={one}" for one in wish.tracks[:NAMED]),
    }
    return render(request, "edit_preview.html", values, actor=actor, section="library", address="/library")


def changes_of(
    before: Mapping[str, list[str]], after: Mapping[str, list[str]], tongue: Tongue
) -> list[tuple[str, str, str]]:
    """Each field that changes: its name, what it says and what it will say."""
    return [
        (tongue.words.say(TAGS[name]) if name in TAGS else name, "; ".join(before.get(name, [])), "; ".join(values))
        for name, values in after.items()
    ]


@router.post("/edit/keep")
def keep(session: Writing, actor: CurrentActor, wish: Annotated[str, Form(max_length=1 << 20)]) -> Response:
    """Make the changes that the preview showed, in the library."""
    try:
        asked = EditRequest.model_validate_json(wish)
    except ValidationError as error:
        raise BadRequest from error
    made = editing.edit(session, actor, asked)
    return RedirectResponse(f"/edits/{made.batch_id}" if made.batch_id else "/edits", 303)


@router.get("/edits")
def batches(
    request: Request, session: Reading, actor: CurrentActor, cursor: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    """The changes that were made, the newest first."""
    page = editing.list_batches(session, actor, cursor=cursor or None, limit=PER_PAGE)
    tongue, moment = tongue_of(request), now()
    say, count = tongue.words.say, tongue.words.count
    values = {
        "batches": [
            {
                "href": f"/edits/{one.batch_id}",
                "when": tongue.formats.ago(one.made_at, moment),
                "tracks": count("%(number)s track", "%(number)s tracks", one.tracks),
                "states": [say(label) for state, label in EDIT_STATES.items() if state in one.states],
            }
            for one in page.items
        ],
        "older": f"/edits?cursor={page.next}" if page.next else None,
        "newer": "/edits" if cursor else None,
    }
    return render(request, "edits.html", values, actor=actor, section="library")


@router.get("/edits/{batch_id}")
def batch(
    request: Request,
    session: Reading,
    actor: CurrentActor,
    batch_id: UUID,
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    return _batch(request, session, actor, batch_id, cursor=cursor)


def _batch(
    request: Request,
    session: Session,
    actor: Actor,
    batch_id: UUID,
    *,
    cursor: str = "",
    fault: AppError | None = None,
) -> Response:
    page = editing.list_edits(session, actor, batch_id, cursor=cursor or None, limit=PER_PAGE)
    tongue = tongue_of(request)
    states = {one.state for one in page.items}
    # A page that goes on cannot tell the states of those before it, so both stay on offer.
    many = bool(page.next or cursor)
    values = {
        "id": batch_id,
        "total": page.total,
        "edits": [_edit(one, tongue) for one in page.items],
        "may_write": many or bool(states & {"kept", "failed"}),
        "may_undo": many or bool(states & {"kept", "failed", "written", "writing"}),
        "waiting": "writing" in states,
        "older": f"/edits/{batch_id}?cursor={page.next}" if page.next else None,
        "newer": f"/edits/{batch_id}" if cursor else None,
    }
    return render(
        request,
        "edit_batch.html",
        values,
        actor=actor,
        section="library",
        follows="writing" in states,
        messages=[Message("", bad=True, reason=fault.detail)] if fault else [],
        status=fault.status if fault else 200,
        address=f"/edits/{batch_id}",
    )


def _edit(one: EditItem, tongue: Tongue) -> dict[str, Any]:
    return {
        "track": one.track_id,
        "title": one.title,
        "changes": changes_of(one.before, one.after, tongue),
        "state": one.state,
        "state_label": tongue.words.say(EDIT_STATES[one.state]),
        "error": one.error,
    }


@router.post("/edits/{batch_id}/undo")
def undo(request: Request, context: Ctx, actor: CurrentActor, batch_id: UUID) -> Response:
    """Take the changes back, or say why they cannot be."""
    return _settle(request, context, actor, batch_id, undoing=True)


@router.post("/edits/{batch_id}/write")
def write(request: Request, context: Ctx, actor: CurrentActor, batch_id: UUID) -> Response:
    """Ask for the changes to be written into the files."""
    return _settle(request, context, actor, batch_id, undoing=False)


def _settle(request: Request, context: Context, actor: Actor, batch_id: UUID, *, undoing: bool) -> Response:
    try:
        with context.database.write(actor) as session:
            (editing.undo if undoing else editing.write)(session, actor, batch_id)
    except AppError as error:
        if error.status in (403, 404):
            raise
        with context.database.read(actor) as session:
            return _batch(request, session, actor, batch_id, fault=error)
    return RedirectResponse(f"/edits/{batch_id}", 303)
