"""What only shows between real sockets and processes: refusals before the body, cut connections, killed servers."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.media.live import TOKEN, LiveServer
from tests.media.sounds import recording
from tests.services import wait_until

LIMIT = 60_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    server = LiveServer(
        tmp_path_factory.mktemp("live") / "data",
        OTOLITH_MEDIA_UPLOAD_LIMIT=str(LIMIT),
        OTOLITH_MEDIA_TRANSCODERS="1",
    )
    server.start()
    yield server
    server.stop()


def spooled(server: LiveServer) -> list[Path]:
    return list((server.data / "uploads").iterdir())


def head(length: int, *more: str, token: str = TOKEN) -> bytes:
    lines = [
        "POST /api/media HTTP/1.1",
        "Host: test",
        f"X-API-Token: {token}",
        "Content-Type: audio/flac",
        f"Content-Length: {length}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_of(connection: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection or a whole head and body are there."""
    received = b""
    connection.settimeout(30)
    while piece := connection.recv(65536):
        received += piece
        before, found, body = received.partition(b"\r\n\r\n")
        told = [line for line in before.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if found and told and len(body) >= int(told[0].partition(b":")[2]):
            break
    return received


@pytest.mark.parametrize(("token", "status"), [(TOKEN, b" 413 "), ("wrong", b" 401 ")])
def test_refusal_comes_before_a_byte_of_the_body(server: LiveServer, token: str, status: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head(LIMIT + 1, token=token))
        answer = answer_of(connection)
    assert status in answer.partition(b"\r\n")[0]
    assert b"application/problem+json" in answer


def test_refusal_reaches_a_sender_that_does_not_look_up(server: LiveServer) -> None:
    """Without the lingering close, the answer would be lost with a reset connection."""
    body = bytes(1 << 20)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head(LIMIT + 1))
        for _ in range(30):
            connection.sendall(body)
        assert b" 413 " in answer_of(connection).partition(b"\r\n")[0]


@pytest.mark.parametrize(("length", "first"), [(LIMIT + 1, b" 413 "), (1000, b" 100 ")])
def test_who_asks_first_is_answered_first(server: LiveServer, length: int, first: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head(length, "Expect: 100-continue"))
        connection.settimeout(30)
        assert first in connection.recv(65536).partition(b"\r\n")[0]


def test_cut_connection_leaves_nothing(server: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head(5_000_000) + bytes(3_000_000))
        wait_until(lambda: bool(spooled(server)), "arrival of the first bytes")
    wait_until(lambda: not spooled(server), "removal of the rest")
    with server.client() as client:
        assert client.get("/api/media").status_code == 200


def test_listener_that_goes_away_ends_the_transcoder_and_frees_its_place(server: LiveServer) -> None:
    data = recording("wav", 240.0)
    with server.client() as client:
        media = client.post("/api/media", content=data, headers={"Content-Type": "audio/wav"}).json()["items"][0][
            "media"
        ]
        url = f"/api/media/{media['id']}/stream?format=mp3"
        with client.stream("GET", url) as first:
            assert first.status_code == 200
            assert len(server.children("encoder")) == 1
            busy = client.get(url)
            assert (busy.status_code, int(busy.headers["retry-after"]) > 0) == (503, True)
        wait_until(lambda: not server.children("encoder"), "end of the transcoder")
        with client.stream("GET", url) as second:
            assert second.status_code == 200


def test_memory_does_not_grow_with_the_upload(server: LiveServer) -> None:
    block = bytes(1 << 20)

    def body() -> Iterator[bytes]:
        for _ in range(50):
            yield block

    with server.client() as client:
        headers = {"Content-Type": "audio/wav"}
        assert client.post("/api/media", content=iter([block]), headers=headers).status_code == 415
        before = server.resident()
        assert client.post("/api/media", content=body(), headers=headers).status_code == 415
        assert server.resident() - before < 20_000_000


def test_killed_server_loses_nothing_that_it_promised(tmp_path: Path) -> None:
    data = recording("wav", 240.0)
    server = LiveServer(tmp_path / "data")
    server.start()
    tus = {"Tus-Resumable": "1.0.0"}
    sending = {**tus, "Content-Type": "application/offset+octet-stream"}
    try:
        with server.client() as client:
            started = client.post("/api/media/uploads", headers={**tus, "Upload-Length": str(len(data))})
            url = started.headers["location"]

            def cut_short() -> Iterator[bytes]:
                for start in range(0, 30 << 20, 1 << 20):
                    yield data[start : start + (1 << 20)]
                wait_until(lambda: int(client_offset(server, url)) > 0, "a noted offset")
                server.kill()
                yield data[:1]

            with pytest.raises(httpx.TransportError):
                client.patch(url, content=cut_short(), headers={**sending, "Upload-Offset": "0"})
        server.start()
        with server.client() as client:
            offset = int(client.head(url, headers=tus).headers["upload-offset"])
            assert 16 << 20 <= offset <= 30 << 20
            done = client.patch(url, content=data[offset:], headers={**sending, "Upload-Offset": str(offset)})
            assert done.status_code == 204
            media = client.get(f"/api/media/{done.headers['otolith-media']}").json()
            assert media["sha256"] == hashlib.sha256(data).hexdigest()
    finally:
        server.stop()


def client_offset(server: LiveServer, url: str) -> str:
    with server.client() as client:
        return client.head(url, headers={"Tus-Resumable": "1.0.0"}).headers["upload-offset"]


def test_two_servers_share_an_upload(server: LiveServer) -> None:
    data = recording("flac", 3.0, seed=5)
    other = LiveServer(server.data)
    other.start()
    tus = {"Tus-Resumable": "1.0.0"}
    sending = {**tus, "Content-Type": "application/offset+octet-stream"}
    half = len(data) // 2
    try:
        with server.client() as here, other.client() as there:
            url = here.post("/api/media/uploads", headers={**tus, "Upload-Length": str(len(data))}).headers["location"]
            assert here.patch(url, content=data[:half], headers={**sending, "Upload-Offset": "0"}).status_code == 204
            done = there.patch(url, content=data[half:], headers={**sending, "Upload-Offset": str(half)})
            assert done.status_code == 204
            media = here.get(f"/api/media/{done.headers['otolith-media']}").json()
            assert media["sha256"] == hashlib.sha256(data).hexdigest()
    finally:
        other.stop()
