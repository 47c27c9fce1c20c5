"""What Prometheus asks the ledger itself: how deep and how old the queues are, and which workers live."""

import threading
import time
from collections.abc import Callable, Iterable

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.jobs import queries
from otolith.jobs.workers import ALIVE_SECONDS, all_workers

log = structlog.get_logger(__name__)

# Counting a long queue costs some milliseconds; however many ask, it is done this seldom.
CACHE_SECONDS = 5.0


def ledger_gauges(context: Context) -> Callable[[], Iterable[Metric]]:
    """A function that measures the ledger when it is asked; see `otolith.core.metrics.render`."""
    lock = threading.Lock()
    kept: list[Metric] = []
    kept_at = float("-inf")

    def measure() -> Iterable[Metric]:
        nonlocal kept, kept_at
        with lock:
            if time.monotonic() - kept_at >= CACHE_SECONDS:
                try:
                    kept = _measure(context)
                    kept_at = time.monotonic()
                except (SQLAlchemyError, AppError) as error:
                    # The other metrics are worth having just when the database is away.
                    log.warning("jobs.gauges.failed", error=type(error).__name__)
                    kept = []
            return kept

    return measure


def _measure(context: Context) -> list[Metric]:
    with context.database.read(SYSTEM) as session:
        depths, at = queries.depths(session)
        workers = [(worker.name, worker.seen_at, worker.concurrency, now) for worker, now in all_workers(session)]
        paused = queries.pauses(session)
    labels = ["lane", "state"]
    depth = GaugeMetricFamily("otolith_job_depth", "Unfinished jobs.", labels=labels)
    oldest = GaugeMetricFamily(
        "otolith_job_oldest_age_seconds", "Seconds since the oldest unfinished job was asked for.", labels=labels
    )
    for row in depths:
        depth.add_metric([row.lane, row.state], row.count)
        oldest.add_metric([row.lane, row.state], max(0.0, (at - row.oldest).total_seconds()))
    alive = GaugeMetricFamily("otolith_job_worker_up", "1 for a worker that is alive.", labels=["worker"])
    silent = GaugeMetricFamily(
        "otolith_job_worker_silent_seconds", "Seconds since a worker's last sign of life.", labels=["worker"]
    )
    children = 0
    for name, seen, concurrency, now in workers:
        age = max(0.0, (now - seen).total_seconds())
        alive.add_metric([name], float(age < ALIVE_SECONDS))
        silent.add_metric([name], age)
        children += concurrency if age < ALIVE_SECONDS else 0
    slots = GaugeMetricFamily("otolith_job_worker_children", "Children of all living workers.", value=children)
    pauses = GaugeMetricFamily("otolith_job_lane_paused", "1 for a lane that is paused.", labels=["lane"])
    for pause in paused:
        pauses.add_metric([pause.lane], 1)
    return [depth, oldest, alive, silent, slots, pauses]
