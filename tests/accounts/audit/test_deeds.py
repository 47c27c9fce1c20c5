"""What people do to a library is written down with it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from otolith.core.context import Context
from tests.callers import Callers
from tests.web.recordings import add_song


@pytest.fixture
def track(callers: Callers, context: Context) -> str:
    return str(add_song(context, callers.home, "Salt"))


def deeds(client: TestClient, action: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/audit", params={"action": action}).json()["items"]
    return items


def test_changes_of_tags_are_written_down(callers: Callers, track: str) -> None:
    body = {"tracks": [track], "changes": {"title": "Another"}}
    made = callers["editor"].post("/api/tracks/edits", json=body)
    assert made.status_code in (200, 201), made.text
    batch = made.json()["batch_id"]
    assert callers["editor"].post(f"/api/tracks/edits/{batch}/undo").is_success
    undone, edited = deeds(callers["owner"], "tags")
    assert [undone["action"], edited["action"]] == ["tags.undo", "tags.edit"]
    assert (edited["object_type"], edited["object_id"]) == ("edits", batch)
    assert (edited["user_name"], edited["after"]) == ("the editor", {"tracks": 1})
    assert edited["workspace_id"] == str(callers.home)


def test_tokens_and_workspaces_are_written_down(callers: Callers) -> None:
    made = callers.browsers["owner"].post("/api/tokens", json={"name": "Robot"})
    secret = made.json()["token"]
    made_too = callers.browsers["owner"].post("/api/workspaces", json={"name": "Cellar"})
    assert (made.status_code, made_too.status_code) == (201, 201)
    (token,) = deeds(callers["admin"], "token.create")
    assert token["after"]["name"] == "Robot"
    assert secret not in str(token)
    (workspace,) = deeds(callers["admin"], "workspace.create")
    assert workspace["object_id"] == made_too.json()["id"]
