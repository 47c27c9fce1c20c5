"""The folders of the library, and their scans while they run and when they are over."""

import datetime as dt
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import AppError, BadRequest, NotAllowed
from otolith.core.http import Ctx, CurrentActor, Reading, Writing
from otolith.library.roots import scans
from otolith.library.roots import service as roots
from otolith.library.roots.schemas import NotTaken, PhaseOut, RootOut, RootRequest, ScanItem
from otolith.web import queries
from otolith.web.activity import LOOKS, Look
from otolith.web.rendering import Message, Tongue, render, tongue_of
from otolith.web.session import own_address, own_workspace
from otolith.web.words import PHASES, SCAN_STATES

router = APIRouter(include_in_schema=False)

PER_PAGE: Final = 20
# The folders that a page lists; a library of more is looked after by program.
FOLDERS: Final = 200
NAMED: Final = 200
"""How many of the files that could not be taken in the page of a scan names."""

_SCAN_LOOKS: Final = {
    "running": LOOKS["running"],
    "paused": Look("wait", "bad"),
    "done": LOOKS["succeeded"],
    "failed": LOOKS["dead"],
    "cancelled": LOOKS["cancelled"],
}
Path = Annotated[str, Form(max_length=4096)]
Name = Annotated[str, Form(max_length=200)]
Flag = Annotated[str, Form(max_length=10)]
Refresh = Annotated[int, Query(ge=0, le=3600)]


@router.get("/scans")
def folders(
    request: Request,
    session: Reading,
    actor: CurrentActor,
    cursor: Annotated[str, Query(max_length=500)] = "",
    refresh: Refresh = 0,
) -> Response:
    return _folders(request, session, actor, cursor=cursor, refresh=refresh)


def _folders(
    request: Request,
    session: Session,
    actor: Actor,
    *,
    cursor: str = "",
    refresh: int = 0,
    typed: str = "",
    fault: AppError | None = None,
) -> Response:
    tongue, moment = tongue_of(request), now()
    page = scans.list_scans(session, actor, cursor=cursor or None, limit=PER_PAGE)
    found = roots.list_roots(session, actor, limit=FOLDERS)
    names = {(root.workspace_id, root.path): root.name for root in found.items}
    values = {
        "folders": [_folder(root, actor, tongue, moment) for root in found.items],
        "scans": [_scan(one, actor, tongue, moment, names.get((one.workspace_id, one.path), "")) for one in page.items],
        "older": f"/scans?cursor={page.next}" if page.next else None,
        "newer": "/scans" if cursor else None,
        "may_add": any(actor.may_edit(workspace) for workspace in actor.workspaces),
        "typed": typed,
        "refresh": refresh or None,
    }
    messages = [Message("", bad=True, reason=fault.detail)] if fault else []
    return render(
        request,
        "scans.html",
        values,
        actor=actor,
        section="scans",
        follows=True,
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=messages,
        status=fault.status if fault else 200,
        address=None if request.method == "GET" else "/scans",
    )


@router.post("/scans/roots")
def add_folder(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    path: Path = "",
    name: Name = "",
    watched: Flag = "",
) -> Response:
    """Take a folder in, or show the form again with what was wrong."""
    try:
        with context.database.write(actor) as session:
            wish = RootRequest(path=path.strip(), name=name, watched=bool(watched))
            roots.add_root(session, context, actor, wish, _workspace_for(session, actor))
    except ValidationError:
        return _refused(request, context, actor, path, BadRequest("Name a folder of the server's machine, from / on."))
    except AppError as error:
        return _refused(request, context, actor, path, error)
    return RedirectResponse("/scans", 303)


def _refused(request: Request, context: Context, actor: Actor, path: str, fault: AppError) -> Response:
    with context.database.read(actor) as session:
        return _folders(request, session, actor, typed=path, fault=fault)


def _workspace_for(session: Session, actor: Actor) -> UUID:
    found = own_workspace(session, actor)
    if found is None:
        raise NotAllowed("You may not add to this workspace; ask its owner for the editor's role.")
    return found


@router.post("/scans/start")
def scan_all(session: Writing, context: Ctx, actor: CurrentActor) -> Response:
    roots.scan_roots(session, context, actor)
    return RedirectResponse("/scans", 303)


@router.post("/scans/roots/{root_id}/scan")
def scan_folder(session: Writing, context: Ctx, actor: CurrentActor, root_id: UUID) -> Response:
    roots.scan_roots(session, context, actor, root_id=root_id)
    return RedirectResponse("/scans", 303)


@router.post("/scans/roots/{root_id}/watch")
def watch_folder(session: Writing, actor: CurrentActor, root_id: UUID, watched: Flag = "") -> Response:
    roots.change_root(session, actor, root_id, {"watched": bool(watched)})
    return RedirectResponse("/scans", 303)


@router.post("/scans/roots/{root_id}/remove")
def remove_folder(session: Writing, actor: CurrentActor, root_id: UUID, mark_missing: Flag = "") -> Response:
    roots.remove_root(session, actor, root_id, mark_missing=bool(mark_missing))
    return RedirectResponse("/scans", 303)


@router.get("/scans/{scan_id}")
def one_scan(request: Request, session: Reading, actor: CurrentActor, scan_id: UUID, refresh: Refresh = 0) -> Response:
    report = scans.scan_report(session, actor, scan_id, NAMED)
    tongue = tongue_of(request)
    values = {
        "scan": _scan(report, actor, tongue, now(), ""),
        "failed": _named(report.failed),
        "more_failed": report.failures - len(report.failed),
        "skipped": _named(report.skipped),
        "more_skipped": report.passed_over - len(report.skipped),
        "refresh": refresh or None,
    }
    return render(
        request,
        "scan.html",
        values,
        actor=actor,
        section="scans",
        follows=report.state in ("running", "paused"),
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


def _named(files: list[NotTaken]) -> list[tuple[str, str]]:
    return [(file.path, file.error) for file in files]


_DEEDS: Final = {"pause": scans.pause_scan, "resume": scans.resume_scan, "cancel": scans.cancel_scan}


@router.post("/scans/{scan_id}/{deed}")
def control(
    session: Writing,
    actor: CurrentActor,
    scan_id: UUID,
    deed: str,
    back: Annotated[str, Form(alias="next", max_length=4096)] = "/scans",
) -> Response:
    if deed not in _DEEDS:
        raise BadRequest
    _DEEDS[deed](session, actor, scan_id)
    return RedirectResponse(own_address(back), 303)


def _folder(root: RootOut, actor: Actor, tongue: Tongue, moment: dt.datetime) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    facts = []
    if root.scanned_at is not None:
        facts.append(say("scanned %(when)s", when=formats.ago(root.scanned_at, moment)))
    else:
        facts.append(say("not scanned yet"))
    if root.every:
        facts.append(say("again every %(time)s", time=formats.span(root.every * 3600)))
    if not root.watched:
        facts.append(say("not watched"))
    elif root.touched_at is not None:
        facts.append(
            say("changes are taken in as they happen, last %(when)s", when=formats.ago(root.touched_at, moment))
        )
    else:
        facts.append(say("changes are taken in as they happen"))
    return {
        "id": root.id,
        "name": root.name or root.path,
        "path": root.path if root.name and root.path != root.name else "",
        "facts": facts,
        "watched": root.watched,
        "away": root.away_why if root.away_since is not None else None,
        "away_since": formats.ago(root.away_since, moment) if root.away_since is not None else "",
        "may_edit": actor.may_edit(root.workspace_id),
    }


def _scan(one: ScanItem, actor: Actor, tongue: Tongue, moment: dt.datetime, name: str) -> dict[str, Any]:
    """A scan as its row and its page show it."""
    say, formats = tongue.words.say, tongue.formats
    look = _SCAN_LOOKS[one.state]
    unfinished = one.state in ("running", "paused")
    facts = [formats.ago(one.started_at, moment)]
    if not unfinished:
        facts.append(say("took %(time)s", time=formats.span(one.seconds)))
    elif one.seconds_left and one.state == "running":
        facts.append(say("about %(time)s left", time=formats.span(one.seconds_left)))
    return {
        "id": one.scan_id,
        "name": name or one.path,
        "path": one.path,
        "icon": look.icon,
        "tone": look.tone,
        "state": one.state,
        "state_label": say(SCAN_STATES[one.state]),
        "facts": facts,
        "counts": _counts(one, tongue),
        "phases": [_phase(phase, tongue) for phase in one.phases],
        "unfinished": unfinished,
        "paused": one.paused if one.state == "paused" or unfinished else None,
        "error": one.error,
        "job": one.job_id,
        "may_pause": one.state == "running" and actor.may_edit(one.workspace_id),
        "may_resume": one.state == "paused" and actor.may_edit(one.workspace_id),
        "may_cancel": unfinished and actor.may_edit(one.workspace_id),
    }


def _counts(one: ScanItem, tongue: Tongue) -> list[tuple[str, str]]:
    say, number = tongue.words.say, tongue.formats.number
    named = (
        (say("Added"), one.added),
        (say("Updated"), one.updated),
        (say("Moved"), one.moved),
        (say("Missing"), one.missing),
        (say("Unchanged"), one.unchanged),
        (say("Not taken in"), one.failures),
        (say("Passed over"), one.passed_over),
    )
    return [(name, number(count)) for name, count in named]


def _phase(phase: PhaseOut, tongue: Tongue) -> dict[str, Any]:
    say, formats = tongue.words.say, tongue.formats
    number = formats.number
    # A phase that the one before it has given nothing yet has begun, and shows nothing.
    idle = phase.state == "waiting" or (phase.state == "running" and not phase.done and phase.total == 0)
    said = number(phase.done)
    if phase.total is not None and phase.state != "done":
        said = say("%(done)s of %(total)s", done=number(phase.done), total=number(phase.total))
    if phase.state == "running" and phase.seconds_left:
        said += " · " + say("about %(time)s left", time=formats.span(phase.seconds_left))
    share = min(1.0, phase.done / phase.total) if phase.total else None
    return {
        "label": say(PHASES[phase.name]),
        "state": "waiting" if idle else phase.state,
        "share": 1 if phase.state == "done" else 0 if idle else share,
        "said": "" if idle else said,
    }
