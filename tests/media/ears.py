"""Engines that hear nothing in particular, and some that misbehave, for the tests of decoding."""

import contextlib
import ctypes
import hashlib
import os
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from otolith.core.audio import Signal, Source


@dataclass(frozen=True)
class Counted:
    """What went by: samples, the largest of them, the shape of the source, and a digest of it all."""

    samples: int
    peak: float
    rate: int
    channels: int
    digest: str


class Ear:
    """Counts what it hears."""

    name: ClassVar[str] = "ear"
    version: ClassVar[int] = 1
    wants: ClassVar[Signal] = Signal(None, "all", "f32")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.samples = 0
        self.peak = 0.0
        self.digest = hashlib.sha256()

    def push(self, samples: Any) -> None:
        assert samples.shape[-1] > 0
        assert np.isfinite(samples).all()
        assert not samples.flags.writeable
        self.samples += samples.shape[-1]
        self.peak = max(self.peak, float(np.abs(samples.astype(np.float64)).max()))
        self.digest.update(samples.tobytes())

    def finish(self) -> Counted:
        return Counted(self.samples, self.peak, self.source.rate, self.source.channels, self.digest.hexdigest())


class Mono(Ear):
    name = "mono"
    wants = Signal(22050, "mono", "f32")


class Short(Ear):
    name = "short"
    wants = Signal(11025, "mono", "s16")


class Raises(Ear):
    name = "raises"

    def push(self, _samples: Any) -> None:
        raise ValueError("this is not music")


class Loops(Ear):
    name = "loops"

    def push(self, _samples: Any) -> None:
        while True:
            time.sleep(0.01)


class Hangs(Ear):
    """Hangs in native code, with the interpreter locked."""

    name = "hangs"

    def push(self, _samples: Any) -> None:
        ctypes.PyDLL(None).pause()


class Eats(Ear):
    name = "eats"

    def push(self, _samples: Any) -> None:
        eaten = []
        while True:
            eaten.append(np.ones(1 << 20))


class Crashes(Ear):
    name = "crashes"

    def push(self, _samples: Any) -> None:
        ctypes.string_at(0)


class Leaves(Ear):
    name = "leaves"

    def push(self, _samples: Any) -> None:
        os._exit(7)


class Chatters(Ear):
    """Writes on the helper's standard output, as libraries do."""

    name = "chatters"

    def push(self, _samples: Any) -> None:
        os.write(1, b"hello " * 1000)


class Babbles(Ear):
    """Writes nonsense into every pipe it finds, as an exploited decoder might."""

    name = "babbles"

    def push(self, _samples: Any) -> None:
        for descriptor in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"\xc1 nonsense")
