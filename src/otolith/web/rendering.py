"""Turning what a view found into a page: the templates, the words, the caller's preferences, and safe headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from otolith.accounts.audit.service import may_read as may_read_audit
from otolith.accounts.credentials import CSRF_FIELD, csrf_of, session_cookies
from otolith.core.actor import Actor
from otolith.core.i18n import LANGUAGES, language_of, translations
from otolith.web import assets
from otolith.web.formats import Formats, clock, formats_for
from otolith.web.icons import icon, sign
from otolith.web.reasons import plain_reasons, reason_in
from otolith.web.words import Words

FOLDER = Path(__file__).parent
THEME_COOKIE = "otolith_theme"
SHORTCUTS_COOKIE = "otolith_shortcuts"
# Each language by its own name, since whoever looks for it may not read the present one.
LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
API = "/api"
EVENTS = f"{API}/jobs/events"

Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie, Accept-Language",
    "X-Content-Type-Options": "nosniff",
}

# The referrer policy of pages whose address is a secret. Under `no-referrer` browsers send `Origin: null` with the
# page's own form, which is then refused wherever nothing else tells where it comes from, as without TLS.
NO_ADDRESS = "strict-origin"


@dataclass(frozen=True, slots=True)
class Message:
    """Something that a page says at its top."""

    text: str
    bad: bool = False
    # The exact reason, as the server says it to programs.
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What the frame of a page needs to know.

    `known` says that somebody is signed in, whoever it is; `follows` says that the page shows work in progress and
    is to be told when something happened.
    """

    language: str
    theme: Theme
    shortcuts: bool
    address: str
    known: bool = False
    user_name: str = ""
    # Whether the reader was granted the library, whose pages are else left out of the navigation.
    library: bool = True
    # Whether there is a part of the audit that the reader may look at.
    oversees: bool = False
    # Whether the reader is an administrator, who alone finds the way to the users.
    governs: bool = False
    section: str = ""
    follows: bool = False
    working: int = 0
    messages: Sequence[Message] = field(default_factory=tuple)
    events_url: str = EVENTS


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language, ready to speak: its words, its ways of writing, and the templates bound to both."""

    language: str
    words: Words
    formats: Formats
    templates: Environment


@lru_cache(maxsize=len(LANGUAGES))
def tongue(language: str) -> Tongue:
    known = translations(language)
    words, formats = Words(known), formats_for(language, known)
    templates = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.install_gettext_callables(known.gettext, known.ngettext, newstyle=True)  # type: ignore[attr-defined]  # The extension adds it.
    templates.filters.update(
        clock=clock,
        decimal=formats.decimal,
        number=formats.number,
        percent=formats.percent,
        size=formats.size,
    )
    templates.globals.update(
        static=assets.load().url,
        has_static=assets.load().files.__contains__,
        languages=[(code, LANGUAGE_NAMES[code]) for code in LANGUAGES],
        api=API,
        icon=icon,
        sign=sign,
        reason=lambda text: reason_in(language, words, text),
        plain_reasons=plain_reasons(language, words),
        key_and_mode=words.key_and_mode,
        sureness=words.sureness,
    )
    return Tongue(language, words, formats, templates)


def tongue_of(request: Request) -> Tongue:
    return tongue(language_of(request))


def _theme(request: Request) -> Theme:
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return next((theme for theme in THEMES if theme == chosen), "auto")


def address_of(request: Request) -> str:
    """The path and query of this request, as a link on the same server."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def csrf_field(request: Request) -> Markup:
    """The hidden field that proves that a form came from this server's own page."""
    held = session_cookies(request.cookies)
    token = csrf_of(held[0]) if held else ""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)


def render(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    actor: Actor | None = None,
    section: str = "",
    follows: bool = False,
    working: int = 0,
    messages: Sequence[Message] = (),
    status: int = 200,
    address: str | None = None,
) -> HTMLResponse:
    """A page in the language and colours of whoever asked."""
    speak = tongue_of(request)
    page = Page(
        language=speak.language,
        theme=_theme(request),
        shortcuts=request.cookies.get(SHORTCUTS_COOKIE) != "off",
        address=address or address_of(request),
        known=bool(session_cookies(request.cookies)),
        user_name=actor.user_name if actor else "",
        oversees=actor is not None and may_read_audit(actor),
        library=actor is None or actor.may_use("library"),
        governs=actor is not None and actor.is_admin,
        section=section,
        follows=follows,
        working=working,
        messages=messages,
    )
    template_values = {**values, "page": page, "csrf_field": lambda: csrf_field(request)}
    text = speak.templates.get_template(template).render(template_values)
    return HTMLResponse(text, status, headers={**HEADERS, "Content-Language": speak.language})
