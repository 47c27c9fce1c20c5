"""The groups that the settings fall into, one model each; `otolith.core.settings` puts them together."""

from pathlib import Path
from typing import Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, SecretStr, field_validator

from otolith.core.features import FEATURES
from otolith.core.sizes import Size


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

    access_minutes: float = Field(
        default=60, ge=1, le=1440, description="Minutes after which a browser's session renews its secrets by itself."
    )
    session_days: float = Field(
        default=7, gt=0, le=365, description="Days that a browser may stay away before it has to sign in again."
    )
    remember_days: float = Field(
        default=30, gt=0, le=365, description="The same for a browser that was asked to stay signed in."
    )
    longest_days: float = Field(
        default=180, gt=0, le=3650, description="Days after which every browser has to sign in again."
    )
    hash_memory: Size = Field(
        default=67_108_864, ge=19_922_944, description="Memory that hashing one password takes; `64MiB` unless set."
    )
    hash_rounds: int = Field(default=3, ge=2, le=20, description="Passes over that memory.")
    hashes_at_once: int = Field(
        default=2, ge=1, le=64, description="Passwords hashed at once in a process; further sign-ins wait."
    )
    password_length: int = Field(default=12, ge=8, le=128, description="The least characters of a new password.")
    password_classes: int = Field(
        default=1, ge=1, le=4, description="How many of lower case, upper case, digits and others a new password mixes."
    )
    password_strength: int = Field(
        default=3, ge=0, le=4, description="How hard a new password is to guess, after zxcvbn, from 0 to 4; 0: any."
    )
    registration: bool = Field(
        default=False, description="Whether strangers may make themselves an account, with an address that is theirs."
    )
    invitation_days: float = Field(default=7, gt=0, le=90, description="Days that an invitation can be accepted.")
    reset_minutes: float = Field(
        default=60, ge=5, le=1440, description="Minutes that the link for a lost password works."
    )
    user_features: str = Field(
        default=",".join(FEATURES),
        description="Features of users without a list of their own, with commas; administrators have all.",
    )
    readonly_features: str = Field(
        default="identify,musicbrainz,library,insights",
        description="Features of read-only users without a list of their own, with commas.",
    )

    @field_validator("user_features", "readonly_features")
    @classmethod
    def _known_features(cls, value: str) -> str:
        unknown = sorted({name.strip() for name in value.split(",")} - {"", *FEATURES})
        if unknown:
            message = f"there is no feature {', '.join(unknown)}; the features are {', '.join(FEATURES)}"
            raise ValueError(message)
        return value


class LimitSettings(BaseModel):
    """How often callers may ask, such as `100/minute` or `5/hour`; a bare number means a minute."""

    enabled: bool = Field(default=True, description="Whether requests and guesses of passwords are limited.")
    per_minute: int = Field(
        default=60, ge=1, description="Requests a minute of an API token, and of an address that shows no credential."
    )
    sign_in: str = Field(
        default="5/minute", description="Attempts to sign in, and to use links and codes, from one network."
    )
    session: str = Field(default="600/minute", description="Requests of a signed-in user's browsers.")
    token: str = Field(default="", description="Requests of one API token; unset: `per_minute`.")
    anonymous: str = Field(
        default="", description="Requests without a valid credential from one network; unset: `per_minute`."
    )
    redis_url: str = Field(
        default="", description="Redis that counts requests; unset: the broker's, or else the database."
    )


class QuotaSettings(BaseModel):
    """What each user and each workspace may use unless an administrator says otherwise; unset: as much as there is."""

    user_storage: Size | None = Field(default=None, ge=0, description="Bytes of uploads that a user may store.")
    user_jobs: int | None = Field(default=None, ge=0, description="Unfinished jobs that a user may have at once.")
    user_speech: int | None = Field(
        default=None, ge=0, description="Minutes of speech a user may have heard in 30 days."
    )
    user_lookups: int | None = Field(default=None, ge=0, description="Lookups a user may make a day, of each provider.")
    workspace_storage: Size | None = Field(
        default=None, ge=0, description="Bytes of uploads that a workspace may store."
    )
    workspace_jobs: int | None = Field(
        default=None, ge=0, description="Unfinished jobs that a workspace may have at once."
    )
    workspace_speech: int | None = Field(
        default=None, ge=0, description="Minutes of speech a workspace may have heard in 30 days."
    )
    workspace_lookups: int | None = Field(
        default=None, ge=0, description="Lookups a workspace may make a day, of each provider."
    )


class AuditSettings(BaseModel):
    """The record of what was done."""

    keep_days: float = Field(
        default=365, ge=1, le=36_500, description="Days that entries of the audit are kept; the chain shows the cut."
    )


class MailSettings(BaseModel):
    """Mails to users, through a server that speaks SMTP. Without one, administrators hand out the links themselves."""

    host: str = Field(default="", description="The mail server; unset: no mail is sent.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`starttls`, `tls` from the first byte, or `none` for a server on this machine."
    )
    username: str = Field(default="", description="The user name there; unset: none is asked for.")
    password: SecretStr | None = Field(default=None, description="The password there.")
    sender: str = Field(
        default="", max_length=320, description="The address that mails come from; unset: `otolith@` the mail server."
    )
    templates: Path | None = Field(
        default=None, description="A folder with texts of your own, such as `reset.fr.txt`; those it lacks are ours."
    )
    timeout: float = Field(default=20, gt=0, le=300, description="Seconds that the server may take for an answer.")


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
    lane_limits: str = Field(
        default="",
        pattern=r"^(\s*[a-z]+\s*=\s*[1-9]\d{0,2}\s*(,|$))*$",
        description="Jobs of a lane that one worker does at once, such as `audio=1,speech=1`; unset: one a child.",
    )
    quiet_hours: str = Field(
        default="",
        pattern=r"^(\s*([01]\d|2[0-3]):[0-5]\d\s*-\s*([01]\d|2[0-3]):[0-5]\d\s*)?$",
        description="Hours in which heavy lanes rest, such as `08:00-23:00`; unset: none.",
    )
    quiet_lanes: str = Field(default="audio,speech", description="The lanes that rest then, with commas.")
    time_zone: str = Field(
        default="", description="Whose clocks the quiet hours mean, such as `Europe/Paris`; unset: the machine's."
    )
    keep_days: float = Field(
        default=30, gt=0, description="Days that finished jobs are kept; dead ones stay until purged."
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port on which a worker serves `/metrics`; 0: none."
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key if value else value
        except (KeyError, ValueError, OSError) as error:
            message = f"{value!r} is no time zone, such as Europe/Paris"
            raise ValueError(message) from error


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


class OtelSettings(BaseModel):
    """Traces for OpenTelemetry: what a request did, and the jobs that came of it. They need `otolith[otel]`."""

    endpoint: str = Field(
        default="", pattern=r"^(https?://.*)?$", description="Address of an OTLP/HTTP receiver; unset: no traces."
    )
    service_name: str = Field(default="otolith", min_length=1, description="What this service is called in traces.")
    headers: SecretStr | None = Field(
        default=None, description="Headers for the receiver, such as `authorization=Basic …`, with commas."
    )
    sample: float = Field(default=1.0, ge=0, le=1, description="The share of traces that begin here and are kept.")
    disabled: bool = Field(default=False, description="Trace nothing, whatever the other settings say.")

    @field_validator("headers")
    @classmethod
    def _pairs(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all("=" in part for part in value.get_secret_value().split(",")):
            message = "headers are given as name=value, with commas"
            raise ValueError(message)
        return value

    @property
    def sent_headers(self) -> dict[str, str]:
        """The headers by name, their values with the percent signs of the specification undone."""
        given = "" if self.headers is None else self.headers.get_secret_value()
        pairs = (part.partition("=") for part in given.split(",") if part)
        return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
