"""The names of an artist: given, taken away and joined by editors, who are told before what will change."""

import re

import pytest
from starlette.testclient import TestClient

from otolith.composition import HANDLERS
from otolith.core.context import Context
from otolith.jobs.contracts import Handlers
from otolith.jobs.slot import Slot
from otolith.library.catalogue import aliasing
from otolith.library.catalogue.models import Artist
from tests.callers import Callers
from tests.web.conftest import Browser
from tests.web.recordings import add_song
from tests.web.test_library import one, titles

# An id that nothing has.
NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def band(callers: Callers, context: Context) -> None:
    """One band under two names, and another one."""
    add_song(context, callers.home, "Night Bus", artist="Ostinato", album="Depot")
    add_song(context, callers.home, "Ring Road", artist="Ostinato", album="Orbital", number=2)
    add_song(context, callers.home, "Day Bus", artist="The Ostinatos", album="Garage")
    add_song(context, callers.home, "Low Water")


def said(page: str) -> list[str]:
    return re.findall(r"<li>([^<]+)</li>", page.split('class="changes-said"')[1].split("</ul>", maxsplit=1)[0])


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and what it holds."""
    form = page.split('<form class="part actions"')[1].split("</form>", maxsplit=1)[0]
    action = re.search(r'action="([^"]+)"', form)
    assert action is not None
    return action[1], dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


def do(client: TestClient, page: str) -> str:
    action, held = form_of(page)
    answer = client.post(action, data=held)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.usefixtures("band")
def test_two_artists_become_one_and_two_again(browser: Browser, context: Context) -> None:
    client = browser("editor")
    stays, goes = one(context, Artist, name="Ostinato"), one(context, Artist, name="The Ostinatos")
    offered = client.get(f"/artists/{goes}/names?q=ostin").text
    assert f'href="/artists/{goes}/merge?into={stays}"' in offered
    assert f"merge?into={goes}" not in offered
    page = client.get(f"/artists/{goes}/merge?into={stays}").text
    assert said(page) == [
        "1 recording of The Ostinatos goes to Ostinato.",
        "1 album becomes one of Ostinato; two of the same title become one.",
        "“The Ostinatos” becomes another name of Ostinato.",
        "The Ostinatos is no longer in the list of artists.",
    ]
    joined = client.get(do(client, page)).text
    assert sorted(titles(joined)) == ["Day Bus", "Night Bus", "Ring Road"]
    assert "Also known as The Ostinatos" in joined
    assert client.get(f"/artists/{goes}").status_code == 404
    listed = client.get(f"/artists/{stays}/names").text
    remove = re.search(r'href="(/artists/[^"]+/names/[^"]+/remove)"', listed)
    assert remove is not None
    page = client.get(remove[1]).text
    assert said(page)[1] == "1 recording that is credited so goes back to an artist of that name."
    assert sorted(titles(client.get(do(client, page)).text)) == ["Night Bus", "Ring Road"]
    again = one(context, Artist, name="The Ostinatos")
    assert titles(client.get(f"/artists/{again}").text) == ["Day Bus"]


@pytest.mark.usefixtures("band")
def test_another_name_is_given(browser: Browser, context: Context) -> None:
    client = browser("editor")
    artist = one(context, Artist, name="Ostinato")
    page = client.get(f"/artists/{artist}/names/add?name=The+Ostinatos").text
    assert said(page)[:2] == [
        "“The Ostinatos” becomes another name of Ostinato.",
        "1 recording that is credited so goes to Ostinato.",
    ]
    assert "Day Bus" in titles(client.get(do(client, page)).text)
    assert "No recording is credited so at present." in client.get(f"/artists/{artist}/names/add?name=O").text


@pytest.mark.usefixtures("band")
def test_what_cannot_be_done_says_why(browser: Browser, context: Context) -> None:
    client = browser("editor")
    artist, other = one(context, Artist, name="Ostinato"), one(context, Artist, name="Mara Ilves")
    nameless = client.get(f"/artists/{artist}/names/add?name=+")
    assert nameless.status_code == 400
    assert "at least one character" in nameless.text
    own = client.post(f"/artists/{artist}/names", data={"name": "ostinato"})
    assert own.status_code == 400
    assert "Ostinato has this name already." in own.text
    client.post(f"/artists/{artist}/names", data={"name": "Mara Ilves"})
    circle = client.post(f"/artists/{artist}/merge", data={"into": str(other)})
    assert circle.status_code in (404, 409)
    assert client.get(f"/artists/{artist}/names/{artist}/remove").status_code == 404
    assert client.get(f"/artists/{artist}/merge?into={NOBODY}").status_code == 404


@pytest.mark.usefixtures("band")
def test_viewers_may_look_and_change_nothing(browser: Browser, context: Context) -> None:
    client = browser("viewer")
    artist, other = one(context, Artist, name="Ostinato"), one(context, Artist, name="Mara Ilves")
    assert f"/artists/{artist}/names" not in client.get(f"/artists/{artist}").text
    assert f"/artists/{artist}/names" in browser("editor").get(f"/artists/{artist}").text
    for path in ("names", "names/add?name=x", f"merge?into={other}"):
        assert client.get(f"/artists/{artist}/{path}").status_code == 403, path
    assert client.post(f"/artists/{artist}/names", data={"name": "x"}).status_code == 403
    assert client.post(f"/artists/{artist}/merge", data={"into": str(other)}).status_code == 403
    assert browser("stranger").get(f"/artists/{artist}/names").status_code == 404


@pytest.mark.usefixtures("band")
def test_what_takes_long_is_done_by_a_job_and_said_to_be(
    browser: Browser, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliasing, "AT_ONCE", 1)
    client = browser("editor")
    stays, goes = one(context, Artist, name="Mara Ilves"), one(context, Artist, name="Ostinato")
    place = do(client, client.get(f"/artists/{goes}/merge?into={stays}").text)
    assert place.startswith(f"/artists/{stays}?filing=")
    assert "is being filed anew" in client.get(place).text
    slot = Slot(context, Handlers(HANDLERS), "test")
    slot.work(["interactive"])
    slot.close()
    over = client.get(place).text
    assert "is being filed anew" not in over
    assert {"Night Bus", "Ring Road", "Low Water"} == set(titles(over))
