"""The ledger as other slices see it."""

from otolith.jobs.contracts import LANES, PRIORITIES, Contract, Handler, Handlers, Lane, Priority, handles
from otolith.jobs.outcomes import (
    Draining,
    Interrupted,
    JobCancelled,
    JobNotFound,
    JobStateConflict,
    LeaseLost,
    PauseLane,
    RetryLater,
    TimeIsUp,
)
from otolith.jobs.running import Run
from otolith.jobs.submitting import submit, submit_many

__all__ = [
    "LANES",
    "PRIORITIES",
    "Contract",
    "Draining",
    "Handler",
    "Handlers",
    "Interrupted",
    "JobCancelled",
    "JobNotFound",
    "JobStateConflict",
    "Lane",
    "LeaseLost",
    "PauseLane",
    "Priority",
    "RetryLater",
    "Run",
    "TimeIsUp",
    "handles",
    "submit",
    "submit_many",
]
