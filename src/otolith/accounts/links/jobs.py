"""Sending the mail of a link in the background, so that no answer tells by its time who has an account."""

from uuid import UUID

import structlog
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from otolith.accounts import queries as accounts_queries
from otolith.accounts.links import queries
from otolith.accounts.links.mail import MailFailed, MailRefused, compose, send
from otolith.accounts.links.making import arm
from otolith.accounts.models import AccountLink, User
from otolith.accounts.names import fold
from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.core.settings import Settings
from otolith.jobs.service import Contract, RetryLater, Run, handles

log = structlog.get_logger(__name__)

RETRY_SECONDS = 60.0


class MailPayload(BaseModel):
    """A link whose mail is to be sent. The link itself is made when it is sent, and is in no job."""

    link_id: UUID = Field(description="The link.")


MAIL = Contract(
    "accounts.mail",
    version=1,
    payload=MailPayload,
    lane="network",
    hard_seconds=120,
    idempotent="A mail sent again holds a new link, and the one before stops working.",
)


@handles(MAIL)
def mail(run: Run, payload: MailPayload) -> dict[str, bool]:
    """Send the mail of an invitation, a registration, a lost password or a new address."""
    settings = run.context.settings
    with run.context.database.write(SYSTEM) as session:
        prepared = _prepare(session, settings, payload.link_id)
    if prepared is None or not settings.mail.host:
        return {"sent": False}
    name, language, recipient, values = prepared
    try:
        send(settings.mail, compose(settings.mail, name, language, recipient, values))
    except MailRefused as error:
        log.warning("accounts.mail.refused", link_id=str(payload.link_id), error=str(error))
        return {"sent": False}
    except MailFailed as error:
        raise RetryLater(RETRY_SECONDS, str(error)) from error
    with run.context.database.write(SYSTEM) as session:
        link = queries.link_by_id(session, payload.link_id, lock=True)
        if link is not None:
            link.sent_at = now()
    log.info("accounts.mail.sent", link_id=str(payload.link_id), mail=name)
    return {"sent": True}


def _prepare(session: Session, settings: Settings, link_id: UUID) -> tuple[str, str, str, dict[str, str]] | None:
    """Which text goes to whom with which values; nothing where there is nobody to write to."""
    link = queries.link_by_id(session, link_id, lock=True)
    if link is None or link.used_at is not None or link.expires_at <= now():
        return None
    if link.kind == "reset":
        user = _owner(session, link)
        if user is None or user.email is None or not user.active:
            return None
        link.user_id = user.id
        return "reset", link.language, user.email, _values(settings, link, user)
    if link.kind == "registration" and accounts_queries.user_by_key(session, fold(link.address)) is not None:
        # Whoever has an account is told so by mail alone, and not by the page.
        return "known", link.language, link.address, {"server": settings.public_url}
    return link.kind, link.language, link.address, _values(settings, link, None)


def _owner(session: Session, link: AccountLink) -> User | None:
    if link.user_id is not None:
        return session.get(User, link.user_id)
    key = fold(link.address)
    return accounts_queries.user_by_key(session, key) if key.isprintable() else None


def _values(settings: Settings, link: AccountLink, user: User | None) -> dict[str, str]:
    return {
        "link": arm(settings, link),
        "server": settings.public_url,
        "name": (user.display_name or user.name) if user is not None else "",
        "until": f"{link.expires_at:%Y-%m-%d %H:%M} UTC",
    }
