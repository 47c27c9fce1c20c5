"""Short recordings as bytes, made once a run, for tests that send them somewhere."""

import tempfile
from functools import lru_cache
from pathlib import Path

from tests import signals


@lru_cache(maxsize=32)
def recording(form: str = "flac", seconds: float = 1.0, seed: int = 0) -> bytes:
    """A piece of music in one of the formats of `tests.signals`."""
    with tempfile.TemporaryDirectory() as folder:
        rate = 48000 if form == "opus" else 44100
        path = Path(folder) / "sound"
        return signals.write(path, signals.music(seconds, rate, seed=seed), rate, form).read_bytes()
