"""What other slices may do with acoustic fingerprints."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from otolith.core.db import now
from otolith.identify import queries
from otolith.identify.engine.chromaprint_frames import VERSION
from otolith.identify.engine.chromaprint_text import Codes
from otolith.identify.engine.likeness import CUT_SECONDS, Likeness, likeness
from otolith.identify.engine.sketch import Candidate, Sketches, candidates, gather, sketch_of
from otolith.identify.models import Fingerprint, FingerprintSketch


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
    queries.store(session, Fingerprint, values)
    _store_sketch(session, sha256, version, result["duration"], sketch_of(_codes(result["full"])))


def _store_sketch(session: Session, sha256: str, version: int, seconds: float, sketch: bytes) -> None:
    values = {"sha256": sha256, "version": version, "seconds": seconds, "sketch": sketch}
    queries.store(session, FingerprintSketch, values)


def keep_for(session: Session, sha256: str, other: str) -> None:
    """Keep the fingerprint of a content for another with the same sound."""
    found = queries.newest(session, sha256)
    if found is not None:
        result = {"duration": found.duration, "fingerprint": found.text, "full": found.full}
        store_fingerprint(session, other, found.version, result)


def fingerprint(session: Session, sha256: str) -> Fingerprint | None:
    """The fingerprint of a content; ask only for contents whose media the caller may see."""
    return queries.newest(session, sha256)


def forget(session: Session, contents: Collection[str]) -> int:
    """Remove the fingerprints of contents, which the caller sees to it that nobody has any more."""
    return queries.delete_of(session, contents)


def make_sketches(session: Session, contents: Collection[str]) -> None:
    """Make the sketches that lack, of fingerprints from before there were any."""
    lacking = set(contents) - queries.sketches_of(session, contents, VERSION).keys()
    for sha256, (seconds, full) in queries.whole_of(session, lacking, VERSION).items():
        _store_sketch(session, sha256, VERSION, seconds, sketch_of(_codes(full)))


@dataclass(frozen=True, slots=True)
class Sketched:
    """The sketches of some contents, in the order of `contents`."""

    contents: list[str]
    sketches: Sketches

    def alike(self, others: "Sketched") -> list[Candidate]:
        """Pairs of one of these and one of `others` that may hold the same recording."""
        return candidates(self.sketches, others.sketches, within=CUT_SECONDS)


def sketched(session: Session, contents: Collection[str]) -> Sketched:
    """The sketches of contents whose media the caller may see; those without one are left out."""
    found = queries.sketches_of(session, contents, VERSION)
    rows = [found[sha256] for sha256 in found]
    return Sketched(list(found), gather([sketch for _, sketch in rows], [seconds for seconds, _ in rows]))


def codes_of(session: Session, contents: Collection[str]) -> dict[str, Codes]:
    """The whole fingerprints of contents whose media the caller may see, by hash."""
    return {sha256: _codes(full) for sha256, (_, full) in queries.whole_of(session, contents, VERSION).items()}


def _codes(full: bytes) -> Codes:
    return np.frombuffer(full, dtype="<u4").astype(np.uint32, copy=False)


__all__ = [
    "VERSION",
    "Candidate",
    "Likeness",
    "Sketched",
    "codes_of",
    "fingerprint",
    "forget",
    "likeness",
    "make_sketches",
    "sketched",
    "store_fingerprint",
]
