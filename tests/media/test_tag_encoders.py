"""Fifty files, encoded and tagged by the field's own programs: every tag that they wrote is read."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from otolith.media.tags import Tags, read_tags
from tests import hostile_bytes

RELEASE: Final = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
ARTIST: Final = "9c9f1380-2516-4fc9-a3e6-f9f61941d090"

# Ten ways in which tags are odd and legal.
SETS: Final[tuple[dict[str, Any], ...]] = (
    {"title": "Plain", "artist": "Artist", "album": "Album"},
    {"title": "Été à Ōsaka – 東京 🎵", "artist": "Sigur Rós", "album": "( )"},
    {"title": "AC/DC = loud; \"very\" 'loud'", "artist": "AC/DC", "album": "T.N.T.: 1 = 1"},
    {"title": "Numbers", "track": 3, "track_total": 12, "disc": 2, "disc_total": 4},
    {"title": "Dates", "date": "1999-12-31"},
    {"title": "People", "artist": "A", "album_artist": "Various Artists", "composers": ("B",), "conductors": ("C",)},
    {"title": "Kinds", "genres": ("Trip-Hop",), "comment": "two\nlines", "label": "Label", "isrc": "FRZ039800212"},
    {"title": "Sorted", "artist": "The Who", "artist_sort": "Who, The", "album_sort": "Tommy", "title_sort": "Sorted"},
    {"title": "Known", "mb_release": RELEASE, "mb_artists": (ARTIST,), "barcode": "0602438979400"},
    {"title": "x" * 1500, "bpm": 128.0, "key": "F#m", "compilation": True, "track_gain": -7.03},
)
VORBIS: Final = {
    "title": "TITLE",
    "artist": "ARTIST",
    "album": "ALBUM",
    "track": "TRACKNUMBER",
    "track_total": "TRACKTOTAL",
    "disc": "DISCNUMBER",
    "disc_total": "DISCTOTAL",
    "date": "DATE",
    "album_artist": "ALBUMARTIST",
    "composers": "COMPOSER",
    "conductors": "CONDUCTOR",
    "genres": "GENRE",
    "comment": "COMMENT",
    "label": "LABEL",
    "isrc": "ISRC",
    "artist_sort": "ARTISTSORT",
    "album_sort": "ALBUMSORT",
    "title_sort": "TITLESORT",
    "mb_release": "MUSICBRAINZ_ALBUMID",
    "mb_artists": "MUSICBRAINZ_ARTISTID",
    "barcode": "BARCODE",
    "bpm": "BPM",
    "key": "INITIALKEY",
    "compilation": "COMPILATION",
    "track_gain": "REPLAYGAIN_TRACK_GAIN",
}
ID3: Final = {
    "album_artist": "TPE2",
    "composers": "TCOM",
    "conductors": "TPE3",
    "label": "TPUB",
    "isrc": "TSRC",
    "artist_sort": "TSOP",
    "album_sort": "TSOA",
    "title_sort": "TSOT",
    "bpm": "TBPM",
    "key": "TKEY",
    "compilation": "TCMP",
    "mb_release": "TXXX=MusicBrainz Album Id",
    "mb_artists": "TXXX=MusicBrainz Artist Id",
    "barcode": "TXXX=BARCODE",
    "track_gain": "TXXX=REPLAYGAIN_TRACK_GAIN",
}
FFMPEG: Final = VORBIS | {"album_artist": "album_artist", "label": "publisher"}


def text(field: str, value: Any) -> str:
    """A value as programs take it on their command line."""
    if isinstance(value, tuple):
        return str(value[0])
    if isinstance(value, bool):
        return "1"
    return f"{value} dB" if field == "track_gain" else f"{value:g}" if isinstance(value, float) else str(value)


def pairs(said: dict[str, Any], names: dict[str, str]) -> list[tuple[str, str]]:
    return [(names[field], text(field, value)) for field, value in said.items() if field in names]


def numbered(said: dict[str, Any], number: str) -> str:
    return f"{said[number]}/{said[f'{number}_total']}"


def lame(source: Path, target: Path, said: dict[str, Any]) -> list[str]:
    command = ["lame", "--quiet", "--id3v2-only", "--id3v2-utf16"]
    for flag, field in (
        ("--tt", "title"),
        ("--ta", "artist"),
        ("--tl", "album"),
        ("--tg", "genres"),
        ("--tc", "comment"),
    ):
        if field in said:
            command += [flag, text(field, said[field])]
    if "track" in said:
        command += ["--tn", numbered(said, "track"), "--tv", f"TPOS={numbered(said, 'disc')}"]
    if "date" in said:
        command += ["--ty", said["date"][:4]]
    for name, value in pairs(said, ID3):
        command += ["--tv", f"{name}={value}"]
    return [*command, str(source), str(target)]


def oggenc(source: Path, target: Path, said: dict[str, Any]) -> list[str]:
    comments = [part for name, value in pairs(said, VORBIS) for part in ("-c", f"{name}={value}")]
    return ["oggenc", "-Q", *comments, "-o", str(target), str(source)]


def flac(source: Path, target: Path, said: dict[str, Any]) -> list[str]:
    comments = [f"--tag={name}={value}" for name, value in pairs(said, VORBIS)]
    return ["flac", "-s", "-f", *comments, "-o", str(target), str(source)]


def opusenc(source: Path, target: Path, said: dict[str, Any]) -> list[str]:
    comments = [part for name, value in pairs(said, VORBIS) for part in ("--comment", f"{name}={value}")]
    return ["opusenc", "--quiet", *comments, str(source), str(target)]


def ffmpeg(source: Path, target: Path, said: dict[str, Any]) -> list[str]:
    joined = dict(said)
    if "track" in said:
        joined |= {"track": numbered(said, "track"), "disc": numbered(said, "disc")}
        del joined["track_total"], joined["disc_total"]
    names = FFMPEG | {"track": "track", "disc": "disc"}
    metadata = [part for name, value in pairs(joined, names) for part in ("-metadata", f"{name}={value}")]
    return ["ffmpeg", "-v", "error", "-y", "-i", str(source), *metadata, str(target)]


Encoder = Callable[[Path, Path, dict[str, Any]], list[str]]
ENCODERS: Final[dict[str, tuple[Encoder, tuple[str, ...]]]] = {
    "lame": (lame, ("mp3",)),
    "oggenc": (oggenc, ("ogg",)),
    "flac": (flac, ("flac",)),
    "opusenc": (opusenc, ("opus",)),
    "ffmpeg": (ffmpeg, ("mp3", "flac", "ogg", "opus", "wma")),
}
# What a program has no way to write, and so no reader can find.
UNABLE: Final[dict[str, frozenset[str]]] = {"lame": frozenset({"date"})}


def found(tags: Tags, field: str) -> Any:
    if field == "mb_release":
        return tags.musicbrainz.release
    if field == "mb_artists":
        return tags.musicbrainz.artists
    return tags.replaygain.track_gain if field == "track_gain" else getattr(tags, field)


@pytest.mark.parametrize("said", SETS, ids=lambda said: str(said["title"])[:8])
@pytest.mark.parametrize("program", sorted(ENCODERS))
def test_every_tag_is_read(program: str, said: dict[str, Any], tmp_path: Path) -> None:
    if shutil.which(program) is None:
        assert not os.environ.get("CI"), f"{program} is missing; .ci/run installs it"
        pytest.skip(f"{program} is not installed")
    source = tmp_path / "source.wav"
    source.write_bytes(hostile_bytes.wav(hostile_bytes.pcm(1)))
    encoder, extensions = ENCODERS[program]
    for extension in extensions:
        target = tmp_path / f"out.{extension}"
        environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        subprocess.run(encoder(source, target, said), check=True, env=environment, capture_output=True)
        tags = read_tags(target)
        assert tags.problems == ()
        for field, value in said.items():
            if field in UNABLE.get(program, ()):
                assert found(tags, field) == value[:4]
            else:
                assert found(tags, field) == value, (extension, field)
