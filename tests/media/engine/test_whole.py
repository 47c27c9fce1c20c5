"""Whether a file is whole: cut off in mid-frame, other samples than its encoder stored, padding without end."""

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from otolith.media.engine.decode import listen
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.heard import Heard
from otolith.media.engine.limits import Limits
from otolith.media.engine.mpeg import parse
from otolith.media.engine.opening import open_sound
from otolith.media.engine.probe import probe
from otolith.media.engine.reader import SoundFile
from otolith.media.engine.stored_digest import StoredDigest
from tests import hostile_bytes, signals

RATE = 44100
TAG = b"TAG" + bytes(125)
EMPTY = b"JUNK" + bytes(4)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "sound"
    path.write_bytes(data)
    return path


def heard(tmp_path: Path, data: bytes) -> Heard:
    return listen(written(tmp_path, data), [], Limits())


def without_xing(data: bytes) -> bytes:
    """An MP3 without its first frame, which holds nothing but what the encoder promised."""
    start = max(data.find(b"Xing"), data.find(b"Info")) - 36
    head = parse(data, start)
    assert head is not None
    return data[start + head.length :]


@pytest.mark.parametrize("left", [40_000, 40_100, 40_250])
def test_an_mp3_that_promises_nothing_is_still_known_to_be_cut(tmp_path: Path, left: int) -> None:
    whole = without_xing(hostile_bytes.mp3())
    assert heard(tmp_path, whole).notes == ()
    (note,) = heard(tmp_path, whole[:left]).notes
    assert note.kind == "truncated"


@pytest.mark.parametrize("behind", [TAG, b"APETAGEX" + bytes(200), bytes(5000), b"\xff\xfb\x90\x64"])
def test_what_follows_a_whole_mp3_cuts_nothing(tmp_path: Path, behind: bytes) -> None:
    notes = heard(tmp_path, without_xing(hostile_bytes.mp3()) + behind).notes
    # Four bytes that begin a frame are one that was cut.
    assert [note.kind for note in notes] == (["truncated"] if len(behind) == 4 else [])


def encoded_flac(path: Path, bits: int, seconds: float = 2.0) -> Path:
    """FLAC of so many bits a sample, by FFmpeg's encoder, which stores the digest."""
    sample = "s16" if bits == 16 else "s32"
    sound = hostile_bytes.noise(seconds, RATE)
    with av.open(str(path), "w", format="flac") as container:
        stream: Any = container.add_stream("flac", rate=RATE, layout="stereo", format=sample)
        stream.bit_rate = 0
        codes = np.round(sound * (2**15 - 1)).astype(np.int64) << (16 if sample == "s32" else 0)
        samples = np.ascontiguousarray(codes.T.reshape(1, -1).astype(np.int16 if sample == "s16" else np.int32))
        frame = av.AudioFrame.from_ndarray(samples, format=sample, layout="stereo")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def spoiled(path: Path, at: int) -> bytes:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    return bytes(data)


# The digest lies 18 bytes into the first block, which begins behind "fLaC" and its own head of four bytes.
DIGEST = 8 + 18


@pytest.mark.parametrize("bits", [16, 24])
def test_the_digest_of_a_whole_flac_agrees(tmp_path: Path, bits: int) -> None:
    path = encoded_flac(tmp_path / "x.flac", bits)
    assert any(path.read_bytes()[DIGEST : DIGEST + 16])
    assert listen(path, [], Limits()).notes == ()
    (note,) = heard(tmp_path, spoiled(path, DIGEST)).notes
    assert (note.kind, "MD5" in note.detail) == ("damaged", True)


def test_a_flac_without_a_digest_is_not_doubted(tmp_path: Path) -> None:
    data = bytearray(encoded_flac(tmp_path / "x.flac", 16).read_bytes())
    data[DIGEST : DIGEST + 16] = bytes(16)
    assert heard(tmp_path, bytes(data)).notes == ()


def test_other_lossless_sound_states_no_digest(tmp_path: Path) -> None:
    path = signals.write(tmp_path / "x.wav", signals.tone(0.5, RATE, 440.0, -6.0), RATE, "wav")
    with SoundFile(path) as file, open_sound(file) as opened:
        assert StoredDigest.of(opened, 16) is None


def test_a_spoiled_frame_of_a_flac_shows_by_the_digest(tmp_path: Path) -> None:
    path = encoded_flac(tmp_path / "x.flac", 16)
    notes = heard(tmp_path, spoiled(path, path.stat().st_size // 2)).notes
    assert "damaged" in [note.kind for note in notes]


def wav(seconds: float = 1.0) -> bytes:
    return hostile_bytes.wav(hostile_bytes.pcm(seconds))


@pytest.mark.parametrize(
    "behind",
    [bytes(4 << 20), b"LIST" + struct.pack("<I", 4) + b"INFO" + bytes(4 << 20), EMPTY * (1 << 19)],
    ids=["zeros", "a chunk and zeros", "empty chunks"],
)
def test_padding_behind_a_wav_is_not_walked_through(tmp_path: Path, behind: bytes) -> None:
    path = written(tmp_path, wav() + behind)
    assert probe(path, Limits()).duration == pytest.approx(1.0)
    with SoundFile(path) as file, open_sound(file) as opened:
        assert file.end - opened.found.offset < len(wav()) + 300 * len(EMPTY)
    found = listen(path, [], Limits())
    assert found.duration == pytest.approx(1.0)
    assert found.notes == ()


def test_a_wav_that_begins_with_chunks_without_end_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, wav()[:12] + EMPTY * 300 + wav()[12:])
    with pytest.raises(ListenFailure, match="more than 256 chunks"):
        probe(path, Limits())
