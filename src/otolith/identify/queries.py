"""The statements about fingerprints."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.identify.models import Fingerprint, FingerprintSketch


def store(session: Session, table: type[Fingerprint | FingerprintSketch], values: Mapping[str, Any]) -> None:
    """Keep what is known of one content; what another worker stored of it meanwhile gives way."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(dict(values))
    others = {name: statement.excluded[name] for name in values if name not in {"sha256", "version"}}
    session.execute(statement.on_conflict_do_update(index_elements=[table.sha256, table.version], set_=others))


def newest(session: Session, sha256: str) -> Fingerprint | None:
    return session.scalar(
        select(Fingerprint).where(Fingerprint.sha256 == sha256).order_by(Fingerprint.version.desc()).limit(1)
    )


def whole_of(session: Session, contents: Collection[str], version: int) -> dict[str, tuple[float, bytes]]:
    """The lengths and the whole fingerprints of contents, by hash."""
    found = select(Fingerprint.sha256, Fingerprint.duration, Fingerprint.full).where(
        Fingerprint.sha256.in_(list(contents)), Fingerprint.version == version
    )
    return {sha256: (seconds, full) for sha256, seconds, full in session.execute(found).tuples()}


def sketches_of(session: Session, contents: Collection[str], version: int) -> dict[str, tuple[float, bytes]]:
    """The lengths and the sketches of contents, by hash."""
    found = select(FingerprintSketch.sha256, FingerprintSketch.seconds, FingerprintSketch.sketch).where(
        FingerprintSketch.sha256.in_(list(contents)), FingerprintSketch.version == version
    )
    return {sha256: (seconds, sketch) for sha256, seconds, sketch in session.execute(found).tuples()}


def delete_of(session: Session, contents: Collection[str]) -> int:
    """Forget the fingerprints of contents; how many those were."""
    mine = list(contents)
    session.execute(delete(FingerprintSketch).where(FingerprintSketch.sha256.in_(mine)))
    return session.connection().execute(delete(Fingerprint).where(Fingerprint.sha256.in_(mine))).rowcount
