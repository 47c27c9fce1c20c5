"""How the run of a job can end otherwise than well, as exceptions that handlers raise or meet."""

from otolith.core.errors import AppError, Conflict, NotFound

LONGEST_ERROR = 4000
# No service means more by "later", and no database can reckon with what some of them say.
LONGEST_WAIT = 30 * 24 * 3600.0


def plain(message: str) -> str:
    """A message that every database can store."""
    return message.encode("utf-8", "backslashreplace").decode()[:LONGEST_ERROR].replace("\x00", "\\0")


class JobNotFound(NotFound):
    """There is no such job that you may see."""


class JobStateConflict(Conflict):
    """The job is in a state in which this cannot be done."""


class UnknownTask(Exception):
    """This worker is too old for the job; a newer one may come, so the job is tried again."""


class BadPayload(AppError):
    """The payload of this job does not fit its contract."""


class RetryLater(Exception):
    """Raised by a handler: try again, but not before `seconds` have passed (a service's `Retry-After`)."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        self.seconds = min(max(0.0, seconds), LONGEST_WAIT)
        self.reason = reason or f"asked to try again in {self.seconds:g} s"
        super().__init__(self.reason)


class PauseLane(Exception):
    """Raised by a handler: nothing in this lane can work for a while (a full disk, an absent service).

    The job goes back into the queue without having used an attempt.
    """

    def __init__(self, lane: str, seconds: float, reason: str) -> None:
        self.lane = lane
        self.seconds = min(max(1.0, seconds), LONGEST_WAIT)
        self.reason = reason
        super().__init__(reason)


class Postponed(Exception):
    """Raised by a handler: not now. The job goes back for `seconds`, without having used an attempt."""

    def __init__(self, seconds: float, reason: str) -> None:
        self.seconds = min(max(0.1, seconds), LONGEST_WAIT)
        self.reason = reason
        super().__init__(reason)


class Interrupted(Exception):
    """The run of this job must end now; handlers let it pass."""


class LeaseLost(Interrupted):
    """Another worker may run this job by now, so nothing of this run may be written any more."""


class JobCancelled(Interrupted):
    """Somebody cancelled this job while it ran."""


class Draining(Interrupted):
    """The worker is stopping, so the job goes back into the queue."""


class TimeIsUp(Exception):
    """The job ran longer than its contract allows."""
