"""Prometheus metrics of this process, and of its siblings where several server processes share them."""

import os
from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

HTTP_REQUESTS = Counter("otolith_http_requests", "Requests answered.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "otolith_http_request_duration_seconds",
    "Time from the first byte asked to the last byte answered; streams count until they end.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120),
)
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

Gather = Callable[[], Iterable[Metric]]


class _Gathered(Collector):
    """Metrics that are counted when they are asked for, such as the depth of a queue in the database."""

    def __init__(self, gather: Gather) -> None:
        self._gather = gather

    def collect(self) -> Iterable[Metric]:
        return self._gather()


def render(gatherers: Iterable[Gather] = ()) -> bytes:
    """Everything measured, as text for Prometheus; `gatherers` are asked now, so call this from a thread."""
    registry = CollectorRegistry()
    if SHARED_FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # Published without annotations.
    for gather in gatherers:
        registry.register(_Gathered(gather))
    own = b"" if SHARED_FOLDER in os.environ else generate_latest(REGISTRY)
    return own + generate_latest(registry)


__all__ = ["CONTENT_TYPE_LATEST", "HTTP_REQUESTS", "HTTP_SECONDS", "Gather", "render"]
