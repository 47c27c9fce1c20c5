"""Tempo, beats and key on sixty rendered pieces that the engines were not fitted on."""

import pytest

from bench.music_accuracy import measure, otolith
from bench.music_set import PIECES, compose
from tests.services import require


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    require("fluidsynth")
    pieces = [compose(index) for index in range(PIECES)]
    return measure(pieces, tmp_path_factory.mktemp("music"), otolith, mp3=False, verbose=False)


def test_the_set_has_sixty_pieces() -> None:
    assert len({compose(index).name for index in range(PIECES)}) == 60


@pytest.mark.parametrize(("figure", "least"), [("tempo", 0.90), ("tempo_octave", 0.98), ("beats", 0.85), ("key", 0.95)])
def test_accuracy(figures: dict[str, float], figure: str, least: float) -> None:
    assert figures[figure] >= least
