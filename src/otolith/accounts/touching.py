"""Noting when a session or a token was last used, without making a writer of every reader."""

import datetime as dt
from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import DatabaseFull
from otolith.core.errors import NotAvailable

log = structlog.get_logger(__name__)

# Often enough to tell which device is in use, and seldom enough not to make a writer of every reader.
TOUCH_EVERY = dt.timedelta(minutes=1)


def touch(context: Context, mark: Callable[[Session], None]) -> None:
    # When the mark cannot be set, the request itself can still be answered.
    try:
        with context.database.write(SYSTEM) as session:
            mark(session)
    except (NotAvailable, DatabaseFull):
        log.warning("accounts.touch.failed")
