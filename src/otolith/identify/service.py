"""What other slices may do with acoustic fingerprints."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.identify import queries
from otolith.identify.models import Fingerprint


def store_fingerprint(session: Session, sha256: str, version: int, result: Mapping[str, Any]) -> None:
    """Keep the fingerprint of one content: `result` is what the Chromaprint engine answered, as a plain dict."""
    values = {
        "sha256": sha256,
        "version": version,
        "duration": result["duration"],
        "text": result["fingerprint"],
        "full": result["full"],
        "made_at": now(),
    }
    queries.store(session, values)


def fingerprint(session: Session, sha256: str) -> Fingerprint | None:
    """The fingerprint of a content; ask only for contents whose media the caller may see."""
    return queries.newest(session, sha256)


def forget_unused(session: Session) -> int:
    """Remove the fingerprints of contents that no media has any more; give a session of the system."""
    return queries.delete_unused(session)
