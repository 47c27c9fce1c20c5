"""What small machines need: few jobs of a lane at once, hours of quiet, and defaults of their own."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from otolith.core.actor import SYSTEM
from otolith.core.settings import BadSettings, JobSettings, Settings, load_settings
from otolith.jobs.lanes import lane_limits
from otolith.jobs.models import LanePause
from otolith.jobs.quiet import QuietHours, keep_quiet, quiet_hours
from otolith.jobs.running import Run
from otolith.jobs.seats import LaneSeats
from otolith.jobs.slot import Slot
from otolith.jobs.sweep import sweep
from otolith.worker import CannotWork, make_crew
from tests.jobs.tasks import BRIEF, FAN, NOTE, Bench, Note
from tests.services import wait_until

PARIS = ZoneInfo("Europe/Paris")
ALL_DAY = "00:00-23:59"


@pytest.fixture
def gate(bench: Bench) -> Iterator[threading.Event]:
    """What the jobs of one lane wait for."""
    gate = threading.Event()

    def work(_run: Run, _payload: Note) -> None:
        assert gate.wait(30)

    bench.does(FAN, work)
    yield gate
    gate.set()


def slot(bench: Bench, folder: Path, **limits: int) -> Slot:
    slot = Slot(bench.context, bench.handlers, "small", seats=LaneSeats(folder, limits))
    bench.slots.append(slot)
    return slot


def test_a_bounded_lane_leaves_its_other_jobs_waiting(bench: Bench, gate: threading.Event, tmp_path: Path) -> None:
    first, second, other = bench.submit(FAN), bench.submit(FAN), bench.submit(NOTE)
    lanes = [FAN.lane, NOTE.lane]
    busy = threading.Thread(target=slot(bench, tmp_path, index=1).work, args=([FAN.lane],))
    busy.start()
    wait_until(lambda: bench.job(first).state == "running", "the first job")
    beside = slot(bench, tmp_path, index=1)
    assert beside.work(lanes)[0] == 1
    assert bench.job(other).state == "succeeded"
    assert bench.job(second).state == "queued", "one of its lane runs already"
    gate.set()
    busy.join(30)
    assert bench.job(second).state == "succeeded", "by whoever had the seat"
    third = bench.submit(FAN)
    assert beside.work(lanes)[0] == 1, "the seat was left"
    assert bench.job(third).state == "succeeded"


def test_a_lane_may_have_several_seats(bench: Bench, gate: threading.Event, tmp_path: Path) -> None:
    jobs = [bench.submit(FAN) for _ in range(3)]
    threads = [threading.Thread(target=slot(bench, tmp_path, index=2).work, args=([FAN.lane],)) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_until(lambda: [bench.job(job).state for job in jobs].count("running") == 2, "two of three")
    threads[0].join(0.5)
    assert [bench.job(job).state for job in jobs].count("running") == 2
    gate.set()
    for thread in threads:
        thread.join(30)
    assert {bench.job(job).state for job in jobs} == {"succeeded"}


def test_limits_are_read_from_the_settings() -> None:
    assert lane_limits(JobSettings(lane_limits="audio=1, speech = 2")) == {"audio": 1, "speech": 2}
    assert lane_limits(JobSettings()) == {}
    with pytest.raises(ValueError, match="no lane sound"):
        lane_limits(JobSettings(lane_limits="sound=1"))
    with pytest.raises(BadSettings, match="LANE_LIMITS"):
        load_settings({"OTOLITH_JOBS_LANE_LIMITS": "audio=0"})


@pytest.mark.parametrize(
    ("hours", "moment", "left"),
    [
        ("08:00-23:00", "2026-06-01T07:59:00+02:00", 0),
        ("08:00-23:00", "2026-06-01T08:00:00+02:00", 15 * 3600),
        ("08:00-23:00", "2026-06-01T23:00:00+02:00", 0),
        ("22:00-07:00", "2026-06-01T23:30:00+02:00", 7.5 * 3600),
        ("22:00-07:00", "2026-06-01T06:59:00+02:00", 60),
        ("22:00-07:00", "2026-06-01T12:00:00+02:00", 0),
        # The same moment is another hour elsewhere.
        ("22:00-07:00", "2026-06-01T20:30:00+00:00", 8.5 * 3600),
        # The clocks go forward in this night, and back in that one.
        ("22:00-07:00", "2026-03-28T23:00:00+01:00", 7 * 3600),
        ("22:00-07:00", "2026-10-24T23:00:00+02:00", 9 * 3600),
    ],
)
def test_quiet_ends_by_the_clocks_of_its_zone(hours: str, moment: str, left: float) -> None:
    found = quiet_hours(JobSettings(quiet_hours=hours, time_zone="Europe/Paris"))
    assert found is not None
    assert found.seconds_left(dt.datetime.fromisoformat(moment)) == left


def test_quiet_hours_that_mean_nothing_are_refused(settings: Settings) -> None:
    assert quiet_hours(JobSettings()) is None
    with pytest.raises(ValueError, match="somebody waits"):
        quiet_hours(JobSettings(quiet_hours=ALL_DAY, quiet_lanes="audio,interactive"))
    with pytest.raises(BadSettings, match="time zone"):
        load_settings({"OTOLITH_JOBS_TIME_ZONE": "Europe/Atlantis"})
    with pytest.raises(BadSettings, match="QUIET_HOURS"):
        load_settings({"OTOLITH_JOBS_QUIET_HOURS": "8-23"})
    settings.jobs = JobSettings(quiet_hours=ALL_DAY, quiet_lanes="sound")
    with pytest.raises(CannotWork, match="no lane sound"):
        make_crew(settings)


def test_lanes_rest_in_quiet_hours_and_say_why(bench: Bench) -> None:
    bench.context.settings.jobs = JobSettings(quiet_hours=ALL_DAY, time_zone="Etc/GMT+12", quiet_lanes="audio")
    hours = quiet_hours(bench.context.settings.jobs)
    assert hours is not None
    if hours.seconds_left(dt.datetime.now(dt.UTC)) < 60:
        bench.context.settings.jobs.time_zone = "Etc/GMT-12"
    heavy, light = bench.submit(BRIEF), bench.submit(NOTE)
    assert sweep(bench.context, ())
    assert bench.work() == 1
    assert (bench.job(heavy).state, bench.job(light).state) == ("queued", "succeeded")
    with bench.context.database.read(SYSTEM) as session:
        (pause,) = session.execute(select(LanePause)).scalars()
    assert (pause.lane, pause.reason) == ("audio", "Quiet hours until 23:59.")


def test_a_lane_that_rests_for_longer_keeps_its_reason(bench: Bench) -> None:
    hours = QuietHours(dt.time(0), dt.time(23, 59), PARIS, ("audio", "speech"))
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    with bench.writing() as session:
        session.add(LanePause(lane="audio", until=later, reason="The disk is full."))
    noon = dt.datetime(2026, 6, 1, 12, tzinfo=PARIS)
    with pytest.MonkeyPatch.context() as patch, bench.writing() as session:
        patch.setattr("otolith.jobs.quiet.system_clock", lambda _session: noon)
        keep_quiet(session, hours)
    with bench.context.database.read(SYSTEM) as session:
        reasons = {pause.lane: pause.reason for pause in session.execute(select(LanePause)).scalars()}
    assert reasons == {"audio": "The disk is full.", "speech": "Quiet hours until 23:59."}


def test_a_command_that_does_its_own_jobs_does_not_rest(bench: Bench) -> None:
    bench.context.settings.jobs = JobSettings(quiet_hours=ALL_DAY)
    assert sweep(bench.context, (), always=True)
    with bench.context.database.read(SYSTEM) as session:
        assert session.execute(select(LanePause)).first() is None


def test_the_small_profile_gives_way_to_what_is_said_outright() -> None:
    small = load_settings({"OTOLITH_PROFILE": "small", "OTOLITH_MEDIA_TRANSCODERS": "3"})
    assert (small.jobs.concurrency, small.database_pool, small.media.transcoders) == (1, 4, 3)
    assert load_settings({}, profile="small").jobs.concurrency == 1
    assert load_settings({"OTOLITH_WORKERS": "2"}, profile="small").workers == 2
    assert load_settings({}).jobs.concurrency == 0
    with pytest.raises(BadSettings, match="PROFILE"):
        load_settings({"OTOLITH_PROFILE": "tiny"})
