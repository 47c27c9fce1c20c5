"""The one decode: a file's blocks, made once in each form that is asked for, heard by every engine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from otolith.core.audio import Engine, Source
from otolith.media.engine.decoding import Decoding
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.hall import Hall
from otolith.media.engine.heard import Heard, Note, Sound
from otolith.media.engine.limits import Limits
from otolith.media.engine.opening import describe, open_sound, parts
from otolith.media.engine.reader import Path, SoundFile
from otolith.media.engine.signals import Block
from otolith.media.engine.sniff import OGG

Progress = Callable[[float, float], None]

# What may be wrong with a later link of a chain without making the earlier ones worthless.
_LINK_FAULTS: Final = frozenset({"damaged", "no_sound", "no_audio_stream", "no_decoder"})


def listen(path: Path, engines: Sequence[type[Engine]], limits: Limits, progress: Progress | None = None) -> Heard:
    """Decode a file once, let every engine hear it, and say what was heard.

    `progress` is called about once a block with the share of the file read (0 to 1) and the seconds decoded; what
    it raises ends the call. Raises `ListenFailure`; an engine that breaks down does not stop the others.
    """
    with SoundFile(path) as file:
        limits.admit_file(file.size)
        recording = Recording(file, limits)
        hall: Hall | None = None
        for block in recording.blocks():
            if hall is None:
                hall = Hall(engines, Source(block.shape.rate, block.shape.layout, recording.sound.duration))
            hall.push(block)
            if progress is not None:
                progress(file.passed, recording.seconds)
        if hall is None:
            raise recording.decodings[0].silence()
        results, versions, failed = hall.finish()
        sha256 = file.sha256()
        file.require_unchanged()
    source = hall.source
    heard = Heard(
        sound=replace(recording.sound, rate=source.rate, channels=source.channels, layout=source.layout),
        sha256=sha256,
        duration=recording.seconds,
        frames=sum(one.frames for one in recording.decodings),
        stated=recording.stated,
        lost=sum(one.lost for one in recording.decodings),
        notes=recording.notes(),
        results=results,
        versions=versions,
        failed=failed,
    )
    if progress is not None:
        progress(1.0, heard.duration)
    return heard


@dataclass(slots=True)
class Recording:
    """All that is in a file: one decoding, or one for every link of a chain."""

    file: SoundFile
    limits: Limits
    decodings: list[Decoding] = field(default_factory=list)
    broken_links: int = 0
    _sound: Sound | None = None

    @property
    def sound(self) -> Sound:
        """What the headers say; known from the first block on."""
        if self._sound is None:
            raise ListenFailure("no_sound", "Nothing of this file has been opened yet.")
        return self._sound

    @property
    def seconds(self) -> float:
        return sum(one.seconds for one in self.decodings)

    @property
    def stated(self) -> float | None:
        stated = [one.opened.stated for one in self.decodings]
        return None if None in stated else sum(seconds for seconds in stated if seconds is not None)

    @property
    def chains(self) -> bool:
        """Whether the file is of the kind whose links FFmpeg may have joined, so that it holds more than it states."""
        return self.decodings[0].opened.found.container is OGG

    def blocks(self) -> Iterator[Block]:
        for index, part in enumerate(parts(self.file)):
            try:
                with open_sound(self.file, part) as opened:
                    if self._sound is None:
                        self._sound = describe(opened)
                        self.limits.admit_sound(self._sound)
                    decoding = Decoding(opened, self.limits, before=self.seconds)
                    self.decodings.append(decoding)
                    yield from decoding.blocks()
            except ListenFailure as failure:
                if index == 0 or failure.kind not in _LINK_FAULTS:
                    raise
                self.broken_links += 1

    def changes(self) -> bool:
        """Whether the rate, the channels or the kind of samples are not the same all the way through."""
        return len({form for one in self.decodings for form in one.forms}) > 1

    def notes(self) -> tuple[Note, ...]:
        """What a person should know about a file that could be heard all the same."""
        found: list[Note] = []
        stated, seconds, missing = self.stated, self.seconds, sum(one.missing for one in self.decodings)
        lost = sum(one.lost for one in self.decodings) + self.broken_links
        repaired = sum(one.repaired for one in self.decodings)
        tolerance = max(1.0, 0.005 * (stated or 0.0))
        if stated is not None and seconds + missing < stated - tolerance:
            text = f"The file is cut off: it states {clock(stated)}, but only {clock(seconds)} are there."
            found.append(Note("truncated", text))
        elif stated is not None and seconds > stated + tolerance and not self.chains:
            found.append(Note("header", f"The file states {clock(stated)}, but holds {clock(seconds)}."))
        if missing:
            found.append(Note("damaged", f"The file is damaged: {clock(missing)} are missing in the middle of it."))
        if lost:
            what = "place" if lost == 1 else "places"
            found.append(Note("damaged", f"The file is damaged: {lost:,} {what} could not be decoded."))
        if not found and any(one.cut for one in self.decodings):
            text = "The file is cut off in the middle of a frame; how much is missing cannot be told."
            found.append(Note("truncated", text))
        if not found and any(one.differs for one in self.decodings):
            text = "The file is damaged: its sound is not what its encoder stored (the MD5 in its header differs)."
            found.append(Note("damaged", text))
        if self.changes():
            found.append(Note("changes", "The sample rate or the channels change in the middle of the file."))
        if repaired:
            found.append(Note("not_finite", f"{repaired:,} samples were not numbers and were silenced."))
        return self.decodings[0].opened.notes + tuple(found)


def clock(seconds: float) -> str:
    """Seconds for people: 12.3 s, 4:05 min, 1:02:03 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
