"""A real worker process whose jobs leave effects that can be counted; started by the chaos tests."""

import os
import sys
import time
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text

from otolith.core.logging import configure_logging
from otolith.core.settings import load_settings
from otolith.jobs.service import Contract, Run, handles
from otolith.worker import run_worker

STEPS = 3
CREATE_EFFECTS = "CREATE TABLE effects (job VARCHAR(36), step INTEGER, pid INTEGER, fence INTEGER)"


class Chaos(BaseModel):
    """How a job behaves: how long a step takes, and a file that it waits for after its first step."""

    seconds: float = 0.03
    wait_for: str = ""
    ask_while_waiting: bool = False


CHAOS = Contract("test.chaos", version=1, payload=Chaos, lane="index", max_attempts=1000)


def leave_effect(run: Run, step: int, seconds: float) -> None:
    with run.step(checkpoint={"steps": step + 1}) as session:
        # No constraint refuses a second row: only the fence and the checkpoint keep it away.
        session.execute(
            text("INSERT INTO effects (job, step, pid, fence) VALUES (:job, :step, :pid, :fence)"),
            {"job": str(run.job_id), "step": step, "pid": os.getpid(), "fence": run.job.fence},
        )
        time.sleep(seconds / 2)


@handles(CHAOS)
def chaos(run: Run, payload: Chaos) -> dict[str, object]:
    first = run.checkpoint["steps"] if run.checkpoint else 0
    for step in range(first, STEPS):
        if step > 0 and payload.wait_for:
            # Deaf on purpose: a handler that never asks must be held back by its fence alone.
            while not Path(payload.wait_for).exists():
                time.sleep(0.01)
                if payload.ask_while_waiting:
                    run.check()
        leave_effect(run, step, payload.seconds)
        time.sleep(payload.seconds / 2)
    return {"job": str(UUID(str(run.job_id)))}


def main() -> int:
    settings = load_settings()
    configure_logging(settings)
    return run_worker(settings, handlers=[chaos], concurrency=2, name=sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
