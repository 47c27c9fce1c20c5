"""The ledger's own job: forgetting what was done long ago."""

import datetime as dt

from pydantic import BaseModel

from otolith.core.actor import SYSTEM
from otolith.core.db import now
from otolith.jobs.contracts import Contract, handles
from otolith.jobs.running import Run
from otolith.jobs.service import purge

# What is done each minute by the clock would soon be most of the ledger.
_ROUTINE_KEPT = dt.timedelta(days=2)


class ForgetPayload(BaseModel):
    """Nothing needs to be said: the settings tell how long finished jobs are kept."""


FORGET = Contract(
    "jobs.forget",
    version=1,
    payload=ForgetPayload,
    lane="maintenance",
    hard_seconds=3600,
    idempotent="What was forgotten is not there to be forgotten again.",
)


@handles(FORGET, cron="17 3 * * *")
def forget(run: Run, _payload: ForgetPayload) -> dict[str, int]:
    """Delete succeeded and cancelled jobs that are older than OTOLITH_JOBS_KEEP_DAYS; dead ones stay until purged.

    What the system does by the clock is forgotten after two days, where it went well.
    """
    before = now() - dt.timedelta(days=run.context.settings.jobs.keep_days)
    states = ("succeeded", "cancelled")
    database = run.context.database
    forgotten = purge(database, SYSTEM, states=states, finished_before=before)
    routine = purge(database, SYSTEM, states=states, finished_before=now() - _ROUTINE_KEPT, routine_only=True)
    return {"forgotten": forgotten + routine}
