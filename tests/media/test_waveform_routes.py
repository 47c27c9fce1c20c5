"""Waveforms: what is kept of the engine's levels, and what the page is given to draw."""

import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from otolith.core.actor import SYSTEM
from otolith.core.audio import Source
from otolith.core.context import Context
from otolith.media.engine.waveform import Waveform
from otolith.media.service import store_waveform
from tests.callers import Callers
from tests.media.sounds import recording

RATE = 11025


def heard(samples: Any) -> dict[str, Any]:
    """What the engine says of 16-bit mono samples, as a job gets it."""
    engine = Waveform(Source(rate=RATE, layout=("FC",), duration=None))
    engine.push(samples)
    return asdict(engine.finish())


@pytest.fixture
def url(callers: Callers) -> str:
    answer = callers["editor"].post("/api/media", content=recording(), headers={"Content-Type": "audio/flac"})
    return f"/api/media/{answer.json()['items'][0]['media']['id']}/waveform"


def keep(context: Context, result: dict[str, Any], version: int = Waveform.version) -> None:
    digest = hashlib.sha256(recording()).hexdigest()
    with context.database.write(SYSTEM) as session:
        store_waveform(session, digest, version, result)


def minutes(count: float) -> Any:
    """Noise that swells from silence to full scale."""
    length = round(count * 60 * RATE)
    noise = np.random.default_rng(1).uniform(-1, 1, length)
    return (noise * np.linspace(0, 32767, length)).astype(np.int16)


def test_before_the_analysis_there_is_none_yet(callers: Callers, url: str) -> None:
    answer = callers["viewer"].get(url)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:otolith:problem:not-yet-analysed")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("points", [1, 7, 800, 999, 1000, 1500, 10_000])
def test_picture_has_as_many_points_as_asked_for(callers: Callers, context: Context, url: str, points: int) -> None:
    samples = minutes(3)
    keep(context, heard(samples))
    picture = callers["viewer"].get(url, params={"points": points}).json()
    assert picture["points"] == len(picture["low"]) == len(picture["high"]) == len(picture["rms"]) == points
    assert picture["duration"] == pytest.approx(180, abs=0.01)
    assert min(picture["low"]) == -128
    assert max(picture["high"]) == 127
    assert all(low <= high for low, high in zip(picture["low"], picture["high"], strict=True))
    if points > 1:
        assert picture["rms"][0] < picture["rms"][-1]
        assert picture["rms"][-1] == pytest.approx(128 / np.sqrt(3), rel=0.1)


def test_every_sample_is_under_its_point(callers: Callers, context: Context, url: str) -> None:
    samples = np.zeros(60 * RATE, dtype=np.int16)
    samples[round(30.05 * RATE)] = 20_000
    keep(context, heard(samples))
    high = callers["viewer"].get(url, params={"points": 600}).json()["high"]
    assert [(place, value) for place, value in enumerate(high) if value] == [(300, 20_000 // 256)]


def test_short_recordings_have_fewer_points(callers: Callers, context: Context, url: str) -> None:
    keep(context, heard(minutes(0.05)))
    picture = callers["viewer"].get(url, params={"points": 5000}).json()
    assert picture["points"] == -(-3 * RATE // 128)


def test_silence_and_nothing_are_pictures_too(callers: Callers, context: Context, url: str) -> None:
    keep(context, heard(np.zeros(RATE, dtype=np.int16)))
    assert set(callers["viewer"].get(url).json()["high"]) == {0}
    keep(context, heard(np.zeros(0, dtype=np.int16)), Waveform.version + 1)
    empty = callers["viewer"].get(url)
    assert (empty.status_code, empty.json()["points"]) == (200, 0)


def test_form_of_audiowaveform(callers: Callers, context: Context, url: str) -> None:
    keep(context, heard(minutes(1)))
    ours = callers["viewer"].get(url, params={"points": 500}).json()
    theirs = callers["viewer"].get(url, params={"points": 500, "format": "audiowaveform"}).json()
    assert (theirs["version"], theirs["channels"], theirs["bits"], theirs["length"]) == (2, 1, 8, 500)
    assert theirs["data"] == [value for pair in zip(ours["low"], ours["high"], strict=True) for value in pair]
    assert theirs["samples_per_pixel"] * theirs["length"] / theirs["sample_rate"] == pytest.approx(60, rel=0.01)


def test_newer_engine_replaces_the_older_ones_picture(callers: Callers, context: Context, url: str) -> None:
    keep(context, heard(minutes(0.1)))
    first = callers["viewer"].get(url)
    assert first.headers["cache-control"] == "private, max-age=86400, immutable"
    known = {"If-None-Match": first.headers["etag"]}
    assert callers["viewer"].get(url, headers=known).status_code == 304
    keep(context, heard(np.zeros(RATE, dtype=np.int16)), Waveform.version + 1)
    again = callers["viewer"].get(url, headers=known)
    assert (again.status_code, again.json()["version"]) == (200, Waveform.version + 1)


@pytest.mark.parametrize(("kind", "status"), [("anonymous", 401), ("stranger", 404), ("readonly", 200)])
def test_picture_is_seen_by_who_sees_the_media(
    callers: Callers, context: Context, url: str, kind: str, status: int
) -> None:
    keep(context, heard(minutes(0.1)))
    assert callers[kind].get(url).status_code == status


@pytest.mark.parametrize("points", [0, -1, 10**6, "many"])
def test_nonsense_is_refused(callers: Callers, url: str, points: object) -> None:
    assert callers["viewer"].get(url, params={"points": str(points)}).status_code == 422
