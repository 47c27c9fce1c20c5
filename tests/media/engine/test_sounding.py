"""A file's sound has a digest of its own, which changes of tags leave as it is and changes of sound do not."""

from pathlib import Path

import numpy as np
import pytest

from otolith.library.recordings import FORMATS, encode
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.sounding import sound_digest
from otolith.media.listening import Listener
from otolith.media.tags import write_tags

RATE = 44_100


def tone(hertz: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    one = 0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
    return np.stack([one, one]).astype(np.float32)


@pytest.mark.parametrize("extension", FORMATS)
def test_writing_tags_leaves_the_sound_as_it_was(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    encode(path, tone(440), extension)
    before = sound_digest(path)
    for length in (5, 20_000):
        write_tags(path, {"title": "T" * length, "artist": ["A", "B"], "lyrics": "la " * length, "track": 3})
        assert sound_digest(path) == before
    write_tags(path, {"title": None, "artist": None, "lyrics": None, "track": None})
    assert sound_digest(path) == before
    encode(tmp_path / f"b.{extension}", tone(441), extension)
    assert sound_digest(tmp_path / f"b.{extension}") != before


def test_it_is_told_by_the_helper_too(tmp_path: Path) -> None:
    encode(tmp_path / "a.flac", tone(440), "flac")
    (tmp_path / "text.txt").write_text("no sound " * 100)
    with Listener() as listener:
        assert listener.sound_digest(tmp_path / "a.flac") == sound_digest(tmp_path / "a.flac")
        with pytest.raises(ListenFailure):
            listener.sound_digest(tmp_path / "text.txt")
