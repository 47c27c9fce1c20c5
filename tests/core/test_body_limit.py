"""Bodies that are too long, told so before or while they come."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from otolith.core import errors
from otolith.core.body_limit import BodyLimit

LIMIT = 1000


@pytest.fixture
def read() -> list[int]:
    return []


@pytest.fixture
def client(read: list[int]) -> Iterator[TestClient]:
    app = FastAPI()
    errors.install(app)

    @app.post("/json")
    def json(body: dict[str, str]) -> int:
        return len(body)

    @app.post("/raw")
    @app.post("/media")
    @app.post("/media/uploads")
    @app.post("/media-and-more")
    async def raw(request: Request) -> int:
        read.extend([len(piece) async for piece in request.stream()])
        return sum(read)

    app.add_middleware(BodyLimit, limit=LIMIT, uploads=["/media"])
    with TestClient(app) as client:
        yield client


def pieces(number: int) -> Iterator[bytes]:
    for _ in range(number):
        yield b"x" * 100


def test_a_body_within_the_limit_passes(client: TestClient) -> None:
    assert client.post("/raw", content=b"x" * LIMIT).json() == LIMIT


def test_a_told_length_above_the_limit_is_refused_before_anything_is_read(client: TestClient, read: list[int]) -> None:
    answer = client.post("/raw", content=b"x" * (LIMIT + 1))
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:otolith:problem:too-large"
    assert str(LIMIT) in answer.json()["detail"]
    assert read == []


@pytest.mark.parametrize("path", ["/raw", "/json"])
def test_an_untold_length_is_counted_as_it_comes(client: TestClient, read: list[int], path: str) -> None:
    answer = client.post(path, content=pieces(30), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert sum(read) <= LIMIT


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "١"])
def test_a_length_that_is_no_number_is_refused(client: TestClient, length: str) -> None:
    answer = client.post("/raw", content=b"x", headers={b"Content-Length": length.encode()})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/media", "/media/uploads"])
def test_uploads_have_limits_of_their_own(client: TestClient, path: str) -> None:
    assert client.post(path, content=b"x" * (LIMIT * 5)).status_code == 200


def test_a_name_that_only_begins_like_an_upload_is_none(client: TestClient) -> None:
    assert client.post("/media-and-more", content=b"x" * (LIMIT * 5)).status_code == 413
