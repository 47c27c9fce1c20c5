"""The pages of the audit and of the quotas."""

import re
from pathlib import Path

import pytest

from otolith import accounts
from otolith.accounts.audit import service as audit
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.web.audit import DEEDS
from tests.callers import Callers

HOSTILE = "<script>alert(1)</script>"


def write(context: Context, action: str, **told: object) -> None:
    with context.database.write(SYSTEM) as session:
        audit.record(session, SYSTEM, action, **told)  # type: ignore[arg-type]  # As the tests give them.


def test_administrators_see_what_was_done_and_narrow_it(context: Context, callers: Callers) -> None:
    write(context, "quota.set", on=("user", 7), before={"amount": 1}, after={"amount": 2, "password": "secret"})
    write(context, "token.create", after={"name": HOSTILE})
    page = callers.browsers["admin"].get("/audit").text
    assert "Set a quota" in page
    assert "Made an API token" in page
    assert HOSTILE not in page
    assert "secret" not in page.replace("new secret", "")
    narrowed = callers.browsers["admin"].get("/audit", params={"action": "quota.set"}).text
    assert narrowed.count('id="entry-') == 1
    french = callers.browsers["admin"].get("/audit", headers={"Accept-Language": "fr"}).text
    assert "Quota fixé" in french


def test_every_deed_of_accounts_has_a_name_that_people_read() -> None:
    told = set()
    for source in Path(accounts.__file__).parent.rglob("*.py"):
        told |= set(re.findall(r'(?:record|_note)\(\s*session,\s*\w+,\s*"([a-z]+\.[a-z]+)"', source.read_text("utf-8")))
    assert {"user.grant", "share.end", "codes.on"} <= told
    assert told - set(DEEDS) == set()


def test_the_record_is_linked_for_those_who_may_read_it(callers: Callers) -> None:
    for kind, seen in (("admin", True), ("owner", True), ("editor", False)):
        assert ('href="/audit"' in callers.browsers[kind].get("/quotas").text) is seen
    assert callers.browsers["editor"].get("/audit").status_code == 403


def test_an_administrator_sets_and_resets_quotas(callers: Callers) -> None:
    admin = callers.browsers["admin"]
    path = f"/quotas/workspace/{callers.home}"
    done = admin.post(f"{path}/storage", data={"amount": "5gb"}, follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, "/quotas")
    assert re.search(r"of 5(\.0)?\sGB", admin.get("/quotas").text)
    assert admin.post(f"{path}/lookups.audd", data={"reset": "yes"}, follow_redirects=False).status_code == 303
    assert admin.post(f"{path}/storage", data={"amount": "many"}).status_code == 400
    assert callers.browsers["owner"].post(f"{path}/storage", data={"amount": "1"}).status_code == 403


@pytest.mark.parametrize(("kind", "status"), [("admin", 200), ("editor", 404)])
def test_the_quotas_of_others_are_for_administrators(callers: Callers, kind: str, status: int) -> None:
    page = callers.browsers[kind].get("/quotas", params={"user": "the viewer"})
    assert page.status_code == status
    assert ("the viewer</h2>" in page.text) is (status == 200)
