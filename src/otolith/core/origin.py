"""The address that the present request comes from, for whatever keeps a record of what it did."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ADDRESS: ContextVar[str] = ContextVar("otolith_client_address", default="")


def client_address() -> str:
    """The address of who asked, as the trusted proxies tell it; empty outside a request."""
    return _ADDRESS.get()


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """Let everything inside know the address, also in the threads that it uses."""
    token = _ADDRESS.set(address)
    try:
        yield
    finally:
        _ADDRESS.reset(token)
