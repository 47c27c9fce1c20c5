"""A worker's child and the signals by which it is told to end."""

import os
import shutil
import signal
from collections.abc import Iterator

import pytest

from otolith.core.settings import Settings
from otolith.worker import Crew, make_crew
from tests.services import wait_until

SIGNALS = (signal.SIGURG, signal.SIGWINCH, signal.SIGTERM)


@pytest.fixture
def crew(settings: Settings) -> Iterator[Crew]:
    """A worker of which this very process is the child."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    crew = make_crew(settings, concurrency=1, handlers=())
    yield crew
    for number, handler in before.items():
        signal.signal(number, handler)
    crew.end()


def drains(crew: Crew) -> bool:
    return crew.child is not None and crew.child.is_draining


def test_one_signal_is_enough_however_many_were_sent(crew: Crew) -> None:
    """The kernel delivers equal signals that arrive together once, so each must mean one thing alone."""
    crew.begin()
    signal.raise_signal(signal.SIGURG)
    wait_until(lambda: drains(crew), "the drain", 10)
    assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN), "it heeds what may come next"


def test_a_child_heeds_sigterm_once_it_has_begun(crew: Crew) -> None:
    crew.begin()
    # The pool does this right after a child has begun.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    wait_until(lambda: signal.getsignal(signal.SIGTERM) != signal.SIG_IGN, "the child's own handler", 10)
    signal.raise_signal(signal.SIGTERM)
    wait_until(lambda: drains(crew), "the drain", 10)
    assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL


def test_a_child_says_that_it_is_closed_also_where_the_folder_of_its_worker_was_cleaned_away(crew: Crew) -> None:
    crew.begin()
    shutil.rmtree(crew.duty.folder)
    signal.raise_signal(signal.SIGURG)
    wait_until(crew.duty.closed_mark(os.getpid()).exists, "the mark of a closed child", 10)
    assert drains(crew)
