"""Hears tempo, beats and key together, with the one analysis of harmony that both need."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from otolith.core.audio import Signal, Source
from otolith.library.engine import onsets, rhythm, tonality
from otolith.library.engine.camelot import Mode
from otolith.library.engine.chroma import ChromaStream
from otolith.library.engine.onsets import OnsetStream


@dataclass(frozen=True, slots=True)
class MusicResult:
    """The fields of `RhythmResult` and of `TonalityResult`."""

    tempo: float | None = None
    tempo_confidence: float | None = None
    beats: list[float] = field(default_factory=list)
    key: str | None = None
    mode: Mode | None = None
    camelot: str | None = None
    key_confidence: float | None = None


class Music:
    """`Rhythm` and `Tonality` in one engine: the same answers, for a third less work."""

    name: ClassVar[str] = "music"
    version: ClassVar[int] = 1
    wants: ClassVar[Signal] = Signal(rate=onsets.RATE, channels="mono", sample="f32")

    def __init__(self, source: Source) -> None:  # noqa: ARG002 (the protocol's; this engine asks for its own form)
        self._onsets = OnsetStream()
        self._chroma = ChromaStream()

    def push(self, samples: Any) -> None:
        self._onsets.push(samples)
        self._chroma.push(samples)

    def finish(self) -> MusicResult:
        self._onsets.finish()
        self._chroma.finish()
        beat = rhythm.judge(self._onsets.flux.rows(), self._chroma.series.rows())
        tone = tonality.judge(self._chroma)
        return MusicResult(
            beat.tempo,
            beat.tempo_confidence,
            beat.beats,
            tone.key,
            tone.mode,
            tone.camelot,
            tone.key_confidence,
        )
