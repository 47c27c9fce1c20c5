"""What the engines of the one decode found, gathered into the features of a recording."""

import struct
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from otolith.media.engine.heard import Heard

ENGINES: Final = (
    "otolith.identify.engine.chromaprint:Chromaprint",
    "otolith.library.engine.loudness:Loudness",
    "otolith.library.engine.music:Music",
    "otolith.media.engine.waveform:Waveform",
)
# Kept beside the engines' own numbers (a test compares them), because importing the engines to ask costs every
# worker the memory of SciPy.
VERSIONS: Final = {"chromaprint": 1, "loudness": 1, "music": 3, "waveform": 1}


@dataclass(frozen=True, slots=True)
class Features:
    """How a recording sounds.

    `duration` and `beats` in seconds, `tempo` in beats a minute, `key` as ``"C#"`` and `mode` as ``"major"`` or
    ``"minor"``; confidences, `energy` and `voice` from 0 to 1; `onset_rate` a second, `brightness` in Hz, silences in
    seconds; nulls where the question has no answer. `engines` maps each engine to the version that ran, and `failed`
    each that broke down to why.
    """

    duration: float
    tempo: float | None
    tempo_confidence: float | None
    beats: list[float]
    key: str | None
    mode: str | None
    camelot: str | None
    key_confidence: float | None
    loudness_lufs: float | None
    loudness_range_lu: float | None
    true_peak_dbtp: float | None
    energy: float | None
    voice: float | None
    onset_rate: float | None
    brightness: float | None
    dynamics_db: float | None
    silence_start: float | None
    silence_end: float | None
    segments: list[dict[str, Any]]
    timbre: dict[str, float]
    fingerprint: str | None
    sha256: str
    engines: dict[str, int]
    warnings: list[dict[str, str]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def embedding_of(heard: Heard) -> bytes | None:
    """The embedding as it is stored; None where too little sounds."""
    embedding: bytes | None = heard.results.get("music", {}).get("embedding")
    return embedding


def features_of(heard: Heard) -> Features:
    """The features that one pass over a file brought forth."""
    results = heard.results
    music = results.get("music", {})
    loudness, chromaprint = results.get("loudness", {}), results.get("chromaprint", {})
    return Features(
        duration=heard.duration,
        tempo=music.get("tempo"),
        tempo_confidence=music.get("tempo_confidence"),
        beats=list(music.get("beats", ())),
        key=music.get("key"),
        mode=music.get("mode"),
        camelot=music.get("camelot"),
        key_confidence=music.get("key_confidence"),
        loudness_lufs=loudness.get("loudness_lufs"),
        loudness_range_lu=loudness.get("loudness_range_lu"),
        true_peak_dbtp=loudness.get("true_peak_dbtp"),
        energy=music.get("energy"),
        voice=music.get("voice"),
        onset_rate=music.get("onset_rate"),
        brightness=music.get("brightness"),
        dynamics_db=music.get("dynamics_db"),
        silence_start=music.get("silence_start"),
        silence_end=music.get("silence_end"),
        segments=list(music.get("segments", ())),
        timbre=dict(music.get("timbre", {})),
        fingerprint=chromaprint.get("fingerprint"),
        sha256=heard.sha256,
        engines=dict(heard.versions),
        warnings=[{"kind": note.kind, "detail": note.detail} for note in heard.notes],
        failed=dict(heard.failed),
    )


def unpack_embedding(packed: bytes | None) -> list[float] | None:
    """The numbers of a stored embedding."""
    if packed is None:
        return None
    return [round(number, 4) for (number,) in struct.iter_unpack("<e", packed)]


def pack_beats(beats: list[float]) -> bytes:
    return struct.pack(f"<{len(beats)}f", *beats)


def unpack_beats(packed: bytes) -> list[float]:
    return [round(beat, 3) for (beat,) in struct.iter_unpack("<f", packed)]
