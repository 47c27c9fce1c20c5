"""Every route and WebSocket against everybody who may call: what they get is what the reviewed table says."""

from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute, iter_route_contexts
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from otolith.jobs.streams import end_streams
from tests.accounts.permissions.conftest import CALLERS
from tests.accounts.permissions.world import World, nothing_stays

TABLE = Path(__file__).parent / "matrix.txt"
SOCKET = "WS"
Asked = tuple[str, str]


def table() -> dict[Asked, tuple[str, ...]]:
    found: dict[Asked, tuple[str, ...]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            method, path, *answers = line.split()
            assert len(answers) == len(CALLERS), line
            assert (method, path) not in found, line
            found[method, path] = tuple(answers)
    return found


def _routes(app: FastAPI, prefix: str) -> Iterator[Asked]:
    for route in iter_route_contexts(app.routes):
        path = prefix + (route.path_format or "")
        if isinstance(getattr(route, "route", None), APIWebSocketRoute) or not route.methods:
            yield SOCKET, path
            continue
        # The head of a page is the page's own route; the API's are routes of their own.
        for method in route.methods - ({"HEAD"} if "GET" in route.methods else set()):
            yield method, path


def routes(app: FastAPI) -> list[Asked]:
    """Every route of the pages and of the API, the streams last, since asking them ends them for good."""
    found = {*_routes(app, ""), *_routes(app.state.api, "/api")}
    return sorted(found, key=lambda asked: (asked[1].endswith("/events"), asked[1], asked[0]))


def closing_code(socket: WebSocketTestSession) -> int:
    while True:
        try:
            socket.receive_text()
        except WebSocketDisconnect as closed:
            return closed.code


def ask(client: TestClient, world: World, method: str, path: str) -> str:
    """The status of the answer; of a WebSocket the code that it is closed with, 1000 after it told all there was."""
    if method == SOCKET:
        with client.websocket_connect(world.address(path)) as socket:
            return str(closing_code(socket))
    cookies = dict(client.cookies)
    try:
        with nothing_stays():
            return str(client.request(method, world.address(path), **world.request(method, path)).status_code)
    finally:
        # What signing out took away in the browser was not taken away in the database.
        client.cookies.clear()
        client.cookies.update(cookies)


def line(asked: Asked, answers: tuple[str, ...]) -> str:
    return f"{asked[0]:7} {asked[1]:58} {' '.join(f'{answer:>4}' for answer in answers)}"


def test_everybody_gets_from_every_route_what_the_table_says(
    client: TestClient, clients: dict[str, TestClient], world: World
) -> None:
    app: FastAPI = client.app  # type: ignore[assignment]  # It is Otolith's.
    known, found = table(), {}
    for asked in routes(app):
        if asked[1].endswith("/events"):
            end_streams(app.state.api)
        found[asked] = tuple(ask(clients[kind], world, *asked) for kind in CALLERS)
    wrong = [line(asked, answers) for asked, answers in found.items() if known.get(asked) != answers]
    assert not wrong, f"{TABLE.name} has no line, or another one, for:\n" + "\n".join(wrong)
    assert not known.keys() - found.keys(), "the table has lines for routes that are no more"
