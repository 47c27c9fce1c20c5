"""Mails: their texts in English and French, and the way to the mail server."""

import smtplib
import ssl
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid
from importlib.resources import files
from string import Template

from otolith.core.i18n import DEFAULT_LANGUAGE, LANGUAGES
from otolith.core.settings import MailSettings


class MailFailed(Exception):
    """The mail server did not take a mail; it is tried again later."""


class MailRefused(Exception):
    """The mail server will not take this mail, now or later."""


def compose(
    settings: MailSettings, name: str, language: str, recipient: str, values: Mapping[str, str]
) -> EmailMessage:
    """A mail from the text of this name: its first line is the subject, and after an empty one comes the rest."""
    subject, _, text = Template(_text(settings, name, language)).safe_substitute(values).partition("\n\n")
    message = EmailMessage()
    message["From"] = Address("Otolith", addr_spec=sender_of(settings))
    message["To"] = Address(addr_spec=recipient)
    # A display name must not become a second header.
    message["Subject"] = " ".join(subject.split())
    message["Message-ID"] = make_msgid(domain=sender_of(settings).rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language
    message.set_content(text.strip() + "\n")
    return message


def sender_of(settings: MailSettings) -> str:
    return settings.sender or f"otolith@{settings.host}"


def _text(settings: MailSettings, name: str, language: str) -> str:
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    file = f"{name}.{known}.txt"
    if settings.templates is not None and (settings.templates / file).is_file():
        return (settings.templates / file).read_text("utf-8")
    return (files("otolith.accounts.links") / "mails" / file).read_text("utf-8")


def send(settings: MailSettings, message: EmailMessage) -> None:
    """Hand the mail to the server, or raise `MailFailed` or, where trying again is of no use, `MailRefused`."""
    try:
        with _connected(settings) as server:
            if settings.username:
                password = settings.password.get_secret_value() if settings.password else ""
                server.login(settings.username, password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        # What the server says may quote the address, so only its code is told.
        said = f"The mail server refused the address ({', '.join(map(str, codes))})."
        raise (MailRefused if all(code >= 500 for code in codes) else MailFailed)(said) from None
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(f"The mail could not be sent: {type(error).__name__}.") from None


def _connected(settings: MailSettings) -> smtplib.SMTP:
    if settings.security == "tls":
        return smtplib.SMTP_SSL(
            settings.host, settings.port, timeout=settings.timeout, context=ssl.create_default_context()
        )
    server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
    try:
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
    except (smtplib.SMTPException, OSError):
        server.close()
        raise
    return server
