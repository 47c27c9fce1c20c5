"""The health of the library: what is wrong, where, why, and what to do about it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.errors import BadRequest, NotAllowed, NotFound
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.library.health import purging
from otolith.library.health import service as health
from otolith.library.health.kinds import FIELDS, KINDS, Field, Kind
from otolith.library.health.schemas import HealthFinding, HealthSummary, HealthTrack
from otolith.web import queries
from otolith.web.rendering import Tongue, render, tongue_of
from otolith.web.rows import sound_of
from otolith.web.session import own_workspace
from otolith.web.words import HEALTH_FAULTS, HEALTH_FIELDS

router = APIRouter(include_in_schema=False)

PER_PAGE: Final = 50
NUMBERS: Final = 12
_ICONS: Final = {"error": ("bad", "bad"), "warning": ("bad", "now"), "notice": ("wait", "")}


@router.get("/library/health")
def overview(request: Request, session: Reading, context: Ctx, actor: CurrentActor) -> Response:
    summary = health.summary(session, context, actor)
    values = {
        "tracks": summary.tracks,
        "waiting": summary.waiting,
        "kinds": _kinds(summary),
        "uncompared": summary.uncompared,
        "may_check": own_workspace(session, actor) is not None,
    }
    return render(
        request,
        "health.html",
        values,
        actor=actor,
        section="health",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


def _kinds(summary: HealthSummary) -> list[dict[str, Any]]:
    return [
        {
            "kind": one.kind,
            "title": one.title,
            "meaning": one.meaning,
            "count": one.count,
            "icon": _ICONS[one.severity][0],
            "tone": _ICONS[one.severity][1],
        }
        for one in summary.kinds
    ]


@router.post("/library/health/check")
def check(session: Writing, actor: CurrentActor) -> Response:
    """Have the recordings compared with each other now."""
    health.start_check(session, actor, _workspace(session, actor))
    return RedirectResponse("/activity?refresh=5", 303)


@router.post("/library/health/purge")
def purge(
    session: Writing, actor: CurrentActor, expected: Annotated[int, Form(ge=0)], sure: Annotated[str, Form()] = ""
) -> Response:
    """Remove what is missing for good, as many as the page told of, once somebody said that they are sure."""
    if not sure:
        raise BadRequest("Tick the box that says that you are sure; nothing was removed.")
    purging.purge_missing(session, actor, _workspace(session, actor), expected)
    return RedirectResponse("/library/health/missing", 303)


def _workspace(session: Session, actor: Actor) -> UUID:
    found = own_workspace(session, actor)
    if found is None:
        raise NotAllowed("You may not start work in this workspace; ask its owner for the editor's role.")
    return found


@router.get("/library/health/{kind}")
def findings(
    request: Request,
    session: Reading,
    context: Ctx,
    actor: CurrentActor,
    kind: str,
    field: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    known: Kind | None = next((one for one in get_args(Kind) if one == kind), None)
    if known is None:
        raise NotFound
    lacking: Field | None = next((one for one in FIELDS if one == field), None)
    page = health.findings(session, context, actor, known, field=lacking, cursor=cursor or None, limit=PER_PAGE)
    tongue, about = tongue_of(request), KINDS[known]
    own = own_workspace(session, actor)
    values = {
        "kind": known,
        "about": about,
        "fields": _fields(health.summary(session, context, actor), lacking, tongue) if known == "tags" else [],
        "findings": [_finding(one, actor, tongue) for one in page.items],
        "gone": purging.missing(session, actor, own) if known == "missing" and own is not None else None,
        "older": _link(known, field=lacking, cursor=page.next) if page.next else None,
        "newer": _link(known, field=lacking) if cursor else None,
    }
    return render(
        request,
        "health_kind.html",
        values,
        actor=actor,
        section="health",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


def _link(kind: Kind, **parameters: object) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"/library/health/{kind}" + (f"?{urlencode(given)}" if given else "")


def _fields(summary: HealthSummary, chosen: Field | None, tongue: Tongue) -> list[dict[str, Any]]:
    """The tags that tracks may lack, each with how many do."""
    counts = next((one.fields for one in summary.kinds if one.kind == "tags"), {})
    everything = {"label": tongue.words.say("All"), "href": _link("tags"), "current": chosen is None, "count": None}
    return [everything] + [
        {
            "label": tongue.words.say(HEALTH_FIELDS[field]),
            "href": _link("tags", field=field),
            "current": field == chosen,
            "count": counts.get(field, 0),
        }
        for field in FIELDS
    ]


def _finding(one: HealthFinding, actor: Actor, tongue: Tongue) -> dict[str, Any]:
    return {
        "why": _why(one, tongue) or one.why,
        "told": _why(one, tongue) is None,
        "album": one.album,
        "path": one.path,
        "tracks": [_track(track, actor, tongue) for track in one.tracks],
    }


def _why(one: HealthFinding, tongue: Tongue) -> str | None:
    """The reason from its values, where it has some; else the sentence of the service is told."""
    words, formats = tongue.words, tongue.formats
    kind, details = one.kind, one.details
    if kind in ("copies", "duplicates"):
        size = formats.size(details["bytes"])
        return words.say("%(number)s files; all but one of them take %(size)s.", number=len(one.tracks), size=size)
    if kind == "masters":
        return words.say("%(number)s files.", number=len(one.tracks))
    if kind == "tags":
        lacking = ", ".join(words.say(HEALTH_FIELDS[field]).lower() for field in details["fields"])
        return words.say("Lacks: %(tags)s.", tags=lacking)
    if kind == "clipped":
        peak = formats.decimal(details["true_peak_dbtp"])
        return words.say("Its true peak is %(peak)s dB above full scale.", peak=peak)
    if kind == "albums":
        return " ".join(_fault(fault, tongue) for fault in details["faults"])
    return None


def _fault(fault: Mapping[str, Any], tongue: Tongue) -> str:
    """What does not add up in an album, with at most a dozen numbers."""
    say = tongue.words.say
    numbers = ", ".join(map(str, fault["numbers"][:NUMBERS])) + (" …" if len(fault["numbers"]) > NUMBERS else "")
    message = HEALTH_FAULTS[fault["kind"]]
    said = say(message, numbers=numbers)
    return said if fault["disc"] is None else say("Disc %(disc)s: %(fault)s", disc=fault["disc"], fault=said)


def _track(track: HealthTrack, actor: Actor, tongue: Tongue) -> dict[str, Any]:
    formats = tongue.formats
    facts = [track.codec or "", formats.size(track.size)]
    if track.bit_rate:
        facts.append(f"{formats.number(round(track.bit_rate / 1000))} kbit/s")
    sound = sound_of(track.media_id, missing=False)
    return {
        "id": track.id,
        "title": track.title,
        "artist": track.artist,
        "duration": track.duration,
        "path": track.path or track.name,
        "facts": [fact for fact in facts if fact],
        "best": track.best,
        "number": track.number,
        "stream": sound.stream,
        "fallback": sound.fallback,
        "may_edit": actor.may_edit(track.workspace_id),
    }
