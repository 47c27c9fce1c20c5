"""The SQL of limits."""

import datetime as dt
from uuid import UUID

from sqlalchemy import case, delete, exists, select, update
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from otolith.accounts.limits.models import GuessCounter, KnownBrowser, RateCounter
from otolith.core.db import Base, now

_QUIET = {"synchronize_session": False}


def _insert(session: Session, table: type[Base]) -> SqliteInsert | PostgresInsert:
    sqlite = session.get_bind().dialect.name == "sqlite"
    return sqlite_insert(table) if sqlite else postgres_insert(table)


def count_calls(
    session: Session, key: bytes, amount: int, at: dt.datetime, expires_at: dt.datetime
) -> tuple[int, dt.datetime]:
    """Add to a counter, which begins anew once its window is over: the count, and when the window ends."""
    statement = _insert(session, RateCounter).values(key=key, count=amount, expires_at=expires_at)
    over = RateCounter.expires_at <= at
    statement = statement.on_conflict_do_update(
        index_elements=[RateCounter.key],
        set_={
            "count": case((over, amount), else_=RateCounter.count + amount),
            "expires_at": case((over, expires_at), else_=RateCounter.expires_at),
        },
    )
    row = session.execute(statement.returning(RateCounter.count, RateCounter.expires_at)).one()
    return row[0], row[1]


def guesses(session: Session, key: bytes) -> GuessCounter | None:
    return session.get(GuessCounter, key)


def locked_guesses(session: Session, key: bytes, at: dt.datetime) -> GuessCounter:
    """The counter of this key, made where there is none, and held against every other guess until the commit."""
    fresh = _insert(session, GuessCounter).values(key=key, failures=0, not_before=at, expires_at=at)
    session.execute(fresh.on_conflict_do_nothing())
    return session.execute(select(GuessCounter).where(GuessCounter.key == key).with_for_update()).scalar_one()


def take_back_guess(session: Session, key: bytes, at: dt.datetime) -> None:
    """A guess that nobody looked at does not count."""
    session.execute(
        update(GuessCounter)
        .where(GuessCounter.key == key, GuessCounter.failures > 0)
        .values(failures=GuessCounter.failures - 1, not_before=at)
        .execution_options(**_QUIET)
    )


def forget_guesses(session: Session, key: bytes) -> None:
    session.execute(delete(GuessCounter).where(GuessCounter.key == key).execution_options(**_QUIET))


def knows_browser(session: Session, secret_hash: bytes, user_id: UUID, at: dt.datetime) -> bool:
    known = exists().where(
        KnownBrowser.secret_hash == secret_hash, KnownBrowser.user_id == user_id, KnownBrowser.expires_at > at
    )
    return bool(session.scalar(select(known)))


def know_browser(session: Session, secret_hash: bytes, user_id: UUID, expires_at: dt.datetime) -> None:
    statement = _insert(session, KnownBrowser).values(
        secret_hash=secret_hash, user_id=user_id, created_at=now(), expires_at=expires_at
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[KnownBrowser.secret_hash, KnownBrowser.user_id], set_={"expires_at": expires_at}
        )
    )


def forget_expired(session: Session, at: dt.datetime) -> None:
    """Drop what no longer counts."""
    for table in (RateCounter, GuessCounter, KnownBrowser):
        session.execute(delete(table).where(table.expires_at < at).execution_options(**_QUIET))
