"""What the ledger tells Prometheus: run times and losses where jobs run, depth, age and liveness where it is asked."""

from prometheus_client import Counter, Histogram

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)

RUN_SECONDS = Histogram("otolith_job_run_seconds", "How long runs of jobs took.", ["task", "outcome"], buckets=_BUCKETS)
ATTEMPTS = Counter("otolith_job_attempts", "Runs of jobs, by how they ended.", ["task", "outcome"])
LEASE_LOSSES = Counter("otolith_job_lease_losses", "Runs that lost their lease, and leases that ran out.")
