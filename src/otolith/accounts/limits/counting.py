"""Counting requests against a limit, in all processes together and at little cost in each.

A process takes a few requests at once out of the shared counter and hands them out by itself. They are counted when
they are taken, so all processes together never let more through than the limit; near its end they take one at a time.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from limits import RateLimitItem

from otolith.core.errors import TooManyRequests

log = structlog.get_logger(__name__)

# A twentieth of the limit at once, and never more than a quarter of what is left.
_PORTIONS: Final = 20
_CAUTION: Final = 4
_MOST_KEPT: Final = 20_000


class StoreFailed(Exception):
    """The shared counters cannot be reached."""


class Store(Protocol):
    """Counters that all processes share."""

    def take(self, key: bytes, amount: int, seconds: int) -> tuple[int, float]:
        """Add to the counter: its count with `amount`, and the seconds until it begins anew. May raise StoreFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has left of a limit; `limit` in requests, `window` and `reset` in seconds."""

    limit: int
    window: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f"{self.limit};w={self.window}",
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


@dataclass(slots=True)
class _Portion:
    """What this process took: `left` to hand out, `beyond` still in the store, until `until` of the clock."""

    left: int
    beyond: int
    until: float


class OwnStore:
    """Counters of this process alone, for as long as the shared ones are away."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counters: dict[bytes, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: bytes, amount: int, seconds: int) -> tuple[int, float]:
        moment = self._clock()
        with self._lock:
            if len(self._counters) > _MOST_KEPT:
                self._counters = {name: one for name, one in self._counters.items() if one[1] > moment}
            count, until = self._counters.get(key, (0, 0.0))
            if until <= moment:
                count, until = 0, moment + seconds
            self._counters[key] = (count + amount, until)
        return count + amount, until - moment


class Counting:
    """The limits of this process over the counters of all."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._own = OwnStore(clock)
        self._clock = clock
        self._portions: dict[bytes, _Portion] = {}
        self._lock = threading.Lock()

    def take(self, key: bytes, limit: RateLimitItem) -> Allowance:
        """Let one request through, or raise `TooManyRequests`."""
        with self._lock:
            known = self._portions.get(key)
            if known is not None and known.until > self._clock():
                if known.left > 0:
                    known.left -= 1
                    return self._allowance(known, limit)
                if known.beyond <= 0:
                    raise self._refusal(known, limit)
            else:
                known = None
        beyond = limit.amount if known is None else known.beyond
        wanted = max(1, min(limit.amount // _PORTIONS, beyond // _CAUTION))
        count, seconds = self._take_shared(key, wanted, limit.get_expiry())
        granted = min(wanted, limit.amount - (count - wanted))
        with self._lock:
            return self._keep(key, limit, granted, max(0, limit.amount - count), seconds)

    def refuse_spent(self, key: bytes, limit: RateLimitItem) -> None:
        """Raise `TooManyRequests` where this process already knows that nothing is left."""
        with self._lock:
            known = self._portions.get(key)
            if known is not None and known.until > self._clock() and known.left <= 0 and known.beyond <= 0:
                raise self._refusal(known, limit)

    def _keep(self, key: bytes, limit: RateLimitItem, granted: int, beyond: int, seconds: float) -> Allowance:
        moment = self._clock()
        if len(self._portions) > _MOST_KEPT:
            self._portions = {name: one for name, one in self._portions.items() if one.until > moment}
        known = self._portions.get(key)
        if known is None or known.until <= moment:
            known = self._portions[key] = _Portion(0, beyond, moment + seconds)
        known.beyond = min(known.beyond, beyond)
        if granted <= 0:
            raise self._refusal(known, limit)
        # Another thread may have taken a portion meanwhile; both are ours.
        known.left += granted - 1
        return self._allowance(known, limit)

    def _take_shared(self, key: bytes, amount: int, seconds: int) -> tuple[int, float]:
        try:
            return self._store.take(key, amount, seconds)
        except StoreFailed as error:
            log.warning("accounts.limits.store_failed", error=str(error))
            return self._own.take(key, amount, seconds)

    def _allowance(self, known: _Portion, limit: RateLimitItem) -> Allowance:
        reset = max(1, math.ceil(known.until - self._clock()))
        return Allowance(limit.amount, limit.get_expiry(), known.left + known.beyond, reset)

    def _refusal(self, known: _Portion, limit: RateLimitItem) -> TooManyRequests:
        allowance = self._allowance(known, limit)
        return TooManyRequests(headers={**allowance.headers, "Retry-After": str(allowance.reset)})
