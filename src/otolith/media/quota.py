"""How much of the storage users and workspaces have taken, and the bound on it."""

from uuid import UUID

from sqlalchemy.orm import Session

from otolith.accounts.quotas import service as quotas
from otolith.accounts.quotas.events import UsageAsked
from otolith.accounts.quotas.kinds import SubjectKind
from otolith.core.actor import Actor
from otolith.core.context import Context
from otolith.media import queries
from otolith.media.events import MediaAdded


def stored_bytes(session: Session, subject: SubjectKind, subject_id: UUID) -> int:
    """The bytes of all uploads of a user or in a workspace; files of the library stay where they are."""
    return queries.stored_bytes(session, subject_id, of_user=subject == "user")


def _with_coming(session: Session, subject: SubjectKind, subject_id: UUID) -> int:
    coming = queries.coming_bytes(session, subject_id, of_user=subject == "user")
    return coming + stored_bytes(session, subject, subject_id)


def hold_storage(context: Context, session: Session, event: MediaAdded) -> None:
    """Refuse what was just filed where it is more than the quotas allow; its transaction is undone then."""
    quotas.hold(
        session,
        context.settings.quotas,
        "storage",
        stored_bytes,
        user=event.user_id,
        workspace=event.workspace_id,
    )


def require_room(context: Context, actor: Actor, workspace_id: UUID, size: int, *, in_pieces: bool = False) -> None:
    """Refuse an upload of so many bytes before any of them is read; what counts is still decided when it is filed.

    One that comes `in_pieces` finds those of its like counted: they stay here for days, finished or not.
    """
    with context.database.read(actor) as session:
        quotas.hold(
            session,
            context.settings.quotas,
            "storage",
            _with_coming if in_pieces else stored_bytes,
            user=actor.user_id,
            workspace=workspace_id,
            more=size,
            lock=False,
        )


def tell_usage(_context: Context, session: Session, asked: UsageAsked) -> None:
    asked.used["storage"] = stored_bytes(session, asked.subject_kind, asked.subject_id)
