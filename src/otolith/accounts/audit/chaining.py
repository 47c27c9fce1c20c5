"""What an entry is to its hash, and what of a change may be written down."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

GENESIS: Final = bytes(32)
# In the order of the hash, which must never change.
HASHED: Final = (
    "seq", "at", "action", "actor", "user_id", "user_name", "session_id", "token_id", "address", "request_id",
    "workspace_id", "object_type", "object_id", "before", "after",
)  # fmt: skip
HIDDEN: Final = "(hidden)"
_SECRET: Final = re.compile(r"password|secret|token$|hash|cookie|(^|_)key$|(^|_)codes?$", re.IGNORECASE)
_LONGEST_TEXT: Final = 1000
_MOST_ITEMS: Final = 100


def hash_of(previous: bytes, entry: Mapping[str, Any]) -> bytes:
    """The hash of an entry that follows the one of `previous`; the same for what was written and what was read."""
    document = [_canonical(entry[name]) for name in HASHED]
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value


def told(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The values as an entry keeps them: as plain JSON, not too long, and without anything secret."""
    if values is None:
        return None
    return {name: HIDDEN if _SECRET.search(name) and value else _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return told({str(name): one for name, one in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
        kept = [_plain(one) for one in items[:_MOST_ITEMS]]
        return kept if len(items) <= _MOST_ITEMS else [*kept, f"and {len(items) - _MOST_ITEMS} more"]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value.isoformat() if isinstance(value, dt.datetime) else str(value)
    # Half a character has no place in a text of either database.
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
