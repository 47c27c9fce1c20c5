"""Logs as events: JSON for machines or text for people, each line with the request or job it belongs to."""

import logging
import logging.config
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from otolith.core.settings import Settings

_SECRET_KEY = re.compile(r"password|secret|token|api_?key|authorization|cookie", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w+://[^\s:/@]*:)[^\s@/]+@")
# Addresses that are secrets themselves, which are logged where no route answers; a folder has no such name.
_LINK_SECRET = re.compile(r"/(auth/confirm|shared)/+[\w-]{40,}")
_HIDDEN = "[hidden]"


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank what must never be in a log, by the name of its field and by the shape of URLs with secrets."""
    for key, value in event.items():
        if _SECRET_KEY.search(key) and not key.endswith("_id"):
            event[key] = _HIDDEN
        elif isinstance(value, str) and "/" in value:
            event[key] = _LINK_SECRET.sub(rf"/\1/{_HIDDEN}", _URL_PASSWORD.sub(rf"\1{_HIDDEN}@", value))
    return event


def show_controls(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write control characters out: a path that somebody asked for must not steer the terminal that shows the log."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(
                char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
                for char in value
            )
    return event


def _processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        hide_secrets,
    ]


def configure_logging(settings: Settings, *, stream: Any = None, quiet: bool = False) -> None:
    """Send every log line of this process, the libraries' too, through one format.

    `quiet` is for commands that talk to a person: they log warnings and worse, unless debugging is on.
    """
    stream = stream or sys.stdout
    as_json = settings.log.format == "json" or (settings.log.format == "auto" and not stream.isatty())
    level = "DEBUG" if settings.debug else settings.log.level.upper()
    if quiet and level == "INFO":
        level = "WARNING"
    structlog.configure(
        processors=[*_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(stream)]
    if settings.log.file is not None:
        settings.log.file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.handlers.RotatingFileHandler(settings.log.file, maxBytes=10_000_000, backupCount=5))
    for number, handler in enumerate(handlers):
        handler.setFormatter(_formatter(as_json=as_json or number > 0))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    # These narrate every step at INFO; their warnings are what an operator wants.
    for chatty in ("celery", "kombu", "uvicorn.access", "alembic", "httpx", "httpcore", "watchfiles", "amqp"):
        logging.getLogger(chatty).setLevel("WARNING")


def _formatter(*, as_json: bool) -> logging.Formatter:
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        # A traceback may quote the address of a database or a broker.
        final += [structlog.processors.format_exc_info, hide_secrets, structlog.processors.JSONRenderer()]
    else:
        # A traceback with the values of its variables would be slow, and may hold secrets.
        plain = structlog.dev.plain_traceback
        final.append(show_controls)
        final.append(structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_processors(), processors=final)
