"""What can be used up: how much by default, and whether it comes back with time."""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from otolith.core.errors import NotFound
from otolith.core.settings import QuotaSettings

SubjectKind = Literal["user", "workspace"]
SUBJECTS: Final[tuple[SubjectKind, ...]] = ("user", "workspace")

# An amount that is no bound.
UNLIMITED: Final = -1
PROVIDERS: Final = ("acoustid", "audd", "musicbrainz")


class NoSuchQuota(NotFound):
    """There is no quota of this kind; they are storage, jobs, speech and lookups.PROVIDER."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of use. Without a `window` it is what is there now, such as stored bytes, and not a sum of uses."""

    name: str
    unit: str
    window: dt.timedelta | None = None


KINDS: Final[dict[str, Kind]] = {
    "storage": Kind("storage", "bytes"),
    "jobs": Kind("jobs", "jobs"),
    "speech": Kind("speech", "seconds", dt.timedelta(days=30)),
    **{f"lookups.{one}": Kind(f"lookups.{one}", "lookups", dt.timedelta(days=1)) for one in PROVIDERS},
}


def kind_of(name: str) -> Kind:
    if name not in KINDS:
        raise NoSuchQuota
    return KINDS[name]


def default_of(settings: QuotaSettings, subject: SubjectKind, kind: str) -> int:
    """What the settings allow; `UNLIMITED` where they set nothing."""
    name = kind.partition(".")[0]
    amount: int | None = getattr(settings, f"{subject}_{name}")
    if amount is None:
        return UNLIMITED
    return amount * 60 if name == "speech" else amount
