"""What a process has found out of whole libraries, kept as long as nothing in them changes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

Told = TypeVar("Told")


class Kept(Generic[Told]):
    """What was told of the libraries that were asked for last.

    What it is kept under has to name the versions of the catalogues that were looked at: the whole of a large library
    is looked at once for each of its versions, and not for each page.
    """

    most: ClassVar[int] = 64

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Told] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, versions: object, tell: Callable[[], Told]) -> Told:
        with self._lock:
            known = self._kept.get(versions)
        if known is None:
            known = tell()
        with self._lock:
            self._kept[versions] = known
            self._kept.move_to_end(versions)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return known

    def close(self) -> None:
        with self._lock:
            self._kept.clear()


class Counts(Kept[Mapping[str, int]]):
    """How often each kind of finding occurs."""


class UnevenAlbums(Kept[Sequence[UUID]]):
    """The albums whose numbers do not add up, in their order; there may be very many."""

    most = 8
