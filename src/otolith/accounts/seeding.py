"""The first start: a Home workspace, an administrator, and the accounts that the settings name."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import SecretStr
from sqlalchemy.orm import Session

from otolith.accounts import queries
from otolith.accounts.credentials import digest, shown_part
from otolith.accounts.models import ApiToken, Membership, User, Workspace
from otolith.accounts.names import check_user_name, fold
from otolith.accounts.passwords import passwords_of
from otolith.accounts.people.service import put_password
from otolith.core.actor import SYSTEM, WorkspaceRole
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.ids import new_id
from otolith.core.settings import PREFIX, Settings, weakness

log = structlog.get_logger(__name__)

READONLY_NAME = "readonly"
HOME_NAME = "Home"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a start made. `password` is set for the one process that made it up, and is to be shown once."""

    admin_name: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What took long or was random, made before the transaction begins."""

    admin_name: str
    password: str | None
    password_hash: str | None
    rotates: bool


def seed(context: Context) -> Seeded:
    """Make the accounts of the first start and follow rotated secrets; any number of processes may do so at once."""
    settings = context.settings
    _warn_of_weak_secrets(settings)
    with context.database.read(SYSTEM) as session:
        prepared = _prepare(session, settings)
    prepared = _hashed(prepared, settings)
    with context.database.write(SYSTEM) as session:
        queries.lock_for_seeding(session)
        home = _home(session)
        shown = _seed_admin(session, home, prepared, settings)
        _seed_readonly(session, home, settings)
    return Seeded(prepared.admin_name, shown)


def _prepare(session: Session, settings: Settings) -> _Prepared:
    name = check_user_name(settings.admin.username)
    admin = queries.user_by_name(session, fold(name))
    given = _secret(settings.admin.password)
    if admin is None:
        wanted = settings.admin.token is not None or not queries.any_admin(session)
        return _Prepared(name, given or (secrets.token_urlsafe(15) if wanted else None), None, rotates=False)
    rotated = given is not None and not (
        admin.seeded_hash is not None and passwords_of(settings.accounts).verify(admin.seeded_hash, given)
    )
    return _Prepared(name, given if rotated else None, None, rotates=rotated)


def _hashed(prepared: _Prepared, settings: Settings) -> _Prepared:
    if prepared.password is None:
        return prepared
    hashed = passwords_of(settings.accounts).hash(prepared.password)
    return _Prepared(prepared.admin_name, prepared.password, hashed, prepared.rotates)


def _home(session: Session) -> Workspace:
    home = queries.home_workspace(session)
    if home is None:
        home = Workspace(id=new_id(), name=HOME_NAME, is_home=True)
        session.add(home)
        session.flush()
        log.info("accounts.seed.workspace", workspace_id=str(home.id))
    return home


def _seed_admin(session: Session, home: Workspace, prepared: _Prepared, settings: Settings) -> str | None:
    """Make or follow the administrator; the password when this process made it up and it now counts."""
    given = _secret(settings.admin.password)
    kept = prepared.password_hash if given is not None else None
    admin = queries.user_by_name(session, fold(prepared.admin_name))
    shown = None
    if admin is None:
        if prepared.password_hash is None:
            # Another administrator is there: this one was renamed or removed, and must not come back by itself.
            return None
        admin = _make_user(
            session, prepared.admin_name, role="admin", password_hash=prepared.password_hash, seeded_hash=kept
        )
        _join(session, home, admin, "owner")
        shown = prepared.password if given is None else None
    elif prepared.rotates and prepared.password_hash is not None:
        # Whoever came in by the one before goes out.
        put_password(session, admin, prepared.password_hash)
        admin.seeded_hash = kept
        log.info("accounts.seed.password_rotated", user_id=str(admin.id))
    _seed_token(session, admin, _secret(settings.admin.token), f"{PREFIX}ADMIN_TOKEN", ["read", "write", "admin"])
    return shown


def _seed_readonly(session: Session, home: Workspace, settings: Settings) -> None:
    token = _secret(settings.readonly.token)
    user = queries.user_by_name(session, READONLY_NAME)
    if user is None:
        if token is None:
            return
        user = _make_user(session, READONLY_NAME, role="readonly")
        _join(session, home, user, "viewer")
    _seed_token(session, user, token, f"{PREFIX}READONLY_TOKEN", ["read"])


def _make_user(session: Session, name: str, **columns: Any) -> User:
    user = User(id=new_id(), name=name, name_key=fold(name), **columns)
    session.add(user)
    session.flush()
    log.info("accounts.seed.user", user_id=str(user.id), role=user.role)
    return user


def _join(session: Session, workspace: Workspace, user: User, role: WorkspaceRole) -> None:
    session.add(Membership(workspace_id=workspace.id, user_id=user.id, role=role))


def _seed_token(session: Session, user: User, token: str | None, name: str, scopes: list[str]) -> None:
    """Let the settings' token be the only one that the settings gave: a rotated one replaces the one before."""
    found = digest(token) if token is not None else None
    queries.revoke_seeded_tokens(session, user.id, now(), but=found)
    if token is None or found is None:
        return
    present = queries.token_by_hash(session, found)
    if present is None:
        session.add(
            ApiToken(
                user_id=user.id,
                name=name,
                prefix=shown_part(token),
                secret_hash=found,
                scopes=scopes,
                seeded=True,
            )
        )
    elif present.user_id == user.id and present.seeded:
        present.revoked_at = None


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def _warn_of_weak_secrets(settings: Settings) -> None:
    for name, secret in settings.seeded_secrets().items():
        if fault := weakness(secret):
            log.warning("accounts.seed.weak", setting=f"{PREFIX}{name}", fault=fault)
