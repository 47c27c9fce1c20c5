"""The settings: one object, read from the environment at the edge and handed on, never imported as a global."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from dotenv import dotenv_values
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from otolith.core.errors import AppError
from otolith.core.folder import DataFolder
from otolith.core.secret_files import from_files
from otolith.core.seed_names import ALIASES, DATABASE_ALIASES, PLACEHOLDERS
from otolith.core.settings_groups import (
    AccountSettings,
    AdminSettings,
    AuditSettings,
    JobSettings,
    LanguageSettings,
    LibrarySettings,
    LimitSettings,
    LogSettings,
    MailSettings,
    MediaSettings,
    OtelSettings,
    QuotaSettings,
    ReadonlySettings,
    StorageSettings,
)

PREFIX = "OTOLITH_"
Access = Literal["everybody", "users", "admins", "nobody"]


# What a profile says where nobody says otherwise.
PROFILES: Mapping[str, Mapping[str, Any]] = {
    "small": {
        "workers": 1,
        "database_pool": 4,
        "jobs": {"concurrency": 1},
        "accounts": {"hash_memory": 19_922_944, "hashes_at_once": 1},
        "media": {"transcoders": 1, "decode_memory": 400_000_000},
    }
}


class BadSettings(AppError):
    """The settings contradict each other or hold a value that cannot be used."""

    status = 500


def default_data() -> Path:
    """The data folder of a user who named none, after the XDG base directory specification."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "otolith"


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
    profile: Literal["", "small"] = Field(
        default="",
        description="`small` for a machine with little memory: other defaults, see the page on small machines.",
    )
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
    allowed_hosts: str = Field(
        default="",
        description="Hosts that the server answers for, with commas; `*.example.org` is every name below; unset: any.",
    )
    https_redirect: bool = Field(
        default=False, description="Whether requests without TLS are sent on to https://, but for health checks."
    )
    docs_access: Access = Field(default="everybody", description="Who may read the API's description at `/docs`.")
    metrics_access: Access = Field(default="everybody", description="Who may read `/metrics`.")
    outbound_networks: str = Field(
        default="",
        description="Private networks that the server may call when an address is given to it, with commas.",
    )
    admin: AdminSettings = Field(default_factory=AdminSettings, description="The first administrator.")
    readonly: ReadonlySettings = Field(default_factory=ReadonlySettings, description="The read-only user.")
    accounts: AccountSettings = Field(default_factory=AccountSettings, description="Signing in.")
    limits: LimitSettings = Field(default_factory=LimitSettings, description="Limits of requests.")
    quotas: QuotaSettings = Field(default_factory=QuotaSettings, description="Quotas.")
    audit: AuditSettings = Field(default_factory=AuditSettings, description="The audit.")
    mail: MailSettings = Field(default_factory=MailSettings, description="Mails to users.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logging.")
    jobs: JobSettings = Field(default_factory=JobSettings, description="Jobs and workers.")
    media: MediaSettings = Field(default_factory=MediaSettings, description="Media.")
    storage: StorageSettings = Field(default_factory=StorageSettings, description="Storage.")
    library: LibrarySettings = Field(default_factory=LibrarySettings, description="Library.")
    language: LanguageSettings = Field(default_factory=LanguageSettings, description="Language models.")
    otel: OtelSettings = Field(default_factory=OtelSettings, description="Traces.")

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
            self._refuse_repeated()
        return self

    def _refuse_repeated(self) -> None:
        names: dict[str, str] = {}
        for name, secret in self.seeded_secrets().items():
            if secret in names:
                message = f"{PREFIX}{names[secret]} and {PREFIX}{name} are the same; each needs a secret of its own"
                raise ValueError(message)
            names[secret] = name

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


def hosts_of(text: str) -> list[str]:
    """The names of a setting that lists them with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


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
    given |= from_files(given, {*known_names(), *ALIASES, *DATABASE_ALIASES})
    files = _names_of_files()
    found = {name: value for name, value in given.items() if name.startswith(PREFIX) and name not in files}
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


def _names_of_files() -> set[str]:
    """The variables that name a file which a setting stands in; some settings are files themselves."""
    return {f"{name}_FILE" for name in known_names()} - known_names()


def unknown_names(environ: Mapping[str, str]) -> list[str]:
    """Variables with Otolith's prefix that no setting reads: typing errors, mostly."""
    accepted = known_names() | _names_of_files() | {f"{PREFIX}SERVER", f"{PREFIX}TOKEN", f"{PREFIX}ENV_FILE"}
    return sorted(name for name in environ if name.startswith(PREFIX) and name.upper() not in accepted)


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings of this process: the `.env` file, then the environment, then `overrides`, the last one winning."""
    environ = os.environ if environ is None else environ
    file = environ.get(f"{PREFIX}ENV_FILE", ".env")
    from_file = {name: value or "" for name, value in dotenv_values(file).items()} if Path(file).is_file() else {}
    try:
        variables = translate({**from_file, **environ})
        given = {name: value for name, value in overrides.items() if value is not None}
        values = {**_Environment(variables)(), **given}
        return Settings(**with_profile(values))
    except ValidationError as error:
        raise BadSettings(_explain(error)) from error
    except ValueError as error:
        raise BadSettings(str(error)) from error


def with_profile(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values, and what their profile says of those that are not among them."""
    completed = dict(values)
    for name, said in PROFILES.get(str(values.get("profile", "")), {}).items():
        if isinstance(said, Mapping):
            completed[name] = {**said, **completed.get(name, {})}
        else:
            completed.setdefault(name, said)
    return completed


def _explain(error: ValidationError) -> str:
    # Inputs are left out: a value that does not fit may still be a secret.
    faults = []
    for fault in error.errors():
        name = PREFIX + "_".join(str(part) for part in fault["loc"]).upper() if fault["loc"] else ""
        faults.append(f"{name}: {fault['msg']}" if name else fault["msg"].removeprefix("Value error, "))
    return "The settings cannot be used. " + "; ".join(faults) + "."


__all__ = [
    "PREFIX",
    "AccountSettings",
    "AdminSettings",
    "AuditSettings",
    "BadSettings",
    "JobSettings",
    "LanguageSettings",
    "LibrarySettings",
    "LimitSettings",
    "LogSettings",
    "MailSettings",
    "MediaSettings",
    "OtelSettings",
    "QuotaSettings",
    "ReadonlySettings",
    "Settings",
    "StorageSettings",
    "default_data",
    "known_names",
    "load_settings",
    "translate",
    "unknown_names",
    "weakness",
]
