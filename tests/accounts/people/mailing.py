"""A mail server on loopback, and a worker's turn at what waits to be sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import MailSettings
from otolith.jobs.service import list_jobs, run_inline


@dataclass
class Postbox:
    """What arrived, and the addresses that are refused."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802 -- The library's name.
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- As above.
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def link(self) -> str:
        """The secret of the link in the last mail."""
        found = re.search(r"https://otolith\.example/auth/confirm/(\S+)", self.text())
        assert found is not None
        return found.group(1)

    def text(self) -> str:
        content: str = self.mails[-1].get_content()
        return content


@contextmanager
def mail_server() -> Iterator[tuple[Postbox, MailSettings]]:
    box = Postbox()
    # Port 0 lets the system choose; the controller's own trial connection needs to know which one that is.
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, MailSettings(host="127.0.0.1", port=port, security="none", sender="otolith@example.org", timeout=5)
    finally:
        controller.stop()


def deliver(context: Context) -> list[str]:
    """Run the mails that wait, as a worker does; the states of those jobs."""
    with context.database.read(SYSTEM) as session:
        waiting = [job.id for job in list_jobs(session, SYSTEM, states=["queued"], task="accounts.mail").items]
    for job in waiting:
        run_inline(context, job, HANDLERS)
    with context.database.read(SYSTEM) as session:
        found = {job.id: job.state for job in list_jobs(session, SYSTEM, task="accounts.mail").items}
    return [found[job] for job in waiting]
