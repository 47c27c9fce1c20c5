"""A worker that is killed at a chosen moment of writing tags; run with the data folder, the database and the moment.

The moments: ``copied`` when the copy holds the new tags and nothing is noted yet, ``noted`` when what will take the
file's place is noted, ``replaced`` when it took the file's place and nothing is stored yet.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from otolith.composition import HANDLERS, build_context
from otolith.core.settings import Settings
from otolith.jobs.contracts import Handlers
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.library.editing import writing


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(data: str, database_url: str, moment: str) -> None:
    replace = os.replace

    def replace_and_die(source: bytes, target: bytes) -> None:
        if moment == "replaced":
            replace(source, target)
        die()

    if moment == "copied":
        writing._hash = die  # type: ignore[assignment]
    else:
        os.replace = replace_and_die  # type: ignore[assignment]
    context = build_context(Settings(data=Path(data), database_url=database_url, workers=0))
    slot = Slot(context, Handlers(HANDLERS), "victim")
    slot.work(LANES)


if __name__ == "__main__":
    main(*sys.argv[1:])
