"""Where the engines sit: each block reaches every one of them in the form it asked for, made once."""

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from otolith.core.audio import Engine, Samples, Signal, Source
from otolith.media.engine.signals import Block, Float, IntegerLine, Rate, Shape, conform, mono


class Hall:
    """The engines, the source they were told, and the forms of each block that they share."""

    def __init__(self, engines: Sequence[type[Engine]], source: Source) -> None:
        self.source = source
        self._failed: dict[str, str] = {}
        self._signals: dict[Signal, list[Engine]] = {}
        self._engines: list[Engine] = []
        for kind in engines:
            try:
                engine = kind(source)
            except Exception as error:  # noqa: BLE001 - any engine's own fault is reported, and the others go on
                self._fail(kind.name, error)
            else:
                self._engines.append(engine)
                self._signals.setdefault(kind.wants, []).append(engine)
        self._integers = {wants: IntegerLine(wants, source) for wants in self._signals if wants.sample == "s16"}
        self._floats = {wants: self._rate(wants) for wants in self._signals if wants.sample == "f32"}
        self._entry: tuple[Shape, Rate] | None = None

    def _rate(self, wants: Signal) -> Rate:
        channels = 1 if wants.channels == "mono" else self.source.channels
        return Rate(self.source.rate, wants.rate or self.source.rate, channels)

    def push(self, block: Block) -> None:
        for wants, integers in self._integers.items():
            for samples in integers.push(block):
                self._tell(wants, samples)
        if self._floats:
            self._push_floats(self._enter(block))

    def _enter(self, block: Block) -> Float:
        """Float samples at the rate and in the channels of the source, whatever the stream changed to."""
        samples = conform(block.floats(), block.shape, self.source)
        if self._entry is None and block.shape.rate == self.source.rate:
            return samples
        left = np.zeros((self.source.channels, 0), np.float32)
        if self._entry is None or self._entry[0] != block.shape:
            if self._entry is not None:
                left = self._entry[1].finish()
            self._entry = (block.shape, Rate(block.shape.rate, self.source.rate, self.source.channels))
        samples = self._entry[1].push(samples)
        return np.concatenate([left, samples], axis=1) if left.size else samples

    def _push_floats(self, native: Float) -> None:
        mixed: Float | None = None
        for wants, rate in self._floats.items():
            samples = native
            if wants.channels == "mono":
                mixed = mono(native) if mixed is None else mixed
                samples = mixed
            self._tell(wants, self._form(wants, rate.push(samples)))

    def _form(self, wants: Signal, samples: Float) -> Float:
        return samples[0] if wants.channels == "mono" else samples

    def _tell(self, wants: Signal, samples: Samples) -> None:
        if samples.shape[-1] == 0:
            return
        samples.flags.writeable = False
        for engine in list(self._signals[wants]):
            try:
                engine.push(samples)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - any engine's own fault is reported, and the others go on
                self._signals[wants].remove(engine)
                self._engines.remove(engine)
                self._fail(engine.name, error)

    def _fail(self, name: str, error: Exception) -> None:
        self._failed[name] = f"{name} broke down: {type(error).__name__}: {error}"[:500]

    def finish(self) -> tuple[dict[str, dict[str, Any]], dict[str, int], dict[str, str]]:
        """The engines' results as plain dicts, their versions, and what became of those that broke down."""
        if self._entry is not None:
            self._push_floats(self._entry[1].finish())
        for wants, integers in self._integers.items():
            for samples in integers.finish():
                self._tell(wants, samples)
        for wants, rate in self._floats.items():
            self._tell(wants, self._form(wants, rate.finish()))
        results: dict[str, dict[str, Any]] = {}
        versions: dict[str, int] = {}
        for engine in self._engines:
            try:
                results[engine.name] = plain(engine.finish())
                versions[engine.name] = engine.version
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - any engine's own fault is reported, and the others go on
                self._fail(engine.name, error)
        return results, versions, self._failed


def plain(result: Any) -> dict[str, Any]:
    """A result's fields as a dict."""
    if is_dataclass(result) and not isinstance(result, type):
        return asdict(result)
    return dict(result)
