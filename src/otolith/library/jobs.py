"""The handlers of the library's jobs."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library import analysing, indexing, scanning
from otolith.library.events import (
    ANALYSE,
    INDEX,
    SCAN,
    TIDY,
    AnalysePayload,
    IndexPayload,
    ScanPayload,
    TidyPayload,
)


@handles(SCAN)
def scan(run: Run, payload: ScanPayload) -> dict[str, Any]:
    """Walk a folder, compare it with what is stored, hand on what is new or changed, note what is gone."""
    return scanning.scan(run, payload)


@handles(INDEX)
def index(run: Run, payload: IndexPayload) -> dict[str, Any]:
    """Read the tags of a chunk of files, store their tracks, ask for their analysis."""
    return indexing.index(run, payload)


@handles(ANALYSE)
def analyse(run: Run, payload: AnalysePayload) -> dict[str, Any]:
    """Decode each recording of a chunk once for all engines, and store what they found."""
    return analysing.analyse(run, payload)


@handles(TIDY, every=3600)
def tidy(run: Run, payload: TidyPayload) -> dict[str, Any]:
    """Forget what was found in contents that nobody has any more."""
    del payload
    return analysing.tidy(run)
