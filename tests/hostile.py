"""Files that mean no good, or are legal and odd: how to make each, and the one plain outcome it must have.

``python -m tests.hostile FOLDER`` writes them all, for whoever wants to throw them at something else.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tests.hostile_bytes import (
    aiff,
    ape,
    atom,
    bomb,
    damaged,
    encoded,
    flac,
    floats,
    frame,
    frames,
    greedy_mp4,
    id3,
    lying_xing,
    m4a,
    mp3,
    noise,
    opus,
    patched,
    pcm,
    two_streams,
    video_only,
    wav,
    webm,
    wma,
)

HEARD: Final = "heard"
NOT: Final = ("not_audio",)
BROKEN: Final = ("damaged", "no_sound", "no_audio_stream", "not_audio")

Make = Callable[[Path], Path | bytes]


@dataclass(frozen=True)
class Case:
    """A file, and what must become of it.

    `outcomes` are the kinds of failure that are right, or "heard"; `notes` the kinds of note that must come with
    being heard, and `seconds` how long it must then be.
    """

    name: str
    make: Make
    outcomes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    seconds: float | None = None


def put(name: str, data: bytes | Callable[[], bytes]) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data if isinstance(data, bytes) else data())
        return path

    return make


def sparse(name: str, head: bytes, size: int) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)
        return path

    return make


def fifo(folder: Path) -> Path:
    path = folder / "fifo.mp3"
    os.mkfifo(path)
    return path


def unix_socket(folder: Path) -> Path:
    path = folder / "s.mp3"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return path


def loop(folder: Path) -> Path:
    path = folder / "loop.mp3"
    path.symlink_to(folder / "pool.mp3")
    (folder / "pool.mp3").symlink_to(path)
    return path


def dangling(folder: Path) -> Path:
    path = folder / "dangling.mp3"
    path.symlink_to(folder / "gone.mp3")
    return path


def linked(folder: Path) -> Path:
    (folder / "true.mp3").write_bytes(mp3())
    path = folder / "link.mp3"
    path.symlink_to("true.mp3")
    return path


def odd_name(name: bytes) -> Make:
    def make(folder: Path) -> bytes:
        path = os.fsencode(folder) + b"/" + name
        with open(path, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
            file.write(mp3())
        return path

    return make


def text(name: str, content: str) -> Case:
    return Case(name, put(name, content.encode()), ("not_audio", "playlist"))


def heard(name: str, data: bytes | Callable[[], bytes], *notes: str, seconds: float | None = None) -> Case:
    return Case(name, put(name, data), (HEARD,), notes, seconds)


def refused(name: str, data: bytes | Callable[[], bytes], *outcomes: str) -> Case:
    return Case(name, put(name, data), outcomes or NOT)


HOUR1: Final = wav(b"", rate=8000, channels=1, size=57_600_000)
HOURS10: Final = wav(b"", rate=8000, channels=1, size=576_000_000)
M4A_HEAD: Final = atom(b"ftyp", b"M4A \0\0\0\0")

TEXTS: Final = (
    text("text.mp3", "This is only text, and quite short.\n" * 40),
    text("page.mp3", "<!DOCTYPE html><html><body>not found</body></html>"),
    text("picture.mp3", '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'),
    text("list.m3u", "#EXTM3U\n/etc/passwd\nhttp://127.0.0.1:9/x.mp3\n"),
    text("list.mp3", "#EXTM3U\nfile:///etc/passwd\n"),
    text("bare.m3u", "/etc/passwd\nhttp://127.0.0.1:9/x.mp3\n"),
    text("list.pls", "[playlist]\nFile1=http://127.0.0.1:9/x.mp3\nNumberOfEntries=1\n"),
    text("hls.wav", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
    text("concat.flac", "ffconcat version 1.0\nfile '/etc/passwd'\n"),
    text("list.asx", '<asx version="3.0"><entry><ref href="http://127.0.0.1:9/"/></entry></asx>'),
    text("list.xspf", '<?xml version="1.0"?><playlist><trackList><track><location>file:///etc/passwd</location>'),
    text("dash.mp4", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'),
    text("session.mp3", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"),
    text("subtitles.mp3", "1\n00:00:00,000 --> 00:00:01,000\nHello\n"),
    text("sheet.cue", 'FILE "/etc/passwd" WAVE\n  TRACK 01 AUDIO\n'),
    text("script.mp3", "#!/bin/sh\nrm -rf /\n"),
)

OTHERS: Final = (
    Case("empty.mp3", put("empty.mp3", b""), ("empty",)),
    refused("utf16.mp3", "\ufeffTHIS IS TEXT AND NO SOUND".encode("utf-16-le")),
    refused("photo.mp3", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + np.random.default_rng(1).bytes(50_000)),
    refused("picture.png.mp3", b"\x89PNG\r\n\x1a\n" + np.random.default_rng(2).bytes(50_000)),
    refused("paper.mp3", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(500)),
    refused("archive.mp3", b"PK\x03\x04" + bytes(500)),
    refused("packed.mp3", b"\x1f\x8b\x08\x00" + np.random.default_rng(3).bytes(5000)),
    refused("program.mp3", b"\x7fELF\x02\x01\x01" + bytes(5000)),
    refused("score.mid", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60MTrk" + bytes(50)),
    *(refused(f"random{seed}.mp3", np.random.default_rng(seed).bytes(300_000)) for seed in range(5)),
    refused("zeros.mp3", bytes(1 << 20)),
    refused("ones.mp3", b"\xff" * (1 << 20)),
    refused("one_byte.mp3", b"\xff"),
    refused("only_a_tag.mp3", id3(20, frame(b"TIT2", b"\x03Lonely") + bytes(3))),
    refused("riff_of_something_else.wav", b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(200)),
    Case("sparse.mp3", sparse("sparse.mp3", b"", 10 << 30), NOT),
)

MP3S: Final = (
    heard("truncated.mp3", lambda: mp3()[:40_000], "truncated"),
    refused("one_frame.mp3", lambda: frames(1), "damaged"),
    heard("two_frames.mp3", lambda: frames(2)),
    refused("half_a_frame.mp3", lambda: frames(1)[:200], *BROKEN),
    heard("promises_more.mp3", lambda: lying_xing(100_000), "truncated", seconds=5.0),
    heard("promises_less.mp3", lambda: lying_xing(10), "header"),
    heard("junk_before.mp3", lambda: np.random.default_rng(5).bytes(70_000) + mp3(), seconds=5.0),
    heard("zeros_before.mp3", lambda: bytes(70_000) + mp3(), seconds=5.0),
    heard("junk_after.mp3", lambda: mp3() + b"and they lived happily ever after. " * 2000),
    heard("hole.mp3", lambda: damaged(mp3(), 0.5, 3000)),
    heard("tag_claims_100mb.mp3", lambda: id3(100 << 20) + mp3(), seconds=5.0),
    heard("tag_claims_256mb.mp3", lambda: id3((256 << 20) - 1, frame(b"TIT2", b"\x03Title")) + mp3(), seconds=5.0),
    heard("frame_claims_100mb.mp3", lambda: id3(30, b"APIC" + bytes((50, 0, 0, 0)) + bytes(22)) + mp3(), seconds=5.0),
    heard("tag_of_20mb.mp3", lambda: id3(20 << 20, bytes(20 << 20)) + mp3(), seconds=5.0),
    heard("tag_bomb.mp3", bomb, seconds=5.0),
    heard("tags_in_tags.mp3", lambda: id3(0) * 5 + id3(10, bytes(10)) + mp3(), seconds=5.0),
    heard("tag_of_the_future.mp3", lambda: id3(10, bytes(10), version=9) + mp3(), seconds=5.0),
    heard("nul_title.mp3", lambda: id3(40, frame(b"TIT2", b"\x03A\0B\0\0C" + bytes(23))) + mp3(), seconds=5.0),
    heard("huge_title.mp3", lambda: id3(3_000_010, frame(b"TIT2", b"\x03" + b"x" * 2_999_999)) + mp3(), seconds=5.0),
    heard("ape_claims_much.mp3", lambda: mp3() + ape(0xFFFFFF0)),
    heard("changes_rate.mp3", lambda: mp3() + mp3(rate=22050), "changes"),
    heard("called.flac", mp3, seconds=5.0),
)

WAVS: Final = (
    heard("size_zero.wav", lambda: wav(pcm(3), size=0), seconds=3.0),
    heard("size_all_ones.wav", lambda: wav(pcm(3), size=0xFFFFFFFF), seconds=3.0),
    heard("size_2gb.wav", lambda: wav(pcm(3), size=0x7FFFFFFF), seconds=3.0),
    heard("size_too_big.wav", lambda: wav(pcm(3), size=100_000_000), "truncated", seconds=3.0),
    heard("size_too_small.wav", lambda: wav(pcm(3), size=1000), "header", seconds=3.0),
    heard("odd_end.wav", lambda: wav(pcm(1) + b"\x01\x02\x03"), seconds=1.0),
    heard("channels64.wav", lambda: wav(pcm(1, channels=64), channels=64), seconds=1.0),
    heard("hertz1.wav", lambda: wav(pcm(30, 1), rate=1), seconds=30.0),
    heard("khz768.wav", lambda: wav(pcm(2, 768_000), rate=768_000), seconds=2.0),
    heard("eight_bits.wav", lambda: wav(bytes(range(256)) * 400, bits=8)),
    heard("float_nan.wav", lambda: floats(np.nan, 0.5, np.inf, -0.5), "not_finite"),
    heard("float_huge.wav", lambda: floats(3e38, -3e38)),
    heard("double.wav", lambda: wav(noise(1, 44100).T.astype("<f8").tobytes(), bits=64, tag=3), seconds=1.0),
    heard("integer64.wav", lambda: encoded("wav", "pcm_s64le", "s64"), seconds=5.0),
    heard("bits24.wav", lambda: encoded("wav", "pcm_s24le", "s32"), seconds=5.0),
    heard("mulaw.wav", lambda: encoded("wav", "pcm_mulaw", "s16", 8000), seconds=5.0),
    heard("adpcm.wav", lambda: encoded("wav", "adpcm_ms", "s16")),
    heard("silence.wav", lambda: wav(bytes(44100 * 4 * 3)), seconds=3.0),
    heard("one_sample.wav", lambda: wav(b"\x01\x02\x03\x04")),
    Case("hour1.wav", sparse("hour1.wav", HOUR1, 57_600_044), (HEARD,), (), 3600.0),
    Case("hours10.wav", sparse("hours10.wav", HOURS10, 576_000_044), (HEARD,), (), 36_000.0),
    refused("no_samples.wav", wav(b""), "no_sound"),
    refused("no_data_chunk.wav", wav(b"")[:-8], *BROKEN),
    refused("header_only.wav", wav(pcm(1))[:20], *BROKEN),
    refused("twelve_bytes.wav", wav(pcm(1))[:12], *BROKEN),
    refused("no_channels.wav", wav(pcm(1), channels=0), *BROKEN),
    refused("no_rate.wav", wav(pcm(1), rate=0), *BROKEN),
    refused("rate_4ghz.wav", wav(pcm(1), rate=0xFFFFFFFF), "rate_too_high", *BROKEN),
    refused("channels65.wav", wav(pcm(0.1, channels=65), channels=65), "too_many_channels", *BROKEN),
    refused("channels65535.wav", wav(bytes(1 << 20), channels=65535), "too_many_channels", *BROKEN),
    refused("unknown_codec.wav", wav(pcm(1), tag=0x9999), "no_decoder"),
    refused("week.wav", wav(bytes(2_000_000), rate=1, channels=1, bits=8), "too_long"),
)

REST: Final = (
    heard("truncated.flac", lambda: flac()[: len(flac()) // 2], "truncated"),
    heard("hole.flac", lambda: damaged(flac(), 0.5, 20_000)),
    heard("lying.flac", lambda: patched(flac(), b"fLaC", 21, b"\xf2\xff\xff\xff\xff"), "truncated"),
    refused("header_only.flac", lambda: flac()[:42], *BROKEN),
    refused("no_rate.flac", lambda: patched(flac(), b"fLaC", 18, b"\0\0\0")[:2000], *BROKEN),
    heard("chained.opus", lambda: opus() + opus(), seconds=10.0),
    heard("chained_otherwise.ogg", lambda: opus() + encoded("ogg", "flac", "s16", 44100), "changes", seconds=10.0),
    heard("chain_breaks.ogg", lambda: opus() + encoded("ogg", "flac", "s16", 44100)[:3000], seconds=5.0),
    heard("truncated.opus", lambda: opus()[: len(opus()) // 2]),
    heard("hole.opus", lambda: damaged(opus(), 0.5, 5000)),
    heard("two_streams.ogg", two_streams, seconds=4.0),
    refused("first_page.ogg", lambda: opus()[:47], *BROKEN),
    refused("truncated.m4a", lambda: m4a()[: len(m4a()) // 2], "damaged"),
    refused("greedy.m4a", greedy_mp4, "damaged", "memory", "no_sound"),
    refused("absurd_atom.m4a", M4A_HEAD + atom(b"moov", bytes(50), 0xFFFFFFFF), *BROKEN),
    refused("atoms_in_atoms.m4a", M4A_HEAD + b"\0\0\xff\xf0moov\0\0\xff\xe0trak" * 2000, *BROKEN),
    refused("only_ftyp.m4a", M4A_HEAD, *BROKEN),
    refused("video_only.mp4", video_only, "no_audio_stream"),
    heard("outside_data.m4a", lambda: patched(m4a(), b"url ", 4, b"\0\0\0\0"), seconds=5.0),
    heard("live.webm", lambda: webm(live=True), seconds=5.0),
    heard("truncated.webm", lambda: webm()[: len(webm()) // 2]),
    refused("absurd.webm", b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(4000), *BROKEN),
    heard("truncated.wma", lambda: wma()[: len(wma()) // 2]),
    refused("header_only.wma", lambda: wma()[:30], *BROKEN),
    heard("truncated.aiff", lambda: aiff()[: len(aiff()) // 2]),
    refused("header_only.aiff", lambda: aiff()[:40], *BROKEN),
)

PLACES: Final = (
    Case("fifo", fifo, ("not_a_file",)),
    Case("socket", unix_socket, ("not_a_file",)),
    Case("loop", loop, ("not_a_file",)),
    Case("dangling", dangling, ("vanished",)),
    Case("link", linked, (HEARD,), (), 5.0),
    Case("folder", lambda folder: folder, ("not_a_file",)),
    Case("device", lambda _: Path("/dev/zero"), ("not_a_file",)),
    Case("nowhere", lambda folder: folder / "nowhere.mp3", ("vanished",)),
    Case("below_a_file", lambda folder: Path(os.fsdecode(put("x.mp3", b"x")(folder))) / "y.mp3", ("vanished",)),
    Case("long_name", lambda folder: folder / ("x" * 5000), ("not_a_file",)),
    Case("nul", lambda folder: os.fsencode(folder) + b"/a\0b.mp3", ("not_a_file",)),
    Case("invalid_utf8", odd_name(b"caf\xe9 \xff\xfe.mp3"), (HEARD,), (), 5.0),
    Case("newline", odd_name(b"a\nb\t\x1b[31m.mp3"), (HEARD,), (), 5.0),
    Case("address", lambda _: b"http://127.0.0.1:9/x.mp3", ("vanished",)),
    Case("concat_address", lambda _: b"concat:/etc/passwd|/etc/hosts", ("vanished",)),
)

CASES: Final[tuple[Case, ...]] = TEXTS + OTHERS + MP3S + WAVS + REST + PLACES


def main(folder: Path) -> None:
    for case in CASES:
        place = folder / case.name
        place.mkdir(parents=True)
        case.make(place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
