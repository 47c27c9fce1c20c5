"""Programs that are kept running."""

import sys
from pathlib import Path

from otolith.core.process import Child, Supervisor
from tests.services import wait_until


def test_a_child_starts_once_there_is_something_for_it_to_do(tmp_path: Path) -> None:
    wanted, waits = tmp_path / "wanted", Child("idle", [sys.executable, "-c", ""], when=lambda: False)
    begins = Child("busy", [sys.executable, "-c", "import time; time.sleep(60)"], when=wanted.exists)
    supervisor = Supervisor()
    supervisor.start(waits)
    supervisor.start(begins)
    try:
        assert begins.process is None
        wanted.touch()
        wait_until(lambda: begins.process is not None, "the child", 20)
        assert waits.process is None
    finally:
        supervisor.stop()
    assert begins.process is not None
    assert begins.process.poll() is not None
