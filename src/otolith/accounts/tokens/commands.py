"""`otolith token`: API tokens on this machine, or through a running Otolith."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otolith.accounts.commands import Opened, either
from otolith.accounts.models import ApiToken
from otolith.accounts.tokens import queries, service
from otolith.accounts.tokens.schemas import NewTokenOut, TokenIn, TokenOut
from otolith.accounts.workspaces.service import user_of_name, workspace_of_name
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.core.terminal import (
    DataOption,
    JsonOption,
    Remote,
    ServerOption,
    TokenOption,
    error_console,
    one_line,
    print_json,
)

TokenId = Annotated[UUID, typer.Argument(metavar="ID", help="The token's id, as `otolith token list` shows it.")]
UserOption = Annotated[
    str | None, typer.Option("--user", help="Whose it is; here alone.", show_default="the first administrator")
]


def token_commands(opened: Opened) -> typer.Typer:
    """The commands, over whatever opens the data folder of this machine."""
    app = typer.Typer(help="API tokens: make, list, rotate and revoke them.", no_args_is_help=True)
    _add_create(app, opened)
    _add_list(app, opened)
    _add_rotate_and_revoke(app, opened)
    return app


def _add_create(app: typer.Typer, opened: Opened) -> None:
    @app.command()
    def create(
        name: Annotated[str, typer.Argument(help="What it is for.")],
        scope: Annotated[
            list[str] | None,
            typer.Option("--scope", help="read, write or admin; may be repeated.", show_default="read and write"),
        ] = None,
        feature: Annotated[
            list[str] | None,
            typer.Option("--feature", help="A feature it may use; may be repeated.", show_default="all of the user's"),
        ] = None,
        network: Annotated[
            list[str] | None,
            typer.Option("--network", help="Where it may be used from; may be repeated.", show_default="anywhere"),
        ] = None,
        workspace: Annotated[
            str | None, typer.Option("--workspace", help="The one workspace it may see: an id, or here also a name.")
        ] = None,
        days: Annotated[float | None, typer.Option("--days", min=0.001, max=36_500, help="How long it works.")] = None,
        user: UserOption = None,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Make a token and print its secret, which is kept nowhere and shown this once.

        For example: `otolith token create backup --scope read --days 365`
        """
        body: dict[str, Any] = {
            "name": name,
            "scopes": scope or ["read", "write"],
            "features": feature,
            "networks": network or [],
            "workspace_id": workspace,
            "expires_at": (now() + dt.timedelta(days=days)).isoformat() if days else None,
        }
        with either(opened, data, server, token, as_json=as_json) as place:
            made = place.post("/tokens", body) if isinstance(place, Remote) else _create_here(place, user, body)
        _show_new(made, as_json=as_json)


def _create_here(context: Context, user: str | None, body: dict[str, Any]) -> dict[str, Any]:
    with context.database.write(SYSTEM) as session:
        owner = user_of_name(session, user or context.settings.admin.username)
        if body["workspace_id"] is not None:
            body["workspace_id"] = str(workspace_of_name(session, body["workspace_id"]).id)
        try:
            wish = TokenIn.model_validate(body)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise typer.BadParameter(said) from None
        return _new(*service.add_token(session, SYSTEM, owner.id, wish))


def _new(token: ApiToken, secret: str) -> dict[str, Any]:
    return NewTokenOut(**TokenOut.model_validate(token).model_dump(), token=secret).model_dump(mode="json")


def _show_new(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    # The secret alone goes to stdout, so that a script can take it from there.
    error_console().print(f"Token {made['id']}. Its secret is not kept; store it now:", highlight=False)
    typer.echo(made["token"])


def _add_list(app: typer.Typer, opened: Opened) -> None:
    @app.command("list")
    def show(
        user: UserOption = None,
        everybody: Annotated[bool, typer.Option("--all", help="Those of all users; here alone.")] = False,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """List tokens, newest first, without their secrets."""
        with either(opened, data, server, token, as_json=as_json) as place:
            found = place.get("/tokens")["items"] if isinstance(place, Remote) else _list_here(place, user, everybody)
        if as_json:
            print_json(found)
        else:
            _show(found)


def _list_here(context: Context, user: str | None, everybody: bool) -> list[dict[str, Any]]:
    with context.database.read(SYSTEM) as session:
        conditions = []
        if not everybody:
            owner = user_of_name(session, user or context.settings.admin.username)
            conditions.append(ApiToken.user_id == owner.id)
        rows = queries.held_tokens(session, *conditions)
        return [TokenOut.model_validate(one).model_dump(mode="json") | {"username": who.name} for one, who in rows]


def _show(found: list[dict[str, Any]]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for head in ("id", "name", "begins", "scopes", "last used", "state"):
        table.add_column(head)
    for one in found:
        over = one["expires_at"] is not None and dt.datetime.fromisoformat(one["expires_at"]) <= now()
        state = "revoked" if one["revoked_at"] else "expired" if over else "works"
        name = one_line(f"{one['name']} ({one['username']})" if "username" in one else one["name"])
        used = (one["used_at"] or "never")[:16].replace("T", " ")
        table.add_row(one["id"], name, one["prefix"], ", ".join(one["scopes"]), used, state)
    Console(highlight=False, markup=False).print(table)


def _add_rotate_and_revoke(app: typer.Typer, opened: Opened) -> None:
    @app.command()
    def rotate(
        token_id: TokenId,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Give a token a new secret; the one before is refused from now on."""
        with either(opened, data, server, token, as_json=as_json) as place:
            if isinstance(place, Remote):
                made = place.post(f"/tokens/{token_id}/rotate")
            else:
                with place.database.write(SYSTEM) as session:
                    made = _new(*service.renew_secret(session, SYSTEM, service.any_token(session, token_id)))
        _show_new(made, as_json=as_json)

    @app.command()
    def revoke(
        token_id: TokenId,
        data: DataOption = None,
        server: ServerOption = None,
        token: TokenOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """End a token for good."""
        with either(opened, data, server, token, as_json=as_json) as place:
            if isinstance(place, Remote):
                ended = place.request("DELETE", f"/tokens/{token_id}")
            else:
                with place.database.write(SYSTEM) as session:
                    over = service.end_token(session, SYSTEM, service.any_token(session, token_id))
                    ended = TokenOut.model_validate(over).model_dump(mode="json")
        if as_json:
            print_json(ended)
        else:
            typer.echo(f"{one_line(ended['name'])} is refused from now on.")
