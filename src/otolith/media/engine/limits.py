"""How much of everything one file may cost before it is refused."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.heard import Sound

MIB: Final = 1 << 20
GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one call; each that is crossed has a failure of its own.

    The defaults let through everything that is legal and odd (64 channels, 768 kHz, 1 Hz, ten hours) and stop
    what would only serve to stop us. `wall_seconds` bounds the whole call and `stall_seconds` the time without a
    sign of life; the parent enforces both by killing. `memory_bytes` bounds what the helper may allocate.
    """

    max_bytes: int = 64 * GIB
    max_seconds: float = 24 * 3600.0
    max_channels: int = 64
    max_rate: int = 768_000
    wall_seconds: float = 3600.0
    stall_seconds: float = 120.0
    memory_bytes: int = 1 * GIB

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def admit_file(self, size: int) -> None:
        if size > self.max_bytes:
            raise ListenFailure("too_large", f"The file has {size:,} bytes; the limit is {self.max_bytes:,}.")

    def admit_form(self, channels: int, rate: int) -> None:
        if channels > self.max_channels:
            detail = f"The recording has {channels} channels; the limit is {self.max_channels}."
            raise ListenFailure("too_many_channels", detail)
        if rate > self.max_rate:
            detail = f"The sample rate is {rate:,} Hz; the limit is {self.max_rate:,} Hz."
            raise ListenFailure("rate_too_high", detail)

    def admit_sound(self, sound: Sound) -> None:
        """Refuse by the headers what is certain to be too much: plain samples cannot be shorter than their bytes."""
        self.admit_form(sound.channels, sound.rate)
        bit_rate = sound.rate * sound.channels * (sound.bits or 0)
        if sound.codec.startswith("pcm_") and sound.duration and bit_rate > 0:
            self.admit_length(min(sound.duration, sound.size * 8 / bit_rate))

    def admit_length(self, seconds: float) -> None:
        if seconds > self.max_seconds:
            hours = self.max_seconds / 3600
            raise ListenFailure("too_long", f"The recording is longer than {hours:g} hours, which is the limit.")
