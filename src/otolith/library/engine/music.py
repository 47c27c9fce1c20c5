"""Hears tempo, beats, key, timbre and structure together, from spectra that are made once for all of them."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from otolith.core.audio import Signal, Source
from otolith.library.engine import onsets, rhythm, sounding, tonality
from otolith.library.engine.camelot import Mode
from otolith.library.engine.chroma import ChromaStream
from otolith.library.engine.onsets import OnsetStream
from otolith.library.engine.portrait import Streams
from otolith.library.engine.texture import Texture


@dataclass(frozen=True, slots=True)
class MusicResult:
    """The fields of `RhythmResult`, of `TonalityResult` and of `SoundResult`."""

    tempo: float | None = None
    tempo_confidence: float | None = None
    beats: list[float] = field(default_factory=list)
    key: str | None = None
    mode: Mode | None = None
    camelot: str | None = None
    key_confidence: float | None = None
    energy: float | None = None
    voice: float | None = None
    onset_rate: float | None = None
    brightness: float | None = None
    dynamics_db: float | None = None
    silence_start: float | None = None
    silence_end: float | None = None
    segments: list[dict[str, Any]] = field(default_factory=list)
    timbre: dict[str, float] = field(default_factory=dict)
    embedding: bytes | None = None


class Music:
    """The engine: listens to mono at 22,050 Hz, keeps some bytes a frame, judges tempo, key and sound at the end."""

    name: ClassVar[str] = "music"
    version: ClassVar[int] = 3
    wants: ClassVar[Signal] = Signal(rate=onsets.RATE, channels="mono", sample="f32")

    def __init__(self, source: Source) -> None:  # noqa: ARG002 (the protocol's; this engine asks for its own form)
        self._texture = Texture()
        self._onsets = OnsetStream(self._texture.hear_onsets)
        self._chroma = ChromaStream(self._texture.hear_chroma)

    def push(self, samples: Any) -> None:
        self._onsets.push(samples)
        self._chroma.push(samples)

    def finish(self) -> MusicResult:
        self._onsets.finish()
        self._chroma.finish()
        flux, series = self._onsets.flux.rows(), self._chroma.series.rows()
        beat = rhythm.judge(flux, series)
        tone = tonality.judge(self._chroma)
        streams = Streams(
            self._texture.bands(),
            self._texture.flatness(),
            self._texture.level(),
            flux,
            series,
            beat.tempo,
            beat.tempo_confidence,
            np.array(beat.beats),
        )
        sound = sounding.judge(streams)
        return MusicResult(
            beat.tempo,
            beat.tempo_confidence,
            beat.beats,
            tone.key,
            tone.mode,
            tone.camelot,
            tone.key_confidence,
            **{name: getattr(sound, name) for name in sounding.SoundResult.__slots__},
        )
