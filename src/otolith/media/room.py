"""Watching the free space of the disk while an upload comes."""

from typing import Final

from otolith.core.context import Context

LOOK_EVERY: Final = 16 << 20


class Room:
    """The free space that uploads leave to everything else, such as the database.

    It is looked at before an upload and again every so many bytes, because several senders may have been let in by the
    same free bytes, and some do not say how much they send.
    """

    def __init__(self, context: Context) -> None:
        self._spool = context.storage.spool
        self._spare = context.settings.media.min_free
        self._taken = 0

    def require(self, size: int) -> None:
        """Raise `StorageFull` if so many more bytes would leave too little."""
        self._spool.require_space(size, self._spare)

    def take(self, size: int) -> None:
        """Note that so many bytes are about to be written; `StorageFull` where no more should be."""
        self._taken += size
        if self._taken >= LOOK_EVERY:
            self._taken = 0
            self.require(size)
