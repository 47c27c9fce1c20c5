"""The settings: one object, read from the environment at the edge and handed on, never imported as a global."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from dotenv import dotenv_values
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from otolith.core.errors import AppError
from otolith.core.folder import DataFolder
from otolith.core.seed_names import ALIASES, DATABASE_ALIASES, PLACEHOLDERS
from otolith.core.sizes import Size

PREFIX = "OTOLITH_"


class BadSettings(AppError):
    """The settings contradict each other or hold a value that cannot be used."""

    status = 500


def default_data() -> Path:
    """The data folder of a user who named none, after the XDG base directory specification."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "otolith"


class AdminSettings(BaseModel):
    """The first administrator, made at the first start."""

    username: str = Field(default="admin", description="User name of the first administrator.")
    password: SecretStr | None = Field(
        default=None, description="Password of the first administrator; unset: a random one, printed once."
    )
    token: SecretStr | None = Field(
        default=None, description="API token of the first administrator, for the command line and programs."
    )


class ReadonlySettings(BaseModel):
    """The optional read-only user, made at the first start."""

    token: SecretStr | None = Field(
        default=None, description="API token of a read-only user; unset: no such user is made."
    )


class AccountSettings(BaseModel):
    """Signing in. The least cost that can be set is the least that OWASP recommends for argon2id."""

    session_days: float = Field(default=7, gt=0, le=365, description="Days until a browser has to sign in again.")
    hash_memory: Size = Field(
        default=67_108_864, ge=19_922_944, description="Memory that hashing one password takes; `64MiB` unless set."
    )
    hash_rounds: int = Field(default=3, ge=2, le=20, description="Passes over that memory.")
    hashes_at_once: int = Field(
        default=2, ge=1, le=64, description="Passwords hashed at once in a process; further sign-ins wait."
    )


class LogSettings(BaseModel):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important level that is logged."
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`json`, `text`, or `auto`: text on a terminal and JSON elsewhere."
    )
    file: Path | None = Field(default=None, description="Also log to this file, rotated at 10 MB, five kept.")

    @field_validator("level", "format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


class JobSettings(BaseModel):
    """The job ledger and the workers."""

    concurrency: int = Field(
        default=0, ge=0, le=256, description="Children of a worker process; 0: one a core, at least two."
    )
    lease_seconds: float = Field(
        default=30, ge=1, description="How long a worker may stay silent before it loses its job."
    )
    heartbeat_seconds: float = Field(default=10, ge=0.2, description="How often a running job renews its lease.")
    sweep_seconds: float = Field(
        default=5, ge=0.2, description="How often workers look for expired leases and due work."
    )
    max_attempts: int = Field(
        default=5, ge=1, description="Attempts before a job is dead, unless its task says otherwise."
    )
    retry_seconds: float = Field(default=2, gt=0, description="The pause before the first retry; it doubles each time.")
    retry_max_seconds: float = Field(default=3600, gt=0, description="The longest pause before a retry.")
    keep_days: float = Field(
        default=30, gt=0, description="Days that finished jobs are kept; dead ones stay until purged."
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which a worker serves `/metrics`; 0: none."
    )


class MediaSettings(BaseModel):
    """Uploads, decoding and playback."""

    upload_limit: Size = Field(
        default=512_000_000, gt=0, description="The largest upload; takes units, such as `100mb`."
    )
    max_hours: float = Field(default=24, gt=0, description="The longest recording that is decoded, in hours.")
    decode_timeout: float = Field(default=1800, gt=0, description="Seconds that decoding one file may take.")
    decode_memory: Size = Field(
        default=1_000_000_000, ge=200_000_000, description="Memory that the decoding helper may take."
    )
    transcoders: int = Field(
        default=2, ge=0, le=64, description="Transcoding processes at once; 0 switches transcoding off."
    )
    min_free: Size = Field(default=200_000_000, ge=0, description="Free disk space below which uploads and jobs wait.")


class StorageSettings(BaseModel):
    """Where stored media lie."""

    url: str = Field(default="", description="`s3://bucket/prefix` to keep media in S3; unset: the data folder.")
    endpoint: str = Field(default="", description="Address of an S3-compatible server; unset: Amazon's.")
    region: str = Field(default="us-east-1", description="Region of the S3 bucket.")
    access_key: SecretStr | None = Field(default=None, description="Access key of the S3 bucket.")
    secret_key: SecretStr | None = Field(default=None, description="Secret key of the S3 bucket.")


class LibrarySettings(BaseModel):
    """The music library."""

    roots: list[Path] = Field(
        default_factory=list, description="Folders that a server may be asked to scan, as a JSON list."
    )
    watch: bool = Field(default=True, description="Whether the server watches the folders of its libraries.")
    settle: float = Field(
        default=1.0, ge=0.1, le=3600, description="Seconds that a changed file must be quiet before it is read."
    )
    write_tags: bool = Field(
        default=True, description="Whether changed tags may be written into library files, when a person asks for it."
    )


class LanguageSettings(BaseModel):
    """Servers of language models, which understand texts: Ollama, or any that speaks OpenAI's protocol."""

    url: str = Field(
        default="http://127.0.0.1:11434",
        pattern=r"^https?://",
        description="Address of the server, such as `http://127.0.0.1:11434` or `https://api.openai.com`.",
    )
    protocol: Literal["ollama", "openai"] = Field(default="ollama", description="What the server speaks.")
    key: SecretStr | None = Field(default=None, description="Key that the server asks for.")
    embedding_model: str = Field(
        default="",
        max_length=120,
        description="Model that makes vectors of texts, such as `nomic-embed-text`; unset: no search by meaning.",
    )
    timeout: float = Field(default=60, gt=0, le=3600, description="Seconds that the server may take for an answer.")


class Settings(BaseSettings):
    """Every setting of Otolith. Constructing it reads nothing; `load_settings` reads the environment."""

    model_config = SettingsConfigDict(extra="forbid", env_prefix=PREFIX, validate_default=True)

    data: Path = Field(default_factory=default_data, description="The data folder.")
    database_url: str = Field(default="", description="SQLAlchemy URL; unset: SQLite in the data folder.")
    migrate_database_url: str = Field(
        default="", description="Database URL with the right to change the schema; unset: `database_url`."
    )
    listen_database_url: str = Field(
        default="",
        description="Direct PostgreSQL URL for LISTEN where PgBouncer stands between; unset: `database_url`.",
    )
    database_pool: int = Field(default=10, ge=1, le=200, description="Pooled connections, and as many request threads.")
    broker_url: str = Field(default="", description="`redis://…`, `amqp://…`; unset: files in the data folder.")
    production_mode: bool = Field(
        default=False, description="Strict cookies and HSTS; weak, default and example secrets are refused."
    )
    debug: bool = Field(default=False, description="More detail in the log; refused in production.")
    host: str = Field(default="127.0.0.1", description="Address that `otolith up` and `serve` listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that `otolith up` and `serve` listen on.")
    workers: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description="Embedded worker processes that the server supervises; unset: 1 with the file broker, else 0.",
    )
    public_url: str = Field(default="", description="The address people use, for links and cookies.")
    allowed_origins: str = Field(default="", description="Origins that may call the API from a browser, with commas.")
    trusted_proxies: str = Field(
        default="127.0.0.1,::1",
        description="Networks of proxies whose forwarding headers are believed, with commas.",
    )
    admin: AdminSettings = Field(default_factory=AdminSettings, description="The first administrator.")
    readonly: ReadonlySettings = Field(default_factory=ReadonlySettings, description="The read-only user.")
    accounts: AccountSettings = Field(default_factory=AccountSettings, description="Signing in.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logging.")
    jobs: JobSettings = Field(default_factory=JobSettings, description="Jobs and workers.")
    media: MediaSettings = Field(default_factory=MediaSettings, description="Media.")
    storage: StorageSettings = Field(default_factory=StorageSettings, description="Storage.")
    library: LibrarySettings = Field(default_factory=LibrarySettings, description="Library.")
    language: LanguageSettings = Field(default_factory=LanguageSettings, description="Language models.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- The signature is the library's.
        init_settings: PydanticBaseSettingsSource,
        *_sources: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the constructor is given counts, so that a test or the demo meets no stray variable."""
        return (init_settings,)

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.production_mode:
            if self.debug:
                message = "debug is on in production mode; switch one of the two off"
                raise ValueError(message)
            for name, secret in self.seeded_secrets().items():
                if fault := weakness(secret):
                    message = (
                        f"{PREFIX}{name} {fault}; production mode needs a secret of its own (openssl rand -hex 32)"
                    )
                    raise ValueError(message)
        return self

    def seeded_secrets(self) -> dict[str, str]:
        """The secrets that the settings give to accounts, by the name of their variable."""
        found = {
            "ADMIN_PASSWORD": self.admin.password,
            "ADMIN_TOKEN": self.admin.token,
            "READONLY_TOKEN": self.readonly.token,
        }
        return {name: value.get_secret_value() for name, value in found.items() if value is not None}

    @property
    def folder(self) -> DataFolder:
        return DataFolder(self.data)

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.folder.database}"

    @property
    def effective_broker_url(self) -> str:
        return self.broker_url or "filesystem://localhost"

    @property
    def embedded_workers(self) -> int:
        """How many workers the server supervises (architecture, section 10)."""
        if self.workers is not None:
            return self.workers
        return 0 if self.broker_url else 1

    @property
    def origins(self) -> list[str]:
        return [origin.strip().rstrip("/") for origin in self.allowed_origins.split(",") if origin.strip()]


def weakness(secret: str) -> str | None:
    """What makes a seeded secret unfit for production, as the rest of a sentence, or None."""
    if secret.lower() in PLACEHOLDERS:
        return "is a placeholder from a guide"
    if len(secret) < 12:
        return "is shorter than 12 characters"
    if len(set(secret)) < 5:
        return "repeats itself"
    return None


class _Environment(EnvSettingsSource):
    """Reads the prefixed names from a mapping that is already merged and translated."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(
            Settings,
            case_sensitive=False,
            env_prefix=PREFIX,
            env_nested_delimiter="_",
            env_nested_max_split=1,
            env_ignore_empty=True,
        )

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items()}


def translate(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables under Otolith's own names; a name of its own wins over a seed's, and empty means unset."""
    given = {name.upper(): value for name, value in environ.items() if value != ""}
    found = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    for alias, target in ALIASES.items():
        if alias in given:
            found.setdefault(target, given[alias])
    if given.get("ENVIRONMENT", "").lower() == "production":
        found.setdefault(f"{PREFIX}PRODUCTION_MODE", "true")
    _adopt_recozik_database(given, found)
    return found


def _adopt_recozik_database(given: Mapping[str, str], found: dict[str, str]) -> None:
    urls = {given[name] for name in DATABASE_ALIASES if name in given}
    if len(urls) > 1:
        detail = (
            f"{' and '.join(DATABASE_ALIASES)} name two databases, and Otolith keeps one. Set OTOLITH_DATABASE_URL "
            "instead; the accounts of an existing auth.db are brought over by `otolith import recozik`."
        )
        raise BadSettings(detail)
    if urls:
        found.setdefault(f"{PREFIX}DATABASE_URL", urls.pop())


def known_names() -> set[str]:
    """Every variable of Otolith's own that means something."""
    names = set()
    for name, field in Settings.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= {f"{PREFIX}{name}_{inner}".upper() for inner in annotation.model_fields}
        else:
            names.add(f"{PREFIX}{name}".upper())
    return names


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Variables with Otolith's prefix that no setting reads: typing errors, mostly."""
    accepted = known_names() | {f"{PREFIX}SERVER", f"{PREFIX}TOKEN", f"{PREFIX}ENV_FILE"}
    return sorted(name for name in environ if name.startswith(PREFIX) and name.upper() not in accepted)


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of this process: the `.env` file, then the environment, then `overrides`, the last one winning."""
    environ = os.environ if environ is None else environ
    file = environ.get(f"{PREFIX}ENV_FILE", ".env")
    from_file = {name: value or "" for name, value in dotenv_values(file).items()} if Path(file).is_file() else {}
    variables = translate({**from_file, **environ})
    try:
        values = _Environment(variables)()
        given = {name: value for name, value in overrides.items() if value is not None}
        return Settings(**{**values, **given})
    except ValidationError as error:
        raise BadSettings(_explain(error)) from error
    except ValueError as error:
        raise BadSettings(str(error)) from error


def _explain(error: ValidationError) -> str:
    # Inputs are left out: a value that does not fit may still be a secret.
    faults = []
    for fault in error.errors():
        name = PREFIX + "_".join(str(part) for part in fault["loc"]).upper() if fault["loc"] else ""
        faults.append(f"{name}: {fault['msg']}" if name else fault["msg"].removeprefix("Value error, "))
    return "The settings cannot be used. " + "; ".join(faults) + "."
