"""Resumable uploads and quotas: refused before they begin, and never thrown away for want of room."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from otolith.accounts.quotas import service as quotas
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import QuotaSettings, Settings
from otolith.media.models import Media, Upload
from tests.callers import Callers
from tests.media.sounds import recording
from tests.media.test_tus import NAME, TUS, URL, begin, offset_of, patch
from tests.media.test_tus_joining import join, sent_in_parts

SOUND = recording("flac", 0.5)
ROOM = 2 * len(SOUND)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"quotas": QuotaSettings(workspace_storage=ROOM)})


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    context = build_context(settings)
    yield context
    context.close()


def give(context: Context, callers: Callers, kind: str, amount: int) -> None:
    with context.database.write(SYSTEM) as session:
        quotas.set_amount(session, SYSTEM, "workspace", callers.home, kind, amount)


def stored(context: Context) -> int:
    with context.database.read(SYSTEM) as session:
        return len(session.scalars(select(Media.id)).all())


def test_one_that_cannot_fit_is_refused_before_it_begins(callers: Callers) -> None:
    headers = {**TUS, "Upload-Length": str(ROOM + 1), "Upload-Metadata": f"filename {NAME}"}
    answer = callers["editor"].post(URL, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (507, "urn:otolith:problem:storage-spent")


def test_those_that_never_end_take_no_more_room_than_there_is(callers: Callers) -> None:
    client = callers["editor"]
    for _ in range(2):
        assert patch(client, begin(client, len(SOUND)), SOUND[:-1], 0).status_code == 204
    assert client.post(URL, headers={**TUS, "Upload-Length": str(len(SOUND))}).status_code == 507
    # One whose length is told later is asked about by what each request brings.
    assert patch(client, begin(client, None), SOUND, 0).status_code == 507


@pytest.mark.parametrize(("kind", "spent", "status"), [("storage", len(SOUND) - 1, 507), ("jobs", 0, 429)])
def test_what_was_sent_waits_for_room(callers: Callers, context: Context, kind: str, spent: int, status: int) -> None:
    client = callers["editor"]
    url = begin(client, len(SOUND))
    assert patch(client, url, SOUND[:-1], 0).status_code == 204
    give(context, callers, kind, spent)
    assert patch(client, url, SOUND[-1:], len(SOUND) - 1).status_code == status
    assert stored(context) == 0
    give(context, callers, kind, 1000 * ROOM)
    at = offset_of(client, url)
    if at < len(SOUND):
        assert patch(client, url, SOUND[at:], at).status_code == 204
    assert client.head(url, headers=TUS).headers["otolith-media"]
    assert stored(context) == 1


def test_parts_that_find_no_room_together_stay_and_leave_no_second_copy(callers: Callers, context: Context) -> None:
    client = callers["editor"]
    urls = sent_in_parts(client, SOUND, [len(SOUND) // 2])
    give(context, callers, "storage", len(SOUND) - 1)
    assert [join(client, urls).status_code for _ in range(2)] == [507, 507]
    with context.database.read(SYSTEM) as session:
        assert len(session.scalars(select(Upload.id)).all()) == 2
    assert len(list(context.settings.folder.uploads.glob("*"))) == 2
    give(context, callers, "storage", ROOM)
    assert join(client, urls).status_code == 201
    assert stored(context) == 1
