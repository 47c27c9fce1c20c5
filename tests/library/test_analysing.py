"""Analysis jobs: what is heard again, what waits, what is final, and what is never heard twice."""

import hashlib
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text, update

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.identify.models import Fingerprint
from otolith.jobs.models import Job, LanePause
from otolith.jobs.service import LANES, JobCancelled, Run, submit
from otolith.jobs.slot import Slot
from otolith.library import analysing
from otolith.library.engine.features import ENGINES, VERSIONS, pack_beats, unpack_beats
from otolith.library.events import ANALYSE, TIDY, AnalysePayload, TidyPayload, ToAnalyse, path_as_text, path_from_text
from otolith.library.models import Analysis, Track
from otolith.library.roots import scans
from otolith.media.listening import Listener, ListenFailure
from otolith.media.models import Media, Waveform
from tests.callers import Callers
from tests.library.conftest import Scan, write_tone

Start = Callable[[], UUID]


@pytest.fixture
def start(context: Context, owner: Actor, workspace: UUID, tmp_path: Path) -> Start:
    """Ask for the scan of a folder with one recording; the scan's id."""
    write_tone(tmp_path / "music" / "a.wav")

    def run() -> UUID:
        with context.database.write(owner) as session:
            return scans.start_scan(session, context, owner, tmp_path / "music", workspace).scan_id

    return run


class Listening:
    """Listens as always, but fails first as often as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: ListenFailure) -> None:
        self.calls = 0
        self.failures = list(failures)
        listen = Listener.listen

        def failing(listener: Listener, path: Any, *rest: Any) -> Any:
            self.calls += 1
            if self.failures:
                raise self.failures.pop(0)
            return listen(listener, path, *rest)

        monkeypatch.setattr(Listener, "listen", failing)


def track_of(context: Context) -> Track:
    with context.database.read(SYSTEM) as session:
        return session.scalars(select(Track)).one()


def job_of(context: Context) -> Job:
    with context.database.read(SYSTEM) as session:
        return session.scalars(select(Job).where(Job.task == "library.analyse")).one()


def test_the_versions_are_those_of_the_engines() -> None:
    found = {}
    for place in ENGINES:
        module, _, name = place.partition(":")
        engine = getattr(import_module(module), name)
        found[engine.name] = engine.version
    assert found == VERSIONS


def test_a_crash_is_tried_again_at_once_with_a_fresh_helper(
    context: Context, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Listening(monkeypatch, ListenFailure("crash", "The decoder crashed on this file (SIGSEGV)."))
    start()
    slot.work(LANES)
    assert track_of(context).state == "analysed"
    assert ear.calls == 2


def test_a_file_that_crashes_every_helper_fails_alone(
    context: Context, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = ListenFailure("crash", "The decoder crashed on this file (SIGSEGV).")
    ear = Listening(monkeypatch, crash, crash)
    start()
    slot.work(LANES)
    assert (track_of(context).state, track_of(context).error) == ("failed", crash.detail)
    assert job_of(context).state == "succeeded"
    assert ear.calls == 2


@pytest.mark.parametrize("kind", ["io_error", "changed"])
def test_what_may_pass_is_tried_again_later(
    kind: Any, context: Context, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Listening(monkeypatch, ListenFailure(kind, "It may pass."))
    start()
    slot.work(LANES)
    job = job_of(context)
    assert (job.state, job.error) == ("retrying", "It may pass.")
    assert track_of(context).state == "waiting"
    with context.database.write(SYSTEM) as session:
        session.execute(update(Job).where(Job.id == job.id).values(state="queued", due_at=None))
    slot.work(LANES)
    assert track_of(context).state == "analysed"
    assert ear.calls == 2


def test_what_does_not_pass_is_final_after_three_attempts(
    context: Context, owner: Actor, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = ListenFailure("io_error", "The file could not be read: Input/output error.")
    Listening(monkeypatch, *[failure] * 9)
    scan_id = start()
    for _ in range(3):
        slot.work(LANES)
        with context.database.write(SYSTEM) as session:
            session.execute(update(Job).where(Job.state == "retrying").values(state="queued", due_at=None))
    assert track_of(context).state == "failed"
    with context.database.read(owner) as session:
        report = scans.scan_report(session, owner, scan_id)
    assert (report.added, [one.error for one in report.failed]) == (0, [failure.detail])


def test_a_disk_that_fills_up_while_decoding_pauses_the_lane(
    context: Context, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    Listening(monkeypatch, ListenFailure("disk_full", "The disk is full (or a quota is used up)."))
    start()
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        pause = session.get_one(LanePause, "audio")
    assert "disk is full" in pause.reason
    assert job_of(context).state == "queued"
    assert track_of(context).state == "waiting"


def test_a_cancelled_scan_ends_in_the_middle_of_a_file(
    context: Context, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(_listener: Listener, _path: Any, _engines: Any, _limits: Any, on_progress: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(Run, "check", lambda _run: (_ for _ in ()).throw(JobCancelled()))
            on_progress(0.5, 1.0)

    monkeypatch.setattr(Listener, "listen", cancelled)
    start()
    slot.work(LANES)
    assert job_of(context).state == "cancelled"
    assert track_of(context).state == "waiting"


def test_a_newer_engine_hears_a_known_content_again(
    scan: Scan, context: Context, slot: Slot, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start()
    slot.work(LANES)
    with context.database.write(SYSTEM) as session:
        session.execute(update(Analysis).values(engines={**VERSIONS, "music": 0}))
    ear = Listening(monkeypatch)
    (tmp_path / "music" / "copy.wav").write_bytes((tmp_path / "music" / "a.wav").read_bytes())
    scan(tmp_path / "music")
    assert ear.calls == 1
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Analysis)).one().engines == VERSIONS


def test_a_recording_that_was_deleted_meanwhile_is_no_matter(context: Context, slot: Slot, workspace: UUID) -> None:
    with context.database.write(SYSTEM) as session:
        payload = AnalysePayload(media=[ToAnalyse(media_id=new_id())])
        submit(session, ANALYSE, payload, workspace=workspace)
    slot.work(LANES)
    assert job_of(context).state == "succeeded"


@pytest.mark.parametrize("path", [b"/a b/%41?#[x]\n.mp3", b"/\xff\xfe\x80", "/é/日本.flac".encode(), b"/" + b"n" * 255])
def test_paths_travel_as_text_and_come_back_as_they_were(path: bytes) -> None:
    text = path_as_text(path)
    assert text.isascii()
    assert path_from_text(text) == path


def test_beats_are_kept_to_the_millisecond() -> None:
    assert unpack_beats(pack_beats([0.0, 0.4713, 35_999.5])) == [0.0, 0.471, 35_999.5]


def test_what_nobody_has_any_more_is_forgotten_and_heard_anew_when_it_comes_back(
    scan: Scan, context: Context, slot: Slot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hertz in (("kept.wav", 300), ("gone.wav", 400)):
        write_tone(tmp_path / "music" / name, hertz=hertz)
    scan(tmp_path / "music")
    with context.database.write(SYSTEM) as session:
        session.execute(delete(Media).where(Media.name == "gone.wav"))
        submit(session, TIDY, TidyPayload())
    slot.work(["maintenance"])
    with context.database.read(SYSTEM) as session:
        left = [session.scalar(select(func.count()).select_from(table)) for table in (Analysis, Fingerprint, Track)]
        if context.database.is_sqlite:
            assert "tracks" in session.scalars(text("SELECT DISTINCT tbl FROM sqlite_stat1")).all()
    assert left == [1, 1, 1]
    ear = Listening(monkeypatch)
    report = scan(tmp_path / "music")
    assert (report.added, report.unchanged) == (1, 1)
    assert ear.calls == 1


def test_what_a_file_is_just_joining_is_not_forgotten(
    scan: Scan, context: Context, slot: Slot, workspace: UUID, tmp_path: Path
) -> None:
    """The file's transaction has not ended when what nobody has is looked for; on SQLite the one waits for it."""
    write_tone(tmp_path / "music" / "a.wav")
    scan(tmp_path / "music")
    with context.database.write(SYSTEM) as session:
        row = session.scalars(select(Media)).one()
        media_id, sha256 = row.id, str(row.sha256)
        row.sha256 = None
    tidied = threading.Event()

    def tidy() -> None:
        with context.database.write(SYSTEM) as session:
            submit(session, TIDY, TidyPayload())
        slot.work(["maintenance"])
        tidied.set()

    with context.database.write(SYSTEM) as session:
        analysing._note_known(session, session.get_one(Media, media_id), sha256)
        session.flush()
        thread = threading.Thread(target=tidy)
        thread.start()
        # On SQLite nobody else writes before this transaction ends.
        tidied.wait(1.0 if context.database.is_sqlite else 30.0)
    thread.join(60)
    assert tidied.is_set()
    with context.database.read(SYSTEM) as session:
        left = [session.scalar(select(func.count()).select_from(table)) for table in (Analysis, Fingerprint)]
    assert left == [1, 1]


def test_a_content_whose_picture_was_swept_is_heard_again(
    scan: Scan, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = write_tone(tmp_path / "music" / "a.wav").read_bytes()
    scan(tmp_path / "music")
    with context.database.write(SYSTEM) as session:
        session.execute(delete(Waveform))
    (tmp_path / "music" / "copy.wav").write_bytes(sound)
    ear = Listening(monkeypatch)
    scan(tmp_path / "music")
    assert ear.calls == 1
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Waveform))


def test_a_stored_file_that_rotted_keeps_its_name_and_is_told(
    callers: Callers, context: Context, slot: Slot, tmp_path: Path
) -> None:
    sound = write_tone(tmp_path / "a.wav").read_bytes()
    sent = callers["editor"].post("/api/media", files={"file": ("a.wav", sound, "audio/wav")}).json()["items"][0]
    with context.database.read(SYSTEM) as session:
        stored = session.get_one(Media, UUID(sent["media"]["id"])).stored
    file = context.settings.data / str(stored)
    file.write_bytes(sound[:-2] + b"\x7f\x7f")
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        media = session.get_one(Media, UUID(sent["media"]["id"]))
        track = session.scalars(select(Track)).one()
        assert (media.sha256, track.state) == (sent["media"]["sha256"], "failed")
        assert "no longer what was uploaded" in str(track.error)
        assert session.scalars(select(Analysis)).all() == []


def test_an_analysis_does_not_tell_that_others_had_the_content_before(
    callers: Callers, slot: Slot, tmp_path: Path
) -> None:
    sound = write_tone(tmp_path / "a.wav").read_bytes()
    for kind in ("stranger", "editor"):
        sent = callers[kind].post("/api/media", files={"file": ("a.wav", sound, "audio/wav")}).json()["items"][0]
        slot.work(LANES)
        track = callers[kind].get(f"/api/tracks/{sent['track_id']}").json()
        assert track["state"] == "analysed"
        assert track["analysed_at"] >= track["added_at"]


def test_a_file_that_became_another_while_it_was_heard_is_heard_as_it_is_now(
    scan: Scan, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_tone(tmp_path / "music" / "a.wav", hertz=300)
    scan(tmp_path / "music")
    write_tone(file, hertz=400, seconds=0.5)
    listen = Listener.listen
    heard: list[str] = []

    def listen_slowly(listener: Listener, path: Any, *rest: Any) -> Any:
        found = listen(listener, path, *rest)
        heard.append(found.sha256)
        if len(heard) == 1:
            # As another scan does it that reads the file before this is stored.
            write_tone(file, hertz=500, seconds=0.6)
            status = file.stat()
            with context.database.write(SYSTEM) as session:
                changed = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": None}
                session.execute(update(Media).values(changed))
        return found

    monkeypatch.setattr(Listener, "listen", listen_slowly)
    scan(tmp_path / "music")
    with context.database.read(SYSTEM) as session:
        now_there = session.scalars(select(Media.sha256)).one()
    assert now_there == hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(heard) == 2


def test_what_is_forgotten_of_a_content_before_it_is_joined_is_heard(
    scan: Scan, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tone(tmp_path / "music" / "a.wav")
    scan(tmp_path / "music")
    (tmp_path / "music" / "b.wav").write_bytes((tmp_path / "music" / "a.wav").read_bytes())
    known = analysing._One._known_content

    def known_and_forgotten(*given: Any) -> str | None:
        found = known(*given)
        with context.database.write(SYSTEM) as session:
            session.execute(delete(Analysis))
        return found

    monkeypatch.setattr(analysing._One, "_known_content", known_and_forgotten)
    scan(tmp_path / "music")
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Analysis)) == 1
        assert None not in session.scalars(select(Media.sha256)).all()


def test_who_holds_a_content_is_told_when_another_file_has_it_heard_anew(
    scan: Scan, context: Context, owner: Actor, slot: Slot, tmp_path: Path
) -> None:
    sound = write_tone(tmp_path / "music" / "a.wav").read_bytes()
    scan(tmp_path / "music")
    other = Workspace(id=new_id(), name="Other")
    with context.database.write(SYSTEM) as session:
        session.add(other)
        session.execute(update(Analysis).values(engines={**VERSIONS, "music": 0}))
        before = session.scalars(select(Track.version)).one()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.wav").write_bytes(sound)
    both = Actor(kind="user", user_id=owner.user_id, user_name="ada", role="admin", memberships={other.id: "owner"})
    with context.database.write(both) as session:
        scans.start_scan(session, context, both, tmp_path / "other", other.id)
    slot.work(LANES)
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Analysis.engines)).one() == VERSIONS
        mine = select(Track.version).where(Track.workspace_id != other.id)
        assert session.scalars(mine).one() > before
