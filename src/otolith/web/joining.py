"""What one does before one can sign in: follow a link, ask for a new password, ask for an account."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from otolith.accounts.credentials import session_cookies, set_cookies
from otolith.accounts.limits.browsers import browser_of, keep_browser
from otolith.accounts.links import service as links
from otolith.accounts.links.making import LinkOver
from otolith.accounts.models import LinkKind
from otolith.accounts.sessions.signing import sign_in
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.http import Ctx
from otolith.web.rendering import NO_ADDRESS, render, tongue_of

router = APIRouter(include_in_schema=False)

Line = Annotated[str, Form(max_length=400)]
Secret = Annotated[str, Form(max_length=4096)]


def _safe(page: Response) -> Response:
    """Neither the address with its secret nor what was typed is to stay anywhere."""
    page.headers["Cache-Control"] = "no-store"
    page.headers["Referrer-Policy"] = NO_ADDRESS
    return page


@router.get("/auth/confirm/{secret}")
def open_link(request: Request, context: Ctx, secret: str) -> Response:
    """Show what a link is for. Looking changes nothing, because mail programs look, too."""
    try:
        link = links.look(context, secret[:200])
    except LinkOver as fault:
        return _form(request, context, "", None, fault=fault)
    return _form(request, context, secret, link.kind)


def _form(
    request: Request,
    context: Context,
    secret: str,
    kind: LinkKind | None,
    *,
    username: str = "",
    fault: AppError | None = None,
) -> Response:
    values = {
        "secret": secret,
        "kind": kind or "",
        "username": username,
        "least": context.settings.accounts.password_length,
        "fault": fault.detail if fault else None,
    }
    back = f"/auth/confirm/{secret}" if kind else "/sign-in"
    return _safe(render(request, "link.html", values, status=fault.status if fault else 200, address=back))


@router.post("/auth/confirm")
def follow_link(
    request: Request, context: Ctx, secret: Secret = "", username: Line = "", password: Secret = ""
) -> Response:
    kind: LinkKind | None = None
    try:
        kind = links.look(context, secret[:200]).kind
        if kind == "address":
            links.confirm_address(context, secret)
            return RedirectResponse("/account", 303)
        if kind == "reset":
            links.choose_password(context, secret, password)
            return RedirectResponse("/sign-in", 303)
        user = links.join(context, secret, username, password)
    except AppError as fault:
        return _form(
            request, context, secret, None if isinstance(fault, LinkOver) else kind, username=username, fault=fault
        )
    signed_in = sign_in(
        context,
        user.name,
        password,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        replaces=session_cookies(request.cookies),
        browser=browser_of(request),
    )
    response = RedirectResponse("/", 303)
    keep_browser(context, request, response, signed_in.user_id)
    set_cookies(response, context.settings, signed_in)
    return response


def _ask(request: Request, what: str, *, sent: bool = False, fault: AppError | None = None) -> Response:
    values = {"what": what, "sent": sent, "fault": fault.detail if fault else None}
    return render(request, "ask.html", values, status=fault.status if fault else 200, address=f"/{what}")


@router.get("/forgot")
def forgot_page(request: Request, context: Ctx) -> Response:
    return _ask(request, "forgot", fault=None if links.sends_mail(context.settings) else links.NoMail())


@router.post("/forgot")
def forgot(request: Request, context: Ctx, address: Line = "") -> Response:
    try:
        links.ask_for_password(context, address, tongue_of(request).language)
    except AppError as fault:
        return _ask(request, "forgot", fault=fault)
    return _ask(request, "forgot", sent=True)


@router.get("/register")
def register_page(request: Request, context: Ctx) -> Response:
    closed = not context.settings.accounts.registration
    return _ask(request, "register", fault=links.NoRegistration() if closed else None)


@router.post("/register")
def register(request: Request, context: Ctx, address: Line = "") -> Response:
    try:
        links.ask_to_register(context, address, tongue_of(request).language)
    except AppError as fault:
        return _ask(request, "register", fault=fault)
    return _ask(request, "register", sent=True)
