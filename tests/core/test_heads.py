"""Heads of requests that are too long, or never end, at a real server."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from otolith.core.heads import LONGEST_HEAD, BoundedHeads
from tests.services import free_port, wait_until

Connect = Callable[[], socket.socket]
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class HurriedHeads(BoundedHeads):
    """As the server's, with less patience."""

    patience = 0.3


class ShortHeads(BoundedHeads):
    """As the server's, for shorter heads."""

    longest = 1000


@contextmanager
def serving(protocol: type[BoundedHeads]) -> Iterator[Connect]:
    port = free_port()
    config = uvicorn.Config(answer, port=port, http=protocol, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server", 30)
    try:
        yield lambda: socket.create_connection(("127.0.0.1", port), timeout=30)
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture(scope="module")
def connect() -> Iterator[Connect]:
    with serving(BoundedHeads) as connecting:
        yield connecting


@pytest.fixture(scope="module")
def connect_in_a_hurry() -> Iterator[Connect]:
    with serving(HurriedHeads) as connecting:
        yield connecting


def all_of(connection: socket.socket) -> bytes:
    """What is sent until the other side ends the connection."""
    found = b""
    while piece := connection.recv(65_536):
        found += piece
    return found


@pytest.mark.parametrize("piece", [b"a" * 65_536, b"X-Y: z\r\n" * 8192])
def test_a_head_without_end_is_refused(connect: Connect, piece: bytes) -> None:
    with connect() as connection:
        connection.sendall(ASK + b"X-Long: ")
        sent = 0
        try:
            while sent < 200 * LONGEST_HEAD:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            # It no longer listens, as it should.
            return
    pytest.fail("the server took all of it")


def test_the_refusal_says_why() -> None:
    with serving(ShortHeads) as connecting, connecting() as connection:
        # Little enough that nothing is left unread when the server hangs up, which would take the answer with it.
        connection.sendall(ASK + b"X-Long: " + b"a" * 3000)
        assert all_of(connection).startswith(b"HTTP/1.1 431 ")


def test_long_heads_and_longer_bodies_go_through_one_after_the_other(connect: Connect) -> None:
    body = b"x" * (4 * LONGEST_HEAD)
    with connect() as connection:
        for _ in range(3):
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-Long: " % len(body))
            connection.sendall(b"a" * 20_000 + b"\r\n\r\n" + body)
        connection.sendall(ASK + b"Connection: close\r\n\r\n")
        assert all_of(connection).count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize("begun", [b"", ASK, ASK + b"\r\n" + ASK])
def test_who_does_not_finish_a_head_is_left(connect_in_a_hurry: Connect, begun: bytes) -> None:
    with connect_in_a_hurry() as connection:
        connection.sendall(begun)
        assert all_of(connection).count(b"HTTP/1.1 200 OK") == begun.count(b"\r\n\r\n")


def test_a_slow_body_is_waited_for(connect_in_a_hurry: Connect) -> None:
    pause = threading.Event()
    with connect_in_a_hurry() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")
        for _ in range(3):
            pause.wait(2 * HurriedHeads.patience / 3)
            connection.sendall(b"x")
        assert all_of(connection).endswith(b"ok")
