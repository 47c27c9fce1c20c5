"""Other names of artists, given by people: what is credited under one goes to the artist who is meant."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import Actor
from otolith.core.errors import BadRequest, Conflict, NotAllowed, NotFound
from otolith.library.catalogue import filing_queries, queries
from otolith.library.catalogue.filing import refile
from otolith.library.catalogue.models import Artist, ArtistAlias
from otolith.library.catalogue.naming import name_key
from otolith.library.catalogue.schemas import AliasItem
from otolith.library.catalogue.service import ArtistNotFound
from otolith.library.catalogue.versions import next_version
from otolith.library.folding import clean


class AliasNotFound(NotFound):
    """There is no such other name, or you may not see it."""


class AliasCycle(Conflict):
    """These names would mean each other in a circle; remove the other alias first."""


class AliasTaken(Conflict):
    """This is another name of somebody already; remove that alias first."""


def add_alias(session: Session, actor: Actor, artist_id: UUID, name: str) -> AliasItem:
    """Let a name mean this artist from now on."""
    artist = _editable(session, actor, artist_id)
    next_version(session, artist.workspace_id)
    alias = _add(session, artist.workspace_id, clean(name), artist)
    _follow(session, artist.workspace_id, [alias.name_key])
    return AliasItem(id=alias.id, name=alias.name)


def remove_alias(session: Session, actor: Actor, alias_id: UUID) -> None:
    """Let a name stand for itself again."""
    alias = queries.alias(session, actor, alias_id)
    if alias is None:
        raise AliasNotFound
    _may_edit(actor, alias.workspace_id)
    next_version(session, alias.workspace_id)
    queries.drop_alias(session, alias_id)
    _follow(session, alias.workspace_id, [alias.name_key])


def merge_artists(session: Session, actor: Actor, artist_id: UUID, into: UUID) -> UUID:
    """Let every name of one artist mean another; the artist who stays."""
    artist, target = _editable(session, actor, artist_id), _editable(session, actor, into)
    if artist.workspace_id != target.workspace_id:
        raise BadRequest("These artists are of different workspaces.")
    if artist.name_key == target.name_key:
        raise BadRequest(
            "These two have the same name, and only their identifiers tell them apart; correct those in the tags."
        )
    workspace_id = artist.workspace_id
    next_version(session, workspace_id)
    names = {artist.name_key: artist.name}
    if artist.mbid is not None:
        names |= dict(queries.keys_of_id(session, workspace_id, artist.mbid))
    names.pop(target.name_key, None)
    for key in sorted(names):
        _add(session, workspace_id, names[key], target)
    _follow(session, workspace_id, sorted(names))
    return target.id


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


def _follow(session: Session, workspace_id: UUID, keys: Sequence[str]) -> None:
    """File again whatever credits these names, or other names that mean them."""
    known = queries.all_aliases(session, workspace_id)
    affected = set(keys)
    for _ in known:
        more = {alias.name_key for alias in known if alias.target_key in affected} - affected
        if not more:
            break
        affected |= more
    refile(session, workspace_id, filing_queries.tracks_named(session, workspace_id, (), sorted(affected)))
