"""The pages of API tokens, workspaces and shared links."""

import re

import pytest
from starlette.testclient import TestClient

from tests.callers import Callers, add_token, add_user, join
from tests.web.conftest import Browser, Counting
from tests.web.recordings import add_song


def secret_in(page: str) -> str:
    found = re.search(r'value="(oto_[\w-]+)" readonly', page)
    assert found is not None
    return found.group(1)


class TestTokens:
    def test_a_new_token_is_shown_once_and_works(self, browser: Browser, client: TestClient) -> None:
        editor = browser("editor")
        form = {"name": "backup <b>", "reach": "read", "days": "30", "networks": "", "workspace": ""}
        answer = editor.post("/tokens", data=form)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        secret = secret_in(answer.text)
        assert 'data-copy="token"' in answer.text
        assert "The new token backup &lt;b&gt;" in answer.text
        assert client.get("/whoami", headers={"X-API-Token": secret}).json()["role"] == "readonly"
        again = editor.get("/tokens").text
        assert secret not in again
        assert secret[:8] in again
        assert "may only read" in again

    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, browser: Browser) -> None:
        answer = browser("editor").post("/tokens", data={"name": "mine", "networks": "everywhere"})
        assert answer.status_code == 422
        assert 'value="everywhere"' in answer.text
        assert 'role="alert"' in answer.text
        assert "oto_" not in re.sub(r"oto_\w{4}…", "", answer.text)

    def test_boxes_that_were_all_taken_away_leave_no_feature(self, browser: Browser, client: TestClient) -> None:
        editor = browser("editor")
        for chosen, features in (([], []), (["library"], ["library"])):
            form = {"name": "narrow", "reach": "read", "chosen": "yes", "features": chosen}
            secret = secret_in(editor.post("/tokens", data=form).text)
            assert client.get("/whoami", headers={"X-API-Token": secret}).json()["features"] == features

    def test_a_token_gets_a_new_secret_and_is_revoked(self, browser: Browser, client: TestClient) -> None:
        editor = browser("editor")
        first = secret_in(editor.post("/tokens", data={"name": "x", "reach": "write"}).text)
        found = client.get("/whoami", headers={"X-API-Token": first}).json()["token"]["id"]
        second = secret_in(editor.post(f"/tokens/{found}/rotate").text)
        assert editor.post(f"/tokens/{found}/revoke").headers["location"] == "/tokens"
        used = [client.get("/whoami", headers={"X-API-Token": one}).status_code for one in (first, second)]
        assert used == [401, 401]
        assert f"/tokens/{found}/rotate" not in editor.get("/tokens").text

    def test_the_page_speaks_french(self, browser: Browser) -> None:
        editor = browser("editor")
        page = editor.get("/tokens", headers={"Accept-Language": "fr"}).text
        assert "Créer le jeton" in page
        assert "peut lire et modifier" in page


class TestWorkspaces:
    def test_owners_find_everything_and_viewers_only_the_list(self, browser: Browser, callers: Callers) -> None:
        place = f"/workspaces/{callers.home}"
        assert f'href="{place}"' in browser("owner").get("/workspaces").text
        shown = browser("owner").get(place).text
        assert all(f'action="{place}/{deed}"' in shown for deed in ("members", "rename"))
        seen = browser("viewer").get(place).text
        assert "the owner" in seen
        assert f'action="{place}/members"' not in seen
        assert "Leave" in seen
        assert browser("stranger").get(place).status_code == 404

    def test_what_cannot_be_done_is_said_on_the_page(self, browser: Browser, callers: Callers) -> None:
        answer = browser("owner").post(f"/workspaces/{callers.home}/members", data={"username": "nobody here"})
        assert answer.status_code == 404
        assert "There is no active user of this name or address." in answer.text
        assert "the viewer" in answer.text

    def test_a_workspace_is_made_renamed_and_deleted_by_its_name(self, browser: Browser) -> None:
        owner = browser("viewer")
        place = owner.post("/workspaces", data={"name": "Studio"}).headers["location"]
        assert owner.post(f"{place}/rename", data={"name": "Atelier"}).headers["location"] == place
        assert '<h1 tabindex="-1">Atelier</h1>' in owner.get(place).text
        assert owner.post(f"{place}/delete", data={"name": "Studio"}).status_code == 400
        assert owner.post(f"{place}/delete", data={"name": "Atelier"}).headers["location"] == "/workspaces"
        assert owner.get(place).status_code == 404

    def test_administrators_may_join_what_is_not_theirs(self, browser: Browser, callers: Callers) -> None:
        admin, place = browser("admin"), f"/workspaces/{callers.elsewhere}"
        assert "Elsewhere" in admin.get("/workspaces").text
        assert "Elsewhere" not in browser("owner").get("/workspaces").text
        assert admin.post(f"{place}/join").headers["location"] == place
        assert admin.get(place).status_code == 200

    def test_the_page_costs_the_same_however_many_belong_to_it(
        self, browser: Browser, callers: Callers, client: TestClient, counting: Counting
    ) -> None:
        owner, context = browser("owner"), client.app.state.context  # type: ignore[attr-defined]  # It is Otolith's.
        owner.get(f"/workspaces/{callers.home}")
        with counting() as few:
            owner.get(f"/workspaces/{callers.home}")
        for number in range(7):
            user = add_user(context, f"one more {number}")
            join(context, callers.home, user, "viewer")
            add_token(context, user, workspace_id=callers.home)
        with counting() as many:
            assert "one more 6" in owner.get(f"/workspaces/{callers.home}").text
        assert len(many) == len(few)


class TestSharing:
    @pytest.fixture
    def track(self, callers: Callers, client: TestClient) -> str:
        context = client.app.state.context  # type: ignore[attr-defined]  # It is Otolith's.
        return str(add_song(context, callers.home, "Salt & <Stone>"))

    def test_a_link_is_shown_once_whole_and_ended(self, browser: Browser, track: str) -> None:
        editor = browser("editor")
        assert f'href="/tracks/{track}/share"' in editor.get(f"/tracks/{track}").text
        page = editor.post(f"/tracks/{track}/share", data={"note": "for Ada", "days": "7"}).text
        found = re.search(r'value="http://testserver(/shared/[\w-]+)" readonly', page)
        assert found is not None
        assert "Salt &amp; &lt;Stone&gt;" in browser("anonymous").get(found.group(1)).text
        listed = editor.get("/shares").text
        assert "for Ada" in listed
        assert found.group(1) not in listed
        (end,) = re.findall(r'action="(/shares/[\w-]+/end)"', listed)
        assert editor.post(end, data={"next": "/shares"}).headers["location"] == "/shares"
        assert browser("anonymous").get(found.group(1)).status_code == 404
        assert end not in editor.get("/shares").text

    def test_viewers_see_links_and_make_none(self, browser: Browser, track: str) -> None:
        viewer = browser("viewer")
        assert f'href="/tracks/{track}/share"' not in viewer.get(f"/tracks/{track}").text
        assert "Make the link" not in viewer.get(f"/tracks/{track}/share").text
        assert viewer.post(f"/tracks/{track}/share", data={"days": "7"}).status_code == 403
