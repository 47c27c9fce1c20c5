"""One recording."""

import re

from otolith.core.context import Context
from tests.callers import Callers
from tests.web.conftest import Browser, Counting
from tests.web.recordings import add_recording


def test_everything_that_was_found_is_shown(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_recording(context, callers.home, "Tidal Room", artist="Mara Ilves")
    page = browser("viewer").get(f"/tracks/{track}").text
    for shown in (
        "120.4 ",
        "Very sure",
        "4 beats",
        "C♯ minor",
        "Camelot 12A",
        "Fairly sure",
        "−14.2 ",
        "5.5 ",
        "−0.9 ",
        "FLAC",
        "44.1 kHz",
        "stereo",
        "16 bits",
        "2.3",
        "SHA-256",
        "Mara Ilves",
    ):
        assert shown in page, shown


def test_it_can_be_heard_and_seen_without_javascript(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_recording(context, callers.home, "Salt")
    page = browser("viewer").get(f"/tracks/{track}").text
    assert re.search(r'<audio class="without-js" controls [^>]*src="/api/media/[0-9a-f-]+/stream"', page)
    assert 'role="img" aria-label="The loudness of the recording over time"' in page


def test_what_has_no_answer_is_said_to_have_none(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_recording(
        context,
        callers.home,
        "Silence",
        tempo=None,
        tempo_confidence=None,
        beats=b"",
        key=None,
        mode=None,
        camelot=None,
        key_confidence=None,
        loudness_lufs=None,
        loudness_range_lu=None,
        true_peak_dbtp=None,
    )
    page = browser("viewer").get(f"/tracks/{track}").text
    for shown in ("No steady beat", "No clear key", "Too quiet to measure"):
        assert shown in page
    assert "None" not in page


def test_a_failure_is_told_with_its_reason(browser: Browser, callers: Callers, context: Context) -> None:
    track = add_recording(context, callers.home, "Broken", state="failed")
    known = add_recording(context, callers.home, "Empty", state="failed", error="The file is empty (0 bytes).")
    client = browser("viewer")
    assert "It stops in the middle of a frame." in client.get(f"/tracks/{track}").text
    french = client.get(f"/tracks/{track}", headers={"Accept-Language": "fr"}).text
    assert '<span lang="en">It stops in the middle of a frame.</span>' in french
    translated = client.get(f"/tracks/{known}", headers={"Accept-Language": "fr"}).text
    assert "<span>Le fichier est vide (0\u00a0octet).</span>" in translated


def test_a_page_of_work_in_progress_follows_it(browser: Browser, callers: Callers, context: Context) -> None:
    waiting = add_recording(context, callers.home, "Soon", state="waiting")
    done = add_recording(context, callers.home, "Done")
    client = browser("viewer")
    assert 'data-follow="/api/jobs/events"' in client.get(f"/tracks/{waiting}").text
    assert "data-follow" not in client.get(f"/tracks/{done}").text


def test_it_costs_few_statements(browser: Browser, callers: Callers, context: Context, counting: Counting) -> None:
    track = add_recording(context, callers.home, "One")
    client = browser("viewer")
    client.get("/")
    with counting() as seen:
        client.get(f"/tracks/{track}")
    assert len([statement for statement in seen if statement.lstrip().upper().startswith("SELECT")]) <= 18, seen
