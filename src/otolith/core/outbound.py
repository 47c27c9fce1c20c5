"""Calls to the outside that cannot be led inside: a name is resolved once, judged, and that address is called.

Whoever names an address to a server, such as that of a webhook or a picture, could otherwise have it call its own
neighbours. Redirects are judged like any other call, and a name that changes its address between the judgement and the
call is not asked a second time.
"""

import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import httpx

from otolith.core.errors import AppError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

# An IPv4 address that a gateway writes as IPv6 (RFC 6052).
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_MOST_REDIRECTS: Final = 5


class PrivateAddress(AppError):
    """This leads to an address inside the server's own network, which is not called from here."""

    status = 422


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of a name, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def networks_of(text: str) -> list[Network]:
    """The networks that a setting names with commas."""
    return [ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()]


def plain(address: Address) -> Address:
    """The IPv4 address within an IPv6 one that only carries it, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def is_public(address: Address) -> bool:
    """Whether anybody on the Internet could call the address as well."""
    known = plain(address)
    return known.is_global and not known.is_multicast and not known.is_reserved


class Outbound(httpx.BaseTransport):
    """Calls only public addresses, and those that are allowed on purpose.

    `hosts` are names that an administrator set, such as that of a language server at home: they may lie in the own
    network, but not at link-local addresses, where clouds keep the secrets of their machines. `networks` are allowed
    whatever they are.
    """

    def __init__(
        self,
        *,
        networks: Collection[Network] = (),
        hosts: Collection[str] = (),
        resolving: Resolve = resolve,
        inner: httpx.BaseTransport | None = None,
    ) -> None:
        self._networks = tuple(networks)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._resolve = resolving
        self._inner = inner or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.scheme not in ("http", "https"):
            raise PrivateAddress("Only http:// and https:// are called.")
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        judged = self._judged(host, port, request)
        for address in judged[:-1]:
            try:
                return self._call(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Such as a server of this machine that listens on one family of addresses alone.
                continue
        return self._call(request, judged[-1])

    def _call(self, request: httpx.Request, address: Address) -> httpx.Response:
        # The certificate is still checked against the name, and the server still told which one is meant.
        called = httpx.Request(
            request.method,
            request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return self._inner.handle_request(called)

    def _judged(self, host: str, port: int, request: httpx.Request) -> list[Address]:
        """The addresses of the name, in the order of the system, if every one of them may be called."""
        try:
            found = [ipaddress.ip_address(one.partition("%")[0]) for one in self._resolve(host, port)]
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} has no address", request=request) from error
        # One that is inside among others outside is how a name is led around this check.
        if not found or not all(self._allows(host, one) for one in found):
            raise PrivateAddress
        return list(dict.fromkeys(found))

    def _allows(self, host: str, address: Address) -> bool:
        known = plain(address)
        if any(known.version == network.version and known in network for network in self._networks):
            return True
        if host.lower() in self._hosts:
            return not known.is_link_local and not known.is_multicast and not known.is_unspecified
        return is_public(known)

    def close(self) -> None:
        self._inner.close()


def outbound_client(transport: Outbound, **options: Any) -> httpx.Client:
    """A client that calls through `transport` alone: proxies of the environment would resolve names by themselves."""
    return httpx.Client(transport=transport, trust_env=False, max_redirects=_MOST_REDIRECTS, **options)
