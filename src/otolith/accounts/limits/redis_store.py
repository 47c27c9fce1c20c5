"""Shared counters of requests in Redis, in a module of its own, since most servers have none and need not load it."""

from typing import Final

from limits.storage import RedisStorage
from redis.exceptions import RedisError

from otolith.accounts.limits.counting import StoreFailed

# A server that hangs must not hold up every request.
_PATIENCE: Final = 0.5


class RedisStore:
    """Counters in Redis, which forgets them by itself."""

    def __init__(self, url: str) -> None:
        self._storage = RedisStorage(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)

    def take(self, key: bytes, amount: int, seconds: int) -> tuple[int, float]:
        name = f"otolith:rate:{key.hex()}"
        try:
            count = self._storage.incr(name, seconds, amount)
            left = self._storage.storage.pttl(self._storage.prefixed_key(name))
        except RedisError as error:
            raise StoreFailed(type(error).__name__) from error
        return count, left / 1000 if left > 0 else float(seconds)
