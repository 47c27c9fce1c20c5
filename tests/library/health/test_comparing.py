"""The job that compares recordings: what it stores, that it goes on, and that it follows what changes."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.identify import service as identify
from otolith.identify.models import Fingerprint, FingerprintSketch
from otolith.jobs.contracts import Handlers
from otolith.jobs.models import Job
from otolith.jobs.service import LANES, submit
from otolith.jobs.slot import Slot
from otolith.library.catalogue.versions import next_version
from otolith.library.health import comparing
from otolith.library.health.events import DUPLICATES, DuplicatesPayload
from otolith.library.health.grouping import Groups
from otolith.library.health.models import ComparedContent, Comparison, SameRecording
from otolith.library.health.queries_recordings import Level
from otolith.media.models import Media
from tests.callers import Callers
from tests.identify.engine.test_sketch import Codes, music, noisy
from tests.library.health.shelves import add_analysis, add_track

Compare = Callable[[], None]


def name(number: int) -> str:
    return f"{number:064x}"


def add(context: Context, workspace: UUID, number: int, codes: Codes, *, again: bool = False) -> str:
    """A track of this workspace with a content of this fingerprint; `again` where the content is known already."""
    sha256 = name(number)
    add_track(context, workspace, file={"sha256": sha256})
    if not again:
        result = {"duration": len(codes) * 0.1238, "fingerprint": None, "full": codes.astype("<u4").tobytes()}
        with context.database.write(SYSTEM) as session:
            identify.store_fingerprint(session, sha256, identify.VERSION, result)
    return sha256


@pytest.fixture
def compare(context: Context) -> Iterator[Compare]:
    """Compare what has changed, as the clock asks for it."""
    slot = Slot(context, Handlers(HANDLERS), "test")

    def run() -> None:
        with context.database.write(SYSTEM) as session:
            job_id = submit(session, DUPLICATES, DuplicatesPayload())
        slot.work(LANES)
        with context.database.read(SYSTEM) as session:
            job = session.get_one(Job, job_id)
            assert job.state == "succeeded", job.error

    yield run
    slot.close()


def groups(context: Context, workspace: UUID) -> list[set[str]]:
    """The groups of contents that hold the same recording."""
    by_name: dict[str, set[str]] = {}
    with context.database.read(SYSTEM) as session:
        rows = session.scalars(select(ComparedContent).where(ComparedContent.workspace_id == workspace))
        for row in rows:
            if row.recording is not None:
                by_name.setdefault(row.recording, set()).add(row.sha256)
    return sorted(by_name.values(), key=min)


def pairs(context: Context) -> set[tuple[str, str, str]]:
    with context.database.read(SYSTEM) as session:
        return {(row.first, row.second, row.relation) for row in session.scalars(select(SameRecording))}


def test_encodings_of_a_recording_are_grouped_and_strangers_stay_alone(
    context: Context, workspace: UUID, compare: Compare
) -> None:
    one, other = music(1), music(2)
    a = {add(context, workspace, 1, one), add(context, workspace, 5, noisy(one[20:], 0.04))}
    a |= {add(context, workspace, 3, noisy(one, 0.05, 7))}
    b = {add(context, workspace, 2, other), add(context, workspace, 4, noisy(other, 0.03))}
    add(context, workspace, 6, music(3))
    compare()
    assert groups(context, workspace) == [a, b]
    with context.database.read(SYSTEM) as session:
        found = session.get_one(SameRecording, (workspace, name(2), name(4)))
    assert found.error == pytest.approx(0.03, abs=0.01)


def test_what_comes_later_is_compared_with_what_was_there(
    context: Context, workspace: UUID, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_BATCH", 3)
    monkeypatch.setattr(comparing, "_BLOCK", 2)
    recordings = [music(seed) for seed in range(5)]
    for number, codes in enumerate(recordings):
        add(context, workspace, 10 + number, codes)
    compare()
    assert groups(context, workspace) == []
    for number, codes in enumerate(recordings):
        add(context, workspace, number, noisy(codes, 0.03))
    compare()
    assert groups(context, workspace) == [{name(n), name(10 + n)} for n in range(5)]
    with context.database.read(SYSTEM) as session:
        shifts = session.scalars(select(SameRecording.shift)).all()
    assert set(shifts) == {0.0}


def test_the_same_is_not_compared_again(context: Context, workspace: UUID, compare: Compare) -> None:
    add(context, workspace, 1, music(1))
    add(context, workspace, 2, noisy(music(1), 0.03))
    compare()
    known = pairs(context)
    with context.database.write(SYSTEM) as session:
        session.execute(delete(FingerprintSketch))
        next_version(session, workspace)
    compare()
    assert pairs(context) == known
    with context.database.read(SYSTEM) as session:
        # Had anything been compared, its sketch would have been made anew.
        assert session.scalars(select(FingerprintSketch)).all() == []


def test_fingerprints_from_before_there_were_sketches_are_compared_too(
    context: Context, workspace: UUID, compare: Compare
) -> None:
    both = {add(context, workspace, 1, music(1)), add(context, workspace, 2, noisy(music(1), 0.03))}
    with context.database.write(SYSTEM) as session:
        session.execute(delete(FingerprintSketch))
    compare()
    assert groups(context, workspace) == [both]


def test_workspaces_are_compared_each_for_itself(callers: Callers, context: Context, compare: Compare) -> None:
    add(context, callers.home, 1, music(1))
    add(context, callers.elsewhere, 2, noisy(music(1), 0.03))
    compare()
    assert groups(context, callers.home) == groups(context, callers.elsewhere) == []
    add(context, callers.elsewhere, 1, music(1), again=True)
    compare()
    assert groups(context, callers.home) == []
    assert groups(context, callers.elsewhere) == [{name(1), name(2)}]


def test_what_was_joined_by_one_that_is_gone_is_compared_anew(
    context: Context, workspace: UUID, compare: Compare
) -> None:
    # Both ends lie too far apart for each other, and only the middle joins them.
    codes = music(1)
    add(context, workspace, 1, codes[140:])
    add(context, workspace, 2, codes[70:-70])
    add(context, workspace, 3, codes[:-140])
    compare()
    assert groups(context, workspace) == [{name(1), name(2), name(3)}]
    with context.database.write(SYSTEM) as session:
        session.execute(delete(Media).where(Media.sha256 == name(2)))
        next_version(session, workspace)
    compare()
    assert groups(context, workspace) == []
    assert pairs(context) == set()


def test_a_group_survives_the_loss_of_one(context: Context, workspace: UUID, compare: Compare) -> None:
    for number in (1, 2, 3):
        add(context, workspace, number, noisy(music(1), 0.03, number))
    compare()
    with context.database.write(SYSTEM) as session:
        session.execute(delete(Media).where(Media.sha256 == name(1)))
        next_version(session, workspace)
    compare()
    assert groups(context, workspace) == [{name(2), name(3)}]


def test_a_partner_that_only_an_older_engine_heard_does_not_stop_the_others(
    context: Context, workspace: UUID, compare: Compare
) -> None:
    for number in (1, 2, 3):
        add(context, workspace, number, noisy(music(1), 0.03, number))
    compare()
    with context.database.write(SYSTEM) as session:
        session.execute(update(Fingerprint).where(Fingerprint.sha256 == name(1)).values(version=0))
        session.execute(delete(Media).where(Media.sha256 == name(2)))
        next_version(session, workspace)
    compare()
    with context.database.read(SYSTEM) as session:
        assert set(session.scalars(select(ComparedContent.sha256))) == {name(3)}


def test_a_changed_file_leaves_its_group(context: Context, workspace: UUID, compare: Compare) -> None:
    add(context, workspace, 1, music(1))
    add(context, workspace, 2, noisy(music(1), 0.03))
    compare()
    add(context, workspace, 3, music(2))
    with context.database.write(SYSTEM) as session:
        session.execute(update(Media).where(Media.sha256 == name(2)).values(sha256=name(3)))
        next_version(session, workspace)
    compare()
    assert groups(context, workspace) == []


def test_another_master_is_no_copy(context: Context, workspace: UUID, compare: Compare) -> None:
    add(context, workspace, 1, music(1))
    add(context, workspace, 2, noisy(music(1), 0.05))
    add_analysis(context, name(1), loudness_lufs=-14.0, loudness_range_lu=9.0, true_peak_dbtp=-1.0)
    add_analysis(context, name(2), loudness_lufs=-7.0, loudness_range_lu=4.0, true_peak_dbtp=0.1)
    compare()
    assert groups(context, workspace) == []
    assert pairs(context) == {(name(1), name(2), "master")}


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        (Level(-14.0, 8.0, -1.0), Level(-14.1, 8.2, -0.2), "copy"),
        (Level(-14.0, 8.0, -1.0), Level(-21.0, 8.0, -8.0), "copy"),
        (Level(-14.0, 8.0, -1.0), Level(-14.0, 5.0, -1.0), "master"),
        (Level(-14.0, 8.0, -1.0), Level(-9.0, 8.0, 0.0), "master"),
        (Level(None, None, None), Level(-9.0, 8.0, 0.0), "copy"),
        (None, Level(-9.0, 8.0, 0.0), "copy"),
    ],
)
def test_what_tells_masters_from_copies(one: Level | None, other: Level | None, relation: str) -> None:
    assert comparing.relation_of(one, other) == relation


def test_a_workspace_that_has_not_changed_is_left_alone(context: Context, workspace: UUID, compare: Compare) -> None:
    add(context, workspace, 1, music(1))
    compare()
    with context.database.read(SYSTEM) as session:
        first = session.get_one(Comparison, workspace).compared_at
    compare()
    with context.database.read(SYSTEM) as session:
        assert session.get_one(Comparison, workspace).compared_at == first


def test_only_editors_ask_for_a_comparison(callers: Callers, context: Context) -> None:
    statuses = {
        kind: callers[kind].post("/api/library/check", json={"workspace": str(callers.home)}).status_code
        for kind in ("viewer", "editor", "owner", "readonly", "stranger", "anonymous")
    }
    refused = dict.fromkeys(("viewer", "readonly", "stranger"), 403)
    assert statuses == refused | {"editor": 202, "owner": 202, "anonymous": 401}


def test_what_an_editor_asked_for_is_compared_in_the_name_of_the_workspace(callers: Callers, context: Context) -> None:
    both = {add(context, callers.home, 1, music(1)), add(context, callers.home, 2, noisy(music(1), 0.03))}
    add(context, callers.elsewhere, 1, music(1), again=True)
    job_id = callers["editor"].post("/api/library/check").json()["job_id"]
    slot = Slot(context, Handlers(HANDLERS), "test")
    slot.work(("maintenance",))
    slot.close()
    job = callers["editor"].get(f"/api/jobs/{job_id}").json()
    assert (job["state"], job["result"]) == ("succeeded", {"compared": 2, "pairs": 1})
    assert groups(context, callers.home) == [both]
    (finding,) = callers["viewer"].get("/api/library/health/duplicates").json()["items"]
    assert len(finding["tracks"]) == 2
    assert callers["stranger"].get("/api/library/health").json()["uncompared"] == 1


def test_the_summary_tells_what_is_yet_to_be_compared(callers: Callers, context: Context, compare: Compare) -> None:
    add(context, callers.home, 1, music(1))
    before = callers["viewer"].get("/api/library/health").json()
    compare()
    after = callers["viewer"].get("/api/library/health").json()
    assert (before["uncompared"], before["compared_at"]) == (1, None)
    assert after["uncompared"] == 0
    assert after["compared_at"] is not None


def test_groups_go_by_the_least_of_their_members() -> None:
    found = Groups([("c", "b"), ("d", "e"), ("b", "a"), ("e", "f"), ("x", "x")])
    assert found.members() == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d", "f": "d", "x": "x"}
    found.join("f", "a")
    assert found.of("d") == "a"
    assert found.of("z") == "z"


def test_long_chains_of_pairs_are_followed() -> None:
    names = [f"{number:05}" for number in range(5000)]
    np.random.default_rng(1).shuffle(names)
    found = Groups(pairwise(names))
    assert set(found.members().values()) == {"00000"}
