"""Traces: spans that join a request, the jobs it asked for and theirs; without an endpoint nothing of it is loaded."""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import structlog
from sqlalchemy import Engine, event

from otolith.core.settings import BadSettings, OtelSettings

Kind = Literal["server", "consumer", "client"]
Value = str | int

_PARENT: ContextVar[str | None] = ContextVar("otolith_trace_parent", default=None)
# What a statement does to which table; its text stays here, and so does whatever it might hold.
_CHANGE: Final = re.compile(
    r"(?<!FOR )(?<!KEY )\b(UPDATE|INSERT(?= INTO)|DELETE(?= FROM))(?: INTO| FROM)? ([a-z_]+)", re.IGNORECASE
)
_LOOK: Final = re.compile(r"\b(SELECT)\b.*?\bFROM ([a-z_]+)", re.IGNORECASE | re.DOTALL)
_OPEN: Final = "otolith_span"


def trace_parent() -> str | None:
    """The span that this code runs in, as W3C Trace Context writes it; None where nothing is traced."""
    return _PARENT.get()


@dataclass(slots=True)
class Span:
    """A stretch of work; whoever does it may name it better and say more about it until it ends."""

    name: str
    attributes: dict[str, Value] = field(default_factory=dict)
    # In one word; what went wrong in full is for the log.
    failure: str | None = None


class Live(Protocol):
    """A span that has begun and is to be ended; `parent` is what spans below it are given."""

    parent: str
    trace_id: str

    def end(self, span: Span) -> None: ...


class Exporter(Protocol):
    """What begins spans and sends them on."""

    def begin(self, span: Span, kind: Kind, parent: str | None) -> Live: ...

    def close(self) -> None: ...


class Tracing:
    """The spans of one process; what sends them is loaded by the first one, since workers fork their children."""

    def __init__(self, settings: OtelSettings) -> None:
        self._settings = settings
        self._exporter: Exporter | None = None
        self.on = bool(settings.endpoint) and not settings.disabled
        if self.on and importlib.util.find_spec("opentelemetry.sdk") is None:
            detail = 'OTOLITH_OTEL_ENDPOINT asks for traces, for which pip install "otolith[otel]" is needed.'
            raise BadSettings(detail)

    @contextmanager
    def span(
        self, name: str, kind: Kind, *, parent: str | None = None, attributes: Mapping[str, Value] | None = None
    ) -> Iterator[Span]:
        """Trace the block as a part of `parent`, or of nothing; what is submitted in it becomes a part of it."""
        span = Span(name, dict(attributes or {}))
        if not self.on:
            yield span
            return
        live = self.begin(span, kind, parent)
        token = _PARENT.set(live.parent)
        try:
            with structlog.contextvars.bound_contextvars(trace_id=live.trace_id):
                yield span
        except BaseException as error:
            span.failure = span.failure or type(error).__name__
            raise
        finally:
            _PARENT.reset(token)
            live.end(span)

    def begin(self, span: Span, kind: Kind, parent: str | None) -> Live:
        if self._exporter is None:
            # Whoever traces nothing does not pay for these imports.
            from otolith.core.tracing_otlp import OtlpExporter  # noqa: PLC0415 -- As said above.

            self._exporter = OtlpExporter(self._settings)
        return self._exporter.begin(span, kind, parent)

    def watch(self, engine: Engine) -> None:
        """Give every statement about a table a span, where one is being traced."""
        if self.on:
            event.listen(engine, "before_cursor_execute", self._begin_statement)
            event.listen(engine, "after_cursor_execute", self._end_statement)
            event.listen(engine, "handle_error", self._fail_statement)

    def _begin_statement(self, connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        parent = trace_parent()
        said = summary(statement) if parent is not None else None
        if said is None:
            return
        system = {"db.system.name": connection.dialect.name, "db.operation.name": said.partition(" ")[0]}
        span = Span(said, {**system, "db.query.summary": said})
        connection.info[_OPEN] = span, self.begin(span, "client", parent)

    def _end_statement(self, connection: Any, *_more: Any) -> None:
        span, live = connection.info.pop(_OPEN, (None, None))
        if live is not None:
            live.end(span)

    def _fail_statement(self, failed: Any) -> None:
        if failed.connection is None:
            return
        span, live = failed.connection.info.pop(_OPEN, (None, None))
        if live is not None:
            span.failure = type(failed.original_exception).__name__
            live.end(span)

    def close(self) -> None:
        """Send what is yet to be sent, for a moment."""
        if self._exporter is not None:
            self._exporter.close()
            self._exporter = None


def summary(statement: str) -> str | None:
    """`SELECT tracks` for a statement about that table; None for the rest, such as setting the actor."""
    flat = " ".join(statement.split())
    found = _CHANGE.search(flat) or _LOOK.search(flat)
    return f"{found[1].upper()} {found[2]}" if found else None
