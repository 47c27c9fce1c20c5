"""The statements about fingerprints."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from otolith.identify.models import Fingerprint
from otolith.media.models import Media


def store(session: Session, values: Mapping[str, Any]) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Fingerprint).values(dict(values))
    others = {name: statement.excluded[name] for name in values if name not in {"sha256", "version"}}
    keys = [Fingerprint.sha256, Fingerprint.version]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))


def newest(session: Session, sha256: str) -> Fingerprint | None:
    return session.scalar(
        select(Fingerprint).where(Fingerprint.sha256 == sha256).order_by(Fingerprint.version.desc()).limit(1)
    )


def delete_unused(session: Session) -> int:
    used = exists().where(Media.sha256 == Fingerprint.sha256)
    return session.connection().execute(delete(Fingerprint).where(~used)).rowcount
