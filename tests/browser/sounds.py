"""Short recordings whose tempo and key are known, made on the spot."""

import math
import struct
import wave
from pathlib import Path

RATE = 22_050


def write_tune(path: Path, *, seconds: float = 12.0, bpm: float = 120.0) -> Path:
    """An A minor arpeggio over a click, as a WAV file."""
    beat = 60.0 / bpm
    notes = (220.0, 261.63, 329.63, 440.0)
    frames = bytearray()
    for index in range(int(seconds * RATE)):
        at = index / RATE
        into = at % beat
        tone = math.sin(2 * math.pi * notes[int(at / beat) % 4] * at) * math.exp(-3 * into)
        click = math.sin(2 * math.pi * 1800 * into) * math.exp(-120 * into)
        frames += struct.pack("<h", int(14_000 * (0.6 * tone + 0.4 * click)))
    return _write(path, bytes(frames), channels=1)


def write_large(path: Path, megabytes: int) -> Path:
    """A WAV file of this size: one second of a quiet tone in eight channels, again and again."""
    second = b"".join(
        struct.pack("<8h", *[int(2000 * math.sin(2 * math.pi * 220 * index / RATE))] * 8) for index in range(RATE)
    )
    return _write(path, second * (megabytes * 1_000_000 // len(second) + 1), channels=8)


def write_aiff(path: Path, *, seconds: int = 6) -> Path:
    """A tone as AIFF, which Chromium does not play."""
    sound = b"".join(
        struct.pack(">h", int(8000 * math.sin(2 * math.pi * 330 * index / RATE))) for index in range(RATE * seconds)
    )
    # The rate as an 80-bit number: its exponent, biased by 16383, and 64 bits of mantissa.
    exponent = RATE.bit_length() - 1
    rate = struct.pack(">HQ", 16383 + exponent, RATE << (63 - exponent))
    common = b"COMM" + struct.pack(">IhIh", 18, 1, RATE * seconds, 16) + rate
    data = b"SSND" + struct.pack(">III", len(sound) + 8, 0, 0) + sound
    path.write_bytes(b"FORM" + struct.pack(">I", 4 + len(common) + len(data)) + b"AIFF" + common + data)
    return path


def _write(path: Path, frames: bytes, *, channels: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(frames)
    return path
