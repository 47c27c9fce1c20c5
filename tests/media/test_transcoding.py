"""Transcoding on the fly through the API: what comes out, what is refused, and that nothing goes on unheard."""

import io
from typing import Any

import av
import pytest

from otolith.core.context import Context
from tests.callers import Callers
from tests.media.sounds import recording


@pytest.fixture
def url(callers: Callers) -> str:
    """The stream of an uploaded recording of eight seconds."""
    answer = callers["editor"].post("/api/media", files={"file": ("Été.flac", recording("flac", 8.0), "audio/flac")})
    return f"/api/media/{answer.json()['items'][0]['media']['id']}/stream"


def seconds_of(data: bytes) -> tuple[str, float]:
    """The codec and the length of a stream, by decoding it."""
    with av.open(io.BytesIO(data), "r") as container:
        samples = rate = 0
        for frame in container.decode(audio=0):
            samples, rate = samples + frame.samples, frame.sample_rate
        return container.streams.audio[0].codec_context.name, samples / rate


@pytest.mark.parametrize(
    ("form", "mime", "codec"), [("opus", "audio/ogg; codecs=opus", "opus"), ("mp3", "audio/mpeg", "mp3float")]
)
def test_recording_comes_in_another_form(callers: Callers, url: str, form: str, mime: str, codec: str) -> None:
    answer = callers["viewer"].get(url, params={"format": form, "bitrate": 64})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == mime
    assert answer.headers["accept-ranges"] == "none"
    assert "content-length" not in answer.headers
    assert f"%C3%89t%C3%A9.{form}" in answer.headers["content-disposition"]
    found, seconds = seconds_of(answer.content)
    assert found == codec
    assert seconds == pytest.approx(8.0, abs=0.1)
    larger = callers["viewer"].get(url, params={"format": form, "bitrate": 256})
    assert len(answer.content) < 0.5 * len(larger.content)
    head = callers["viewer"].head(url, params={"format": form})
    assert (head.status_code, head.headers["content-type"], head.content) == (200, mime, b"")
    assert "content-length" not in head.headers


def test_it_may_begin_later(callers: Callers, url: str) -> None:
    answer = callers["viewer"].get(url, params={"format": "mp3", "start": 5.5})
    assert seconds_of(answer.content)[1] == pytest.approx(2.5, abs=0.15)


@pytest.mark.parametrize(
    "asked",
    [
        {"format": "exe"},
        {"format": "mp3", "bitrate": 9999},
        *({"format": "mp3", "start": start} for start in (-1, 1e308, "inf", "nan")),
    ],
)
def test_nonsense_is_refused(callers: Callers, url: str, asked: dict[str, Any]) -> None:
    assert callers["viewer"].get(url, params=asked).status_code == 422


def test_it_can_be_switched_off(callers: Callers, url: str, context: Context) -> None:
    context.settings.media.transcoders = 0
    answer = callers["viewer"].get(url, params={"format": "mp3"})
    assert (answer.status_code, answer.json()["type"]) == (501, "urn:otolith:problem:transcoding-off")
