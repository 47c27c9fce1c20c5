"""Spans as OpenTelemetry knows them, sent over OTLP/HTTP; the one module that imports its packages."""

import os
import socket
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otolith import __version__
from otolith.core.settings import OtelSettings
from otolith.core.tracing import Kind, Span

_KINDS: Final = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER, "client": SpanKind.CLIENT}
_PATH: Final = "/v1/traces"
_SEND_SECONDS: Final = 5
_FAREWELL_MS: Final = 1000


class OtlpLive:
    """A span of OpenTelemetry's, kept apart from its own notion of a current one: ours crosses processes."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        told = span.get_span_context()
        self.trace_id = f"{told.trace_id:032x}"
        self.parent = f"00-{self.trace_id}-{told.span_id:016x}-{told.trace_flags:02x}"

    def end(self, span: Span) -> None:
        self._span.update_name(span.name)
        self._span.set_attributes(span.attributes)
        if span.failure is not None:
            self._span.set_attribute("error.type", span.failure)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class OtlpExporter:
    """Sends spans in batches from a thread of its own; where nobody takes them they are dropped."""

    def __init__(self, settings: OtelSettings) -> None:
        names: dict[str, str | int] = {
            "service.name": settings.service_name,
            "service.version": __version__,
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
        sampler = ParentBased(TraceIdRatioBased(settings.sample))
        self._provider = TracerProvider(sampler=sampler, resource=Resource.create({**names}), shutdown_on_exit=False)
        address = settings.endpoint.rstrip("/").removesuffix(_PATH) + _PATH
        exporter = OTLPSpanExporter(endpoint=address, headers=settings.sent_headers, timeout=_SEND_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("otolith", __version__)
        self._context = TraceContextTextMapPropagator()

    def begin(self, span: Span, kind: Kind, parent: str | None) -> OtlpLive:
        above = self._context.extract({} if parent is None else {"traceparent": parent})
        return OtlpLive(self._tracer.start_span(span.name, above, _KINDS[kind], span.attributes))

    def close(self) -> None:
        self._provider.force_flush(_FAREWELL_MS)
        self._provider.shutdown()
