"""News of changed rights, told on the jobs' feed: whoever follows it as that user is asked again who they are."""

from uuid import UUID

from sqlalchemy import BigInteger, Text, cast, func
from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.jobs.feed import Event
from otolith.jobs.models import JobEvent
from otolith.jobs.submitting import NEWS

TASK = "accounts.rights"


def tell_rights_changed(session: Session, user_id: UUID) -> None:
    """Let every open stream of this user, in whatever process, look again whether it may go on.

    It belongs into the transaction that takes the right away, which has to be the system's.
    """
    postgres = session.get_bind().dialect.name == "postgresql"
    transaction = cast(cast(func.pg_current_xact_id(), Text), BigInteger) if postgres else 0
    session.add(JobEvent(txid=transaction, job_id=user_id, task=TASK, lane="interactive", state="changed", at=now()))
    session.info[NEWS] = True


def is_about_rights_of(event: Event, user_id: UUID | None) -> bool:
    return event.task == TASK and event.job_id == user_id
