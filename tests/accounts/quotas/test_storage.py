"""Room for uploads: bounded for users and workspaces when they are filed, and asked about before they are read."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from otolith.accounts.quotas import service as quotas
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import QuotaSettings, Settings
from otolith.media.models import Media
from tests.callers import Callers
from tests.media.sounds import recording

SOUNDS = [recording("flac", 0.4 + number / 50) for number in range(8)]
# Some of them fit, and all would be more.
ROOM = sum(map(len, SOUNDS)) * 5 // 8


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"quotas": QuotaSettings(workspace_storage=ROOM)})


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


def send(client: TestClient, data: bytes) -> Any:
    headers = {"X-Filename": "piece.flac", "Content-Type": "audio/flac"}
    return client.post("/api/media", content=data, headers=headers)


def stored(context: Context, workspace: UUID) -> int:
    with context.database.read(SYSTEM) as session:
        return int(session.scalar(select(func.sum(Media.size)).where(Media.workspace_id == workspace)) or 0)


def test_many_uploads_at_once_never_take_more_than_there_is(callers: Callers, context: Context) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda data: send(callers["editor"], data), SOUNDS))
    assert {answer.status_code for answer in answers} == {201, 507}
    assert 0 < stored(context, callers.home) <= ROOM


def test_who_has_no_room_left_is_told_before_the_body_is_read(callers: Callers, context: Context) -> None:
    answer = callers["editor"].post(
        "/api/media", content=b"never read", headers={"Content-Length": str(ROOM + 1), "Content-Type": "audio/flac"}
    )
    assert answer.status_code == 507
    problem = answer.json()
    assert problem["type"] == "urn:otolith:problem:storage-spent"
    assert (problem["quota"], problem["subject"], problem["amount"]) == ("storage", "workspace", ROOM)
    assert stored(context, callers.home) == 0


def test_what_is_stored_shows_and_deleting_makes_room(callers: Callers, context: Context) -> None:
    sent = send(callers["editor"], SOUNDS[0])
    media = sent.json()["items"][0]["media"]["id"]
    workspace = callers["editor"].get("/api/quotas").json()["items"][1]
    storage = next(one for one in workspace["quotas"] if one["kind"] == "storage")
    assert (storage["used"], storage["amount"]) == (len(SOUNDS[0]), ROOM)
    assert callers["owner"].delete(f"/api/media/{media}").status_code in (200, 204)
    with context.database.read(SYSTEM) as session:
        left = quotas.usage(context, session, "workspace", callers.home)
    assert next(one.used for one in left if one.kind.name == "storage") == 0


def test_the_same_upload_again_takes_no_more_room(callers: Callers, context: Context) -> None:
    with context.database.write(SYSTEM) as session:
        quotas.set_amount(session, SYSTEM, "workspace", callers.home, "storage", 2 * len(SOUNDS[0]))
    assert send(callers["editor"], SOUNDS[0]).status_code == 201
    assert send(callers["editor"], SOUNDS[0]).status_code == 200
    assert stored(context, callers.home) == len(SOUNDS[0])
