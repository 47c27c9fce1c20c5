"""The health of a synthetic library: what the summary and the pages cost, and comparing all its recordings.

Three in a hundred recordings are there twice, encoded anew and begun later; a fifth of all codes are such that many
recordings share them.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from bench.synthetic import fill
from otolith.accounts.service import home_workspace
from otolith.api import prepare
from otolith.composition import HANDLERS, build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.paging import Page
from otolith.core.settings import Settings
from otolith.identify import service as identify
from otolith.identify.engine.sketch import sketch_of
from otolith.identify.models import Fingerprint, FingerprintSketch
from otolith.jobs.contracts import Handlers
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.jobs.slot import Slot
from otolith.library.health import service
from otolith.library.health.events import DUPLICATES, DuplicatesPayload
from otolith.library.health.kinds import KINDS, Kind
from otolith.library.health.models import SameRecording
from otolith.library.health.schemas import HealthFinding
from tests.services import PostgresServer

_LENGTH = 1900
_TWICE = 33
_CHUNK = 1000
Codes = NDArray[np.uint32]


def recordings(count: int) -> Iterator[tuple[str, Codes]]:
    """Fingerprints of nearly four minutes; every 33rd is the one before, encoded anew and begun a second later."""
    random = np.random.default_rng(5)
    common = random.integers(0, 2**32, 2000, dtype=np.uint32)
    codes = np.empty(0, np.uint32)
    for number in range(count):
        if number % _TWICE == _TWICE - 1:
            flipped = np.uint32(1) << random.integers(0, 32, len(codes), dtype=np.uint32)
            yield f"{number:064x}", np.where(random.random(len(codes)) < 0.6, codes ^ flipped, codes)[8:]
            continue
        codes = random.integers(0, 2**32, _LENGTH, dtype=np.uint32)
        shared = random.random(_LENGTH) < 0.2
        codes[shared] = random.choice(common, int(shared.sum()))
        yield f"{number:064x}", codes


def fingerprint(context: Context, count: int) -> None:
    rows: list[tuple[str, Codes]] = []
    for one in recordings(count):
        rows.append(one)
        if len(rows) == _CHUNK:
            _store(context, rows)
            rows = []
    _store(context, rows)


def _store(context: Context, rows: list[tuple[str, Codes]]) -> None:
    if not rows:
        return
    of_content = [{"sha256": sha256, "version": identify.VERSION} for sha256, _ in rows]
    seconds = [len(codes) * 0.1238 for _, codes in rows]
    with context.database.write(SYSTEM) as session:
        whole = [
            key | {"duration": length, "text": None, "full": codes.astype("<u4").tobytes(), "made_at": now()}
            for key, length, (_, codes) in zip(of_content, seconds, rows, strict=True)
        ]
        session.execute(insert(Fingerprint), whole)
        sketches = [
            key | {"seconds": length, "sketch": sketch_of(codes)}
            for key, length, (_, codes) in zip(of_content, seconds, rows, strict=True)
        ]
        session.execute(insert(FingerprintSketch), sketches)


def compare(context: Context, workspace: UUID) -> float:
    with context.database.write(SYSTEM) as session:
        job_id = submit(session, DUPLICATES, DuplicatesPayload(workspace=workspace), workspace=workspace)
    slot = Slot(context, Handlers(HANDLERS), "bench")
    began = time.perf_counter()
    slot.work(("maintenance",))
    seconds = time.perf_counter() - began
    slot.close()
    with context.database.read(SYSTEM) as session:
        job = session.get_one(Job, job_id)
        assert job.state == "succeeded", job.error
    return seconds


def show(context: Context, workspace: UUID) -> None:
    _time("summary", context, lambda session: service.summary(session, context, SYSTEM, workspace))
    for kind in KINDS:
        _time(kind, context, partial(_findings, context, workspace, kind))


def _findings(context: Context, workspace: UUID, kind: Kind, session: Session) -> Page[HealthFinding]:
    return service.findings(session, context, SYSTEM, kind, workspace_id=workspace)


def _time(name: str, context: Context, ask: Callable[[Session], object]) -> None:
    seconds = []
    for _ in range(5):
        with context.database.read(SYSTEM) as session:
            began = time.perf_counter()
            ask(session)
            seconds.append(time.perf_counter() - began)
    print(f"  {name:<12} first {1000 * seconds[0]:7.1f} ms, then {1000 * min(seconds[1:]):7.1f} ms", flush=True)


def peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def run(url: str, folder: Path, tracks: int) -> None:
    settings = Settings(data=folder, database_url=url, workers=0)
    settings.folder.make()
    context = build_context(settings)
    prepare(context)
    with context.database.read(SYSTEM) as session:
        workspace = home_workspace(session).id
    fill(context.settings.effective_database_url, workspace, tracks)
    fingerprint(context, tracks)
    before, cpu = peak_memory(), time.process_time()
    seconds = compare(context, workspace)
    cpu = time.process_time() - cpu
    with context.database.read(SYSTEM) as session:
        pairs = session.scalar(select(func.count()).select_from(SameRecording))
    print(f"  compared {tracks} in {seconds:.1f} s ({cpu:.1f} s of CPU), {pairs} of {tracks // _TWICE} pairs found")
    print(f"  peak memory {peak_memory()} MB, before it {before} MB")
    print(f"  compared again in {compare(context, workspace):.2f} s", flush=True)
    show(context, workspace)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.database in ("sqlite", "both"):
            print(f"SQLite, {options.tracks} tracks", flush=True)
            run("", folder / "sqlite", options.tracks)
        if options.database in ("postgresql", "both"):
            server = PostgresServer()
            stack.callback(server.close)
            server.start()
            print(f"PostgreSQL, {options.tracks} tracks", flush=True)
            run(server.create_database("health"), folder / "postgresql", options.tracks)


if __name__ == "__main__":
    main()
