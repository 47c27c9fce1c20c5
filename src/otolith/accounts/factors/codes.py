"""Time-based one-time codes (RFC 6238 over RFC 4226): six digits, SHA-1, a new one every thirty seconds."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

SECONDS = 30
DIGITS = 6
# A clock may be a step ahead or behind, and typing takes a while.
_DRIFT = 1


def new_generator() -> str:
    """160 random bits, as RFC 4226 recommends, in the Base32 that apps read."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(seconds: float) -> int:
    return int(seconds // SECONDS)


def matching_step(secret: str, code: str, seconds: float, last: int | None) -> int | None:
    """The step that this code belongs to, if it is of about now and later than the `last` one used; else nothing."""
    given = "".join(code.split()).encode()
    present = step_of(seconds)
    found = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), given) and (last is None or step > last):
            found = step
    return found


def address(secret: str, issuer: str, name: str) -> str:
    """The `otpauth:` address that apps read from a picture."""
    label = quote(f"{issuer}:{name}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer})}"


def new_recovery_code() -> str:
    """80 random bits in groups that can be copied by hand."""
    raw = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(raw[place : place + 4] for place in range(0, 16, 4))


def plain_recovery_code(given: str) -> str:
    """A recovery code as it is hashed, however it was typed."""
    return "".join(letter for letter in given.lower() if letter.isalnum())
