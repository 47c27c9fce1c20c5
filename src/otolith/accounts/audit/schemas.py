"""What the routes of the audit give."""

import datetime as dt
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from otolith.accounts.audit.models import AuditEntry
from otolith.accounts.audit.service import Verdict


class AuditOut(BaseModel):
    """One thing that was done."""

    model_config = ConfigDict(from_attributes=True)

    seq: int = Field(description="Its place in the chain.")
    at: dt.datetime = Field(description="When it was done.")
    action: str = Field(description="What was done, such as `token.create`.")
    actor: str = Field(description="`user`, `system` or `anonymous`.")
    user_id: UUID | None = Field(description="The user who did it.")
    user_name: str = Field(description="The user's name at that time.")
    session_id: UUID | None = Field(description="The session it was done with.")
    token_id: UUID | None = Field(description="The API token it was done with.")
    address: str = Field(description="The address it was asked from.")
    request_id: str = Field(description="The request's id in the log.")
    workspace_id: UUID | None = Field(description="The workspace it was done in; null for the whole server.")
    object_type: str = Field(description="The kind of object that was changed.")
    object_id: str = Field(description="The object's id.")
    before: dict[str, Any] | None = Field(description="What it was before, without secrets.")
    after: dict[str, Any] | None = Field(description="What it is now, without secrets.")
    hash: str = Field(description="SHA-256 over the entry before and all of this one, in hexadecimal.")

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditOut":
        columns = {name: getattr(entry, name) for name in cls.model_fields}
        return cls(**{**columns, "hash": entry.hash.hex()})


class ActionsOut(BaseModel):
    """The names of what was done."""

    items: list[str] = Field(description="The names, in their order.")


class VerdictOut(BaseModel):
    """Whether the record is whole."""

    holds: bool = Field(description="Whether every entry follows the one before, unchanged.")
    fault: str | None = Field(description="Where the chain breaks, and how.")
    entries: int = Field(description="Entries that were checked.")
    seq: int = Field(description="The last entry's place. Keep it and `hash` elsewhere to compare with later.")
    hash: str = Field(description="The last entry's hash.")
    pruned_seq: int = Field(description="Entries up to this one were removed by the retention.")
    pruned_at: dt.datetime | None = Field(description="When it last did so.")

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictOut":
        return cls(**{name: getattr(verdict, name) for name in cls.model_fields})
