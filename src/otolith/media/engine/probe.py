"""What a file is, from its headers and its first packets, without decoding it all."""

from dataclasses import replace

import av
from av.error import FFmpegError

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.heard import Sound
from otolith.media.engine.limits import Limits
from otolith.media.engine.opening import Opened, describe, layout_names, open_sound
from otolith.media.engine.reader import Path, SoundFile

_PATIENCE = 512


def probe(path: Path, limits: Limits) -> Sound:
    """Open a file, decode its first frame, and describe it; `ListenFailure` says why it is no sound file.

    The rate and channels are those of the decoded frame: an AAC header may state half the rate it really has.
    """
    with SoundFile(path, hashed=False) as file:
        limits.admit_file(file.size)
        with open_sound(file) as opened:
            sound = describe(opened)
            frame = first_frame(opened)
            layout = layout_names(frame.layout)
            limits.admit_form(len(layout), frame.sample_rate)
            return replace(sound, rate=frame.sample_rate, channels=len(layout), layout=layout)


def first_frame(opened: Opened) -> av.AudioFrame:
    """The first frame that can be decoded, within reason."""
    errors = 0
    try:
        for packet in opened.container.demux(opened.stream):
            try:
                frames = opened.stream.decode(packet)
            except MemoryError:
                raise
            except (FFmpegError, ValueError):
                errors += 1
                if errors > _PATIENCE:
                    break
                continue
            for frame in frames:
                if frame.samples:
                    return frame
    except MemoryError:
        raise
    except (FFmpegError, OSError, ValueError) as error:
        if opened.file.failure is not None:
            raise opened.file.failure from error
        errors += 1
    name = opened.found.container.name
    if errors:
        raise ListenFailure("damaged", f"This looks like {name}, but nothing in it can be decoded.")
    raise ListenFailure("no_sound", f"This {name} file is whole but holds no sound: it is 0 seconds long.")
