"""Renewal: when the engines have learnt something, what older ones heard is heard again, behind all other work."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from otolith.core.actor import SYSTEM
from otolith.jobs.service import Run
from otolith.library.catalogue.versions import next_version
from otolith.library.engine.features import VERSIONS
from otolith.library.events import ANALYSE, RENEW, AnalysePayload, ToAnalyse
from otolith.library.renewal import queries

CHUNK: Final = 25
AT_ONCE: Final = 1000
"""How many contents may wait for renewal; the next part follows when these are done."""


def renew(run: Run) -> dict[str, Any]:
    """Submit chunks of outdated contents, each content once however many copies there are, in whatever workspace.

    Their old results serve until the new ones are stored. A content that cannot be heard any more is left as it is
    until the engines change again, as is one whose jobs end without a word: it may be what kills them.
    """
    with run.context.database.read(SYSTEM) as session:
        if queries.is_at_work(session, RENEW.task, run.job_id):
            return {"submitted": 0, "busy": True}
        rows = queries.outdated(session, VERSIONS, AT_ONCE)
    asked: dict[int, list[tuple[UUID, str]]] = {}
    for media_id, sha256, noted in rows:
        asked.setdefault(queries.times_asked(VERSIONS, noted), []).append((media_id, sha256))
    if asked:
        with run.step(actor=SYSTEM) as session:
            for times, contents in asked.items():
                queries.note_asked(session, VERSIONS, [sha256 for _, sha256 in contents], times + 1)
                # One that broke its chunk off before breaks off nothing but its own this time.
                size = 1 if times else CHUNK
                payloads = [AnalysePayload(media=part, again=True) for part in _chunks(contents, size)]
                run.children(session, ANALYSE, payloads, priority="low")
    return {"submitted": len(rows), "busy": False}


def _chunks(contents: Sequence[tuple[UUID, str]], size: int) -> list[list[ToAnalyse]]:
    return [
        [ToAnalyse(media_id=media_id) for media_id, _ in contents[start : start + size]]
        for start in range(0, len(contents), size)
    ]


def take_catalogues(session: Session, sha256: str, workspace_id: UUID) -> dict[UUID, int]:
    """The next version of every catalogue that holds a content, and of this one, taken in one order by everybody."""
    holders = {workspace_id, *queries.workspaces_with(session, sha256)}
    return {holder: next_version(session, holder) for holder in sorted(holders)}


def tell_holders(session: Session, sha256: str, taken: Mapping[UUID, int]) -> None:
    """Tell everybody who has this content that it sounds otherwise now."""
    for workspace_id, version in taken.items():
        queries.stamp_content(session, workspace_id, sha256, version)


def note_renewed(session: Session, sha256: str, versions: Mapping[str, int], taken: Mapping[UUID, int]) -> None:
    """Tell everybody who has this content, and remember where not all engines could hear it again."""
    tell_holders(session, sha256, taken)
    if dict(versions) != VERSIONS:
        # An engine that breaks down on a content will do so again; what the others found is kept.
        queries.note_in_vain(session, sha256, VERSIONS, may_pass=False)


def note_in_vain(session: Session, sha256: str, *, may_pass: bool) -> None:
    """Leave a content as older engines heard it: until the engines change again, or for today where it may pass."""
    queries.note_in_vain(session, sha256, VERSIONS, may_pass=may_pass)
