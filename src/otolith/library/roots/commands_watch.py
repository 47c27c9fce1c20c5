"""`otolith watch`, for a server that does not watch by itself: it runs as long as that, and so loads little."""

import signal
import threading

from otolith.core.logging import configure_logging
from otolith.core.terminal import DataOption, plain_errors, settings_for
from otolith.jobs.opening import open_context
from otolith.library.roots.watching import watch_until


def watch(data: DataOption = None) -> None:
    """Watch the folders of the library and take in what changes; `otolith up` does so by itself.

    Jobs are done by workers. One process watches for a data folder; another one waits for its turn.
    """
    with plain_errors():
        settings = settings_for(data)
        configure_logging(settings)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        context = open_context(settings)
        try:
            watch_until(context, stop)
        finally:
            context.close()
