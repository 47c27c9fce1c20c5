"""Transcoding on the fly: the right sound from the right place, in few processes that end with their listener."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import psutil
import pytest

from otolith.media.engine.failures import ListenFailure
from otolith.media.transcode import Recipe, TranscoderBusyError, TranscoderPool
from tests import hostile_bytes, signals

T = TypeVar("T")


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await work()

    return asyncio.run(whole())


async def made(path: Path, recipe: Recipe, pool: TranscoderPool | None = None) -> bytes:
    async with (pool or TranscoderPool()).open(path, recipe) as stream:
        return b"".join([chunk async for chunk in stream])


def decoded(data: bytes) -> tuple[np.ndarray, int, dict[str, str]]:
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=stream.rate)
        frames = [out for frame in [*container.decode(stream), None] for out in resampler.resample(frame)]
        sound = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        return sound, stream.rate, {**container.metadata, **stream.metadata}


async def comes_true(condition: Callable[[], bool]) -> bool:
    """Whether something is so within twenty seconds."""
    for _ in range(2000):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False


def asleep(process: psutil.Process) -> bool:
    """Whether a process uses no processor time: it is waiting for somebody."""
    before = sum(process.cpu_times()[:2])
    time.sleep(0.2)
    return process.status() == psutil.STATUS_SLEEPING and sum(process.cpu_times()[:2]) == before > 0


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "otolith.media.engine.encoder" in child.cmdline()]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Four seconds whose pitch tells the second: 500, 1000, 1500 and 2000 Hz."""
    sound = np.concatenate([signals.tone(1.0, 44100, 500.0 * (n + 1), -6.0) for n in range(4)], axis=1)
    return signals.write(tmp_path / "sweep", sound, 44100, "flac")


def pitch(sound: np.ndarray, rate: int, second: float) -> float:
    part = sound[round(second * rate) : round((second + 0.5) * rate)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    return float(np.argmax(spectrum) * rate / len(part))


@pytest.mark.parametrize("form", ["opus", "mp3"])
def test_a_stream_has_the_sound_the_length_and_the_tags(sweep: Path, form: str) -> None:
    recipe = Recipe(form, 96_000, metadata={"title": "Été"})  # type: ignore[arg-type] # one of the two forms
    sound, rate, tags = decoded(run(lambda: made(sweep, recipe)))
    assert len(sound) / rate == pytest.approx(4.0, abs=0.08)
    assert [pitch(sound, rate, second + 0.25) for second in range(4)] == pytest.approx([500, 1000, 1500, 2000], abs=4)
    assert tags["title"] == "Été"


@pytest.mark.parametrize("form", ["opus", "mp3"])
@pytest.mark.parametrize("start", [0.5, 2.0, 3.25])
def test_a_stream_starts_where_it_is_asked_to(sweep: Path, form: str, start: float) -> None:
    recipe = Recipe(form, 96_000, start)  # type: ignore[arg-type] # one of the two forms
    sound, rate, _ = decoded(run(lambda: made(sweep, recipe)))
    assert len(sound) / rate == pytest.approx(4.0 - start, abs=0.08)
    assert pitch(sound, rate, 0.1) == pytest.approx(500 * (int(start) + 1), abs=260 if start == 0.5 else 4)


@pytest.mark.parametrize(
    "make", [hostile_bytes.mp3, hostile_bytes.m4a, hostile_bytes.opus, hostile_bytes.wma, hostile_bytes.webm]
)
def test_every_format_can_be_started_in_the_middle(tmp_path: Path, make: Callable[[], bytes]) -> None:
    path = tmp_path / "x"
    path.write_bytes(make())
    sound, rate, _ = decoded(run(lambda: made(path, Recipe("opus", start=2.0))))
    assert len(sound) / rate == pytest.approx(3.0, abs=0.15)


def test_surround_and_many_channels_are_mixed_down(tmp_path: Path) -> None:
    for name, data in (
        ("a", hostile_bytes.encoded("flac", "flac", "s16", 44100, 1.0, "5.1")),
        ("b", hostile_bytes.wav(hostile_bytes.pcm(1, channels=64), channels=64)),
        ("c", hostile_bytes.wav(hostile_bytes.pcm(1, 192_000), rate=192_000)),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        sound, rate, _ = decoded(run(partial(made, path, Recipe("mp3"))))
        assert len(sound) / rate == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [("text.mp3", b"hello " * 50, "not_audio"), ("empty.mp3", b"", "empty"), ("list.m3u", b"#EXTM3U\n/x", "playlist")],
)
def test_what_is_no_sound_is_refused_before_the_first_byte(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ListenFailure) as failure:
        run(lambda: made(path, Recipe()))
    assert failure.value.kind == kind


def test_a_start_past_the_end_is_refused(sweep: Path) -> None:
    with pytest.raises(ListenFailure) as failure:
        run(lambda: made(sweep, Recipe(start=100.0)))
    assert failure.value.kind == "no_sound"


def test_the_process_waits_for_its_reader_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(hostile_bytes.wav(hostile_bytes.pcm(60)))

    async def listened() -> list[psutil.Process]:
        async with TranscoderPool().open(path, Recipe("mp3", 320_000)) as stream:
            async for chunk in stream:
                assert len(chunk) <= 1 << 16
                break
            running = children()
            assert await comes_true(lambda: asleep(running[0]))
        return running

    gone = run(listened)
    assert not any(child.is_running() for child in gone)


def test_a_full_pool_says_when_to_come_again_and_has_room_later(sweep: Path) -> None:
    async def crowd() -> float:
        pool = TranscoderPool(1, patience=0.1)
        async with pool.open(sweep, Recipe()):
            with pytest.raises(TranscoderBusyError) as busy:
                await made(sweep, Recipe(), pool)
        assert await made(sweep, Recipe(), pool)
        return busy.value.retry_after

    assert run(crowd) >= 1.0


def test_a_listener_that_is_cancelled_leaves_nothing_behind(sweep: Path) -> None:
    async def cancelled() -> None:
        pool = TranscoderPool(1)
        task = asyncio.ensure_future(made(sweep, Recipe(), pool))
        assert await comes_true(lambda: bool(children()))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert children() == []
        assert await made(sweep, Recipe(), pool)

    run(cancelled)


def test_a_chain_is_transcoded_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.ogg"
    path.write_bytes(hostile_bytes.opus() + hostile_bytes.encoded("ogg", "flac", "s16", 22050, 5.0, "mono"))
    for start in (0.0, 3.0, 7.5):
        sound, rate, _ = decoded(run(partial(made, path, Recipe("mp3", start=start))))
        assert len(sound) / rate == pytest.approx(10.0 - start, abs=0.1)
