"""Workspaces and their members: who may change them, and that somebody always owns them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from otolith.accounts.audit.models import AuditEntry
from otolith.accounts.models import Membership, User
from otolith.accounts.workspaces import service
from otolith.accounts.workspaces.service import LastOwner
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.jobs.jobs import FORGET, ForgetPayload
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.library.models import Track
from tests.callers import Callers, add_token, add_user, add_workspace, browser_of, join
from tests.web.recordings import add_song


def ids(context: Context, *names: str) -> list[str]:
    with context.database.read(SYSTEM) as session:
        known = dict(session.execute(select(User.name, User.id)).tuples().all())
    return [str(known[name]) for name in names]


def test_owners_take_people_in_change_their_role_and_take_them_out(callers: Callers, context: Context) -> None:
    owner, stranger = callers.browsers["owner"], callers.browsers["stranger"]
    place = f"/api/workspaces/{callers.home}/members"
    assert stranger.get(place).status_code == 404
    assert owner.post(place, json={"username": " THE STRANGER", "role": "editor"}).json()["role"] == "editor"
    assert len(stranger.get("/api/workspaces").json()["items"]) == 2
    assert owner.post(place, json={"username": "the stranger"}).status_code == 409
    assert owner.post(place, json={"username": "nobody at all"}).status_code == 404
    assert owner.post(place, json={"username": "the one who left"}).status_code in (404, 409)
    (person,) = ids(context, "the stranger")
    assert owner.patch(f"{place}/{person}", json={"role": "viewer"}).json()["role"] == "viewer"
    assert owner.delete(f"{place}/{person}").status_code == 204
    assert owner.delete(f"{place}/{person}").status_code == 404
    assert stranger.get(place).status_code == 404
    with context.database.read(SYSTEM) as session:
        told = session.scalars(
            select(AuditEntry.action).where(AuditEntry.object_id == person).order_by(AuditEntry.seq)
        ).all()
    assert told == ["member.add", "member.change", "member.remove"]


@pytest.mark.parametrize("kind", ["viewer", "editor", "readonly"])
def test_everybody_may_leave_and_nobody_but_owners_decides_about_others(
    callers: Callers, context: Context, kind: str
) -> None:
    browser, place = callers.browsers[kind], f"/api/workspaces/{callers.home}/members"
    me, owner = ids(context, {"readonly": "the reader"}.get(kind, f"the {kind}"), "the owner")
    assert browser.delete(f"{place}/{owner}").status_code == 403
    assert browser.patch(f"{place}/{me}", json={"role": "owner"}).status_code == 403
    assert browser.delete(f"{place}/{me}").status_code == 204
    assert browser.get("/whoami").json()["workspaces"] == []


def test_the_last_owner_stays_one(app: FastAPI, callers: Callers, context: Context) -> None:
    ada, bob = add_user(context, "ada"), add_user(context, "bob")
    workspace = add_workspace(context, "Studio")
    join(context, workspace, ada, "owner")
    join(context, workspace, bob, "owner")
    browser, place = browser_of(app, context, ada), f"/api/workspaces/{workspace}/members"
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.id == bob.id).values(active=False))
    # An owner who may not sign in looks after nothing.
    for answer in (browser.patch(f"{place}/{ada.id}", json={"role": "viewer"}), browser.delete(f"{place}/{ada.id}")):
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:otolith:problem:last-owner")
    with context.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.id == bob.id).values(active=True))
    assert browser.delete(f"{place}/{ada.id}").status_code == 204


def test_of_two_last_owners_who_leave_at_once_one_stays(context: Context, callers: Callers) -> None:
    people = [add_user(context, name) for name in ("one", "two")]
    workspace = add_workspace(context, "Studio")
    for user in people:
        join(context, workspace, user, "owner")

    def leave(user: User) -> bool:
        actor = Actor(kind="user", user_id=user.id, role="user", memberships={workspace: "owner"})
        try:
            service.remove_member(context, actor, workspace, user.id)
        except LastOwner:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, people)) == [False, True]
    with context.database.read(SYSTEM) as session:
        left = session.scalar(select(func.count()).where(Membership.workspace_id == workspace))
    assert left == 1


def test_administrators_look_after_workspaces_that_are_not_theirs(callers: Callers) -> None:
    admin, place = callers.browsers["admin"], f"/api/workspaces/{callers.elsewhere}"
    listed = {item["name"]: item for item in admin.get("/api/admin/workspaces").json()["items"]}
    assert (listed["Elsewhere"]["role"], listed["Elsewhere"]["members"]) == (None, 1)
    assert admin.get(f"{place}/members").status_code == 404
    assert admin.post(f"{place}/members", json={"username": "the admin", "role": "owner"}).status_code == 201
    assert len(admin.get(f"{place}/members").json()["items"]) == 2


def test_with_a_workspace_goes_all_that_belongs_to_it_and_nothing_else(
    app: FastAPI, callers: Callers, context: Context, client: TestClient
) -> None:
    ada = add_user(context, "ada")
    workspace = add_workspace(context, "Studio")
    join(context, workspace, ada, "owner")
    bound, free = add_token(context, ada, workspace_id=workspace), add_token(context, ada)
    add_song(context, workspace, "Gone")
    kept = add_song(context, callers.home, "Kept")
    with context.database.write(SYSTEM) as session:
        job = submit(session, FORGET, ForgetPayload(), workspace=workspace)
    browser = browser_of(app, context, ada)
    assert browser.delete(f"/api/workspaces/{workspace}").status_code == 204
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Track.id)).all() == [kept]
        assert session.get_one(Job, job).state == "cancelled"
    used = [client.get("/whoami", headers={"X-API-Token": one}).status_code for one in (bound, free)]
    assert used == [401, 200]
    assert browser.delete(f"/api/workspaces/{workspace}").status_code == 404


def test_the_workspace_of_the_first_start_stays(callers: Callers) -> None:
    answer = callers.browsers["owner"].delete(f"/api/workspaces/{callers.home}")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:otolith:problem:home-stays")
    assert callers.browsers["owner"].patch(f"/api/workspaces/{callers.home}", json={"name": "Haus"}).status_code == 204
    assert callers.browsers["viewer"].get("/api/workspaces").json()["items"][0]["name"] == "Haus"


def test_whoever_is_no_member_of_home_works_in_their_own(callers: Callers) -> None:
    stranger = callers.browsers["stranger"]
    assert stranger.post("/api/library/check").status_code == 202
    assert stranger.get("/library/health").status_code == 200
