"""What is told of how a track sounds: everything to who may see it, nothing of it to others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otolith.core.ids import new_id
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.engine.features import VERSIONS
from tests.callers import Callers
from tests.library.engine.sounds import RATE, tune
from tests.signals import write

Send = Callable[[], dict[str, Any]]


@pytest.fixture
def send(callers: Callers, tmp_path: Path) -> Send:
    """Upload a little piece; what the server answered."""

    def run() -> dict[str, Any]:
        piece = tune("bell", 1, seconds=20)
        file = write(tmp_path / "piece", np.stack([piece, piece]), RATE, "wav")
        with file.open("rb") as body:
            sent: dict[str, Any] = callers["editor"].post("/api/media", files={"file": body}).json()["items"][0]
        return sent

    return run


def test_all_features_of_a_track(callers: Callers, slot: Slot, send: Send) -> None:
    track_id = send()["track_id"]
    slot.work(LANES)
    heard = callers["viewer"].get(f"/api/tracks/{track_id}/features").json()
    assert heard["engines"] == VERSIONS
    assert len(heard["embedding"]) == DIMENSIONS
    assert np.linalg.norm(heard["embedding"]) == pytest.approx(1, abs=0.01)
    assert [part["kind"] for part in heard["segments"]]
    assert heard["segments"][0]["start"] == 0
    assert 0 <= heard["energy"] <= 1
    assert 0 <= heard["voice"] <= 1
    assert heard["onset_rate"] > 1
    assert heard["brightness"] > 100
    assert heard["timbre"]["rolloff"] > heard["brightness"]
    assert heard["silence_start"] < 0.1
    listed = callers["viewer"].get(f"/api/tracks/{track_id}").json()["features"]
    assert {name: heard[name] for name in listed} == listed


def test_before_the_analysis_and_for_strangers_there_is_nothing(callers: Callers, slot: Slot, send: Send) -> None:
    track_id = send()["track_id"]
    waiting = callers["viewer"].get(f"/api/tracks/{track_id}/features")
    assert waiting.status_code == 404
    assert "not analysed yet" in waiting.json()["detail"]
    slot.work(LANES)
    assert callers["stranger"].get(f"/api/tracks/{track_id}/features").status_code == 404
    assert callers["viewer"].get(f"/api/tracks/{new_id()}/features").status_code == 404
