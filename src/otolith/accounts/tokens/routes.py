"""API tokens over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from otolith.accounts.models import ApiToken
from otolith.accounts.tokens import service
from otolith.accounts.tokens.schemas import NewTokenOut, TokenIn, TokenOut, TokensOut
from otolith.core.errors import Conflict, NotFound, responses
from otolith.core.http import CurrentActor, Reading, Writing

router = APIRouter(tags=["accounts"])


@router.get("/tokens", summary="List your API tokens")
def list_tokens(session: Reading, actor: CurrentActor) -> TokensOut:
    """Newest first, without their secrets; revoked ones stay in the list."""
    tokens = [TokenOut.model_validate(token) for token in service.list_tokens(session, actor)]
    return TokensOut(items=tokens, total=len(tokens))


@router.post("/tokens", summary="Make an API token", status_code=201, responses=responses(NotFound))
def create_token(body: TokenIn, session: Writing, actor: CurrentActor) -> NewTokenOut:
    """The secret is in this answer and nowhere else: only its SHA-256 is kept."""
    return _new_token(*service.create_token(session, actor, body))


@router.post(
    "/tokens/{token_id}/rotate", summary="Give an API token a new secret", responses=responses(NotFound, Conflict)
)
def rotate_token(token_id: UUID, session: Writing, actor: CurrentActor) -> NewTokenOut:
    """The secret before is refused from the next request on; all else stays as it was."""
    return _new_token(*service.rotate_token(session, actor, token_id))


@router.delete("/tokens/{token_id}", summary="Revoke an API token", responses=responses(NotFound))
def revoke_token(token_id: UUID, session: Writing, actor: CurrentActor) -> TokenOut:
    """The token is refused from the next request on."""
    return TokenOut.model_validate(service.revoke_token(session, actor, token_id))


def _new_token(token: ApiToken, secret: str) -> NewTokenOut:
    return NewTokenOut(**TokenOut.model_validate(token).model_dump(), token=secret)
