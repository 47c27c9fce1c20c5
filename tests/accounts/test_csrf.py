"""Requests that another site makes in a signed-in browser's name."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Form, Request, UploadFile, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from otolith.accounts.credentials import CSRF_HEADER, csrf_of
from otolith.accounts.csrf import FORM_HEAD, CsrfGuard

SECRET = "a session secret"
COOKIE = {"Cookie": f"otolith_session={SECRET}"}
GOOD = csrf_of(SECRET)
FOREIGN = {"Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def browser() -> Iterator[TestClient]:
    """A server behind the guard, with a route for each way of sending something."""
    app = FastAPI()

    @app.get("/thing")
    @app.post("/thing")
    @app.put("/thing")
    @app.patch("/thing")
    @app.delete("/thing")
    async def thing(request: Request) -> int:
        return len(await request.body())

    @app.post("/form")
    async def form(csrf_token: str = Form(""), text: str = Form("")) -> str:
        return f"{csrf_token[:4]} {len(text)}"

    @app.post("/file")
    async def file(file: UploadFile) -> int:
        return len(await file.read())

    @app.post("/sign-in")
    async def sign_in() -> str:
        return "welcome"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    app.add_middleware(CsrfGuard, origins=["https://friend.example"], sign_in_paths=["/sign-in"])
    with TestClient(app, base_url="http://otolith.test:8000") as client:
        yield client


UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("method", UNSAFE)
def test_the_header_lets_our_own_page_through(browser: TestClient, method: str) -> None:
    headers = {**COOKIE, CSRF_HEADER: GOOD, "Origin": "http://otolith.test:8000"}
    assert browser.request(method, "/thing", headers=headers).status_code == 200


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("token", [None, "", "wrong", csrf_of("another session")])
def test_without_the_right_token_nothing_changes(browser: TestClient, method: str, token: str | None) -> None:
    headers = COOKIE if token is None else {**COOKIE, CSRF_HEADER: token}
    answer = browser.request(method, "/thing", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:otolith:problem:csrf-missing"


@pytest.mark.parametrize("path", ["/thing", "/form", "/file", "/sign-in"])
@pytest.mark.parametrize(
    "origin",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://otolith.test:8001"},
        {"Origin": "http://otolith.test.evil.example:8000"},
        {"Origin": "file://otolith.test:8000"},
        {"Origin": "http://otolith.test:port"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_is_refused_even_with_the_token(browser: TestClient, path: str, origin: dict[str, str]) -> None:
    answer = browser.post(path, headers={**COOKIE, CSRF_HEADER: GOOD, **origin})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:otolith:problem:foreign-origin"


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"Origin": "http://otolith.test:8000"},
        {"Origin": "https://friend.example"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_our_own_and_trusted_pages_pass(browser: TestClient, origin: dict[str, str]) -> None:
    assert browser.post("/thing", headers={**COOKIE, CSRF_HEADER: GOOD, **origin}).status_code == 200
    assert browser.post("/sign-in", headers={**COOKIE, **origin}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://otolith.example", "otolith.example"),
        ("https://otolith.example", "otolith.example:443"),
        ("http://OTOLITH.example", "otolith.example:80"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_the_asked_host_is_recognised_in_every_writing(browser: TestClient, origin: str, host: str) -> None:
    headers = {**COOKIE, CSRF_HEADER: GOOD, "Origin": origin, "Host": host}
    assert browser.post("/thing", headers=headers).status_code == 200


@pytest.mark.parametrize("header", [{"X-API-Token": "x"}, {"Authorization": "Bearer x"}])
def test_a_program_with_a_token_needs_none_of_this(browser: TestClient, header: dict[str, str]) -> None:
    assert browser.post("/thing", headers={**COOKIE, **FOREIGN, **header}).status_code == 200


@pytest.mark.parametrize(
    "header", [{"X-API-Token": " "}, {"Authorization": "Basic eA=="}, {"Authorization": "Bearer "}]
)
def test_what_is_no_token_opens_no_hole(browser: TestClient, header: dict[str, str]) -> None:
    assert browser.post("/thing", headers={**COOKIE, **header}).status_code == 403


def test_reading_needs_no_token(browser: TestClient) -> None:
    assert browser.get("/thing", headers={**COOKIE, **FOREIGN}).status_code == 200


def test_without_a_cookie_there_is_nothing_to_abuse(browser: TestClient) -> None:
    assert browser.post("/thing", content=b"x" * 100_000).json() == 100_000


def test_a_form_field_counts_and_the_form_arrives_whole(browser: TestClient) -> None:
    answer = browser.post("/form", data={"text": "x" * 5000, "csrf_token": GOOD}, headers=COOKIE)
    assert answer.json() == f"{GOOD[:4]} 5000"


def test_a_wrong_form_field_does_not(browser: TestClient) -> None:
    assert browser.post("/form", data={"csrf_token": "wrong"}, headers=COOKIE).status_code == 403
    assert browser.post("/form", data={"text": "x"}, headers=COOKIE).status_code == 403


def test_a_form_too_long_to_look_through_is_refused(browser: TestClient) -> None:
    answer = browser.post("/form", data={"text": "x" * (FORM_HEAD * 2), "csrf_token": GOOD}, headers=COOKIE)
    assert answer.status_code == 403


def test_the_field_comes_first_in_an_upload_and_the_file_arrives_whole(browser: TestClient) -> None:
    content = b"sound" * 100_000
    field: tuple[str, tuple[None, str]] = ("csrf_token", (None, GOOD))
    file: tuple[str, tuple[str, bytes]] = ("file", ("a.wav", content))
    assert browser.post("/file", files=[field, file], headers=COOKIE).json() == len(content)
    assert browser.post("/file", files=[file, field], headers=COOKIE).status_code == 403


def test_the_field_is_found_however_the_upload_is_cut_up(browser: TestClient) -> None:
    field: tuple[str, tuple[None, str]] = ("csrf_token", (None, GOOD))
    file: tuple[str, tuple[str, bytes]] = ("file", ("a.wav", b"sound" * 100))
    whole = browser.build_request("POST", "/file", files=[field, file], headers=COOKIE)
    body = whole.read()
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))
    headers = {**COOKIE, "Content-Type": whole.headers["content-type"]}
    assert browser.post("/file", content=pieces, headers=headers).json() == 500


@pytest.mark.parametrize("line", [b" \r\n", b"\r\n ", b"x\r\n", b"Content-Disposition:form-data;name=csrf_token\r\n"])
def test_a_body_made_to_be_searched_forever_is_refused(browser: TestClient, line: bytes) -> None:
    # With a pattern that tries every way of reading it, this would hold up the whole server for seconds.
    body = b"Content-Disposition:form-data;name=csrf_token" + line * (FORM_HEAD // len(line))
    headers = {**COOKIE, "Content-Type": "multipart/form-data; boundary=x"}
    assert browser.post("/file", content=body, headers=headers).status_code == 403


def test_a_file_that_quotes_the_field_is_no_token(browser: TestClient) -> None:
    quoted = f'Content-Disposition: form-data; name="csrf_token"\r\n\r\n{csrf_of("another")}\r\n'
    assert browser.post("/file", files={"file": ("a.txt", quoted)}, headers=COOKIE).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://otolith.test:8000"}, {**FOREIGN, "X-API-Token": "x"}])
def test_a_socket_opens_for_our_pages_and_for_programs(browser: TestClient, headers: dict[str, str]) -> None:
    with browser.websocket_connect("/socket", headers={**COOKIE, "Host": "otolith.test:8000", **headers}) as socket:
        assert socket.receive_text() == "hello"


def test_a_socket_stays_closed_for_foreign_pages(browser: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refusal,
        browser.websocket_connect("/socket", headers={**COOKIE, **FOREIGN}),
    ):
        pass
    assert refusal.value.code == 1008
