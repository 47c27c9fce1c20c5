"""The names of an artist: other names that mean the same one, and two artists who are one, said before it is done."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.core.errors import AppError, BadRequest, Conflict, NotAllowed
from otolith.core.http import Ctx, CurrentActor, Reading
from otolith.library.catalogue import aliasing
from otolith.library.catalogue import service as catalogue
from otolith.library.catalogue.aliasing import AliasNotFound
from otolith.library.catalogue.naming import name_key
from otolith.library.catalogue.schemas import AliasItem, ArtistDetail
from otolith.library.search import service as search
from otolith.library.search.schemas import FoundArtist, SuggestAsked
from otolith.web import queries
from otolith.web.rendering import Message, Tongue, render, tongue_of

router = APIRouter(include_in_schema=False)

OFFERED: Final = 12

Name = Annotated[str, Form(max_length=500)]
Words = Annotated[str, Query(max_length=500)]


@router.get("/artists/{artist_id}/names")
def names(
    request: Request, session: Reading, context: Ctx, actor: CurrentActor, artist_id: UUID, q: Words = ""
) -> Response:
    """The other names of an artist, and the search for the artist that this one is."""
    return _names(request, session, context, actor, artist_id, q=q.strip())


def _names(
    request: Request,
    session: Session,
    context: Context,
    actor: Actor,
    artist_id: UUID,
    *,
    q: str = "",
    typed: str = "",
    fault: AppError | None = None,
) -> Response:
    artist = _editable(session, actor, artist_id)
    values = {"artist": artist, "q": q, "typed": typed, "found": _found(session, context, actor, artist, q)}
    return render(
        request,
        "artist_names.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
        messages=[Message("", bad=True, reason=fault.detail)] if fault else [],
        status=fault.status if fault else 200,
        address=f"/artists/{artist_id}/names",
    )


def _editable(session: Session, actor: Actor, artist_id: UUID) -> ArtistDetail:
    artist = catalogue.get_artist(session, actor, artist_id)
    if not actor.may_edit(artist.workspace_id):
        raise NotAllowed("You may see this library but not change it; ask its owner for the editor's role.")
    return artist


def _found(session: Session, context: Context, actor: Actor, artist: ArtistDetail, q: str) -> list[FoundArtist]:
    """The other artists of the same library that fit what is typed."""
    if not q:
        return []
    found = search.suggest(session, context, actor, SuggestAsked(q=q, limit=OFFERED)).artists
    return [one for one in found if one.id != artist.id and one.workspace_id == artist.workspace_id]


@router.get("/artists/{artist_id}/names/add")
def would_add(
    request: Request, session: Reading, context: Ctx, actor: CurrentActor, artist_id: UUID, name: Words = ""
) -> Response:
    """What another name would change, before it is given."""
    artist, tongue = _editable(session, actor, artist_id), tongue_of(request)
    key = name_key(name)
    if not key:
        fault = BadRequest("A name needs at least one character that can be seen.")
        return _names(request, session, context, actor, artist_id, typed=name, fault=fault)
    say = tongue.words.say
    changes = [
        say("“%(name)s” becomes another name of %(artist)s.", name=name.strip(), artist=artist.name),
        _credited(session, actor, artist.workspace_id, key, artist.name, tongue),
        say("What is credited so later goes to %(artist)s as well.", artist=artist.name),
    ]
    heading = say("Another name of %(artist)s", artist=artist.name)
    return _asked(request, session, actor, artist, heading, changes, "names", {"name": name.strip()})


def _credited(session: Session, actor: Actor, workspace_id: UUID, key: str, artist: str, tongue: Tongue) -> str:
    number = queries.credited(session, actor, workspace_id, key)
    if not number:
        return tongue.words.say("No recording is credited so at present.")
    return tongue.words.count(
        "%(shown)s recording that is credited so goes to %(artist)s.",
        "%(shown)s recordings that are credited so go to %(artist)s.",
        number,
        shown=tongue.formats.number(number),
        artist=artist,
    )


def _asked(
    request: Request,
    session: Session,
    actor: Actor,
    artist: ArtistDetail,
    heading: str,
    changes: list[str],
    deed: str,
    held: dict[str, Any],
) -> Response:
    """The page that says what would change, with the button that does it."""
    values = {"artist": artist, "heading": heading, "changes": changes, "deed": deed, "held": held}
    return render(
        request,
        "artist_change.html",
        values,
        actor=actor,
        section="library",
        working=sum(queries.unfinished_jobs(session, actor).values()),
    )


@router.post("/artists/{artist_id}/names")
def add(request: Request, context: Ctx, actor: CurrentActor, artist_id: UUID, name: Name = "") -> Response:
    try:
        with context.database.write(actor) as session:
            job_id = aliasing.add_alias(session, actor, artist_id, name).job_id
    except (BadRequest, Conflict) as fault:
        with context.database.read(actor) as session:
            return _names(request, session, context, actor, artist_id, typed=name, fault=fault)
    return _done(artist_id, job_id)


def _done(artist_id: UUID, job_id: UUID | None) -> Response:
    """Back to the artist, whose page tells of the job where there is one."""
    return RedirectResponse(f"/artists/{artist_id}" + (f"?filing={job_id}" if job_id else ""), 303)


@router.get("/artists/{artist_id}/names/{alias_id}/remove")
def would_remove(request: Request, session: Reading, actor: CurrentActor, artist_id: UUID, alias_id: UUID) -> Response:
    artist, tongue = _editable(session, actor, artist_id), tongue_of(request)
    alias = _alias(artist, alias_id)
    say, number = tongue.words.say, queries.credited(session, actor, artist.workspace_id, name_key(alias.name))
    changes = [
        say(
            "“%(name)s” stands for itself again, and is no other name of %(artist)s.",
            name=alias.name,
            artist=artist.name,
        )
    ]
    if number:
        changes.append(
            tongue.words.count(
                "%(shown)s recording that is credited so goes back to an artist of that name.",
                "%(shown)s recordings that are credited so go back to an artist of that name.",
                number,
                shown=tongue.formats.number(number),
            )
        )
    heading = say("Take a name away from %(artist)s", artist=artist.name)
    return _asked(request, session, actor, artist, heading, changes, f"names/{alias_id}/remove", {})


def _alias(artist: ArtistDetail, alias_id: UUID) -> AliasItem:
    alias = next((one for one in artist.aliases if one.id == alias_id), None)
    if alias is None:
        raise AliasNotFound
    return alias


@router.post("/artists/{artist_id}/names/{alias_id}/remove")
def remove(context: Ctx, actor: CurrentActor, artist_id: UUID, alias_id: UUID) -> Response:
    with context.database.write(actor) as session:
        _alias(_editable(session, actor, artist_id), alias_id)
        job_id = aliasing.remove_alias(session, actor, alias_id)
    return _done(artist_id, job_id)


@router.get("/artists/{artist_id}/merge")
def would_merge(request: Request, session: Reading, actor: CurrentActor, artist_id: UUID, into: UUID) -> Response:
    """What becomes of two artists who are to be one."""
    artist, stays = _editable(session, actor, artist_id), _editable(session, actor, into)
    tongue = tongue_of(request)
    words, number = tongue.words, tongue.formats.number
    changes = [
        words.count(
            "%(shown)s recording of %(artist)s goes to %(other)s.",
            "%(shown)s recordings of %(artist)s go to %(other)s.",
            artist.tracks,
            shown=number(artist.tracks),
            artist=artist.name,
            other=stays.name,
        )
    ]
    if artist.albums:
        changes.append(
            words.count(
                "%(shown)s album becomes one of %(other)s; two of the same title become one.",
                "%(shown)s albums become ones of %(other)s; two of the same title become one.",
                artist.albums,
                shown=number(artist.albums),
                other=stays.name,
            )
        )
    changes += [
        words.say("“%(name)s” becomes another name of %(artist)s.", name=artist.name, artist=stays.name),
        words.say("%(artist)s is no longer in the list of artists.", artist=artist.name),
    ]
    heading = words.say("%(artist)s is %(other)s", artist=artist.name, other=stays.name)
    return _asked(request, session, actor, artist, heading, changes, "merge", {"into": into})


@router.post("/artists/{artist_id}/merge")
def merge(
    request: Request, context: Ctx, actor: CurrentActor, artist_id: UUID, into: Annotated[UUID, Form()]
) -> Response:
    try:
        with context.database.write(actor) as session:
            _, job_id = aliasing.merge_artists(session, actor, artist_id, into)
    except (BadRequest, Conflict) as fault:
        with context.database.read(actor) as session:
            return _names(request, session, context, actor, artist_id, fault=fault)
    return _done(into, job_id)
