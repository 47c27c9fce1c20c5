"""What quotas ask of higher slices."""

from dataclasses import dataclass, field
from uuid import UUID

from otolith.accounts.quotas.kinds import SubjectKind


@dataclass(frozen=True, slots=True)
class UsageAsked:
    """Somebody asks what a user or workspace has now; slices that know fill `used` in, by the kind of the quota."""

    subject_kind: SubjectKind
    subject_id: UUID
    used: dict[str, int] = field(default_factory=dict)
