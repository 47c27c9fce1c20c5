"""Calls to the outside that nobody can lead inside, by a name, a redirect, or a name that changes."""

import ipaddress
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from otolith.core.outbound import Outbound, PrivateAddress, is_public, networks_of, outbound_client

PUBLIC = "93.184.215.14"


class Net:
    """A network of names, and what was called in it."""

    def __init__(self, **names: Sequence[Sequence[str]]) -> None:
        # For each name what it leads to, one answer after another; the last one stays.
        self.names = {name.replace("_", "."): list(answers) for name, answers in names.items()}
        self.asked: list[str] = []
        self.called: list[tuple[str, str]] = []
        self.answers: dict[str, httpx.Response] = {}

    def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return [str(ipaddress.ip_address(host.strip("[]")))]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.called.append((request.url.host, request.headers["host"]))
        return self.answers.get(request.url.path, httpx.Response(200, text="in"))

    def client(self, **allowed: object) -> httpx.Client:
        transport = Outbound(resolving=self.resolve, inner=httpx.MockTransport(self.answer), **allowed)  # type: ignore[arg-type]
        return outbound_client(transport, follow_redirects=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 -- Nothing listens; it is called.
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_inside_are_not_called(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    net = Net(evil_example=[[address]])
    with net.client() as client, pytest.raises(PrivateAddress):
        client.get("http://evil.example/")
    assert net.called == []


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://127.1/", "http://2130706433/"])
def test_addresses_written_as_such_are_judged_as_well(url: str) -> None:
    with outbound_client(Outbound()) as client, pytest.raises((PrivateAddress, httpx.TransportError)):
        client.get(url)


def test_public_addresses_are_called_by_the_address_under_their_name() -> None:
    net = Net(good_example=[[PUBLIC]])
    with net.client() as client:
        assert client.get("http://good.example/").text == "in"
    assert net.called == [(PUBLIC, "good.example")]


def test_one_inside_among_others_outside_is_enough_to_refuse() -> None:
    net = Net(mixed_example=[[PUBLIC, "10.0.0.1"]])
    with net.client() as client, pytest.raises(PrivateAddress):
        client.get("http://mixed.example/")


def test_a_redirect_leads_nowhere_inside() -> None:
    net = Net(good_example=[[PUBLIC]], inside_example=[["10.0.0.1"]])
    for target in ("http://inside.example/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:8000/"):
        net.answers["/"] = httpx.Response(302, headers={"Location": target})
        with net.client() as client, pytest.raises(PrivateAddress):
            client.get("http://good.example/")
    assert {host for host, _ in net.called} == {PUBLIC}


def test_a_redirect_to_the_outside_is_followed_and_judged_by_its_own_name() -> None:
    net = Net(good_example=[[PUBLIC]], other_example=[["1.1.1.1"]])
    net.answers["/"] = httpx.Response(302, headers={"Location": "http://other.example/there"})
    with net.client() as client:
        assert client.get("http://good.example/").text == "in"
    assert net.called == [(PUBLIC, "good.example"), ("1.1.1.1", "other.example")]


def test_a_name_that_changes_its_address_is_asked_once() -> None:
    net = Net(rebinding_example=[[PUBLIC], ["127.0.0.1"]])
    with net.client() as client:
        client.get("http://rebinding.example/")
        assert net.asked == ["rebinding.example"]
        assert net.called == [(PUBLIC, "rebinding.example")]
        with pytest.raises(PrivateAddress):
            client.get("http://rebinding.example/")


@pytest.mark.parametrize(
    ("address", "refused"), [("192.168.1.9", False), ("127.0.0.1", False), ("169.254.169.254", True)]
)
def test_a_host_that_was_set_may_lie_at_home_but_not_where_clouds_keep_secrets(address: str, refused: bool) -> None:
    net = Net(ollama_lan=[[address]], other_lan=[["192.168.1.9"]])
    with net.client(hosts=["ollama.lan"]) as client:
        if refused:
            with pytest.raises(PrivateAddress):
                client.get("http://ollama.lan/")
        else:
            assert client.get("http://ollama.lan/").text == "in"
        with pytest.raises(PrivateAddress):
            client.get("http://other.lan/")


def test_networks_are_allowed_as_they_are() -> None:
    net = Net(inside_example=[["10.1.2.3"]], further_example=[["10.2.2.3"]])
    with net.client(networks=networks_of("10.1.0.0/16, fd00::/8")) as client:
        assert client.get("http://inside.example/").text == "in"
        with pytest.raises(PrivateAddress):
            client.get("http://further.example/")


@pytest.mark.parametrize("url", ["ftp://good.example/", "file:///etc/passwd"])
def test_other_protocols_are_not_spoken(url: str) -> None:
    net = Net(good_example=[[PUBLIC]])
    with net.client() as client, pytest.raises((PrivateAddress, httpx.UnsupportedProtocol)):
        client.get(url)
    assert net.called == []


@pytest.fixture
def neighbour() -> Iterator[str]:
    """A real server on this machine, which counts as inside."""

    class Secret(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"secret")

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Secret)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_real_neighbour_is_reached_only_where_it_is_allowed(neighbour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy of the environment would resolve the name by itself, and is passed by.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    with outbound_client(Outbound()) as client, pytest.raises(PrivateAddress):
        client.get(neighbour)
    with outbound_client(Outbound(hosts=["localhost"])) as client:
        # The server listens on one of the two addresses that the name may have.
        assert client.get(neighbour).text == "secret"
