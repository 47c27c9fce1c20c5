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
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(frames))
    return path
