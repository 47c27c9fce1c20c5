"""The one decode: what every engine hears, whatever the format, and what is said about files that are not whole."""

import hashlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otolith.core.audio import Signal
from otolith.media.engine.decode import listen
from otolith.media.engine.limits import Limits
from otolith.media.engine.opening import refuse_other_files
from otolith.media.engine.reader import SoundFile
from tests import hostile_bytes, signals
from tests.media.ears import Ear, Mono, Short

RATE = 44100


class Keeper(Ear):
    """Keeps what it hears."""

    kept: list[Any]

    def push(self, samples: Any) -> None:
        type(self).kept.append(samples.copy())


def heard_by(path: Path, signal: Signal) -> Any:
    kept: list[Any] = []
    engine = type("Here", (Keeper,), {"wants": signal, "name": "here", "kept": kept})
    heard = listen(path, [engine], Limits())
    assert heard.failed == {}
    return np.concatenate(kept, axis=-1)


@pytest.mark.parametrize("form", sorted(signals.FORMATS))
def test_every_format_is_heard_whole(tmp_path: Path, form: str) -> None:
    rate = 48000 if form == "opus" else RATE
    path = signals.write(tmp_path / "x", signals.tone(3.0, rate, 440.0, -6.0), rate, form)
    heard = listen(path, [Ear, Mono, Short], Limits())
    assert heard.duration == pytest.approx(3.0, abs=0.06)
    assert heard.notes == ()
    assert heard.results["ear"]["channels"] == 2
    assert heard.results["ear"]["peak"] == pytest.approx(0.5, rel=0.1)
    assert heard.results["mono"]["samples"] == pytest.approx(heard.duration * 22050, abs=2)
    assert heard.results["short"]["samples"] == pytest.approx(heard.duration * 11025, abs=2)
    assert heard.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "m4a", "opus", "float"])
def test_sixteen_bits_are_exactly_ffmpegs(tmp_path: Path, form: str) -> None:
    """Chromaprint's bits hang on this: the same samples as FFmpeg's resampler gives frame by frame."""
    rate = 48000 if form == "opus" else RATE
    path = signals.write(tmp_path / "x", signals.music(5.0, rate), rate, form)
    signal = Signal(11025, "mono", "s16")
    ours = heard_by(path, signal)
    theirs = np.concatenate(list(signals.blocks(path, signal)))
    assert np.array_equal(ours, theirs)


def test_mono_is_the_average_of_the_channels(tmp_path: Path) -> None:
    """FFmpeg's own downmix of float samples would be 3 dB louder for equal channels."""
    sound = signals.tone(1.0, RATE, 440.0, -6.0)
    path = signals.write(tmp_path / "x", sound, RATE, "float")
    assert np.abs(heard_by(path, Signal(None, "mono", "f32")) - sound[0]).max() < 1e-6
    sound[1] = -sound[1]
    path = signals.write(tmp_path / "y", sound, RATE, "float")
    assert np.abs(heard_by(path, Signal(None, "mono", "f32"))).max() == 0


def test_samples_of_every_width_have_the_same_full_scale(tmp_path: Path) -> None:
    expected = hostile_bytes.noise(1.0, RATE)
    for codec, sample, precision in (
        ("pcm_u8", "u8", 1 / 100),
        ("pcm_s16le", "s16", 1e-4),
        ("pcm_s24le", "s32", 1e-6),
        ("pcm_s32le", "s32", 1e-6),
        ("pcm_s64le", "s64", 1e-6),
        ("pcm_f32le", "flt", 1e-7),
        ("pcm_f64le", "dbl", 1e-7),
    ):
        path = tmp_path / f"{codec}.wav"
        path.write_bytes(hostile_bytes.encoded("wav", codec, sample, RATE, 1.0))
        assert np.abs(heard_by(path, Signal(None, "all", "f32")) - expected).max() < precision, codec


def test_resampled_floats_keep_time_and_level(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "x", signals.tone(4.0, RATE, 1000.0, -6.0), RATE, "float")
    ours = heard_by(path, Signal(22050, "mono", "f32"))
    expected = signals.tone(4.0, 22050, 1000.0, -6.0)[0]
    assert len(ours) == len(expected)
    assert np.abs(ours - expected)[2205:-2205].max() < 1e-3


def test_a_change_of_rate_and_channels_goes_on_as_it_began(tmp_path: Path) -> None:
    path = tmp_path / "x.mp3"
    path.write_bytes(hostile_bytes.mp3() + hostile_bytes.encoded("mp3", "libmp3lame", "s16p", 22050, 5.0, "mono"))
    heard = listen(path, [Ear, Mono, Short], Limits())
    assert heard.duration == pytest.approx(10.0, abs=0.1)
    assert heard.results["ear"]["channels"] == 2
    assert heard.results["ear"]["samples"] == pytest.approx(heard.duration * RATE, abs=10)
    assert heard.results["short"]["samples"] == pytest.approx(heard.duration * 11025, abs=10)
    assert "changes" in {note.kind for note in heard.notes}


def test_sixty_four_channels_are_mixed_to_one(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    samples = np.zeros((RATE, 64), "<i2")
    samples[:, 5] = 6400
    path.write_bytes(hostile_bytes.wav(samples.tobytes(), channels=64))
    assert heard_by(path, Signal(None, "all", "f32")).shape == (64, RATE)
    assert heard_by(path, Signal(11025, "mono", "s16"))[100] == pytest.approx(100, abs=1)


def test_surround_names_its_channels(tmp_path: Path) -> None:
    path = tmp_path / "x.flac"
    path.write_bytes(hostile_bytes.encoded("flac", "flac", "s16", RATE, 1.0, "5.1"))
    assert listen(path, [Ear], Limits()).sound.layout == ("FL", "FR", "FC", "LFE", "BL", "BR")


@pytest.mark.parametrize("interleaved", [True, False])
def test_eight_channels_are_heard_one_by_one_and_mixed(tmp_path: Path, interleaved: bool) -> None:
    """As many as 7.1 has; FLAC and WAV interleave them, and AAC does not."""
    path = tmp_path / "x"
    if interleaved:
        samples = np.zeros((RATE, 8), "<i2")
        samples[:, 2] = 8000
        path.write_bytes(hostile_bytes.wav(samples.tobytes(), channels=8))
        assert heard_by(path, Signal(11025, "mono", "s16"))[2000:9000].any()
    else:
        path.write_bytes(hostile_bytes.encoded("mp4", "aac", "fltp", RATE, 1.0, "7.1"))
    wide = heard_by(path, Signal(None, "all", "f32"))
    assert (wide.shape[0], bool(np.isfinite(wide).all())) == (8, True)
    assert heard_by(path, Signal(11025, "mono", "s16")).shape[-1] == pytest.approx(11025, rel=0.2)


def test_what_is_missing_in_the_middle_is_told_from_what_is_cut_off(tmp_path: Path) -> None:
    for data, kind in (
        (hostile_bytes.flac()[:200_000], "truncated"),
        (hostile_bytes.damaged(hostile_bytes.flac(), 0.5, 20_000), "damaged"),
        (hostile_bytes.damaged(hostile_bytes.mp3(), 0.5, 3000), "damaged"),
    ):
        path = tmp_path / "x"
        path.write_bytes(data)
        assert {note.kind for note in listen(path, [Ear], Limits()).notes} == {kind}


def test_no_other_file_is_ever_opened() -> None:
    with pytest.raises(PermissionError):
        refuse_other_files("file:///etc/passwd", 0, {})


def test_the_hash_follows_reads_in_any_order(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(1_000_000)
    path = tmp_path / "x"
    path.write_bytes(data)
    with SoundFile(path) as file:
        for start, size in ((900_000, 50_000), (0, 300_000), (100, 10), (250_000, 400_000), (999_999, 10)):
            assert file.read_at(start, size) == data[start : start + size]
        assert file.sha256() == hashlib.sha256(data).hexdigest()


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(hostile_bytes.wav(hostile_bytes.pcm(30)))

    def grow(_share: float, _seconds: float) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(Exception, match="changed while") as failure:
        listen(path, [Ear], Limits(), grow)
    assert getattr(failure.value, "transient", False)


def test_a_cover_is_not_mistaken_for_sound(tmp_path: Path) -> None:
    """An MP4 with a picture has a video stream; the sound is heard and the picture's decoder never runs."""
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mjpeg", rate=1)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuvj420p"
        sound = out.add_stream("aac", rate=RATE, layout="stereo")
        out.mux(picture.encode(av.VideoFrame(64, 64, "yuvj420p")))
        for index in range(100):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE, index * 1024
            out.mux(sound.encode(frame))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))
    assert listen(path, [Ear], Limits()).sound.codec == "aac"
