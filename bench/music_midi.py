"""Writes notes as standard MIDI files and has FluidSynth render them, for the music evaluation sets."""

import shutil
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
DRUMS = 9
_TICKS_PER_SECOND = 1920  # 960 ticks a quarter at MIDI's default 120 quarters a minute.


@dataclass(frozen=True, slots=True)
class Note:
    """One key pressed: MIDI channel, pitch, start and end in seconds, velocity 1..127."""

    channel: int
    pitch: int
    start: float
    end: float
    velocity: int


def _variable_length(value: int) -> bytes:
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | (value & 0x7F))
    return bytes(reversed(parts))


def midi_file(notes: Iterable[Note], programs: dict[int, int]) -> bytes:
    """A format 0 file; times are exact to half a millisecond because the tempo is left at MIDI's default."""
    events: list[tuple[int, int, bytes]] = [(0, 0, bytes([0xC0 | c, p])) for c, p in programs.items()]
    for note in notes:
        start = max(0, round(note.start * _TICKS_PER_SECOND))
        end = max(start + 1, round(note.end * _TICKS_PER_SECOND))
        velocity = min(127, max(1, note.velocity))
        events.append((start, 2, bytes([0x90 | note.channel, note.pitch, velocity])))
        events.append((end, 1, bytes([0x80 | note.channel, note.pitch, 0])))
    events.sort()
    track = bytearray()
    now = 0
    for tick, _, message in events:
        track += _variable_length(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 960)
    return header + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def render(midi: bytes, target: Path, *, rate: int = 44100, gain: float = 0.4, font: Path = SOUND_FONT) -> None:
    """Have FluidSynth write `midi` as a 16-bit stereo WAV file at `target`."""
    fluidsynth = shutil.which("fluidsynth")
    if fluidsynth is None or not font.exists():
        raise RuntimeError("Install the Debian packages fluidsynth and fluid-soundfont-gm to render the set.")
    source = target.with_suffix(".mid")
    source.write_bytes(midi)
    command = [
        fluidsynth,
        "-ni",
        "-q",
        "-o",
        "synth.dynamic-sample-loading=1",
        "-g",
        f"{gain}",
        "-r",
        f"{rate}",
        "-T",
        "wav",
        "-F",
        str(target),
    ]
    subprocess.run([*command, str(font), str(source)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
