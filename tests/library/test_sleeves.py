"""The demo's covers: one an artist, in files of every format."""

from pathlib import Path

import numpy as np
import pytest

from otolith.library.engine.pieces import PIECES
from otolith.library.recordings import FORMATS, encode
from otolith.library.sleeves import EDGE, put_cover, sleeve
from otolith.media.engine.picturing import picture_of
from otolith.media.tags import read_cover, read_tags, write_tags


def test_each_invented_artist_has_a_cover_of_its_own() -> None:
    artists = {piece.artist for piece in PIECES}
    assert len({sleeve(artist) for artist in artists}) == len(artists)
    made = [picture_of(sleeve(artist)) for artist in artists]
    assert {(one.width, one.height, one.error) for one in made} == {(EDGE, EDGE, None)}
    assert len({one.colour for one in made}) == len(artists)


@pytest.mark.parametrize("extension", FORMATS)
def test_a_cover_is_read_back_from_every_format(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    encode(path, np.zeros((2, 22_050), np.float32), extension)
    write_tags(path, {"title": "One"})
    put_cover(path, sleeve("Ada"))
    assert read_cover(path) == ("image/jpeg", sleeve("Ada"))
    assert read_tags(path).title == "One"
