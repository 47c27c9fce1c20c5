"""`otolith library`: the commands that look after the library, each from the part that it belongs to."""

import typer

from otolith.library.commands import Local
from otolith.library.editing import commands as editing
from otolith.library.health import commands as health
from otolith.library.roots import commands as roots


def library_commands(local: Local) -> typer.Typer:
    """The group, with what every part of the library adds to it."""
    group = typer.Typer(no_args_is_help=True)

    @group.callback()
    def library() -> None:
        """Look after the library: its folders, its tags and its health."""

    # Each part adds its commands by one line here.
    roots.add_commands(group, local)
    editing.add_commands(group, local)
    health.add_commands(group, local)
    return group
