"""Work of a command on this machine: the data folder opened and ready, and jobs run here where no worker is alive."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from otolith.accounts.seeding import seed
from otolith.composition import HANDLERS, build_context
from otolith.core.context import Context
from otolith.core.settings import Settings
from otolith.jobs.inline import Progress, Watch, run_inline
from otolith.migrations.migrate import migrate


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """The context of a command, its database at the newest schema and the accounts of the first start made."""
    context = build_context(settings)
    try:
        migrate(context.database)
        seeded = seed(context)
        if seeded.password is not None:
            # Not through the log, which is kept: this is shown once, to whoever starts first.
            sys.stderr.write(
                f"First start: sign in as {seeded.admin_name} with the password {seeded.password}\n"
                "It is not kept anywhere; write it down.\n"
            )
        yield context
    finally:
        context.close()


def see_through(context: Context, job_id: UUID, watch: Watch | None = None) -> Progress:
    """Wait for a job and its children; this process runs them itself unless workers do."""
    return run_inline(context, job_id, HANDLERS, watch=watch)
