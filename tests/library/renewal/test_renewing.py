"""Renewal: what older engines heard is heard again once, behind other work, while the old results serve."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.jobs.contracts import PRIORITIES
from otolith.jobs.models import Job
from otolith.jobs.service import LANES, submit
from otolith.jobs.slot import Slot
from otolith.library import analysing
from otolith.library.catalogue.versions import version_of
from otolith.library.engine.features import VERSIONS
from otolith.library.events import RENEW, RenewPayload
from otolith.library.health import service as health
from otolith.library.models import Analysis, Track
from otolith.library.renewal import queries, renewing
from otolith.library.roots import scans
from otolith.media.models import Media
from tests.library.conftest import Scan, write_tone

OLD = {**VERSIONS, "music": VERSIONS["music"] - 1}
Renew = Callable[[], None]


@pytest.fixture
def renew(context: Context, slot: Slot) -> Renew:
    """Let the clock strike: ask for renewal and work until nothing is left."""

    def run() -> None:
        with context.database.write(SYSTEM) as session:
            submit(session, RENEW, RenewPayload())
        slot.work(LANES)

    return run


def make_old(context: Context) -> None:
    with context.database.write(SYSTEM) as session:
        session.execute(update(Analysis).values(engines=OLD, energy=None, embedding=None))


def analyses(context: Context) -> list[Analysis]:
    with context.database.read(SYSTEM) as session:
        return list(session.scalars(select(Analysis).order_by(Analysis.sha256)))


def chunks(context: Context) -> list[Job]:
    with context.database.read(SYSTEM) as session:
        jobs = session.scalars(select(Job).where(Job.task == "library.analyse").order_by(Job.id)).all()
    return [job for job in jobs if job.payload["again"]]


def test_what_older_engines_heard_is_heard_again_behind_all_other_work(
    scan: Scan, context: Context, workspace: UUID, renew: Renew, tmp_path: Path
) -> None:
    for hertz in (300, 400, 500):
        write_tone(tmp_path / "music" / f"{hertz}.wav", hertz=hertz, seconds=3.0)
    scan(tmp_path / "music")
    make_old(context)
    with context.database.read(SYSTEM) as session:
        before = version_of(session, workspace)
    renew()
    assert [one.engines for one in analyses(context)] == [VERSIONS] * 3
    assert all(one.energy is not None for one in analyses(context))
    assert [(PRIORITIES[job.priority], job.state) for job in chunks(context)] == [("low", "succeeded")]
    with context.database.read(SYSTEM) as session:
        stamped = session.scalars(select(Track.version)).all()
        assert min(stamped) > before
        assert max(stamped) == version_of(session, workspace)


def test_what_is_up_to_date_is_left_alone(scan: Scan, context: Context, renew: Renew, tmp_path: Path) -> None:
    write_tone(tmp_path / "music" / "a.wav")
    scan(tmp_path / "music")
    renew()
    assert chunks(context) == []


def test_one_content_in_two_workspaces_is_heard_once_and_both_are_told(
    scan: Scan, context: Context, owner: Actor, slot: Slot, renew: Renew, tmp_path: Path
) -> None:
    sound = write_tone(tmp_path / "music" / "a.wav").read_bytes()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.wav").write_bytes(sound)
    scan(tmp_path / "music")
    other = Workspace(id=new_id(), name="Other")
    with context.database.write(SYSTEM) as session:
        session.add(other)
    both = Actor(kind="user", user_id=owner.user_id, user_name="ada", role="admin", memberships={other.id: "owner"})
    with context.database.write(both) as session:
        scans.start_scan(session, context, both, tmp_path / "other", other.id)
    slot.work(LANES)
    make_old(context)
    with context.database.read(SYSTEM) as session:
        seen = dict(session.execute(select(Track.id, Track.version)).tuples().all())
    assert len(seen) == 2
    renew()
    (job,) = chunks(context)
    assert len(job.payload["media"]) == 1
    assert [one.engines for one in analyses(context)] == [VERSIONS]
    with context.database.read(SYSTEM) as session:
        assert all(track.version > seen[track.id] for track in session.scalars(select(Track)))


def test_a_file_that_is_gone_keeps_its_old_results_and_is_not_tried_twice_a_day(
    scan: Scan, context: Context, renew: Renew, tmp_path: Path
) -> None:
    file = write_tone(tmp_path / "music" / "a.wav")
    scan(tmp_path / "music")
    make_old(context)
    file.unlink()
    renew()
    renew()
    (one,) = analyses(context)
    assert (one.engines, len(chunks(context))) == (OLD, 1)
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Track.state)).one() == "analysed"


def test_a_content_that_kills_its_jobs_is_given_up_and_told_and_keeps_no_other_back(
    scan: Scan,
    context: Context,
    workspace: UUID,
    owner: Actor,
    renew: Renew,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for hertz in (300, 400, 500):
        write_tone(tmp_path / "music" / f"{hertz}.wav", hertz=hertz)
    scan(tmp_path / "music")
    make_old(context)
    with context.database.read(SYSTEM) as session:
        deadly = session.scalars(select(Media.id).order_by(Media.id).limit(1)).one()
    settle = analysing._One.settle

    def dying(one: analysing._One, checkpoint: dict[str, int]) -> dict[str, int]:
        if one.payload.again and one.wanted.media_id == deadly:
            message = "the power went"
            raise RuntimeError(message)
        return settle(one, checkpoint)

    monkeypatch.setattr(analysing._One, "settle", dying)
    for _ in range(queries.ATTEMPTS + 2):
        renew()
        with context.database.write(SYSTEM) as session:
            # As it is when every attempt was in vain.
            session.execute(update(Job).where(Job.state == "retrying").values(state="dead", children=0))
            session.execute(update(Job).where(Job.task == "library.renew").values(state="succeeded", children=0))
    asked = [[one["media_id"] for one in job.payload["media"]] for job in chunks(context)]
    assert [str(deadly) in one for one in asked].count(True) == queries.ATTEMPTS
    assert sorted(map(len, asked)) == [1] * (len(asked) - 1) + [3]
    assert sorted(one.engines == VERSIONS for one in analyses(context)) == [False, True, True]
    with context.database.read(owner) as session:
        told = {one.kind: one.count for one in health.summary(session, context, owner).kinds if one.count}
        (finding,) = health.findings(session, context, owner, "outdated").items
    assert told["outdated"] == 1
    assert [track.media_id for track in finding.tracks] == [deadly]


def test_the_queue_is_bounded_and_the_next_part_waits_for_the_last(
    scan: Scan, context: Context, slot: Slot, renew: Renew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewing, "AT_ONCE", 2)
    monkeypatch.setattr(renewing, "CHUNK", 1)
    for hertz in (300, 400, 500):
        write_tone(tmp_path / "music" / f"{hertz}.wav", hertz=hertz)
    scan(tmp_path / "music")
    make_old(context)
    for _ in range(2):
        with context.database.write(SYSTEM) as session:
            submit(session, RENEW, RenewPayload())
        slot.work(["maintenance"])
    assert [job.state for job in chunks(context)] == ["queued", "queued"]
    slot.work(LANES)
    renew()
    assert len(chunks(context)) == 3
    assert [one.engines for one in analyses(context)] == [VERSIONS] * 3


def test_a_missing_file_is_not_asked_for(scan: Scan, context: Context, renew: Renew, tmp_path: Path) -> None:
    write_tone(tmp_path / "music" / "a.wav")
    scan(tmp_path / "music")
    make_old(context)
    with context.database.write(SYSTEM) as session:
        session.execute(update(Media).values(missing=True))
    renew()
    assert chunks(context) == []
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Analysis)) == 1
