"""A library to scan into: a workspace, a person in it, and a place where its jobs run in this very process."""

import math
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from otolith.accounts.models import Workspace
from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.jobs.contracts import Handlers
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.library.roots import scans
from otolith.library.roots.schemas import ScanReport


def write_tone(path: Path, *, hertz: float = 440.0, seconds: float = 0.4, rate: int = 8000) -> Path:
    """A small WAV file, different for each frequency."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = [round(9000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate))]
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return path


@pytest.fixture
def workspace(context: Context) -> UUID:
    home = Workspace(id=new_id(), name="Home")
    with context.database.write(SYSTEM) as session:
        session.add(home)
    return home.id


@pytest.fixture
def owner(workspace: UUID) -> Actor:
    return Actor(kind="user", user_id=new_id(), user_name="ada", role="admin", memberships={workspace: "owner"})


@pytest.fixture
def slot(context: Context) -> Iterator[Slot]:
    """A place where jobs run one after the other, as in a worker's child."""
    slot = Slot(context, Handlers(HANDLERS), "test")
    yield slot
    slot.close()


Scan = Callable[[Path], ScanReport]


@pytest.fixture
def scan(context: Context, workspace: UUID, owner: Actor, slot: Slot) -> Scan:
    """Scan a folder to the end and return the report."""

    def run(folder: Path) -> ScanReport:
        with context.database.write(owner) as session:
            started = scans.start_scan(session, context, owner, folder, workspace)
        slot.work(LANES)
        with context.database.read(owner) as session:
            return scans.scan_report(session, owner, started.scan_id)

    return run
