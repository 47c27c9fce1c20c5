"""The shapes of scans and of the library's folders."""

import datetime as dt
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.library.roots.phases import Phase, PhaseState

ScanState = Literal["running", "paused", "done", "failed", "cancelled"]

_PATH = Field(min_length=1, max_length=4096, description="An absolute path on the server's machine.")
_TOLD = "From the name of the library's folder on, unless you administer the server."
_EVERY = "Hours from one scan of the folder to the next; null: never by itself."


class ScanRequest(BaseModel):
    """A folder to scan."""

    path: str = _PATH
    workspace: UUID | None = Field(default=None, description="Whose library it joins; unset: Home.")


class ScanAllRequest(BaseModel):
    """Which of the library's folders to scan."""

    workspace: UUID | None = Field(default=None, description="Only this workspace's folders.")
    root: UUID | None = Field(default=None, description="Only this folder.")


class ScanStarted(BaseModel):
    """A scan that was asked for."""

    scan_id: UUID = Field(description="Ask for its report at /scans/{id}.")
    job_id: UUID = Field(description="Its job, which goes on until every file was analysed.")


class ScansStarted(BaseModel):
    """The scans of several folders."""

    items: list[ScanStarted] = Field(description="One for each folder; one that was running already is among them.")


class NotTaken(BaseModel):
    """A file that a scan could not take in, or passed over."""

    path: str = Field(description=f"The file; bytes that are no text are replaced. {_TOLD}")
    error: str = Field(description="Why, and what to do.")


class PhaseOut(BaseModel):
    """How far one phase of a scan is. Phases work side by side: files are read while others are still looked for."""

    name: Phase = Field(
        description="walk: find files; compare: with what is stored; read: tags; store; covers; analyse: hear each "
        "file; tidy: mark what is gone."
    )
    state: PhaseState = Field(description="waiting: nothing to do yet.")
    done: int = Field(description="Files done.")
    total: int | None = Field(description="Files to do, as far as is known; null where nobody can know yet.")
    seconds_left: float | None = Field(description="How long the rest will take at the present pace.")


class ScanItem(BaseModel):
    """A scan in a list. Each file counts once: one whose analysis failed is under `failures` alone."""

    scan_id: UUID = Field(description="The scan.")
    job_id: UUID | None = Field(description="Its job.")
    workspace_id: UUID = Field(description="Whose library it fills.")
    path: str = Field(description=f"The folder. {_TOLD}")
    state: ScanState = Field(description="Whether it still runs, and how it ended.")
    error: str | None = Field(description="Why the scan as a whole failed.")
    paused: str | None = Field(description="Why it waits: for a person, a full disk, a folder that is away.")
    phases: list[PhaseOut] = Field(description="The phases in their order.")
    seconds_left: float | None = Field(description="How long the rest will take at the present pace.")
    added: int = Field(description="Files that are new.")
    updated: int = Field(description="Files that changed, came back, or failed before and were taken in now.")
    moved: int = Field(description="Files that were found at another place.")
    missing: int = Field(description="Files that are gone; what is known of them is kept.")
    unchanged: int = Field(description="Files that are as they were.")
    failures: int = Field(description="Files that could not be taken in.")
    passed_over: int = Field(description="What a scan does not follow.")
    seconds: float = Field(description="From the request to the last file analysed.")
    started_at: dt.datetime = Field(description="When it was asked for.")


class ScanReport(ScanItem):
    """What a scan found, with the files that could not be taken in."""

    failed: list[NotTaken] = Field(description="Files that could not be taken in.")
    skipped: list[NotTaken] = Field(
        description="What a scan does not follow: playlists, scores, pipes, links in circles."
    )


class RootRequest(BaseModel):
    """A folder that joins a library for good."""

    path: str = _PATH
    workspace: UUID | None = Field(default=None, description="Whose library it is a part of; unset: Home.")
    name: str = Field(default="", max_length=200, description="What people call it; unset: its path.")
    watched: bool = Field(default=True, description="Whether changes are taken in as they happen.")
    every: float | None = Field(default=24.0, gt=0, le=24 * 366, description=_EVERY)
    scan: bool = Field(default=True, description="Whether to scan it at once.")


class RootChange(BaseModel):
    """What to change about a folder of the library; what is left out stays."""

    name: str | None = Field(default=None, max_length=200, description="What people call it.")
    watched: bool | None = Field(default=None, description="Whether changes are taken in as they happen.")
    every: float | None = Field(default=None, gt=0, le=24 * 366, description=_EVERY)


class RootOut(BaseModel):
    """A folder of a library."""

    id: UUID = Field(description="The folder.")
    workspace_id: UUID = Field(description="Whose library it is a part of.")
    path: str = Field(description=f"Where it is; bytes that are no text are replaced. {_TOLD}")
    name: str = Field(description="What people call it; empty: its path.")
    watched: bool = Field(description="Whether changes are taken in as they happen.")
    every: float | None = Field(description=_EVERY)
    away_since: dt.datetime | None = Field(description="Since when it cannot be reached; null: it can.")
    away_why: str | None = Field(description="Why it cannot be reached, and what to do.")
    scanned_at: dt.datetime | None = Field(description="When it was last walked to its end.")
    touched_at: dt.datetime | None = Field(description="When watching it last took a change in; null: not yet.")
    added_at: dt.datetime = Field(description="When it joined the library.")


class RootAdded(RootOut):
    """A folder that joined a library, and its first scan."""

    scan: ScanStarted | None = Field(description="The scan that began, if one was asked for.")


class RootRemoved(BaseModel):
    """What became of the tracks of a folder that left the library."""

    marked_missing: int = Field(description="Tracks that now count as missing; 0 where they were to stay as they are.")
