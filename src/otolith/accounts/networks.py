"""Networks that a credential may be used from."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _plain(network: str) -> str:
    try:
        return str(ip_network(network, strict=False))
    except ValueError as error:
        message = "name an address or a network, such as 192.0.2.7 or 2001:db8::/48"
        raise ValueError(message) from error


Network = Annotated[str, StringConstraints(strip_whitespace=True, max_length=50), AfterValidator(_plain)]


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # A socket that serves both families tells IPv4 callers this way.
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def allows(networks: Sequence[str], host: str) -> bool:
    """Whether a caller at `host` is in one of the networks; without a network everybody is."""
    if not networks:
        return True
    address = _address(host)
    return address is not None and any(address in ip_network(network) for network in networks)
