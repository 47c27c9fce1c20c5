"""`otolith doctor`: looks at everything an installation stands on, and says how to mend what is wrong."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import text

from otolith.core.actor import SYSTEM
from otolith.core.db import Database, DatabaseReadOnly
from otolith.core.errors import AppError
from otolith.core.folder import FolderLock
from otolith.core.seed_names import EXPLAINED
from otolith.core.settings import Settings, load_settings, unknown_names, weakness

State = Literal["good", "note", "bad"]

NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "fuse.sshfs",
    "glusterfs",
    "ceph",
    "afs",
    "fuse.s3fs",
    "fuse.rclone",
)
DECODERS = ("mp3float", "flac", "pcm_s16le", "vorbis", "opus", "aac", "alac", "wmav2")
ENCODERS = ("libopus", "libmp3lame")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found; `mend` says what to do, and is empty where nothing is to be done."""

    name: str
    state: State
    found: str
    mend: str = ""

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def good(name: str, found: str) -> Finding:
    return Finding(name, "good", found)


def examine(data: Path | None) -> list[Finding]:
    """Every finding, in the order in which one would mend them."""
    try:
        settings = load_settings(data=data)
        Database(settings.effective_database_url, pool_size=1).dispose()
    except AppError as error:
        return [Finding("settings", "bad", error.detail, "Correct the variable, or take it out.")]
    findings = list(check_settings(settings))
    looks: list[Callable[[Settings], Iterator[Finding]]] = [
        check_folder, check_database, check_locks, check_storage, check_broker, check_workers, check_decoders,
    ]  # fmt: skip
    for look in looks:
        try:
            findings += look(settings)
        except OSError as error:
            # Such as a folder that this user may not even look into; the other checks say what they can.
            name = look.__name__.removeprefix("check_")
            findings.append(
                Finding(name, "bad", f"{error.filename}: {error.strerror}", "Mend its owner or its rights.")
            )
        except AppError as error:
            findings.append(Finding(look.__name__.removeprefix("check_"), "bad", error.detail, ""))
    return findings


def check_settings(settings: Settings) -> Iterator[Finding]:
    mode = "production" if settings.production_mode else "development"
    yield good("settings", f"readable; {mode} mode")
    for name in unknown_names(os.environ):
        yield Finding(
            "settings", "note", f"{name} is no setting of Otolith", "See docs/operate/settings.md for the names."
        )
    for name in sorted(EXPLAINED.keys() & os.environ.keys()):
        yield Finding("settings", "note", f"{name}: {EXPLAINED[name]}")
    for name, secret in settings.seeded_secrets().items():
        if fault := weakness(secret):
            yield Finding(
                "settings",
                "note",
                f"OTOLITH_{name} {fault}",
                "Make one with `openssl rand -hex 32` before others can reach this.",
            )


def check_folder(settings: Settings) -> Iterator[Finding]:
    root = settings.data
    if not root.exists():
        parent = next(path for path in root.parents if path.exists())
        if os.access(parent, os.W_OK):
            yield Finding("data folder", "note", f"{root} does not exist yet", "`otolith up` makes it.")
        else:
            yield Finding("data folder", "bad", f"{root} cannot be made: {parent} is not writable", _rights(parent))
        return
    state = root.stat()
    if not root.is_dir() or not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("data folder", "bad", f"{root} is not a folder that this user may write", _rights(root))
        return
    if state.st_mode & (stat.S_IWGRP | stat.S_IRWXO):
        yield Finding("data folder", "note", f"others on this machine may look into {root}", f"chmod 700 {root}")
    for path in (settings.folder.database, settings.folder.media, settings.folder.uploads):
        if path.exists() and path.stat().st_uid != state.st_uid:
            yield Finding("data folder", "bad", f"{path} belongs to another user than {root}", _rights(path))
    free = shutil.disk_usage(root).free
    shown = f"{free / 1e9:.1f} GB free at {root}"
    if free < settings.media.min_free:
        yield Finding("disk", "bad", shown, "Free some space: uploads and jobs wait until there is enough.")
    else:
        yield good("disk", shown)


def _rights(path: Path) -> str:
    owner = path.stat().st_uid
    return f"It belongs to user id {owner} and this is user id {os.getuid()}: run as that user, or `chown -R` it."


def file_system_of(path: Path) -> str:
    """The type of the file system that holds `path`."""
    existing = next(place for place in (path, *path.parents) if place.exists()).resolve()
    mounts = {Path(mount.mountpoint): mount.fstype for mount in psutil.disk_partitions(all=True)}
    return next((mounts[place] for place in (existing, *existing.parents) if place in mounts), "unknown")


def check_database(settings: Settings) -> Iterator[Finding]:
    database = Database(settings.effective_database_url, pool_size=1)
    if database.file is not None:
        kind = file_system_of(database.file)
        if kind.startswith(NETWORK_FILE_SYSTEMS):
            yield Finding(
                "database", "bad", f"SQLite lies on a network file system ({kind}), whose locks cannot be trusted",
                "Move the data folder to a local disk, or use PostgreSQL (OTOLITH_DATABASE_URL).",
            )  # fmt: skip
        if not database.file.exists():
            yield Finding("database", "note", f"{database.file} does not exist yet", "`otolith up` makes it.")
            return
    try:
        yield from _check_schema(database)
        yield from _check_sqlite(database) if database.is_sqlite else _check_role(database)
    except Exception as error:  # noqa: BLE001 -- Whatever a database may say is a finding here.
        if isinstance(error, DatabaseReadOnly) and database.file is not None:
            yield Finding("database", "bad", f"{database.file} may not be written to", _rights(database.file))
            return
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        yield Finding(
            "database", "bad", f"it does not answer: {reason}",
            "Is it running? Check OTOLITH_DATABASE_URL, the firewall and, with sslmode, the certificates.",
        )  # fmt: skip
    finally:
        database.dispose()


def _check_schema(database: Database) -> Iterator[Finding]:
    from otolith.migrations.migrate import current, head

    revision, newest = current(database), head()
    if revision == newest:
        yield good("database", f"{database.engine.dialect.name}, schema at revision {revision}")
    else:
        yield Finding(
            "database",
            "note",
            f"the schema is at revision {revision or 'none'}, this version needs {newest}",
            "`otolith migrate`",
        )


def _check_sqlite(database: Database) -> Iterator[Finding]:
    with database.read(SYSTEM) as session:
        verdict = session.execute(text("PRAGMA quick_check(1)")).scalar_one()
    if verdict == "ok":
        yield good("database", "the file is sound")
    else:
        yield Finding("database", "bad", f"the file is damaged: {verdict}", "Restore the last backup.")


def _check_role(database: Database) -> Iterator[Finding]:
    query = "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    with database.read(SYSTEM) as session:
        role, above = session.execute(text(query)).one()
    if above:
        yield Finding(
            "database role", "bad", f"{role} is a superuser or has BYPASSRLS, so row-level security does not bind it",
            "Make a plain role: CREATE ROLE otolith LOGIN PASSWORD '…'; ALTER DATABASE … OWNER TO otolith;",
        )  # fmt: skip
    else:
        yield good("database role", f"{role} is bound by row-level security")


def check_locks(settings: Settings) -> Iterator[Finding]:
    for name, what in (("up.lock", "`otolith up`"), ("workers.lock", "embedded workers")):
        path = settings.folder.run / name
        if not path.exists():
            continue
        lock = FolderLock(path)
        if lock.acquire():
            lock.release()
        else:
            yield Finding("locks", "note", f"{what} runs on this data folder (process {lock.holder()})")
    holders = sorted(set(lock_holders(settings.folder.database)))
    if holders:
        yield Finding(
            "locks", "note", "processes with the SQLite file open: " + ", ".join(holders),
            "If writes hang for more than a second, look at these first.",
        )  # fmt: skip


def lock_holders(database: Path) -> Iterator[str]:
    """The processes that have the SQLite file open, as far as this user may see them."""
    for process in psutil.process_iter(["pid", "name"]):
        try:
            if any(handle.path == str(database) for handle in process.open_files()):
                yield f"{process.info['name']} ({process.info['pid']})"
        except psutil.Error:
            # Other users' processes keep their files to themselves, and processes end while one looks.
            continue


def check_broker(settings: Settings) -> Iterator[Finding]:
    from kombu import Connection

    url = settings.effective_broker_url
    kind = url.split("://", 1)[0]
    if kind == "filesystem":
        yield good("broker", "files in the data folder (embedded)")
        return
    try:
        with Connection(url, connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:  # noqa: BLE001 -- Every transport has exceptions of its own.
        yield Finding(
            "broker", "bad", f"{kind} does not answer: {str(error).splitlines()[0]}",
            "Is it running? Check OTOLITH_BROKER_URL. Jobs are safe in the database meanwhile.",
        )  # fmt: skip
    else:
        yield good("broker", f"{kind} answers")


def check_workers(settings: Settings) -> Iterator[Finding]:
    from otolith.jobs.service import live_workers

    database = Database(settings.effective_database_url, pool_size=1)
    try:
        if database.file is not None and not database.file.exists():
            return
        with database.read(SYSTEM) as session:
            names = [worker.name for worker in live_workers(session)]
    except Exception:  # noqa: BLE001 -- check_database has already said what is wrong with it.
        return
    finally:
        database.dispose()
    if names:
        yield good("workers", f"{len(names)} alive: {', '.join(names)}")
    else:
        yield Finding("workers", "note", "none is alive", "`otolith up` starts one; `otolith worker` runs one apart.")


def check_storage(settings: Settings) -> Iterator[Finding]:
    from otolith.core.storage import open_storage

    kept_in = settings.storage.url or "the data folder"
    if not settings.data.exists():
        return
    try:
        trouble = open_storage(settings).trouble()
    except AppError as error:
        trouble = error.detail
    if trouble:
        yield Finding("storage", "bad", trouble, "See docs/operate/storage.md.")
    else:
        yield good("storage", f"files can be stored and read in {kept_in}")


def check_decoders(_settings: Settings) -> Iterator[Finding]:
    import av

    available = av.codecs_available
    missing = [name for name in (*DECODERS, *ENCODERS) if name not in available]
    if missing:
        yield Finding(
            "decoders", "bad", f"this build of PyAV lacks {', '.join(missing)}",
            "Install PyAV from its wheel: pip install --force-reinstall --only-binary=av av",
        )  # fmt: skip
    else:
        yield good("decoders", f"all formats (FFmpeg in PyAV {av.__version__})")


def show(findings: list[Finding]) -> None:
    """Print the findings for people."""
    console = Console()
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(2):
        table.add_column()
    # Paths stay whole, so that they can be copied.
    table.add_column(overflow="fold")
    signs = {"good": "[green]✓[/]", "note": "[yellow]•[/]", "bad": "[bold red]✗[/]"}
    for finding in findings:
        table.add_row(signs[finding.state], finding.name, Text(finding.found))
        if finding.mend:
            table.add_row("", "", Text(f"→ {finding.mend}", "dim"))
    console.print(table)
    faults = sum(finding.state == "bad" for finding in findings)
    console.print("[bold green]All is well.[/]" if not faults else f"[bold red]{faults} to mend.[/]")
