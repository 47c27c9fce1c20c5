"""The handlers of the library's jobs."""

from typing import Any

from otolith.jobs.service import Run, handles
from otolith.library import analysing, indexing, refreshing, scanning
from otolith.library.events import (
    ANALYSE,
    INDEX,
    REFRESH,
    RENEW,
    ROUNDS,
    SCAN,
    TIDY,
    AnalysePayload,
    IndexPayload,
    RefreshPayload,
    RenewPayload,
    RoundsPayload,
    ScanPayload,
    TidyPayload,
)
from otolith.library.renewal import renewing


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


@handles(REFRESH)
def refresh(run: Run, payload: RefreshPayload) -> dict[str, Any]:
    """Bring the library up to date with a few places of a folder, as soon as they changed."""
    return refreshing.refresh(run, payload)


@handles(ROUNDS, every=60)
def rounds(run: Run, payload: RoundsPayload) -> dict[str, Any]:
    """Scan the folders of the libraries whose time has come."""
    del payload
    return refreshing.go_round(run)


@handles(RENEW, every=300)
def renew(run: Run, payload: RenewPayload) -> dict[str, Any]:
    """Ask for another hearing of contents that older engines heard, behind all other work."""
    del payload
    return renewing.renew(run)


@handles(TIDY, every=3600)
def tidy(run: Run, payload: TidyPayload) -> dict[str, Any]:
    """Forget what was found in contents that nobody has any more."""
    del payload
    return analysing.tidy(run)
