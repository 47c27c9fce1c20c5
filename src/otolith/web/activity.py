"""Activity: the jobs, what becomes of them, and the two things that people can do about them."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from otolith.core.actor import Actor
from otolith.core.db import now
from otolith.core.http import Ctx, CurrentActor
from otolith.jobs import service as jobs
from otolith.jobs.models import TERMINAL, Job
from otolith.jobs.telling import error_told
from otolith.web import queries
from otolith.web.rendering import Tongue, render, tongue_of
from otolith.web.session import own_address
from otolith.web.words import STATES, TABS

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
Back = Annotated[str, Form(alias="next", max_length=4096)]


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks: its icon and its tone."""

    icon: str
    tone: str = ""


LOOKS: Final = {
    "queued": Look("wait"),
    "running": Look("run", "now"),
    "waiting": Look("run", "now"),
    "retrying": Look("wait", "bad"),
    "succeeded": Look("done"),
    "dead": Look("bad", "bad"),
    "cancelled": Look("stop"),
}


@router.get("/activity")
def activity(
    request: Request,
    context: Ctx,
    actor: CurrentActor,
    state: Annotated[str, Query(max_length=20)] = "",
    parent: UUID | None = None,
    cursor: Annotated[str, Query(max_length=500)] = "",
    refresh: Annotated[int, Query(ge=0, le=3600)] = 0,
) -> Response:
    state = state if state in TABS else ""
    tab = TABS[state]
    with context.database.read(jobs.acting(actor)) as session:
        # The parts of a larger job are shown where they are asked for, or where they need somebody.
        page = jobs.list_jobs(
            session,
            actor,
            states=tab.states or None,
            parent=parent,
            roots_only=parent is None and not tab.parts,
            # What the server does for itself, each minute, would hide what people asked for.
            routine=False,
            cursor=cursor or None,
            limit=PER_PAGE,
        )
        counts = queries.unfinished_jobs(session, actor)
    tongue = tongue_of(request)
    moment = now()
    here = {"state": state, "parent": parent}
    values = {
        "jobs": [view_of(job, actor, tongue, moment) for job in page.items],
        "tabs": [_tab(name, None if parent else state, counts, tongue) for name in TABS],
        "whole": "/activity" if parent else None,
        "filtered": bool(state or parent),
        "older": _link(**here, cursor=page.next) if page.next else None,
        "newer": _link(**here) if cursor else None,
        "refresh": refresh or None,
        "with_refresh": _link(**here, refresh=5),
        "without_refresh": _link(**here),
    }
    working = sum(counts.values())
    return render(request, "activity.html", values, actor=actor, section="activity", follows=True, working=working)


@router.post("/activity/{job_id}/retry")
def retry(context: Ctx, actor: CurrentActor, job_id: UUID, back: Back = "/activity") -> Response:
    with context.database.write(jobs.acting(actor)) as session:
        jobs.retry(session, actor, job_id)
    return RedirectResponse(own_address(back), 303)


@router.post("/activity/{job_id}/cancel")
def cancel(context: Ctx, actor: CurrentActor, job_id: UUID, back: Back = "/activity") -> Response:
    with context.database.write(jobs.acting(actor)) as session:
        jobs.cancel(session, actor, job_id)
    return RedirectResponse(own_address(back), 303)


def _link(**parameters: Any) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return "/activity" + (f"?{urlencode(given)}" if given else "")


def _tab(name: str, current: str | None, counts: dict[str, int], tongue: Tongue) -> dict[str, Any]:
    tab = TABS[name]
    count = sum(counts.get(state, 0) for state in tab.states) if tab.counted else None
    return {
        "name": name or "all",
        "label": tongue.words.say(tab.label),
        "href": _link(state=name),
        "current": name == current,
        "count": count or None,
    }


def view_of(job: Job, actor: Actor, tongue: Tongue, moment: dt.datetime) -> dict[str, Any]:
    """A job as its row shows it."""
    may_control = jobs.may_control(actor, job)
    say = tongue.words.say
    look = LOOKS[job.state]
    running = job.state in ("running", "waiting")
    return {
        "id": job.id,
        "label": tongue.words.task(job.task),
        "icon": look.icon,
        "tone": look.tone,
        "state_label": say(STATES[job.state]),
        "facts": facts_of(job, tongue, moment),
        "running": running,
        "fraction": _fraction(job) if running else None,
        "progress_text": _progress(job, tongue) if running else "",
        "error": error_told(job, actor) if job.state in ("dead", "retrying") else None,
        "parts": job.children,
        "parts_href": _link(parent=job.id),
        "may_retry": may_control and job.state in ("dead", "cancelled"),
        "may_cancel": may_control and job.state not in TERMINAL,
    }


def facts_of(job: Job, tongue: Tongue, moment: dt.datetime) -> list[str]:
    """When it happened and how often it was tried."""
    words, formats = tongue.words, tongue.formats
    found = []
    if job.finished_at is not None:
        found.append(formats.ago(job.finished_at, moment))
        if job.started_at is not None and job.state == "succeeded":
            seconds = (job.finished_at - job.started_at).total_seconds()
            found.append(words.say("took %(time)s", time=formats.span(seconds)))
    elif job.started_at is not None and job.state != "queued":
        found.append(words.say("began %(when)s", when=formats.ago(job.started_at, moment)))
    else:
        found.append(words.say("asked for %(when)s", when=formats.ago(job.created_at, moment)))
    if job.attempt > 1:
        found.append(words.count("%(number)s attempt", "%(number)s attempts", job.attempt))
    return found


def _fraction(job: Job) -> float | None:
    if job.progress_done is None or not job.progress_total:
        return None
    return min(1.0, job.progress_done / job.progress_total)


def _progress(job: Job, tongue: Tongue) -> str:
    formats = tongue.formats
    parts = []
    share = _fraction(job)
    if share is not None:
        parts.append(formats.percent(int(share * 100) / 100))
    elif job.progress_done:
        parts.append(formats.number(job.progress_done))
    if job.eta_seconds:
        parts.append(tongue.words.say("about %(time)s left", time=formats.span(job.eta_seconds)))
    return " · ".join(parts)
