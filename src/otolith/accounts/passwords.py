"""Password hashing with argon2id: capped, outside any transaction, and as slow for strangers as for users."""

import base64
import secrets
import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from otolith.core.errors import NotAvailable
from otolith.core.settings import AccountSettings

# Longer input only costs time; nobody types it.
LONGEST_PASSWORD = 1024
_WAIT_SECONDS = 10
# For each that is hashed, so many may wait; more would take request threads away from everything else.
_WAITING_FOR_EACH = 2
_SALT_BYTES = 16
_HASH_BYTES = 32


class Busy(NotAvailable):
    """Too many people sign in at once; try again in a few seconds."""


class Passwords:
    """Hashes and checks passwords, a few at once, because each takes tens of megabytes on purpose."""

    def __init__(self, *, memory: int, rounds: int, at_once: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds,
            memory_cost=memory // 1024,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._mill = _Mill(at_once)
        # A hash that no password is known for; checking against it takes as long as against a real one.
        salt, digest = (_base64(secrets.token_bytes(size)) for size in (_SALT_BYTES, _HASH_BYTES))
        self._nobody = f"$argon2id$v=19$m={memory // 1024},t={rounds},p=1${salt}${digest}"

    def hash(self, password: str) -> str:
        with self._mill:
            return self._hasher.hash(password)

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether `password` is the one that `hashed` stands for; without a hash it takes as long and is False."""
        with self._mill:
            try:
                self._hasher.verify(hashed or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
            return hashed is not None

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made under other settings and should be made anew at the next sign-in."""
        return self._hasher.check_needs_rehash(hashed)


class _Mill:
    """A few places at the stones and a short bench beside; whoever finds both taken is asked to come back."""

    def __init__(self, at_once: int) -> None:
        self._stones = threading.BoundedSemaphore(at_once)
        self._inside = threading.BoundedSemaphore(at_once * (1 + _WAITING_FOR_EACH))

    def __enter__(self) -> None:
        if not self._inside.acquire(blocking=False):
            raise Busy(headers={"Retry-After": "5"})
        if not self._stones.acquire(timeout=_WAIT_SECONDS):
            self._inside.release()
            raise Busy(headers={"Retry-After": "5"})

    def __exit__(self, *_error: object) -> None:
        self._stones.release()
        self._inside.release()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


@cache
def _passwords(memory: int, rounds: int, at_once: int) -> Passwords:
    return Passwords(memory=memory, rounds=rounds, at_once=at_once)


def passwords_of(settings: AccountSettings) -> Passwords:
    """The one mill of this process for these settings, so that the cap holds for all requests together."""
    return _passwords(settings.hash_memory, settings.hash_rounds, settings.hashes_at_once)
