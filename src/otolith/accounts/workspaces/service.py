"""Workspaces: made, renamed and deleted, and who belongs to them as what."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from otolith.accounts.audit.service import record
from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.accounts.names import fold
from otolith.accounts.queries import home_workspace, user_by_key
from otolith.accounts.rights import rights_changed
from otolith.accounts.tokens.queries import held_tokens, of_workspace, token_among
from otolith.accounts.tokens.service import TokenNotFound, end_token, must_give_access
from otolith.accounts.workspaces import queries
from otolith.core.actor import SYSTEM, Actor, WorkspaceRole
from otolith.core.context import Context
from otolith.core.errors import Conflict, NotAllowed, NotFound
from otolith.core.ids import new_id
from otolith.jobs.service import cancel_all

log = structlog.get_logger(__name__)


class WorkspaceNotFound(NotFound):
    """There is no such workspace that you may see."""


class NotTheOwner(NotAllowed):
    """Only an owner of this workspace may do this."""


class NoSuchUser(NotFound):
    """There is no active user of this name or address."""


class NoSuchMember(NotFound):
    """This user is no member of the workspace."""


class AlreadyMember(Conflict):
    """This user is a member already; change the role instead."""


class LastOwner(Conflict):
    """A workspace needs an owner: make somebody else one first, or delete the workspace."""


class TokenBound(NotAllowed):
    """This API token is bound to one workspace, and makes no other."""


class HomeStays(Conflict):
    """The workspace of the first start cannot be deleted; give it another name if you like."""


def list_workspaces(session: Session, actor: Actor) -> Sequence[Workspace]:
    return queries.visible_workspaces(session, actor)


def list_all(context: Context, actor: Actor) -> Sequence[tuple[Workspace, int]]:
    """Every workspace of the server with the number of its members; for administrators."""
    if not actor.is_admin:
        raise NotAllowed
    with context.database.read(SYSTEM) as session:
        return [(workspace, members) for workspace, members in queries.all_workspaces(session)]


def home_of(session: Session, actor: Actor) -> UUID | None:
    """The workspace of the first start, where the caller belongs to it; the row policies hide it from others."""
    home = home_workspace(session)
    return home.id if home is not None and actor.may_see(home.id) else None


def usual_workspace(session: Session, actor: Actor) -> UUID:
    """The workspace that is meant where none is named: Home, or else the first that the caller may change or see."""
    home = home_of(session, actor)
    if home is not None:
        return home
    mine = sorted(actor.workspaces, key=lambda one: (not actor.may_edit(one), one))
    if not mine:
        raise WorkspaceNotFound("You belong to no workspace yet; make one, or ask an owner to take you in.")
    return mine[0]


def workspace_of_name(session: Session, named: str) -> Workspace:
    """The workspace that the machine's owner names, by its name or its id."""
    try:
        found = [one for one in [session.get(Workspace, UUID(named))] if one is not None]
    except ValueError:
        found = list(queries.workspaces_named(session, named))
    if len(found) != 1:
        raise WorkspaceNotFound(
            "Several workspaces have this name; name one by its id." if found else "There is no such workspace."
        )
    return found[0]


def user_of_name(session: Session, name: str) -> User:
    """The active user of this user name or e-mail address."""
    key = fold(name)
    user = user_by_key(session, key) if key.isprintable() else None
    if user is None or not user.active:
        raise NoSuchUser
    return user


def list_members(session: Session, actor: Actor, workspace_id: UUID) -> Sequence[tuple[User, Membership]]:
    if queries.visible_workspace(session, actor, workspace_id) is None:
        raise WorkspaceNotFound
    return [(user, membership) for user, membership in queries.members_of(session, actor, workspace_id)]


def create_workspace(context: Context, actor: Actor, name: str) -> Workspace:
    """A new workspace that the caller owns. The system writes it, since nobody is a member of it yet."""
    if actor.role == "readonly" or actor.user_id is None:
        raise NotAllowed
    with context.database.write(SYSTEM) as session:
        token = session.get(ApiToken, actor.token_id) if actor.token_id is not None else None
        if token is not None and token.workspace_id is not None:
            raise TokenBound
        return add_workspace(session, actor, name, actor.user_id)


def add_workspace(session: Session, actor: Actor, name: str, owner: UUID) -> Workspace:
    workspace = Workspace(id=new_id(), name=name)
    session.add(workspace)
    session.flush()
    session.add(Membership(workspace_id=workspace.id, user_id=owner, role="owner"))
    told = {"name": name, "owner": str(owner)}
    record(session, actor, "workspace.create", on=("workspace", workspace.id), workspace_id=workspace.id, after=told)
    rights_changed(session, owner)
    log.info("accounts.workspace.created", workspace_id=str(workspace.id), user_id=str(owner))
    return workspace


@contextmanager
def _managing(context: Context, actor: Actor, workspace_id: UUID) -> Iterator[tuple[Session, Workspace]]:
    """A transaction of somebody who may manage the workspace, which is held until it ends.

    Administrators look after workspaces that they do not belong to; the row policies let only the system do that.
    """
    must_give_access(actor)
    if not actor.may_see(workspace_id) and not actor.is_admin:
        raise WorkspaceNotFound
    if not actor.may_manage(workspace_id):
        raise NotTheOwner
    with context.database.write(actor if actor.may_see(workspace_id) else SYSTEM) as session:
        workspace = queries.locked_workspace(session, workspace_id)
        if workspace is None:
            raise WorkspaceNotFound
        yield session, workspace


def rename_workspace(context: Context, actor: Actor, workspace_id: UUID, name: str) -> Workspace:
    with _managing(context, actor, workspace_id) as (session, workspace):
        before, workspace.name = workspace.name, name
        record(
            session,
            actor,
            "workspace.rename",
            on=("workspace", workspace_id),
            workspace_id=workspace_id,
            before={"name": before},
            after={"name": name},
        )
    return workspace


def delete_workspace(context: Context, actor: Actor, workspace_id: UUID) -> None:
    """Delete a workspace with all that belongs to it. Files of libraries stay; those of uploads go with the sweep."""
    with _managing(context, actor, workspace_id) as (session, workspace):
        if workspace.is_home:
            raise HomeStays
        cancelled = cancel_all(session, workspace_id)
        for user, _ in queries.members_of(session, SYSTEM, workspace_id):
            rights_changed(session, user.id)
        told = {"name": workspace.name, "cancelled": cancelled}
        record(
            session, actor, "workspace.delete", on=("workspace", workspace_id), workspace_id=workspace_id, before=told
        )
        # The rows of all slices go with it by their foreign keys.
        session.delete(workspace)
    log.info(
        "accounts.workspace.deleted", workspace_id=str(workspace_id), user_id=str(actor.user_id), cancelled=cancelled
    )


def add_member(
    context: Context, actor: Actor, workspace_id: UUID, name: str, role: WorkspaceRole
) -> tuple[User, Membership]:
    """Take an existing user in, by user name or e-mail address."""
    with _managing(context, actor, workspace_id) as (session, _):
        user = user_of_name(session, name)
        if queries.membership(session, workspace_id, user.id) is not None:
            raise AlreadyMember
        membership = Membership(workspace_id=workspace_id, user_id=user.id, role=role)
        session.add(membership)
        _note_member(session, actor, "add", workspace_id, user.id, after=role)
    return user, membership


def change_role(
    context: Context, actor: Actor, workspace_id: UUID, user_id: UUID, role: WorkspaceRole
) -> tuple[User, Membership]:
    with _managing(context, actor, workspace_id) as (session, _):
        membership = _present(session, workspace_id, user_id)
        if role != "owner":
            _keep_an_owner(session, membership)
        before, membership.role = membership.role, role
        user = session.get_one(User, user_id)
        _note_member(session, actor, "change", workspace_id, user_id, before=before, after=role)
    return user, membership


def remove_member(context: Context, actor: Actor, workspace_id: UUID, user_id: UUID) -> None:
    """Take somebody out, or leave by oneself, which needs no right over others."""
    leaving = user_id == actor.user_id and actor.may_see(workspace_id)
    if leaving:
        must_give_access(actor)
        with context.database.write(actor) as session:
            queries.locked_workspace(session, workspace_id)
            _remove(session, actor, workspace_id, user_id)
    else:
        with _managing(context, actor, workspace_id) as (session, _):
            _remove(session, actor, workspace_id, user_id)


def _remove(session: Session, actor: Actor, workspace_id: UUID, user_id: UUID) -> None:
    membership = _present(session, workspace_id, user_id)
    _keep_an_owner(session, membership)
    session.delete(membership)
    _note_member(session, actor, "remove", workspace_id, user_id, before=membership.role)


def _note_member(
    session: Session, actor: Actor, verb: str, workspace_id: UUID, user_id: UUID, **roles: WorkspaceRole
) -> None:
    """Record what changed, and let what the member has open ask anew what it may show."""
    told = {when: {"role": role} for when, role in roles.items()}
    record(session, actor, f"member.{verb}", on=("user", user_id), workspace_id=workspace_id, **told)
    rights_changed(session, user_id)
    log.info("accounts.member.changed", verb=verb, workspace_id=str(workspace_id), user_id=str(user_id), **roles)


def _present(session: Session, workspace_id: UUID, user_id: UUID) -> Membership:
    membership = queries.membership(session, workspace_id, user_id)
    if membership is None:
        raise NoSuchMember
    return membership


def _keep_an_owner(session: Session, membership: Membership) -> None:
    if membership.role == "owner" and not queries.other_owners(session, membership.workspace_id, membership.user_id):
        raise LastOwner


def list_workspace_tokens(context: Context, actor: Actor, workspace_id: UUID) -> Sequence[tuple[ApiToken, User]]:
    """The tokens that are bound to a workspace, whoever made them; for its owners."""
    _must_own(actor, workspace_id)
    # The row policies show people their own tokens alone.
    with context.database.read(SYSTEM) as session:
        return held_tokens(session, of_workspace(workspace_id))


def revoke_workspace_token(context: Context, actor: Actor, workspace_id: UUID, token_id: UUID) -> tuple[ApiToken, User]:
    """End a token that is bound to the workspace, whoever made it."""
    must_give_access(actor)
    _must_own(actor, workspace_id)
    with context.database.write(SYSTEM) as session:
        token = token_among(session, token_id, of_workspace(workspace_id))
        if token is None:
            raise TokenNotFound("This workspace has no such token.")
        return end_token(session, actor, token), session.get_one(User, token.user_id)


def _must_own(actor: Actor, workspace_id: UUID) -> None:
    if not actor.may_see(workspace_id) and not actor.is_admin:
        raise WorkspaceNotFound
    if not actor.may_manage(workspace_id):
        raise NotTheOwner
