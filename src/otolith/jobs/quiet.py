"""Quiet hours: when heavy lanes rest, so that a small machine is free for those who sit before it."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from otolith.core.db import system_clock
from otolith.core.settings import JobSettings
from otolith.jobs import lanes as pauses
from otolith.jobs.clauses import clock_after
from otolith.jobs.contracts import Lane
from otolith.jobs.lanes import known_lanes
from otolith.jobs.models import LanePause
from otolith.jobs.outcomes import PauseLane

log = structlog.get_logger(__name__)

# Pauses are short and renewed, so that they end soon after somebody changes the hours.
PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The lanes that rest from one time of the day to another, by the clocks of a zone (None: this machine's)."""

    begin: dt.time
    end: dt.time
    zone: ZoneInfo | None
    lanes: tuple[Lane, ...]
    pause: float = PAUSE_SECONDS

    def seconds_left(self, moment: dt.datetime) -> float:
        """How long the quiet that `moment` lies in goes on; 0 outside."""
        local = moment.astimezone(self.zone)
        at = local.time()
        inside = self.begin <= at < self.end if self.begin < self.end else at >= self.begin or at < self.end
        if not inside:
            return 0.0
        day = local.date() if at < self.end else local.date() + dt.timedelta(days=1)
        # By way of UTC, since a night in which the clocks change is an hour shorter or longer.
        ends = dt.datetime.combine(day, self.end, local.tzinfo if self.zone is None else self.zone)
        return (ends.astimezone(dt.UTC) - moment.astimezone(dt.UTC)).total_seconds()


def quiet_hours(settings: JobSettings) -> QuietHours | None:
    """What the settings say; `ValueError` for a lane that is none, or one that somebody waits for."""
    if not settings.quiet_hours:
        return None
    begin, _, end = settings.quiet_hours.partition("-")
    lanes = known_lanes([name.strip() for name in settings.quiet_lanes.split(",") if name.strip()])
    if "interactive" in lanes:
        message = "The lane interactive has no quiet hours: somebody waits for its jobs."
        raise ValueError(message)
    zone = ZoneInfo(settings.time_zone) if settings.time_zone else None
    # Workers that look seldom have to say so for longer.
    pause = max(PAUSE_SECONDS, 4 * settings.sweep_seconds)
    return QuietHours(dt.time.fromisoformat(begin.strip()), dt.time.fromisoformat(end.strip()), zone, lanes, pause)


def keep_quiet(session: Session, hours: QuietHours) -> None:
    """Let the lanes rest for another while if it is time; what runs already goes on."""
    left = hours.seconds_left(system_clock(session))
    if left <= 0:
        return
    resting = select(LanePause.lane).where(LanePause.until > clock_after(literal(hours.pause / 2)))
    known = set(session.execute(resting).scalars())
    reason = f"Quiet hours until {hours.end:%H:%M}."
    for lane in hours.lanes:
        # A lane that rests longer, such as for a full disk, keeps its reason.
        if lane not in known:
            pauses.pause(session.connection(), PauseLane(lane, min(left, hours.pause), reason))
