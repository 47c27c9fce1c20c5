"""What accounts forget by the clock: old entries of the audit, and counters that no longer count."""

import datetime as dt

from pydantic import BaseModel

from otolith.accounts.audit import service as audit
from otolith.accounts.limits import queries as limits
from otolith.accounts.quotas import queries as quotas
from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.jobs.contracts import Contract, handles
from otolith.jobs.running import Run

# Longer than the longest window of a quota.
_USES_KEPT = dt.timedelta(days=40)


class TidyPayload(BaseModel):
    """Nothing needs to be said: the settings tell how long the audit is kept."""


TIDY = Contract(
    "accounts.tidy",
    version=1,
    payload=TidyPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="What was forgotten is not there to be forgotten again.",
)


@handles(TIDY, cron="41 3 * * *")
def tidy(run: Run, _payload: TidyPayload) -> dict[str, int]:
    """Remove entries of the audit older than OTOLITH_AUDIT_KEEP_DAYS, and counters whose time is over."""
    database, settings = run.context.database, run.context.settings
    with database.write(SYSTEM) as session:
        limits.forget_expired(session, now() - dt.timedelta(hours=1))
        quotas.forget_old_uses(session, now() - _USES_KEPT)
    with database.write(SYSTEM) as session:
        return {"forgotten": audit.prune(session, settings.audit.keep_days)}
