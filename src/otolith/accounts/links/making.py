"""Making links, and finding the one that somebody came with."""

import datetime as dt
from collections.abc import Collection

from sqlalchemy.orm import Session

from otolith.accounts.credentials import digest, new_secret
from otolith.accounts.links import queries
from otolith.accounts.models import AccountLink, LinkKind
from otolith.core.db import now
from otolith.core.errors import NotFound
from otolith.core.settings import Settings

PAGE = "/auth/confirm"
EVERY_KIND: tuple[LinkKind, ...] = ("invitation", "registration", "reset", "address")
HALF_SIGNED_IN: tuple[LinkKind, ...] = ("code",)


class LinkOver(NotFound):
    """This link was used already, has expired, or never was one; ask for a new one."""


def lifetime(settings: Settings, kind: LinkKind) -> dt.timedelta:
    if kind == "invitation":
        return dt.timedelta(days=settings.accounts.invitation_days)
    if kind == "reset":
        return dt.timedelta(minutes=settings.accounts.reset_minutes)
    return dt.timedelta(days=1)


def make_link(session: Session, settings: Settings, link: AccountLink) -> AccountLink:
    """Store the link, without a secret yet."""
    at = now()
    queries.forget_expired(session, at)
    link.created_at, link.expires_at = at, at + lifetime(settings, link.kind)
    session.add(link)
    session.flush()
    return link


def arm(settings: Settings, link: AccountLink) -> str:
    """Give the link a new secret, which makes one that it had before worthless, and return its address."""
    secret = new_secret()
    link.secret_hash = digest(secret)
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return f"{base}{PAGE}/{secret}"


def look(session: Session, secret: str, kinds: Collection[LinkKind] = EVERY_KIND) -> AccountLink:
    """The link of this secret, which stays as it is, or `LinkOver`."""
    link = queries.living_link(session, digest(secret), kinds, now())
    if link is None:
        raise LinkOver
    return link


def use(session: Session, secret: str, *kinds: LinkKind) -> AccountLink:
    """Use up the link of this secret, or raise `LinkOver`."""
    link = queries.use_link(session, digest(secret), kinds, now())
    if link is None:
        raise LinkOver
    return link
