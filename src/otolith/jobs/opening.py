"""Opens what a process works with; which slices listen to which is for `otolith.composition` to add."""

from otolith.core.context import Context, Hooks
from otolith.core.db import Database
from otolith.core.settings import Settings
from otolith.core.storage import open_storage
from otolith.core.tracing import Tracing
from otolith.jobs.bells import connect_bells


def open_context(settings: Settings, hooks: Hooks | None = None) -> Context:
    """The context of a process that runs under `settings`; opening nothing until it is used.

    Without `hooks` it is for a process that only submits jobs, and changes nothing that other slices listen to.
    """
    settings.folder.make()
    database = Database(settings.effective_database_url, pool_size=settings.database_pool)
    connect_bells(settings, database)
    tracing = Tracing(settings.otel)
    tracing.watch(database.engine)
    storage = open_storage(settings)
    return Context(settings=settings, database=database, storage=storage, tracing=tracing, hooks=hooks or {})
