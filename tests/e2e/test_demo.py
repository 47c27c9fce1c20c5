"""The demo as a newcomer meets it: one command in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from otolith.library.engine.pieces import PIECES, STYLES, Piece, perform
from otolith.library.engine.synthesis import RATE
from tests.services import free_port, wait_until


def test_the_demo_prints_one_document_and_leaves_nothing_behind(tmp_path: Path) -> None:
    misleading = {
        "OTOLITH_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
        "OTOLITH_BROKER_URL": "redis://127.0.0.1:9/0",
        "OTOLITH_DATA": str(tmp_path / "data"),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing",
        "OTOLITH_JOBS_CONCURRENCY": "many",
    }
    places = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    ran = subprocess.run(
        [sys.executable, "-m", "otolith", "demo", "--json"],
        env={**os.environ, **misleading, **places},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert ran.stdout.count("\n") == 1
    assert set(result) == {"tracks", "jobs", "tempo_correct", "key_correct", "seconds"}
    assert result["tracks"] == 12
    assert result["jobs"]["dead"] == 0
    # One walk, one chunk of tags, and a recording a job.
    # The scan, its index, the twelve analyses, the covers of the tracks and of the folder.
    assert result["jobs"]["succeeded"] == 16
    assert result["tempo_correct"] >= 11
    assert result["key_correct"] >= 11
    assert result["seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_serves_its_pages_says_them_beside_its_document(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "otolith", "demo", "--serve", "--json", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as errors:
        demo = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, "TMPDIR": str(tmp_path)}
        )
    try:
        wait_until(lambda: demo.poll() is not None or b"Otolith listens on" in log.read_bytes(), "the pages", 120)
        assert demo.poll() is None, log.read_text()
        again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        demo.send_signal(signal.SIGINT)
        printed, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, log.read_text()
    assert json.loads(printed)["tracks"] == 12
    # The second was told before it began.
    assert again.returncode == 1
    assert "Address already in use" in json.loads(again.stdout)["error"]


def test_the_pieces_are_a_varied_dozen() -> None:
    assert len(PIECES) == 12
    assert len({piece.artist for piece in PIECES}) >= 5
    assert len({piece.extension for piece in PIECES}) >= 7
    assert {piece.mode for piece in PIECES} == {"major", "minor"}
    assert len({piece.tempo for piece in PIECES}) == 12
    assert {piece.style for piece in PIECES} == set(STYLES)


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.title)
def test_a_piece_is_sound_that_does_not_clip(piece: Piece) -> None:
    wave = perform(piece, seconds=8)
    assert wave.dtype == np.float32
    assert wave.shape[0] == 2
    assert 6 * RATE < wave.shape[1] < 30 * RATE
    assert np.isfinite(wave).all()
    assert 0.5 < np.abs(wave).max() < 1
    assert np.sqrt(np.mean(wave**2)) > 0.05
