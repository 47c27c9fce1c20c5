"""Users, invitations and one's own account over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from otolith.accounts.factors import service as factors
from otolith.accounts.links import service as links
from otolith.accounts.people import service
from otolith.accounts.people.schemas import (
    AddressChange,
    CodeProof,
    Confirmation,
    Confirmed,
    Forgotten,
    GeneratorOut,
    HandedOut,
    InvitationIn,
    InvitationsOut,
    LinkOut,
    LinkRequest,
    PasswordChange,
    ProfileChange,
    Proof,
    RecoveryCodesOut,
    Registration,
    UserChange,
    UserIn,
    UserOut,
)
from otolith.accounts.sessions.service import in_person
from otolith.core.errors import BadRequest, Conflict, NotAcceptable, NotAllowed, NotFound, responses
from otolith.core.http import Ctx, CurrentActor
from otolith.core.i18n import language_of
from otolith.core.paging import DEFAULT_LIMIT, Cursor, Limit, Page

router = APIRouter(tags=["accounts"])

_ADMIN = responses(NotAllowed, NotFound)
_CHANGES = responses(NotAllowed, NotFound, Conflict)
Search = Annotated[str | None, Query(max_length=100, description="Only those with this in their name or address.")]


@router.get("/users", summary="List users", responses=responses(BadRequest, NotAllowed))
def list_users(
    context: Ctx, actor: CurrentActor, search: Search = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[UserOut]:
    """Oldest first; for administrators."""
    page = service.list_users(context, actor, text=search, cursor=cursor, limit=limit)
    items = [UserOut.model_validate(user) for user in page.items]
    return Page(items=items, next=page.next, total=page.total)


@router.post("/users", summary="Make a user", status_code=201, responses=responses(NotAllowed, Conflict))
def create_user(body: UserIn, context: Ctx, actor: CurrentActor) -> UserOut:
    """For administrators. Without a password, let the user choose one by `POST /users/{user_id}/link`."""
    user = service.create_user(
        context,
        actor,
        body.username,
        password=body.password,
        email=body.email,
        display_name=body.display_name,
        role=body.role,
    )
    return UserOut.model_validate(user)


@router.get("/users/{user_id}", summary="Show a user", responses=_ADMIN)
def get_user(user_id: UUID, context: Ctx, actor: CurrentActor) -> UserOut:
    """For administrators."""
    return UserOut.model_validate(service.get_user(context, actor, user_id))


@router.patch("/users/{user_id}", summary="Change a user", responses=_CHANGES)
def change_user(user_id: UUID, body: UserChange, context: Ctx, actor: CurrentActor) -> UserOut:
    """For administrators. Deactivating ends sessions, tokens and open streams at once."""
    return UserOut.model_validate(service.change_user(context, actor, user_id, body.model_dump(exclude_unset=True)))


@router.delete("/users/{user_id}", summary="Delete a user", status_code=204, responses=_CHANGES)
def delete_user(user_id: UUID, context: Ctx, actor: CurrentActor) -> None:
    """For administrators. The last administrator and the only owner of a workspace cannot be deleted."""
    service.delete_user(context, actor, user_id)


@router.post("/users/{user_id}/link", summary="Let a user choose a new password", status_code=201, responses=_ADMIN)
def make_password_link(user_id: UUID, body: LinkRequest, context: Ctx, actor: CurrentActor) -> HandedOut:
    """For administrators. The link goes to the user's address, or comes back to be handed on."""
    made = links.reset_link(context, actor, user_id, language=body.language, by_mail=body.by_mail)
    return HandedOut.handed(made)


@router.get("/invitations", summary="List open invitations", responses=responses(NotAllowed))
def list_invitations(context: Ctx, actor: CurrentActor) -> InvitationsOut:
    """Newest first; for administrators."""
    items = [LinkOut.of(link) for link in links.invitations(context, actor)]
    return InvitationsOut(items=items, total=len(items))


@router.post("/invitations", summary="Invite somebody", status_code=201, responses=_CHANGES)
def create_invitation(body: InvitationIn, context: Ctx, actor: CurrentActor) -> HandedOut:
    """For administrators. The invitation goes to the address, or comes back to be handed on."""
    made = links.invite(
        context,
        actor,
        email=body.email,
        role=body.role,
        workspace_id=body.workspace_id,
        workspace_role=body.workspace_role,
        language=body.language,
    )
    return HandedOut.handed(made)


@router.delete("/invitations/{link_id}", summary="Withdraw an invitation", status_code=204, responses=_ADMIN)
def withdraw_invitation(link_id: UUID, context: Ctx, actor: CurrentActor) -> None:
    """For administrators."""
    links.withdraw(context, actor, link_id)


@router.patch("/account", summary="Change your profile", responses=_ADMIN)
def change_profile(body: ProfileChange, context: Ctx, actor: CurrentActor) -> UserOut:
    """What you want to be called."""
    return UserOut.model_validate(links.change_profile(context, actor, body.display_name))


@router.post("/account/password", summary="Change your password", status_code=204, responses=responses(NotAllowed))
def change_password(body: PasswordChange, context: Ctx, actor: CurrentActor) -> None:
    """All other sessions of yours end; API tokens stay."""
    links.change_password(context, actor, body.current, body.password)


@router.post(
    "/account/address",
    summary="Change your e-mail address",
    status_code=202,
    response_class=Response,
    responses=responses(NotAllowed, Conflict),
)
def change_address(body: AddressChange, request: Request, context: Ctx, actor: CurrentActor) -> None:
    """A link goes to the new address, which becomes yours when it is followed."""
    links.ask_for_address(context, actor, body.current, body.email, language_of(request))


@router.post("/account/codes", summary="Set up one-time codes", status_code=201, responses=_CHANGES)
def set_up_codes(body: Proof, context: Ctx, actor: CurrentActor) -> GeneratorOut:
    """Codes are asked for once one of them was confirmed by `POST /account/codes/confirm`."""
    made = factors.begin_setup(context, links.confirmed(context, actor, body.current))
    return GeneratorOut(secret=made.secret, address=made.address)


@router.post("/account/codes/confirm", summary="Switch one-time codes on", responses=_CHANGES)
def confirm_codes(body: CodeProof, context: Ctx, actor: CurrentActor) -> RecoveryCodesOut:
    """From now on signing in asks for a code. Keep the recovery codes: they are not shown again."""
    return RecoveryCodesOut(codes=factors.finish_setup(context, actor, in_person(actor), body.code))


@router.delete("/account/codes", summary="Switch one-time codes off", status_code=204, responses=responses(NotAllowed))
def switch_codes_off(body: Proof, context: Ctx, actor: CurrentActor) -> None:
    """The app and the recovery codes are worth nothing then."""
    factors.switch_off(context, actor, links.confirmed(context, actor, body.current).id)


@router.post(
    "/auth/forgot",
    summary="Ask for a new password",
    status_code=202,
    response_class=Response,
    responses=responses(Conflict),
)
def forgot_password(body: Forgotten, request: Request, context: Ctx) -> None:
    """A link goes to the user's address. The answer is the same whether there is such a user or not."""
    links.ask_for_password(context, body.username, language_of(request))


@router.post(
    "/auth/register",
    summary="Ask for an account",
    status_code=202,
    response_class=Response,
    responses=responses(NotAllowed, Conflict, NotAcceptable),
)
def register(body: Registration, request: Request, context: Ctx) -> None:
    """A link goes to the address. The answer is the same whether it has an account or not."""
    links.ask_to_register(context, body.email, language_of(request))


@router.post("/auth/confirm", summary="Follow a link", responses=responses(NotFound, Conflict, NotAcceptable))
def follow_link(body: Confirmation, context: Ctx) -> Confirmed:
    """Accept an invitation, finish a registration, choose a new password, or confirm an address."""
    kind = links.look(context, body.link).kind
    if kind == "address":
        user = links.confirm_address(context, body.link)
    elif body.password is None:
        detail = "A password is needed for this."
        raise NotAcceptable(detail)
    elif kind == "reset":
        user = links.choose_password(context, body.link, body.password)
    elif body.username is None:
        detail = "A user name is needed for this."
        raise NotAcceptable(detail)
    else:
        user = links.join(context, body.link, body.username, body.password, display_name=body.display_name)
    return Confirmed(kind=kind, username=user.name)
