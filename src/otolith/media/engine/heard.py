"""What comes back from listening to a file, in plain values that cross a process boundary."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

NoteKind = Literal["truncated", "damaged", "header", "changes", "not_finite", "tag"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd about a file that could be heard all the same: `kind` for programs, `detail` for people."""

    kind: NoteKind
    detail: str


@dataclass(frozen=True, slots=True)
class Sound:
    """What a file's headers and its first frame say.

    `rate` in Hz, `layout` as in `otolith.core.audio.Source`, `bits` a sample where the codec is lossless (None
    where that has no meaning), `bit_rate` in bit/s, `duration` in seconds as stated or estimated. `lossless` and
    `extension` and `mime` are those of what the file is, whatever it is called.
    """

    container: str
    codec: str
    mime: str
    extension: str
    rate: int
    channels: int
    layout: tuple[str, ...]
    bits: int | None
    bit_rate: int | None
    duration: float | None
    lossless: bool
    audio_streams: int
    has_video: bool
    size: int

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        return cls(**{**values, "layout": tuple(values["layout"])})


@dataclass(frozen=True, slots=True)
class Heard:
    """One pass over a file.

    `duration` in seconds is what was decoded; `stated` is what the file claimed, where it claims anything reliable.
    `results` holds a plain dict a engine name, `versions` the engines' versions, and `failed` a sentence for every
    engine that broke down while the others went on. `lost` counts packets that could not be decoded.
    """

    sound: Sound
    sha256: str
    duration: float
    frames: int
    stated: float | None
    lost: int
    notes: tuple[Note, ...] = ()
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def truncated(self) -> bool:
        return any(note.kind == "truncated" for note in self.notes)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        notes = tuple(Note(**note) for note in values["notes"])
        return cls(**{**values, "sound": Sound.from_dict(values["sound"]), "notes": notes})
