"""Features: what the server can do for people beyond looking after itself, and to whom it is granted."""

from collections.abc import Collection, Iterable

from otolith.core.actor import ServerRole
from otolith.core.features import FEATURES, Feature
from otolith.core.settings import AccountSettings


def names_of(listed: str) -> frozenset[Feature]:
    """The features in a list with commas, as the settings hold it."""
    wanted = {name.strip() for name in listed.split(",")}
    return frozenset(feature for feature in FEATURES if feature in wanted)


def features_of(role: ServerRole, granted: Iterable[str] | None, settings: AccountSettings) -> frozenset[Feature]:
    """What a user may use: what was granted to them by name, or else what their role brings.

    A list that names nothing grants nothing; only where there is no list does the role decide.
    """
    if granted is not None:
        return known(granted)
    by_role = {
        "admin": frozenset(FEATURES),
        "user": names_of(settings.user_features),
        "readonly": names_of(settings.readonly_features),
    }
    return by_role[role]


def known(names: Iterable[str]) -> frozenset[Feature]:
    """Those names that are features; one that an older version knew means nothing any more."""
    given = set(names)
    return frozenset(feature for feature in FEATURES if feature in given)


def in_order(features: Collection[str]) -> list[Feature]:
    return [feature for feature in FEATURES if feature in features]
