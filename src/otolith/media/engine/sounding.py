"""The sound in a file apart from everything else in it: equal before and after its tags were changed."""

import hashlib

from av.error import FFmpegError

from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.opening import open_sound, parts
from otolith.media.engine.reader import Path, SoundFile


def sound_digest(path: Path) -> str:
    """SHA-256 of the encoded sound, packet by packet, undecoded. Raises `ListenFailure` where there is none."""
    digest = hashlib.sha256()
    with SoundFile(path, hashed=False) as file:
        for part in parts(file):
            with open_sound(file, part) as opened:
                try:
                    for packet in opened.container.demux(opened.stream):
                        digest.update(memoryview(packet))
                except FFmpegError:
                    # A file that breaks off has to break off at the same place afterwards.
                    digest.update(b"broken")
            if file.failure is not None:
                raise ListenFailure(file.failure.kind, file.failure.detail)
    return digest.hexdigest()
