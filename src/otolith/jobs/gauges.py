"""What a server tells Prometheus of the ledger at the moment it is asked: depth and age of the lanes, live workers."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.errors import NotAvailable
from otolith.jobs import queries
from otolith.jobs.contracts import LANES
from otolith.jobs.workers import live_workers


def gather(context: Context) -> Iterable[Metric]:
    """One look at the ledger; nothing where the database is out of reach, which another metric counts."""
    depth = GaugeMetricFamily("otolith_job_depth", "Unfinished jobs.", labels=["lane", "state"])
    age = GaugeMetricFamily("otolith_job_oldest_seconds", "Age of the oldest of them.", labels=["lane", "state"])
    alive = GaugeMetricFamily("otolith_job_workers", "Workers that are alive, by lane.", labels=["lane"])
    try:
        with context.database.read(SYSTEM) as session:
            depths, at = queries.depths(session)
            served = [lane for worker in live_workers(session) for lane in worker.lanes]
    except NotAvailable:
        return []
    for found in depths:
        depth.add_metric([found.lane, found.state], found.count)
        age.add_metric([found.lane, found.state], max(0.0, (at - found.oldest).total_seconds()))
    for lane in LANES:
        alive.add_metric([lane], served.count(lane))
    return [depth, age, alive]
