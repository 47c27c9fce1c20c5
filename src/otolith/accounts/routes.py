"""The route of who one is."""

from dataclasses import asdict

from fastapi import APIRouter, Request

from otolith.accounts import service
from otolith.accounts.features import in_order
from otolith.accounts.limits.guarding import allowance_of
from otolith.accounts.schemas import RequestsOut, WhoamiOut
from otolith.accounts.tokens.schemas import TokenOut
from otolith.accounts.workspaces.routes import workspace_out
from otolith.core.http import CurrentActor, Reading

router = APIRouter(tags=["accounts"])


@router.get("/whoami", summary="Who you are")
def whoami(request: Request, session: Reading, actor: CurrentActor) -> WhoamiOut:
    """Check a session or a token, and tell what it lets you do."""
    known = service.whoami(session, actor)
    left = allowance_of(request)
    return WhoamiOut(
        user_id=known.user.id,
        username=known.user.name,
        display_name=known.user.display_name,
        email=known.user.email,
        role=actor.role,
        credential="token" if actor.token_id else "session",
        token=TokenOut.model_validate(known.token) if known.token else None,
        workspaces=[workspace_out(workspace, actor) for workspace in known.workspaces],
        features=in_order(actor.features),
        requests=RequestsOut(**asdict(left)) if left else None,
    )
