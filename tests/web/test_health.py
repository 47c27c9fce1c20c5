"""The health of the library as pages."""

from sqlalchemy import update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.models import Track
from otolith.media.models import Media
from tests.callers import Callers
from tests.web.conftest import Browser, Counting
from tests.web.recordings import add_recording, add_song


def test_every_kind_is_told_with_its_number(browser: Browser, callers: Callers, context: Context) -> None:
    add_recording(context, callers.home, "Broken", state="failed")
    add_song(context, callers.home, "Loud", true_peak_dbtp=1.5, number=3)
    page = browser("viewer").get("/library/health").text
    assert 'href="/library/health/unreadable"' in page
    assert 'href="/library/health/clipped"' in page
    assert 'href="/library/health/missing"' not in page
    assert "2 recordings were looked at." in page


def test_findings_say_why_and_lead_to_the_form(browser: Browser, callers: Callers, context: Context) -> None:
    add_recording(context, callers.home, "Broken", state="failed", error="The file is empty (0 bytes).")
    bare = add_recording(context, callers.home, "Bare")
    add_song(context, callers.home, "Loud", true_peak_dbtp=1.5, number=3)
    client = browser("editor")
    assert "The file is empty (0 bytes)." in client.get("/library/health/unreadable").text
    assert "Its true peak is 1.5 dB above full scale." in client.get("/library/health/clipped").text
    tags = client.get("/library/health/tags").text
    assert "Lacks: title, artist, album, date, genre, cover." in tags
    assert f'href="/tracks/{bare}/edit"' in tags
    assert f'href="/tracks/{bare}/edit"' not in browser("viewer").get("/library/health/tags").text
    gaps = client.get("/library/health/albums", headers={"Accept-Language": "fr"}).text
    assert gaps.count("Harbour") <= 1
    french = client.get("/library/health/unreadable", headers={"Accept-Language": "fr"}).text
    assert "Illisibles" in french
    assert "Le fichier est vide" in french


def test_one_tag_is_looked_for_by_itself(browser: Browser, callers: Callers, context: Context) -> None:
    add_song(context, callers.home, "Loud")
    bare = add_recording(context, callers.home, "Bare")
    page = browser("viewer").get("/library/health/tags?field=genre").text
    assert str(bare) in page
    assert "Loud" not in page


def test_missing_files_are_told_where_they_lay(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_song(context, callers.home, "Gone")
    with context.database.write(SYSTEM) as session:
        media = session.get_one(Track, track).media_id
        session.execute(update(Media).where(Media.id == media).values(missing=True))
    page = browser("viewer").get("/library/health/missing", headers={"Accept-Language": "fr"}).text
    assert "plus là au dernier parcours" in page


def test_what_is_missing_is_removed_only_by_who_is_sure(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_song(context, callers.home, "Gone")
    with context.database.write(SYSTEM) as session:
        media = session.get_one(Track, track).media_id
        values = {"missing": True, "path": b"/music/gone.flac", "path_digest": b"gone", "stored": None}
        session.execute(update(Media).where(Media.id == media).values(**values))
    client = browser("owner")
    page = client.get("/library/health/missing").text
    assert 'name="expected" value="1"' in page
    assert 'name="expected"' not in browser("viewer").get("/library/health/missing").text
    assert client.post("/library/health/purge", data={"expected": "1"}).status_code == 400
    assert client.post("/library/health/purge", data={"expected": "2", "sure": "yes"}).status_code == 409
    assert browser("viewer").post("/library/health/purge", data={"expected": "1", "sure": "yes"}).status_code == 403
    assert client.get(f"/tracks/{track}").status_code == 200
    assert client.post("/library/health/purge", data={"expected": "1", "sure": "yes"}).status_code == 303
    assert client.get(f"/tracks/{track}").status_code == 404


def test_a_comparison_is_asked_for(browser: Browser) -> None:
    assert browser("editor").post("/library/health/check").status_code == 303
    assert browser("viewer").post("/library/health/check").status_code == 403


def test_an_unknown_kind_is_no_page(browser: Browser) -> None:
    assert browser("viewer").get("/library/health/colour").status_code == 404
    assert browser("viewer").get("/library/health/tags?cursor=x").status_code == 400


def test_nobody_sees_the_faults_of_others(browser: Browser, callers: Callers, context: Context) -> None:
    add_recording(context, callers.home, "Broken", state="failed")
    assert "Broken" not in browser("stranger").get("/library/health/unreadable").text


def test_more_findings_cost_no_more_statements(
    browser: Browser, callers: Callers, context: Context, counting: Counting
) -> None:
    client = browser("viewer")
    add_recording(context, callers.home, "One")
    client.get("/library/health/tags")
    with counting() as few:
        client.get("/library/health/tags")
    for number in range(10):
        add_recording(context, callers.home, f"No. {number}")
    # The first to look at a changed library counts it anew, and the others do not.
    client.get("/library/health/tags")
    with counting() as many:
        client.get("/library/health/tags")
    assert len(many) == len(few)
