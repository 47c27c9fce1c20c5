"""Other names of artists, given by people: what is credited under one goes to the artist who is meant."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.accounts.audit.service import record
from otolith.core.actor import Actor
from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from otolith.jobs.service import Run, submit
from otolith.library.catalogue import filing_queries, queries
from otolith.library.catalogue.events import REFILE, RefilePayload
from otolith.library.catalogue.filing import refile
from otolith.library.catalogue.models import Artist, ArtistAlias
from otolith.library.catalogue.naming import name_key
from otolith.library.catalogue.schemas import AliasGiven
from otolith.library.catalogue.service import ArtistNotFound
from otolith.library.catalogue.versions import next_version
from otolith.library.folding import clean

AT_ONCE: Final = 500
"""How many tracks are filed again while somebody waits for the answer, and in each step of a job."""


class AliasNotFound(NotFound):
    """There is no such other name, or you may not see it."""


class AliasCycle(Conflict):
    """These names would mean each other in a circle; remove the other alias first."""


class AliasTaken(Conflict):
    """This is another name of somebody already; remove that alias first."""


def add_alias(session: Session, actor: Actor, artist_id: UUID, name: str) -> AliasGiven:
    """Let a name mean this artist from now on."""
    (artist,) = _taken(session, actor, artist_id)
    alias = _add(session, artist.workspace_id, clean(name), artist)
    job_id = _follow(session, actor, artist.workspace_id, [alias.name_key])
    return AliasGiven(id=alias.id, name=alias.name, job_id=job_id)


def remove_alias(session: Session, actor: Actor, alias_id: UUID) -> UUID | None:
    """Let a name stand for itself again; the job that sees to it, where that is much work."""
    alias = queries.alias(session, actor, alias_id)
    if alias is None:
        raise AliasNotFound
    _may_edit(actor, alias.workspace_id)
    next_version(session, alias.workspace_id)
    queries.drop_alias(session, alias_id)
    return _follow(session, actor, alias.workspace_id, [alias.name_key])


def merge_artists(session: Session, actor: Actor, artist_id: UUID, into: UUID) -> tuple[UUID, UUID | None]:
    """Let every name of one artist mean another; the artist who stays, and the job, where there is one."""
    artist, target = _taken(session, actor, artist_id, into)
    if artist.workspace_id != target.workspace_id:
        raise BadRequest("These artists are of different workspaces.")
    if artist.name_key == target.name_key:
        raise BadRequest(
            "These two have the same name, and only their identifiers tell them apart; correct those in the tags."
        )
    workspace_id = artist.workspace_id
    names = {artist.name_key: artist.name}
    if artist.mbid is not None:
        names |= dict(queries.keys_of_id(session, workspace_id, artist.mbid))
    names.pop(target.name_key, None)
    for key in sorted(names):
        _add(session, workspace_id, names[key], target)
    told = {"into": target.id, "name": target.name}
    on = ("artist", artist_id)
    record(session, actor, "artist.merge", on=on, workspace_id=workspace_id, before={"name": artist.name}, after=told)
    return target.id, _follow(session, actor, workspace_id, sorted(names))


def _taken(session: Session, actor: Actor, *artist_ids: UUID) -> list[Artist]:
    """The artists as they are once nobody else changes the catalogue: two who merge them at once do so in turn."""
    next_version(session, _editable(session, actor, artist_ids[0]).workspace_id)
    session.expire_all()
    return [_editable(session, actor, artist_id) for artist_id in artist_ids]


def _editable(session: Session, actor: Actor, artist_id: UUID) -> Artist:
    artist = queries.one_of(session, actor, Artist, artist_id)
    if artist is None:
        raise ArtistNotFound
    _may_edit(actor, artist.workspace_id)
    return artist


def _may_edit(actor: Actor, workspace_id: UUID) -> None:
    if not actor.may_edit(workspace_id):
        raise NotAllowed("You may see this library but not change it; ask its owner for the editor's role.")


def _add(session: Session, workspace_id: UUID, name: str, target: Artist) -> ArtistAlias:
    key = name_key(name)
    if not key:
        raise BadRequest("A name needs at least one character that can be seen.")
    if key == target.name_key:
        raise BadRequest(f"{target.name} has this name already.")
    known = {alias.name_key: alias for alias in queries.all_aliases(session, workspace_id)}
    if key in known:
        raise AliasTaken(f"{known[key].name} is another name of {known[key].target} already; remove that alias first.")
    seen = target.name_key
    for _ in known:
        if seen == key:
            break
        seen = known[seen].target_key if seen in known else seen
    if seen == key:
        raise AliasCycle(f"{target.name} is itself another name of {name}, so these would mean each other in a circle.")
    alias = ArtistAlias(
        workspace_id=workspace_id, name=name, name_key=key, target=target.name, target_key=target.name_key
    )
    session.add(alias)
    session.flush()
    return alias


def _follow(session: Session, actor: Actor, workspace_id: UUID, keys: Sequence[str]) -> UUID | None:
    """File again whatever credits these names, or other names that mean them: now, or where it is much in a job."""
    known = queries.all_aliases(session, workspace_id)
    affected = set(keys)
    for _ in known:
        more = {alias.name_key for alias in known if alias.target_key in affected} - affected
        if not more:
            break
        affected |= more
    names = sorted(affected)
    tracks = filing_queries.tracks_named(session, workspace_id, (), names)
    if len(tracks) > AT_ONCE:
        payload = RefilePayload(names=names)
        return submit(session, REFILE, payload, workspace=workspace_id, user=actor.user_id, priority="high")
    refile(session, workspace_id, tracks)
    return None


def refile_named(run: Run, payload: RefilePayload) -> dict[str, Any]:
    """File again whatever credits these names, a portion at a time, so that nobody waits long for the catalogue."""
    assert run.workspace_id is not None  # noqa: S101 -- Whoever submits it names one.
    checkpoint: dict[str, Any] = run.checkpoint or {"filed": 0, "after": UUID(int=0).hex}
    while True:
        with run.context.database.read(run.actor) as session:
            named = sorted(filing_queries.tracks_named(session, run.workspace_id, (), payload.names))
        left = named[bisect_right(named, UUID(checkpoint["after"])) :]
        if not left:
            return {"filed": checkpoint["filed"]}
        portion = left[:AT_ONCE]
        checkpoint = {"filed": checkpoint["filed"] + len(portion), "after": portion[-1].hex}
        with run.step(checkpoint=checkpoint) as session:
            refile(session, run.workspace_id, portion)
        run.progress(checkpoint["filed"], checkpoint["filed"] + len(left) - len(portion), note="Filing by names")
