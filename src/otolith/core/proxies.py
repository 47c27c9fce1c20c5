"""The caller's real address, told by proxies, and believed only where the settings trust them."""

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from otolith.core.origin import coming_from
from otolith.core.settings import BadSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORWARDING = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded")
# Stands in the setting for callers on a Unix socket, who have no address.
UNIX = "unix"


class TrustedProxies:
    """Sets the scheme, host and client of a request from its forwarding headers, and takes the headers away.

    The addresses are read from the right: the first one that is no trusted proxy is the client. What stands further
    left was written by the client and counts for nothing.
    """

    def __init__(self, app: ASGIApp, trusted: str) -> None:
        self.app = app
        self.networks = list(_networks(trusted))
        self.unix = UNIX in [part.strip() for part in trusted.split(",")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            if any(name in headers for name in FORWARDING):
                self._apply(scope, headers)
            with coming_from(scope["client"][0] if scope.get("client") else ""):
                await self.app(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _apply(self, scope: Scope, headers: Headers) -> None:
        kept = MutableHeaders(raw=[(k, v) for k, v in scope["headers"] if k.decode("latin-1") not in FORWARDING])
        if self._trusts(scope["client"][0] if scope.get("client") else None):
            client = self._client(headers)
            if client is not None:
                scope["client"] = (str(client), 0)
            proto = _last(headers, "x-forwarded-proto").lower()
            if proto in ("http", "https"):
                secure = proto == "https"
                scope["scheme"] = {"http": "http", "websocket": "ws"}[scope["type"]] + ("s" if secure else "")
            host = _last(headers, "x-forwarded-host")
            if host:
                kept["host"] = host
        scope["headers"] = kept.raw

    def _trusts(self, client: str | None) -> bool:
        address = _address(client or "")
        if address is None:
            return client in (None, "") and self.unix
        return any(address in network for network in self.networks if network.version == address.version)

    def _client(self, headers: Headers) -> Address | None:
        chain = ",".join(headers.getlist("x-forwarded-for")) or headers.get("x-real-ip", "")
        last: Address | None = None
        for part in reversed(chain.split(",")):
            address = _address(part.strip())
            if address is None:
                return last
            last = address
            if not self._trusts(str(address)):
                return address
        return last


def _last(headers: Headers, name: str) -> str:
    """What the nearest proxy says, be it behind a comma or in a header of its own; the rest the client may have."""
    return ",".join(headers.getlist(name)).rpartition(",")[2].strip()


def _address(text: str) -> Address | None:
    """An address with or without a port, or None for anything else."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address


def _networks(trusted: str) -> Iterable[Network]:
    for part in trusted.split(","):
        name = part.strip()
        if not name or name == UNIX:
            continue
        try:
            yield ipaddress.ip_network(name, strict=False)
        except ValueError as error:
            detail = f"OTOLITH_TRUSTED_PROXIES holds {name!r}, which is no address and no network such as 10.0.0.0/8."
            raise BadSettings(detail) from error
