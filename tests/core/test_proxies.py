"""Whose word about a caller's address is believed."""

from typing import Any

import pytest

from otolith.core.proxies import TrustedProxies
from otolith.core.settings import BadSettings

PROXY = "10.0.0.1"


async def seen_through(trusted: str, client: str | None, headers: dict[str, str], kind: str = "http") -> dict[str, Any]:
    """The scope that reaches the application."""
    found: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.update(scope)

    scope = {
        "type": kind,
        "client": (client, 1234) if client else None,
        "scheme": "http" if kind == "http" else "ws",
        "headers": [(b"host", b"inside:8000"), *((k.encode(), v.encode()) for k, v in headers.items())],
    }
    await TrustedProxies(app, trusted)(scope, None, None)  # type: ignore[arg-type]  # Neither is used here.
    found["headers"] = dict(found["headers"])
    return found


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("chain", "trusted", "client"),
    [
        ("203.0.113.9", "10.0.0.0/8", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "10.0.0.0/8", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.0.0.2", "10.0.0.0/8", "203.0.113.9"),
        ("10.9.9.9, 10.0.0.2", "10.0.0.0/8", "10.9.9.9"),
        ("203.0.113.9:4711", "10.0.0.0/8", "203.0.113.9"),
        ("[2001:db8::7]:443", "10.0.0.0/8", "2001:db8::7"),
        ("2001:db8::7", "10.0.0.0/8", "2001:db8::7"),
        ("not an address", "10.0.0.0/8", PROXY),
        ("203.0.113.9, nonsense, 10.0.0.2", "10.0.0.0/8", "10.0.0.2"),
        ("", "10.0.0.0/8", PROXY),
    ],
)
async def test_the_client_is_the_first_from_the_right_that_is_no_proxy(chain: str, trusted: str, client: str) -> None:
    scope = await seen_through(trusted, PROXY, {"x-forwarded-for": chain})
    assert scope["client"][0] == client


async def test_strangers_are_not_believed_and_their_headers_are_taken_away() -> None:
    headers = {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "evil.example",
        "x-real-ip": "127.0.0.1",
        "forwarded": "for=127.0.0.1",
    }
    scope = await seen_through("127.0.0.1,::1", "203.0.113.66", headers)
    assert scope["client"] == ("203.0.113.66", 1234)
    assert scope["scheme"] == "http"
    assert scope["headers"] == {b"host": b"inside:8000"}


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
async def test_a_proxy_tells_scheme_and_host(kind: str, scheme: str) -> None:
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "otolith.example"}
    scope = await seen_through("10.0.0.0/8", PROXY, headers, kind)
    assert scope["scheme"] == scheme
    assert scope["headers"][b"host"] == b"otolith.example"


async def test_what_the_client_wrote_before_the_proxy_counts_for_nothing() -> None:
    found: dict[str, Any] = {}

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        found.update(scope)

    told = [(b"x-forwarded-host", b"evil.example"), (b"x-forwarded-host", b"otolith.example")]
    told += [(b"x-forwarded-proto", b"https"), (b"x-forwarded-proto", b"http")]
    scope = {"type": "http", "client": (PROXY, 1234), "scheme": "http", "headers": told}
    await TrustedProxies(app, "10.0.0.0/8")(scope, None, None)  # type: ignore[arg-type]  # Neither is used here.
    assert (found["scheme"], found["headers"]) == ("http", [(b"host", b"otolith.example")])


async def test_nonsense_for_a_scheme_is_passed_over() -> None:
    scope = await seen_through("10.0.0.0/8", PROXY, {"x-forwarded-proto": "javascript"})
    assert scope["scheme"] == "http"


@pytest.mark.parametrize(("trusted", "client"), [("unix", "203.0.113.9"), ("127.0.0.1", None)])
async def test_a_unix_socket_is_believed_only_where_the_setting_says_so(trusted: str, client: str | None) -> None:
    scope = await seen_through(trusted, None, {"x-real-ip": "203.0.113.9"})
    assert (scope["client"] and scope["client"][0]) == client


async def test_an_address_written_as_ipv6_is_the_same_proxy() -> None:
    scope = await seen_through("10.0.0.0/8", "::ffff:10.0.0.1", {"x-forwarded-for": "203.0.113.9"})
    assert scope["client"][0] == "203.0.113.9"


async def test_nobody_is_trusted_when_the_setting_is_empty() -> None:
    scope = await seen_through("", "127.0.0.1", {"x-forwarded-for": "203.0.113.9"})
    assert scope["client"][0] == "127.0.0.1"


async def test_a_setting_that_is_no_network_is_refused_by_name() -> None:
    with pytest.raises(BadSettings, match="nonsense"):
        await seen_through("10.0.0.1,nonsense", PROXY, {})
