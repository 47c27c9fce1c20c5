"""From a user and their memberships to the actor that the rest of the house knows."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from otolith.accounts.features import features_of, known
from otolith.accounts.models import ApiToken, User
from otolith.core.actor import Actor, ServerRole, WorkspaceRole
from otolith.core.settings import AccountSettings

SCOPES: dict[str, ServerRole] = {"read": "readonly", "write": "user", "admin": "admin"}
RANKS: tuple[ServerRole, ...] = ("readonly", "user", "admin")


def actor_with_session(
    user: User, memberships: Mapping[UUID, WorkspaceRole], session_id: UUID, settings: AccountSettings
) -> Actor:
    """The caller behind a session, who may do all that the user may."""
    return Actor(
        kind="user",
        user_id=user.id,
        user_name=user.name,
        role=user.role,
        memberships=memberships,
        features=features_of(user.role, user.features, settings),
        session_id=session_id,
    )


def actor_with_token(
    user: User, memberships: Mapping[UUID, WorkspaceRole], token: ApiToken, settings: AccountSettings
) -> Actor:
    """The caller behind a token, who may do what the user may and the token allows as well."""
    bound = token.workspace_id
    features = features_of(user.role, user.features, settings)
    return Actor(
        kind="user",
        user_id=user.id,
        user_name=user.name,
        role=capped(user.role, token.scopes),
        memberships={one: role for one, role in memberships.items() if bound in (None, one)},
        features=features if token.features is None else features & known(token.features),
        token_id=token.id,
    )


def capped(role: ServerRole, scopes: Iterable[str]) -> ServerRole:
    """The lesser of a user's role and what the scopes of a token reach."""
    granted = max((RANKS.index(SCOPES[scope]) for scope in scopes if scope in SCOPES), default=0)
    return RANKS[min(granted, RANKS.index(role))]
