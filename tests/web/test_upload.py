"""Uploads by the form that needs no JavaScript."""

from pathlib import Path

import pytest

from otolith.core.settings import Settings
from tests.browser.sounds import write_tune
from tests.web.conftest import Browser


@pytest.fixture
def tune(tmp_path: Path) -> bytes:
    return write_tune(tmp_path / "tune.wav", seconds=0.5).read_bytes()


def test_a_file_is_taken_and_shown_at_work(browser: Browser, tune: bytes) -> None:
    client = browser("editor")
    answer = client.post("/upload", files={"file": ("Salt & <Stone>.wav", tune, "audio/wav")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity?refresh=5")
    assert "Salt &amp; &lt;Stone&gt;" in client.get("/").text
    assert "Listen to recordings" in client.get("/activity").text


def test_the_token_may_come_as_the_first_field(browser: Browser, tune: bytes) -> None:
    client = browser("editor")
    token = client.headers.pop("X-CSRF-Token")
    files = {"file": ("a.wav", tune, "audio/wav")}
    assert client.post("/upload", files=files).status_code == 403
    assert client.post("/upload", data={"csrf_token": token}, files=files).status_code == 303


def test_what_is_refused_is_named_beside_what_was_taken(browser: Browser, tune: bytes) -> None:
    answer = browser("editor").post(
        "/upload",
        files=[
            ("file", ("good.wav", tune, "audio/wav")),
            ("file", ("notes <b>.mp3", b"This is no music.\n" * 50, "audio/mpeg")),
        ],
    )
    assert answer.status_code == 415
    assert 'role="alert">notes &lt;b&gt;.mp3: <span>This is a text file, not a sound file.</span>' in answer.text
    assert "1 stored. What was refused:" in answer.text
    assert 'name="next" value="/"' in answer.text


def test_choosing_nothing_is_said(browser: Browser) -> None:
    answer = browser("editor").post("/upload", files={"file": ("", b"", "application/octet-stream")})
    assert answer.status_code == 400
    assert "That was not understood" in answer.text
    assert '<p class="reason">' in answer.text


def test_those_who_may_not_add_are_told(browser: Browser, tune: bytes) -> None:
    answer = browser("viewer").post("/upload", files={"file": ("a.wav", tune, "audio/wav")})
    assert answer.status_code == 403
    assert "You may not do this" in answer.text


def test_too_much_is_refused_before_it_is_read(browser: Browser, settings: Settings) -> None:
    answer = browser("editor").post(
        "/upload",
        content=b"",
        headers={
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(settings.media.upload_limit + 1_000_000),
        },
    )
    assert answer.status_code == 413
    assert "This is too large" in answer.text
