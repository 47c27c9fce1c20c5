"""What a process has counted of libraries, kept as long as nothing in them changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

_MOST: Final = 64

Told = Mapping[str, int]


class Counts:
    """The counts of the libraries that were asked for last.

    What they are kept under has to name the versions of the catalogues that were counted: the whole of a large library
    is looked at once for each of its versions, and not for each page.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Told] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, versions: object, count: Callable[[], Told]) -> Told:
        with self._lock:
            known = self._kept.get(versions)
        if known is None:
            known = count()
        with self._lock:
            self._kept[versions] = known
            self._kept.move_to_end(versions)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return known

    def close(self) -> None:
        with self._lock:
            self._kept.clear()
