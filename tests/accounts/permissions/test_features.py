"""Features: granted by name or by role, narrowed by tokens, and nothing by an empty list."""

from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from otolith.accounts.audit.models import AuditEntry
from otolith.accounts.features import features_of
from otolith.accounts.models import User
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.features import FEATURES
from otolith.core.settings_groups import AccountSettings
from tests.callers import Callers, add_token, add_user, browser_of, join

SETTINGS = AccountSettings(user_features="library, insights", readonly_features="")


@pytest.mark.parametrize(
    ("role", "granted", "features"),
    [
        ("admin", None, set(FEATURES)),
        ("user", None, {"library", "insights"}),
        ("readonly", None, set()),
        ("user", [], set()),
        ("admin", [], set()),
        ("user", ["identify"], {"identify"}),
        ("readonly", ["library", "telepathy"], {"library"}),
    ],
)
def test_a_list_decides_where_there_is_one_and_else_the_role(role: Any, granted: Any, features: set[str]) -> None:
    assert features_of(role, granted, SETTINGS) == features


def test_the_settings_refuse_features_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match="no feature telepathy"):
        AccountSettings(user_features="library,telepathy")


def grant(context: Context, name: str, features: list[str] | None) -> None:
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.name == name).values(features=features))


def test_an_empty_list_grants_nothing(callers: Callers, context: Context) -> None:
    editor = callers.browsers["editor"]
    assert editor.get("/api/tracks").status_code == 200
    grant(context, "the editor", [])
    assert editor.get("/whoami").json()["features"] == []
    refused = editor.get("/api/tracks")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:otolith:problem:feature-not-granted")
    assert refused.json()["feature"] == "library"
    grant(context, "the editor", None)
    assert editor.get("/api/tracks").status_code == 200


def test_pages_of_what_was_not_granted_are_neither_shown_nor_named(callers: Callers, context: Context) -> None:
    editor = callers.browsers["editor"]
    editor.follow_redirects = False
    assert 'href="/library"' in editor.get("/activity").text
    grant(context, "the editor", ["identify"])
    assert editor.get("/").headers["location"] == "/activity"
    assert 'href="/library"' not in editor.get("/activity").text
    assert editor.get("/library").status_code == 403


@pytest.mark.parametrize(
    ("of_user", "of_token", "both"),
    [
        (None, ["library"], ["library"]),
        (["identify", "library"], None, ["identify", "library"]),
        (["identify"], ["library"], []),
        (["library"], [], []),
        ([], None, []),
    ],
)
def test_a_token_uses_no_more_than_its_user_and_its_own_list(
    client: TestClient, context: Context, of_user: list[str] | None, of_token: list[str] | None, both: list[str]
) -> None:
    secret = add_token(context, add_user(context, "somebody", features=of_user), features=of_token)
    headers = {"X-API-Token": secret}
    assert client.get("/whoami", headers=headers).json()["features"] == both
    assert client.get("/api/tracks", headers=headers).status_code == (200 if "library" in both else 403)


def test_nobody_makes_a_token_for_what_they_were_not_granted(app: FastAPI, callers: Callers, context: Context) -> None:
    user = add_user(context, "narrow", features=["library"])
    join(context, callers.home, user, "editor")
    browser = browser_of(app, context, user)
    for features, status in ((["library"], 201), (["library", "audd"], 403), ([], 201), (["telepathy"], 422)):
        assert browser.post("/api/tokens", json={"name": "x", "features": features}).status_code == status


def test_administrators_grant_by_name_and_give_back_to_the_role(callers: Callers, context: Context) -> None:
    admin, editor = callers.browsers["admin"], callers.browsers["editor"]
    place = f"/api/users/{editor.get('/whoami').json()['user_id']}/features"
    assert admin.get(place).json()["granted"] is None
    assert admin.put(place, json={"features": ["insights", "identify"]}).json()["features"] == ["identify", "insights"]
    assert editor.get("/api/tracks").status_code == 403
    assert editor.get(place).json()["granted"] == ["identify", "insights"]
    assert editor.put(place, json={"features": ["library"]}).status_code == 403
    assert admin.put(place, json={"features": None}).json()["granted"] is None
    assert editor.get("/api/tracks").status_code == 200
    for body, status in (({"features": ["telepathy"]}, 422), ({}, 422)):
        assert admin.put(place, json=body).status_code == status
    nobody = "/api/users/01920000-0000-7000-8000-000000000000/features"
    assert admin.put(nobody, json={"features": []}).status_code == 404
    with context.database.read(SYSTEM) as session:
        told = session.scalars(select(AuditEntry.after).where(AuditEntry.action == "user.grant")).all()
    assert told == [{"features": ["identify", "insights"]}, {"features": None}]
