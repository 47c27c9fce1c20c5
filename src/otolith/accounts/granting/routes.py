"""Granted features over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from otolith.accounts.granting import service
from otolith.accounts.granting.schemas import GrantIn, GrantOut
from otolith.core.errors import NotAllowed, NotFound, responses
from otolith.core.http import Ctx, CurrentActor, Reading, Writing

router = APIRouter(tags=["accounts"])


@router.get("/users/{user_id}/features", summary="What a user may use", responses=responses(NotAllowed, NotFound))
def get_features_of_user(user_id: UUID, session: Reading, context: Ctx, actor: CurrentActor) -> GrantOut:
    """The features that were granted by name or come with the role; for administrators, and about oneself."""
    return service.grant_of(session, actor, user_id, context.settings.accounts)


@router.put("/users/{user_id}/features", summary="Grant features to a user", responses=responses(NotFound))
def grant_features(user_id: UUID, body: GrantIn, session: Writing, context: Ctx, actor: CurrentActor) -> GrantOut:
    """For administrators. A list that names nothing grants nothing; null lets the role decide."""
    return service.grant(session, actor, user_id, body.features, context.settings.accounts)
