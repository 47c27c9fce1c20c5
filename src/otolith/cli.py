"""The `otolith` command."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from otolith import __version__
from otolith.core.process import die_with_parent
from otolith.core.terminal import DataOption, JsonOption, fail, main_of, plain_errors, print_json, settings_for


def _library() -> typer.Typer:
    from otolith.library.commands import Local, add_commands
    from otolith.local import opened, see_through

    commands = typer.Typer(add_completion=False)
    add_commands(commands, Local(opened=opened, see_through=see_through))
    return commands


def _library_group() -> typer.Typer:
    from otolith.library.commands import Local
    from otolith.library.commands_library import library_commands
    from otolith.local import opened, see_through

    commands = typer.Typer(add_completion=False)
    commands.add_typer(library_commands(Local(opened=opened, see_through=see_through)), name="library")
    return commands


def _search() -> typer.Typer:
    from otolith.library.commands import Local
    from otolith.library.search.commands import add_commands
    from otolith.local import opened, see_through

    commands = typer.Typer(add_completion=False)
    add_commands(commands, Local(opened=opened, see_through=see_through))
    return commands


def _similar() -> typer.Typer:
    from otolith.library.commands import Local
    from otolith.library.similar.commands import add_commands
    from otolith.local import opened, see_through

    commands = typer.Typer(add_completion=False)
    add_commands(commands, Local(opened=opened, see_through=see_through))
    return commands


def _jobs() -> typer.Typer:
    from otolith.jobs.commands import app as jobs

    commands = typer.Typer(add_completion=False)
    commands.add_typer(jobs, name="jobs")
    return commands


def _audit() -> typer.Typer:
    from otolith.accounts.audit.commands import audit_commands
    from otolith.local import opened

    commands = typer.Typer(add_completion=False)
    commands.add_typer(audit_commands(opened), name="audit")
    return commands


def _token() -> typer.Typer:
    from otolith.accounts.tokens.commands import token_commands
    from otolith.local import opened

    commands = typer.Typer(add_completion=False)
    commands.add_typer(token_commands(opened), name="token")
    return commands


def _feature() -> typer.Typer:
    from otolith.accounts.granting.commands import feature_commands
    from otolith.local import opened

    commands = typer.Typer(add_completion=False)
    commands.add_typer(feature_commands(opened), name="feature")
    return commands


def _workspace() -> typer.Typer:
    from otolith.accounts.workspaces.commands import workspace_commands
    from otolith.local import opened

    commands = typer.Typer(add_completion=False)
    commands.add_typer(workspace_commands(opened), name="workspace")
    return commands


def _quota() -> typer.Typer:
    from otolith.accounts.quotas.commands import quota_commands
    from otolith.local import opened

    commands = typer.Typer(add_completion=False)
    commands.add_typer(quota_commands(opened), name="quota")
    return commands


def _seed() -> typer.Typer:
    from otolith.accounts.commands import seed_command
    from otolith.local import opened

    commands = typer.Typer(add_completion=False)
    commands.command("seed")(seed_command(opened))
    return commands


def _user() -> typer.Typer:
    from otolith.accounts.people.commands import app as users

    commands = typer.Typer(add_completion=False)
    commands.add_typer(users, name="user")
    return commands


def _watch() -> typer.Typer:
    from otolith.library.roots.commands_watch import watch

    commands = typer.Typer(add_completion=False)
    commands.command("watch")(watch)
    return commands


def _demo() -> typer.Typer:
    from otolith.demo import demo

    commands = typer.Typer(add_completion=False)
    commands.command()(demo)
    return commands


def _analyse() -> typer.Typer:
    from otolith.library.commands_analyse import analyse

    commands = typer.Typer(add_completion=False)
    commands.command()(analyse)
    return commands


# Commands whose modules are imported when they are asked for: `up` keeps running, and need not hold them in memory.
LAZY: dict[str, Callable[[], typer.Typer]] = {
    "demo": _demo,
    "scan": _library,
    "analyse": _analyse,
    "search": _search,
    "similar": _similar,
    "library": _library_group,
    "watch": _watch,
    "jobs": _jobs,
    "token": _token,
    "feature": _feature,
    "workspace": _workspace,
    "audit": _audit,
    "quota": _quota,
    "seed": _seed,
    "user": _user,
}


class Commands(TyperGroup):
    """The commands of this module at once, those of the slices on demand."""

    def list_commands(self, ctx: Any) -> list[str]:
        return ["demo", *super().list_commands(ctx), *(name for name in LAZY if name != "demo")]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        found = typer.main.get_command(LAZY[cmd_name]())
        return found.get_command(ctx, cmd_name) if isinstance(found, TyperGroup) else found


app = typer.Typer(
    name="otolith",
    cls=Commands,
    help="Put sound in, and Otolith tells you what it is, what is said and how it sounds.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

HostOption = Annotated[
    str | None, typer.Option("--host", help="Address to listen on (OTOLITH_HOST).", show_default="127.0.0.1")
]
PortOption = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on (OTOLITH_PORT).", show_default="8000")
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"otolith {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """A self-hosted listening server. Start with `otolith demo`, then `otolith up`."""
    die_with_parent()
    if not structlog.is_configured():
        # Commands that set up no log of their own keep stdout for their answer; warnings go to stderr.
        structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())


@app.command()
def up(
    data: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, max=64, help="Worker processes.", show_default="1")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", metavar="small", help="Defaults for a machine with little memory.", show_default="none"
        ),
    ] = None,
) -> None:
    """Start the server and its workers, and keep them running until Ctrl-C.

    Everything is kept in the data folder. The first start prints the password of the first user.

    For example: `otolith up --data /srv/otolith --host 0.0.0.0 --port 8080`
    """
    from otolith.core.logging import configure_logging
    from otolith.serving import up as run_up

    with plain_errors():
        settings = settings_for(data, host=host, port=port, workers=workers, profile=profile)
        configure_logging(settings)
        run_up(settings)


@app.command()
def serve(
    data: DataOption = None,
    host: HostOption = None,
    port: PortOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Also watch the folders of the libraries, as `otolith up` has it do.")
    ] = False,
) -> None:
    """Start the server alone; workers run elsewhere, or embedded as OTOLITH_WORKERS says."""
    from otolith.core.logging import configure_logging
    from otolith.serving import serve as run_serve

    with plain_errors():
        settings = settings_for(data, host=host, port=port)
        configure_logging(settings)
        run_serve(settings, watch=watch)


def _lanes(given: str) -> list[str]:
    """The lanes named with commas; a name that is none is a mistake in the call."""
    from otolith.jobs.service import LANES

    names = [lane.strip() for lane in given.split(",") if lane.strip()]
    unknown = sorted(set(names) - set(LANES))
    if unknown:
        message = f"There is no lane {', '.join(unknown)}; the lanes are {', '.join(LANES)}."
        raise typer.BadParameter(message, param_hint="--lanes")
    return names


@app.command()
def worker(
    data: DataOption = None,
    lanes: Annotated[
        str | None,
        typer.Option("--lanes", metavar="A,B", help="Lanes to serve, with commas.", show_default="all of them"),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", min=1, max=256, help="Children.", show_default="one a core")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="A name of its own.", show_default="host and process")] = "",
    metrics_port: Annotated[
        int | None, typer.Option("--metrics-port", min=0, max=65535, help="Serve /metrics there.", show_default="none")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe", help="Say whether a worker of this host is alive, and end (for health checks).")
    ] = False,
) -> None:
    """Run jobs until Ctrl-C. Work in progress is given back at the end, and nothing is lost.

    Lanes: interactive, index, audio, speech, language, network, maintenance.

    For example: `otolith worker --lanes audio,index --concurrency 4`
    """
    served = _lanes(lanes or "")
    with plain_errors():
        settings = settings_for(data)
        if probe:
            from otolith.jobs.service import probe as run_probe

            code, sentence = run_probe(settings, name)
            typer.echo(sentence)
            raise typer.Exit(code)
        from otolith.core.logging import configure_logging
        from otolith.worker import run_worker

        configure_logging(settings)
        code = run_worker(settings, lanes=served, concurrency=concurrency, metrics_port=metrics_port, name=name)
    raise typer.Exit(code)


@app.command()
def migrate(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Bring the database to the schema of this version.

    The server does so by itself when it starts; this command is for installations where the server's role may not
    change the schema (OTOLITH_MIGRATE_DATABASE_URL).
    """
    from otolith.core.db import Database
    from otolith.core.logging import configure_logging
    from otolith.migrations.migrate import head
    from otolith.migrations.migrate import migrate as run_migrate

    with plain_errors(as_json=as_json):
        settings = settings_for(data)
        configure_logging(settings, stream=sys.stderr, quiet=True)
        settings.folder.make()
        database = Database(settings.migrate_database_url or settings.effective_database_url, pool_size=2)
        changed = run_migrate(database)
        database.dispose()
    if as_json:
        print_json({"revision": head(), "changed": changed})
    else:
        typer.echo(f"The schema is at revision {head()}{'' if changed else ' already'}.")


@app.command()
def doctor(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check settings, folders, database, broker and decoders, and say how to mend what is wrong."""
    from otolith.doctor import examine, show

    with plain_errors(as_json=as_json):
        findings = examine(data)
    if as_json:
        print_json({"healthy": not any(f.state == "bad" for f in findings), "checks": [f.plain() for f in findings]})
    else:
        show(findings)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


main = main_of(app)

__all__ = ["app", "fail", "main"]
