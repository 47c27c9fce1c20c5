"""The audit in the pages: what was done, by whom and from where, for administrators and owners."""

import datetime as dt
import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from otolith.accounts.audit import service as audit
from otolith.accounts.audit.models import AuditEntry
from otolith.core.db import now
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.web import queries
from otolith.web.rendering import Tongue, render, tongue_of
from otolith.web.words import mark

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
# What is not among these is shown by its name.
DEEDS = {
    "session.begin": mark("Signed in"),
    "session.refuse": mark("Wrong password"),
    "user.create": mark("Made a user"),
    "user.change": mark("Changed a user"),
    "user.delete": mark("Deleted a user"),
    "user.join": mark("Made their own account"),
    "user.grant": mark("Granted features"),
    "invitation.create": mark("Invited somebody"),
    "invitation.delete": mark("Withdrew an invitation"),
    "password.set": mark("Set a user’s password"),
    "password.change": mark("Changed their own password"),
    "password.reset": mark("Chose a new password by a link"),
    "password.link": mark("Made a link for a new password"),
    "codes.on": mark("Switched one-time codes on"),
    "codes.off": mark("Switched one-time codes off"),
    "token.create": mark("Made an API token"),
    "token.rotate": mark("Gave an API token a new secret"),
    "token.revoke": mark("Revoked an API token"),
    "workspace.create": mark("Made a workspace"),
    "workspace.rename": mark("Renamed a workspace"),
    "workspace.delete": mark("Deleted a workspace"),
    "member.add": mark("Added a member"),
    "member.change": mark("Changed a member's role"),
    "member.remove": mark("Removed a member"),
    "share.create": mark("Shared a recording"),
    "share.end": mark("Ended a shared link"),
    "quota.set": mark("Set a quota"),
    "quota.reset": mark("Reset a quota"),
    "tags.edit": mark("Changed tags"),
    "tags.write": mark("Wrote tags into files"),
    "tags.undo": mark("Took changes of tags back"),
    "artist.merge": mark("Joined two artists"),
    "tracks.purge": mark("Removed missing recordings for good"),
    "audit.prune": mark("Removed old entries"),
}
Text = Annotated[str, Query(max_length=100)]


@router.get("/audit")
def audit_page(
    request: Request,
    context: Ctx,
    session: Reading,
    actor: CurrentActor,
    action: Text = "",
    user: Text = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    tongue, moment = tongue_of(request), now()
    asked = audit.Asked(action=action or None, user=user.strip() or None)
    rows, following = audit.entries(context, actor, asked, cursor=cursor or None, limit=PER_PAGE)
    here = {"action": action, "user": user}
    values = {
        "entries": [_row(row, tongue, moment) for row in rows],
        "actions": [(name, _deed(name, tongue)) for name in audit.actions(context, actor)],
        "action": action,
        "user": user,
        "whole": actor.is_admin,
        "newer": _link(**here) if cursor else None,
        "older": _link(**here, cursor=following) if following else None,
    }
    working = sum(queries.unfinished_jobs(session, actor).values())
    return render(request, "audit.html", values, actor=actor, section="audit", working=working)


def _link(**parameters: str) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return "/audit" + (f"?{urlencode(given)}" if given else "")


def _deed(action: str, tongue: Tongue) -> str:
    return tongue.words.say(DEEDS[action]) if action in DEEDS else action


def _row(entry: AuditEntry, tongue: Tongue, moment: dt.datetime) -> dict[str, Any]:
    say = tongue.words.say
    who = entry.user_name or (say("the server") if entry.actor == "system" else say("somebody unknown"))
    facts = [who, tongue.formats.ago(entry.at, moment)]
    if entry.address:
        facts.append(say("from %(address)s", address=entry.address))
    if entry.token_id is not None:
        facts.append(say("with an API token"))
    return {
        "seq": entry.seq,
        "deed": _deed(entry.action, tongue),
        "action": entry.action,
        "facts": facts,
        "object": f"{entry.object_type} {entry.object_id}".strip(),
        "at": entry.at.isoformat(timespec="seconds"),
        "before": _told(entry.before),
        "after": _told(entry.after),
    }


def _told(values: dict[str, Any] | None) -> list[tuple[str, str]]:
    """What an entry tells, as names and texts."""
    found = []
    for name, value in (values or {}).items():
        found.append((name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return found
