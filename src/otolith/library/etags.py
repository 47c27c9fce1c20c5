"""ETags of the library: a caller who has an answer of the same catalogue already gets 304 and no body.

A route takes part by ``dependencies=[Fresh]`` and by `UNCHANGED` among its responses, where its answer follows from
the catalogue alone; by `FreshForMe` where plays and ratings of the caller are in it or decide about it.
"""

import hashlib
from typing import Any, Final

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from otolith import __version__
from otolith.core.actor import Actor
from otolith.core.db import now
from otolith.core.errors import NotModified
from otolith.core.http import CurrentActor, Reading
from otolith.library.queries_etags import listening_stamp, visible_versions

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "What you have, by the ETag in If-None-Match, is still what would be answered."}
}
# Every header that tells who is asking, so that no cache gives one caller the answer of another.
_HEADERS: Final = {"Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization, X-API-Token"}


def _fresh(request: Request, response: Response, session: Reading, actor: CurrentActor) -> None:
    _answer(request, response, etag_of(request, session, actor))


def _fresh_for_me(request: Request, response: Response, session: Reading, actor: CurrentActor) -> None:
    _answer(request, response, etag_of(request, session, actor, listening_stamp(session, actor)))


Fresh: Final = Depends(_fresh)
FreshForMe: Final = Depends(_fresh_for_me)


def etag_of(request: Request, session: Session, actor: Actor, *more: object) -> str:
    """A weak ETag of what this caller gets from this address, by the versions of the catalogues in it.

    It is taken in the transaction that answers, before anything else is read, so that what changes meanwhile makes
    the answer newer than its ETag and never older.
    """
    who = actor.user_id, actor.role, sorted((str(workspace), role) for workspace, role in actor.memberships.items())
    # The day, because filters such as "added in the last 30 days" change their meaning.
    when = __version__, now().date(), visible_versions(session, actor)
    said = who, when, request.url.path, request.url.query, more
    return f'W/"{hashlib.sha256(repr(said).encode()).hexdigest()[:32]}"'


def _answer(request: Request, response: Response, etag: str) -> None:
    headers = _HEADERS | {"ETag": etag}
    asked = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    if "*" in asked or etag.removeprefix("W/") in asked:
        raise NotModified(headers=headers)
    response.headers.update(headers)
