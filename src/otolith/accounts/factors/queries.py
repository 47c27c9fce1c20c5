"""The SQL of second factors."""

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from otolith.accounts.models import CodeGenerator, RecoveryCode


def generator(session: Session, user_id: UUID, *, lock: bool = False) -> CodeGenerator | None:
    statement = select(CodeGenerator).where(CodeGenerator.user_id == user_id)
    return session.scalar(statement.with_for_update() if lock else statement)


def is_on(session: Session, user_id: UUID) -> bool:
    """Whether the user's codes count, which they do once one was confirmed."""
    found = generator(session, user_id)
    return found is not None and found.confirmed_at is not None


def use_recovery_code(session: Session, user_id: UUID, code_hash: bytes, at: dt.datetime) -> bool:
    """Use up a recovery code; of several who come with it at once one alone gets in."""
    statement = (
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
        .values(used_at=at)
        .returning(RecoveryCode.user_id)
    )
    return session.scalar(statement.execution_options(synchronize_session=False)) is not None


def recovery_codes_left(session: Session, user_id: UUID) -> int:
    statement = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(statement) or 0


def replace_recovery_codes(session: Session, user_id: UUID, hashes: Iterable[bytes]) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=one) for one in hashes)


def remove(session: Session, user_id: UUID) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(delete(CodeGenerator).where(CodeGenerator.user_id == user_id))
