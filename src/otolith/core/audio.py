"""The shape of sound between the one decode and the engines that listen to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    # Processes that only talk to the decoding helper need these shapes and never the arrays.
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = "NDArray[np.float32] | NDArray[np.int16]"


@dataclass(frozen=True, slots=True)
class Signal:
    """The form in which an engine wants its samples.

    The decoder makes each distinct form once and hands the same arrays to every engine that asked for it.
    `rate` is in Hz, or None for the file's own. `channels` is "mono" (arrays of shape ``(n,)``) or "all" (arrays
    of shape ``(channels, n)``). `sample` is "s16" (int16) or "f32" (float32 with full scale at ±1.0).
    """

    rate: int | None
    channels: Literal["mono", "all"]
    sample: Literal["s16", "f32"]


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a decoded stream before its first block.

    `rate` in Hz; `layout` names the channels as FFmpeg does ("FL", "FR", "FC", "LFE", "BL", …), one name a
    channel; `duration` in seconds as the container states it, or None where it states nothing.
    """

    rate: int
    layout: tuple[str, ...]
    duration: float | None

    @property
    def channels(self) -> int:
        return len(self.layout)


class Engine(Protocol):
    """A listener of the one decode: told the source, fed blocks in order, asked once for its result.

    `finish` returns a frozen dataclass whose fields are plain values (None, bool, int, float, str, bytes, and
    lists or dicts of these), because results cross a process boundary and are stored. A stream without a single
    sample is legal: `finish` then answers with nulls rather than raising. `push` must not keep or change the array
    it is given, and memory must not grow with the length of the recording beyond a few bytes a frame.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    wants: ClassVar[Signal]

    def __init__(self, source: Source) -> None: ...

    def push(self, samples: Any) -> None: ...

    def finish(self) -> Any: ...
