"""Disks and shares that are mounted inside a library's folders: one that is away takes nothing with it."""

import os
from collections.abc import Collection, Iterable

from otolith.library.engine.ignoring import PATTERNS, Ignored
from otolith.library.engine.walk import Found, Walk, device_of, outer_of
from otolith.library.events import shown
from otolith.library.roots.models import Mount


def is_away(mount: Mount) -> bool:
    """Whether what was mounted is not: its folder is gone, or on the device around it and without any sound."""
    if mount.is_link and not os.path.lexists(mount.path):
        # Somebody has taken the link away, which says plainly that its files are wanted no more.
        return False
    device, outer = device_of(mount.path), device_of(outer_of(mount.path))
    if device is None or outer is None:
        # With the folder around it, it was removed, or lies in another one that is away itself.
        return outer is not None
    return device == outer and not any(isinstance(step, Found) for step in Walk(mount.path))


def why_away(mount: Mount) -> str:
    """What to say of it to people."""
    name = shown(mount.path)
    return (
        f"{name} was another disk or share, and is empty now. Is it mounted? Nothing was marked missing; scan again "
        f"when it is back. If it is gone for good, leave it out by {shown(PATTERNS)} in the folder around it."
    )


def no_longer_mounted(known: Iterable[Mount], found: Collection[bytes]) -> list[bytes]:
    """What was mounted, was not found so by a walk, and is no loss: something else lies there, or nobody wants it."""
    ignored = Ignored()
    return [
        mount.path
        for mount in known
        if mount.path not in found and (not is_away(mount) or ignored.chain(mount.path) is None)
    ]
