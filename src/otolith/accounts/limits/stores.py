"""Where the shared counters of requests are kept: in Redis, or in the database."""

import datetime as dt

from otolith.accounts.limits import queries
from otolith.accounts.limits.counting import Store, StoreFailed
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import Database, DatabaseFull, system_clock
from otolith.core.errors import NotAvailable


class DatabaseStore:
    """Counters in the database, by its clock; a transaction each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, key: bytes, amount: int, seconds: int) -> tuple[int, float]:
        try:
            with self._database.write(SYSTEM) as session:
                at = system_clock(session)
                count, until = queries.count_calls(session, key, amount, at, at + dt.timedelta(seconds=seconds))
        except (NotAvailable, DatabaseFull) as error:
            raise StoreFailed(type(error).__name__) from error
        return count, max(0.001, (until - at).total_seconds())


def store_of(context: Context) -> Store:
    """Redis where the settings name one, or where it already is the broker; else the database."""
    settings = context.settings
    broker = settings.broker_url if settings.broker_url.startswith(("redis://", "rediss://")) else ""
    url = settings.limits.redis_url or broker
    if not url:
        return DatabaseStore(context.database)
    from otolith.accounts.limits.redis_store import RedisStore  # noqa: PLC0415 -- Redis is loaded where it is used.

    return RedisStore(url)
