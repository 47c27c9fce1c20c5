"""Programs that are kept running."""

import sys
from pathlib import Path

from otolith.core.process import Child, Supervisor
from tests.services import wait_until

LASTS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).open('a').write('x'); time.sleep(60)"


def test_a_child_that_dies_is_started_again_until_all_are_stopped(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    child = Child("busy", [sys.executable, "-c", LASTS, str(starts)])
    supervisor = Supervisor()
    supervisor.start(child)
    try:
        wait_until(lambda: starts.exists() and starts.read_text() == "x", "the first start", 20)
        assert child.process is not None
        child.process.kill()
        wait_until(lambda: starts.read_text() == "xx", "the second start", 20)
    finally:
        supervisor.stop()
    assert child.process.poll() is not None
    assert starts.read_text() == "xx"
