"""Where the slices meet: the context of a process, and who listens to whom."""

from otolith.core.context import Context
from otolith.core.db import Database
from otolith.core.settings import Settings
from otolith.core.storage import open_storage
from otolith.jobs.bells import connect_bells
from otolith.jobs.service import Handler

# What workers can do: the handlers of all slices.
HANDLERS: tuple[Handler, ...] = ()


def build_context(settings: Settings) -> Context:
    """The context of a process that runs under `settings`; opening nothing until it is used."""
    settings.folder.make()
    database = Database(settings.effective_database_url, pool_size=settings.database_pool)
    connect_bells(settings, database)
    return Context(settings=settings, database=database, storage=open_storage(settings))
