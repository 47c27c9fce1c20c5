"""What the routes of quotas take and give."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from otolith.accounts.quotas.kinds import UNLIMITED, SubjectKind
from otolith.accounts.quotas.service import Holder, Usage


class QuotaOut(BaseModel):
    """What was used of one quota, and what is left."""

    kind: str = Field(description="`storage`, `jobs`, `speech` or `lookups.PROVIDER`.")
    unit: str = Field(description="What is counted: bytes, jobs, seconds or lookups.")
    amount: int | None = Field(description="How much there may be; null: as much as there is.")
    used: int = Field(description="What was used within the window, or is there now.")
    remaining: int | None = Field(description="What is left; null: as much as there is.")
    window: int | None = Field(description="Seconds after which a use comes back; null: it counts while it is there.")
    state: Literal["ok", "near", "spent"] = Field(description="`near` from four fifths on.")
    own: bool = Field(description="Whether an administrator set the amount; else the settings did.")

    @classmethod
    def of(cls, usage: Usage) -> "QuotaOut":
        window = usage.kind.window
        return cls(
            kind=usage.kind.name,
            unit=usage.kind.unit,
            amount=None if usage.amount == UNLIMITED else usage.amount,
            used=usage.used,
            remaining=usage.remaining,
            window=None if window is None else int(window.total_seconds()),
            state=usage.state,
            own=usage.own,
        )


class QuotasOut(BaseModel):
    """The quotas of one user or workspace."""

    subject: SubjectKind = Field(description="`user` or `workspace`.")
    id: UUID = Field(description="Its id.")
    name: str = Field(description="Its name.")
    quotas: list[QuotaOut] = Field(description="One for each kind.")

    @classmethod
    def of(cls, found: Holder) -> "QuotasOut":
        quotas = [QuotaOut.of(one) for one in found.quotas]
        return cls(subject=found.subject, id=found.id, name=found.name, quotas=quotas)


class AllQuotasOut(BaseModel):
    """Your quotas, and those of your workspaces."""

    items: list[QuotasOut] = Field(description="Yours first.")


class QuotaIn(BaseModel):
    """How much there may be."""

    amount: int | None = Field(
        ge=UNLIMITED,
        le=2**62,
        description="The bound; -1: as much as there is; null: what the settings say.",
    )
