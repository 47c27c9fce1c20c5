"""What was heard: the list of recordings, and uploads for browsers without JavaScript."""

from collections.abc import Sequence

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library import service as library
from otolith.media import service as media
from otolith.web import queries
from otolith.web.rendering import Message, render, tongue_of
from otolith.web.rows import rows_of

router = APIRouter(include_in_schema=False)

PER_PAGE = 50
# After an upload without JavaScript, the page of the jobs asks for itself anew this often, in seconds.
LOOK_AGAIN = 5


def _home(
    request: Request,
    context: Context,
    session: Session,
    actor: Actor,
    cursor: str | None = None,
    messages: Sequence[Message] = (),
    status: int = 200,
) -> Response:
    page = library.list_tracks(session, actor, cursor=cursor, limit=PER_PAGE)
    values = {
        "tracks": rows_of(session, actor, page.items, tongue_of(request)),
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
    if not actor.may_use("library"):
        return RedirectResponse("/activity", 303)
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
