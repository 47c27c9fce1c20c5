"""What went wrong, as a page for people and as a document for programs."""

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from otolith.library import service as library
from tests.web.conftest import Browser


def test_people_get_a_page_in_their_language(browser: Browser) -> None:
    client = browser("viewer")
    english = client.get("/no-such-page")
    assert english.status_code == 404
    assert "Nothing is here" in english.text
    french = client.get("/no-such-page", headers={"Accept-Language": "fr"})
    assert "Il n’y a rien ici" in french.text


@pytest.mark.parametrize("accept", ["application/json", "*/*"])
def test_programs_get_the_document(client: TestClient, accept: str) -> None:
    answer = client.get("/no-such-page", headers={"Accept": accept})
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_api_answers_with_documents_whoever_asks(browser: Browser) -> None:
    answer = browser("viewer").get("/api/no-such-thing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_crash_is_a_page_with_the_number_to_look_up(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_arguments: object, **_named: object) -> None:
        message = "secret detail"
        raise RuntimeError(message)

    monkeypatch.setattr(library, "list_tracks", crash)
    client = browser("viewer")
    with capture_logs() as logs:
        answer = client.get("/", headers={"X-Request-ID": "look-me-up-123"})
    assert answer.status_code == 500
    assert "The fault is the server" in answer.text
    assert "look-me-up-123" in answer.text
    assert "secret detail" not in answer.text
    assert any(line["event"] == "http.request.crashed" for line in logs)


@pytest.mark.parametrize("path", ["/sign-in", "/no-such-page"])
def test_pages_allow_no_inline_code_and_no_frames(browser: Browser, path: str) -> None:
    answer = browser("anonymous").get(path)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for forbidden in (" style=", " onclick=", "<style", "javascript:"):
        assert forbidden not in answer.text
