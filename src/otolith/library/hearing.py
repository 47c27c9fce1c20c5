"""Hearing one file with neither database nor queue, as `otolith analyse` does."""

import os
from pathlib import Path
from typing import Any

from otolith.core.settings import Settings
from otolith.library.engine.features import ENGINES, features_of
from otolith.media.listening import Limits, Listener


def limits_of(settings: Settings) -> Limits:
    """What one file may cost, by the settings."""
    return Limits(
        max_seconds=settings.media.max_hours * 3600,
        wall_seconds=settings.media.decode_timeout,
        memory_bytes=settings.media.decode_memory,
    )


def analyse_file(
    path: str | os.PathLike[str], *, listener: Listener | None = None, limits: Limits | None = None
) -> dict[str, Any]:
    """Hear one file: its features and format as plain values.

    Raises `otolith.media.listening.ListenFailure` where it cannot be heard.
    """
    own = listener or Listener()
    try:
        heard = own.listen(Path(path), ENGINES, limits)
    finally:
        if listener is None:
            own.close()
    sound = heard.sound
    return features_of(heard).as_dict() | {
        "format": {
            "container": sound.container,
            "codec": sound.codec,
            "sample_rate": sound.rate,
            "channels": sound.channels,
            "bits": sound.bits,
            "bit_rate": sound.bit_rate,
            "lossless": sound.lossless,
            "size": sound.size,
        }
    }
