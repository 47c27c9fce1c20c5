"""What users and workspaces may use: counted with the use, and never more by one, however many ask at once."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import structlog
from starlette.testclient import TestClient

from otolith.accounts.quotas import service as quotas
from otolith.accounts.quotas.kinds import NoSuchQuota
from otolith.accounts.quotas.service import QuotaSpent, spend
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.errors import NotAllowed, NotFound
from otolith.core.ids import new_id
from otolith.core.settings import QuotaSettings, Settings
from otolith.jobs.jobs import FORGET, ForgetPayload
from otolith.jobs.service import submit
from tests.callers import Callers, add_user, add_workspace

LOOKUPS = "lookups.acoustid"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    bounds = QuotaSettings(user_lookups=20, workspace_lookups=30, user_jobs=5, user_speech=10)
    return settings.model_copy(update={"quotas": bounds})


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


@pytest.fixture
def ann(context: Context) -> UUID:
    return add_user(context, "Ann").id


def use(
    context: Context, amount: int = 1, *, kind: str = LOOKUPS, at: dt.datetime | None = None, **whose: UUID
) -> bool:
    """Whether the use was let through."""
    try:
        with context.database.write(SYSTEM) as session:
            spend(session, context.settings.quotas, kind, amount, at=at, **whose)
    except QuotaSpent:
        return False
    return True


def left(context: Context, user: UUID, kind: str = LOOKUPS) -> int | None:
    with context.database.read(SYSTEM) as session:
        return next(one.remaining for one in quotas.usage(context, session, "user", user) if one.kind.name == kind)


def test_fifty_at_once_are_never_one_too_many(context: Context, ann: UUID) -> None:
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda _: use(context, user=ann), range(50)))
    assert passed.count(True) == 20
    assert left(context, ann) == 0


def test_users_of_a_workspace_share_its_bound(context: Context, ann: UUID) -> None:
    ben, attic = add_user(context, "Ben").id, add_workspace(context, "Attic")
    with ThreadPoolExecutor(8) as pool:
        who = [ann, ben] * 25
        passed = list(pool.map(lambda user: use(context, user=user, workspace=attic), who))
    # Twenty each would be forty; the workspace has thirty.
    assert passed.count(True) == 30


def test_what_is_refused_for_the_workspace_is_not_counted_for_the_user(context: Context, ann: UUID) -> None:
    attic = add_workspace(context, "Attic")
    assert use(context, 25, workspace=attic)
    assert not use(context, 10, user=ann, workspace=attic)
    assert left(context, ann) == 20


def test_a_failed_use_is_undone_with_its_transaction(context: Context, ann: UUID) -> None:
    def failing() -> None:
        with context.database.write(SYSTEM) as session:
            spend(session, context.settings.quotas, LOOKUPS, 5, user=ann)
            raise LookupError

    with pytest.raises(LookupError):
        failing()
    assert left(context, ann) == 20


def test_the_window_rolls(context: Context, ann: UUID) -> None:
    begun = now().replace(minute=30) - dt.timedelta(hours=20)
    assert use(context, 15, user=ann, at=begun)
    assert use(context, 5, user=ann, at=begun + dt.timedelta(hours=10))
    assert not use(context, 1, user=ann, at=begun + dt.timedelta(hours=23, minutes=59))
    # The first fifteen have left, the five have not.
    later = begun + dt.timedelta(hours=25)
    assert use(context, 15, user=ann, at=later)
    assert not use(context, 1, user=ann, at=later)


def test_a_refusal_tells_when_there_is_room_again(context: Context, ann: UUID) -> None:
    at = now().replace(minute=0, second=0, microsecond=0)
    use(context, 20, user=ann, at=at)
    with pytest.raises(QuotaSpent) as refused, context.database.write(SYSTEM) as session:
        spend(session, context.settings.quotas, LOOKUPS, 1, user=ann, at=at + dt.timedelta(hours=4))
    # The hour of the use counts until its end is a day old.
    assert refused.value.headers["Retry-After"] == str(21 * 3600)
    assert refused.value.extra["used"] == 20


def test_four_fifths_are_told(context: Context, ann: UUID) -> None:
    with structlog.testing.capture_logs() as logs:
        for _ in range(20):
            use(context, user=ann)
    near = [one for one in logs if one["event"] == "accounts.quota.near"]
    assert [(one["used"], one["amount"]) for one in near] == [(16, 20)]
    with context.database.read(SYSTEM) as session:
        states = {one.kind.name: one.state for one in quotas.usage(context, session, "user", ann)}
    assert states == {
        **dict.fromkeys(("storage", "jobs", "speech", "lookups.audd", "lookups.musicbrainz"), "ok"),
        LOOKUPS: "spent",
    }


def test_an_administrator_sets_and_resets(context: Context, callers: Callers, ann: UUID) -> None:
    admin = callers.actors["admin"]
    assert use(context, 20, user=ann)
    with context.database.write(SYSTEM) as session:
        quotas.reset(session, admin, "user", ann, LOOKUPS)
    assert left(context, ann) == 20
    for amount, remaining in ((3, 3), (-1, None), (None, 20)):
        with context.database.write(SYSTEM) as session:
            quotas.set_amount(session, admin, "user", ann, LOOKUPS, amount)
        assert left(context, ann) == remaining
    with context.database.write(SYSTEM) as session, pytest.raises(NoSuchQuota):
        quotas.reset(session, admin, "user", ann, "cakes")
    with context.database.write(SYSTEM) as session, pytest.raises(NotFound):
        quotas.reset(session, admin, "user", new_id(), LOOKUPS)
    with context.database.write(SYSTEM) as session, pytest.raises(NotAllowed):
        quotas.reset(session, callers.actors["owner"], "user", ann, LOOKUPS)


def ask_for_job(context: Context, callers: Callers, kind: str = "editor") -> bool:
    actor = callers.actors[kind]
    try:
        with context.database.write(actor) as session:
            submit(session, FORGET, ForgetPayload(), workspace=callers.home, user=actor.user_id)
    except QuotaSpent:
        return False
    return True


def test_jobs_at_once_are_bounded_in_the_ledger(context: Context, callers: Callers) -> None:
    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(lambda _: ask_for_job(context, callers), range(50)))
    assert passed.count(True) == 5
    # Somebody else has jobs of their own.
    assert ask_for_job(context, callers, "owner")


def test_what_the_server_does_for_itself_is_nobodys_quota(context: Context, callers: Callers) -> None:
    user = callers.actors["editor"].user_id
    for _ in range(8):
        with context.database.write(SYSTEM) as session:
            submit(session, FORGET, ForgetPayload(), workspace=callers.home, user=user)
    assert not ask_for_job(context, callers)


def test_the_api_shows_one_s_own_and_lets_administrators_set(
    context: Context, callers: Callers, client: TestClient
) -> None:
    editor = callers.actors["editor"].user_id
    assert editor is not None
    use(context, 18, user=editor)
    mine = callers["editor"].get("/api/quotas").json()["items"]
    assert {(one["subject"], one["name"]) for one in mine} == {("user", "the editor"), ("workspace", "Home")}
    lookups = next(one for one in mine[0]["quotas"] if one["kind"] == LOOKUPS)
    assert (lookups["amount"], lookups["used"], lookups["remaining"], lookups["state"]) == (20, 18, 2, "near")
    path = f"/api/quotas/user/{editor}"
    assert callers["editor"].get(path).status_code == 200
    assert callers["viewer"].get(path).status_code == 404
    assert callers["editor"].put(f"{path}/{LOOKUPS}", json={"amount": 99}).status_code == 403
    assert callers["admin"].put(f"{path}/{LOOKUPS}", json={"amount": 99}).status_code == 200
    assert callers["admin"].post(f"{path}/{LOOKUPS}/reset").status_code == 200
    shown = callers["admin"].get(path).json()
    lookups = next(one for one in shown["quotas"] if one["kind"] == LOOKUPS)
    assert (lookups["amount"], lookups["used"], lookups["own"]) == (99, 0, True)
    done = callers["admin"].get("/api/audit", params={"action": "quota"}).json()["items"]
    assert [entry["action"] for entry in done] == ["quota.reset", "quota.set"]
    assert (done[1]["before"]["amount"], done[1]["after"]["amount"]) == (None, 99)
    assert client.get("/api/quotas").status_code == 401
