"""Metrics: gathered when asked for, and summed over sibling processes."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from otolith.core.metrics import render

PROGRAM = """
from otolith.core.metrics import HTTP_REQUESTS, render
HTTP_REQUESTS.labels(method="GET", route="/x", status="200").inc()
print(render().decode())
"""


def test_what_is_gathered_stands_beside_what_is_counted() -> None:
    def gather() -> Iterable[Metric]:
        yield GaugeMetricFamily("otolith_test_depth", "Depth of a queue.", value=7)

    text = render([gather]).decode()
    assert "otolith_test_depth 7.0" in text
    assert "otolith_http_requests_total" in text


def test_server_processes_that_share_a_folder_are_summed(tmp_path: Path) -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    series = 'otolith_http_requests_total{method="GET",route="/x",status="200"}'
    assert f"{series} 1.0" in outputs[0]
    assert f"{series} 2.0" in outputs[1]
