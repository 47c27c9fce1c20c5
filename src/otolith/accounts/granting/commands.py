"""`otolith feature`: what people may use, on this machine or through a running Otolith."""

from typing import Annotated, Any

import typer

from otolith.accounts.commands import Opened, either
from otolith.accounts.granting import service
from otolith.accounts.granting.schemas import GrantIn
from otolith.accounts.workspaces.service import user_of_name
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.features import FEATURES
from otolith.core.terminal import DataOption, JsonOption, one_line, print_json

Who = Annotated[str, typer.Argument(metavar="USER", help="User name or e-mail address.")]


def feature_commands(opened: Opened) -> typer.Typer:
    """The commands, over whatever opens the data folder of this machine."""
    app = typer.Typer(help="Features: show and say what people may use.", no_args_is_help=True)

    @app.command()
    def show(user: Who, data: DataOption = None, as_json: JsonOption = False) -> None:
        """Show what somebody may use, and whether by name or by role."""
        with either(opened, data, None, None, as_json=as_json) as place:
            assert isinstance(place, Context)  # noqa: S101 -- No server was named.
            with place.database.read(SYSTEM) as session:
                settings = place.settings.accounts
                found = service.grant_of(session, SYSTEM, user_of_name(session, user).id, settings)
        _print(found.model_dump(mode="json"), as_json=as_json)

    @app.command("set")
    def set_command(
        user: Who,
        features: Annotated[
            list[str] | None, typer.Argument(metavar="[FEATURE]...", help=f"Of {', '.join(FEATURES)}; none: nothing.")
        ] = None,
        by_role: Annotated[bool, typer.Option("--by-role", help="Let the role decide instead.")] = False,
        data: DataOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Let somebody use exactly these features.

        For example: `otolith feature set ada library transcribe`
        """
        if unknown := sorted(set(features or ()) - set(FEATURES)):
            message = f"There is no feature {', '.join(unknown)}; the features are {', '.join(FEATURES)}."
            raise typer.BadParameter(message)
        wish = GrantIn.model_validate({"features": None if by_role else features or []})
        with either(opened, data, None, None, as_json=as_json) as place:
            assert isinstance(place, Context)  # noqa: S101 -- No server was named.
            with place.database.write(SYSTEM) as session:
                person = user_of_name(session, user)
                found = service.grant(session, SYSTEM, person.id, wish.features, place.settings.accounts)
        _print(found.model_dump(mode="json"), as_json=as_json)

    return app


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    how = "by the role" if found["granted"] is None else "by name"
    typer.echo(f"{one_line(found['username'])} may use, {how}: {', '.join(found['features']) or 'nothing'}")
