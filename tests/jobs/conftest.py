"""A bench to run jobs on, in the test's own process."""

from collections.abc import Iterator

import pytest

from otolith.core.context import Context
from tests.jobs.tasks import Bench


@pytest.fixture
def bench(context: Context) -> Iterator[Bench]:
    bench = Bench(context)
    yield bench
    bench.close()
