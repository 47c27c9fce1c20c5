"""Stored files and who still needs them."""

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.media import queries


def collect_content(context: Context, sha256: str) -> None:
    """Remove a stored file if no workspace needs it any more.

    The lock on its row keeps an upload of the same content waiting until it is clear whether the file is there.
    """
    with context.database.write(SYSTEM) as session:
        content = queries.locked_content(session, sha256)
        if content is None or queries.is_stored(session, sha256):
            return
        context.storage.delete(content.stored)
        session.delete(content)
