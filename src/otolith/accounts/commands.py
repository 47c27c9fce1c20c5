"""What the commands of accounts share: the way to this machine's data folder, or to a running Otolith."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from otolith.core.context import Context
from otolith.core.settings import Settings
from otolith.core.terminal import DataOption, JsonOption, Remote, error_console, plain_errors, print_json, settings_for

# Handed in by the program, which knows all slices: the context of a data folder that is ready.
Opened = Callable[[Settings], AbstractContextManager[Context]]


@contextmanager
def either(
    opened: Opened, data: Path | None, server: str | None, token: str | None, *, as_json: bool = False
) -> Iterator[Context | Remote]:
    """Where a command works: here, or on the server that it was told; what is wrong there becomes one sentence."""
    with plain_errors(as_json=as_json):
        if server:
            remote = Remote(server, token)
            try:
                yield remote
            finally:
                remote.close()
        else:
            with opened(settings_for(data)) as context:
                yield context


def seed_command(opened: Opened) -> Callable[..., None]:
    """The command that does what the first start does, and nothing else."""

    def seed(data: DataOption = None, as_json: JsonOption = False) -> None:
        """Make the database and the accounts that the settings name, as the first start does; then end.

        It may be repeated, as when an image is built: a changed token or password replaces the one before.
        """
        with plain_errors(as_json=as_json), opened(settings_for(data)) as context:
            found = {"admin": context.settings.admin.username, "database": context.database.engine.dialect.name}
        if as_json:
            print_json(found)
        else:
            error_console().print(f"Ready; the first administrator is {found['admin']}.", highlight=False)

    return seed
