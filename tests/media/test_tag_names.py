"""The names of tags are those of MusicBrainz Picard and beets, and those that the documentation lists."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import mutagen.apev2
import mutagen.asf
import mutagen.flac
import mutagen.mp4
import pytest
from mutagen import id3

from otolith.media.engine.tagnames import NAMES
from otolith.media.tags import Tags, read_tags
from tests import hostile_bytes

DOCUMENT: Final = Path(__file__).parent.parent.parent / "docs" / "user" / "catalogue.md"
UUID: Final = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
FREE: Final = "----:com.apple.iTunes:"

# Field, value, ID3v2.4, Vorbis comment, MP4, ASF and APEv2, as Picard writes them; None where it has no name for it.
PICARD: Final[tuple[tuple[str, Any, str, str, str | None, str | None, str | None], ...]] = (
    ("title", "T", "TIT2", "TITLE", "©nam", "Title", "Title"),
    ("artist", "A", "TPE1", "ARTIST", "©ART", "Author", "Artist"),
    ("artists", ("A", "B"), "TXXX:ARTISTS", "ARTISTS", FREE + "ARTISTS", "WM/ARTISTS", "Artists"),
    ("album", "L", "TALB", "ALBUM", "©alb", "WM/AlbumTitle", "Album"),
    ("album_artist", "A", "TPE2", "ALBUMARTIST", "aART", "WM/AlbumArtist", "Album Artist"),
    ("album_artist_sort", "A, The", "TSO2", "ALBUMARTISTSORT", "soaa", "WM/AlbumArtistSortOrder", "ALBUMARTISTSORT"),
    ("artist_sort", "A, The", "TSOP", "ARTISTSORT", "soar", "WM/ArtistSortOrder", "ARTISTSORT"),
    ("album_sort", "L", "TSOA", "ALBUMSORT", "soal", "WM/AlbumSortOrder", "ALBUMSORT"),
    ("title_sort", "T", "TSOT", "TITLESORT", "sonm", "WM/TitleSortOrder", "TITLESORT"),
    ("date", "1999-12-31", "TDRC", "DATE", "©day", "WM/Year", "Year"),
    ("release_date", "2000-01-02", "TDRL", "RELEASEDATE", None, None, None),
    ("original_date", "1970", "TDOR", "ORIGINALDATE", None, "WM/OriginalReleaseTime", None),
    ("genres", ("Rock", "Pop"), "TCON", "GENRE", "©gen", "WM/Genre", "Genre"),
    ("composers", ("C",), "TCOM", "COMPOSER", "©wrt", "WM/Composer", "Composer"),
    ("lyricists", ("C",), "TEXT", "LYRICIST", FREE + "LYRICIST", "WM/Writer", "Lyricist"),
    ("conductors", ("C",), "TPE3", "CONDUCTOR", FREE + "CONDUCTOR", "WM/Conductor", "Conductor"),
    ("performers", ("C",), "TMCL:guitar", "PERFORMER", None, None, "Performer"),
    ("remixers", ("C",), "TPE4", "REMIXER", FREE + "REMIXER", "WM/ModifiedBy", "MixArtist"),
    ("producers", ("C",), "TIPL:producer", "PRODUCER", FREE + "PRODUCER", "WM/Producer", "Producer"),
    ("comment", "c", "COMM", "COMMENT", "©cmt", "Description", "Comment"),
    ("grouping", "g", "TIT1", "GROUPING", "©grp", "WM/ContentGroupDescription", "Grouping"),
    ("mood", "m", "TMOO", "MOOD", FREE + "MOOD", "WM/Mood", "Mood"),
    ("language", "fra", "TLAN", "LANGUAGE", FREE + "LANGUAGE", "WM/Language", "Language"),
    ("label", "l", "TPUB", "LABEL", FREE + "LABEL", "WM/Publisher", "Label"),
    (
        "catalog_number",
        "n",
        "TXXX:CATALOGNUMBER",
        "CATALOGNUMBER",
        FREE + "CATALOGNUMBER",
        "WM/CatalogNo",
        "CatalogNumber",
    ),
    ("barcode", "0602", "TXXX:BARCODE", "BARCODE", FREE + "BARCODE", "WM/Barcode", "Barcode"),
    ("copyright", "c", "TCOP", "COPYRIGHT", "cprt", "Copyright", "Copyright"),
    ("disc_subtitle", "s", "TSST", "DISCSUBTITLE", FREE + "DISCSUBTITLE", "WM/SetSubTitle", "DiscSubtitle"),
    ("bpm", 128.0, "TBPM", "BPM", None, "WM/BeatsPerMinute", "BPM"),
    ("key", "F#m", "TKEY", "KEY", FREE + "initialkey", "WM/InitialKey", "KEY"),
    ("isrc", "FRZ039800212", "TSRC", "ISRC", FREE + "ISRC", "WM/ISRC", "ISRC"),
    ("compilation", True, "TCMP", "COMPILATION", None, "WM/IsCompilation", "Compilation"),
    ("lyrics", "la", "USLT", "LYRICS", "©lyr", "WM/Lyrics", "Lyrics"),
    ("acoustid", UUID, "TXXX:Acoustid Id", "ACOUSTID_ID", FREE + "Acoustid Id", "Acoustid/Id", "ACOUSTID_ID"),
)
# MusicBrainz' identifiers have names of one form in every kind of tag.
IDS: Final = (
    ("mb.recording", "Track Id", "TRACKID"),
    ("mb.track", "Release Track Id", "RELEASETRACKID"),
    ("mb.release", "Album Id", "ALBUMID"),
    ("mb.release_group", "Release Group Id", "RELEASEGROUPID"),
    ("mb.work", "Work Id", "WORKID"),
    ("mb.artists", "Artist Id", "ARTISTID"),
    ("mb.album_artists", "Album Artist Id", "ALBUMARTISTID"),
)
# Names that beets writes, or reads, beside those of Picard: field, value and name in a kind of tag.
BEETS: Final = (
    ("album_artists", ("A", "B"), "vorbis", "ALBUM_ARTISTS"),
    ("album_artists", ("A", "B"), "id3", "TXXX:ALBUM ARTISTS"),
    ("album_artists", ("A", "B"), "mp4", FREE + "ALBUM_ARTISTS"),
    ("album_artist", "A", "vorbis", "ALBUM ARTIST"),
    ("album_artist", "A", "vorbis", "ALBUM_ARTIST"),
    ("track_total", 12, "vorbis", "TRACKC"),
    ("disc_total", 2, "vorbis", "DISCC"),
    ("label", "l", "mp4", FREE + "publisher"),
    ("barcode", "0602", "vorbis", "UPC"),
    ("catalog_number", "n", "asf", "DISCOGS_CATALOG"),
    ("original_date", "1970", "mp4", FREE + "ORIGINAL YEAR"),
    ("original_date", "1970", "asf", "WM/OriginalReleaseYear"),
    ("comment", "c", "asf", "WM/Comments"),
    ("album_version", "live", "id3", "TXXX:MusicBrainz Album Comment"),
    ("album_version", "live", "asf", "MusicBrainz/Album Comment"),
)


def names_of_ids() -> Iterator[tuple[str, Any, str, str, str, str, str]]:
    for field, spaced, plain in IDS:
        own = f"MUSICBRAINZ_{plain}"
        in_id3 = "UFID" if field == "mb.recording" else f"TXXX:MusicBrainz {spaced}"
        value = (UUID,) if field.endswith("artists") else UUID
        yield field, value, in_id3, own, f"{FREE}MusicBrainz {spaced}", f"MusicBrainz/{spaced}", own


def texts(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return list(value)
    return ["1" if value is True else f"{value:g}" if isinstance(value, float) else str(value)]


def write_id3(path: Path, name: str, value: Any) -> None:
    path.write_bytes(hostile_bytes.mp3())
    tags = id3.ID3()
    kind, _, about = name.partition(":")
    if kind == "UFID":
        tags.add(id3.UFID(owner="http://musicbrainz.org", data=value.encode()))
    elif kind in ("TIPL", "TMCL"):
        tags.add(id3.Frames[kind](encoding=3, people=[[about, one] for one in texts(value)]))
    elif kind == "TXXX":
        tags.add(id3.TXXX(encoding=3, desc=about, text=texts(value)))
    elif kind in ("COMM", "USLT"):
        tags.add(id3.Frames[kind](encoding=3, lang="eng", desc="", text=texts(value)[0]))
    else:
        tags.add(id3.Frames[kind](encoding=3, text=texts(value)))
    tags.save(path)


def write_vorbis(path: Path, name: str, value: Any) -> None:
    path.write_bytes(hostile_bytes.flac())
    opened = mutagen.flac.FLAC(path)
    opened[name] = texts(value)
    opened.save()


def write_mp4(path: Path, name: str, value: Any) -> None:
    path.write_bytes(hostile_bytes.m4a())
    opened = mutagen.mp4.MP4(path)
    opened[name] = [text.encode() for text in texts(value)] if name.startswith("----") else texts(value)
    opened.save()


def write_asf(path: Path, name: str, value: Any) -> None:
    path.write_bytes(hostile_bytes.wma())
    opened = mutagen.asf.ASF(path)
    opened[name] = texts(value)
    opened.save()


def write_ape(path: Path, name: str, value: Any) -> None:
    path.write_bytes(hostile_bytes.encoded("wv", "wavpack", "s16p", 44100, 1.0))
    tags = mutagen.apev2.APEv2()
    tags[name] = texts(value)
    tags.save(path)


WRITERS: Final = {"id3": write_id3, "vorbis": write_vorbis, "mp4": write_mp4, "asf": write_asf, "ape": write_ape}


def found(tags: Tags, field: str) -> Any:
    part, _, name = field.rpartition(".")
    return getattr(tags.musicbrainz if part else tags, name)


@pytest.mark.parametrize(("kind", "column"), [(kind, place) for place, kind in enumerate(WRITERS, 2)])
def test_what_picard_writes_is_read(kind: str, column: int, tmp_path: Path) -> None:
    for row in (*PICARD, *names_of_ids()):
        name = row[column]
        if name is not None:
            WRITERS[kind](tmp_path / "file", name, row[1])
            assert found(read_tags(tmp_path / "file"), row[0]) == row[1], (row[0], name)


@pytest.mark.parametrize(("field", "value", "kind", "name"), BEETS)
def test_what_beets_writes_is_read(field: str, value: Any, kind: str, name: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "file", name, value)
    assert found(read_tags(tmp_path / "file"), field) == value


def test_the_documentation_lists_every_name() -> None:
    rows = {
        tuple(cell.strip().strip("`") for cell in line.strip("|").split("|"))
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("| `")
    }
    listed = {row[0]: row[1:] for row in rows}
    for name in NAMES:
        expected = (
            name.id3,
            name.vorbis[0].upper(),
            name.mp4.removeprefix("----:com.apple.iTunes:"),
            name.asf,
            name.ape,
        )
        assert listed.get(name.field) == expected, name.field
    assert listed.keys() == {name.field for name in NAMES}
