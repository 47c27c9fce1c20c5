"""What each format calls a tag: one table, read from left to right by the reader and the other way by the writer.

Sources: ID3v2.4 frames, the Vorbis comment field recommendations, iTunes atoms, the ASF attribute list, the APEv2
key list, and MusicBrainz Picard's mapping where a format has no name of its own.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """One tag. The first Vorbis name is the one written; "TXXX:…" and "----:…" are user-defined fields."""

    field: str
    id3: str
    vorbis: tuple[str, ...]
    mp4: str
    asf: str
    ape: str


def _own(field: str, vorbis: str | tuple[str, ...], text: str, asf: str | None = None, ape: str | None = None) -> Name:
    """A tag that ID3 and MP4 keep under a free name."""
    names = (vorbis,) if isinstance(vorbis, str) else vorbis
    return Name(field, f"TXXX:{text}", names, f"----:com.apple.iTunes:{text}", asf or text, ape or names[0])


NAMES: Final[tuple[Name, ...]] = (
    Name("title", "TIT2", ("title",), "©nam", "Title", "Title"),
    Name("artist", "TPE1", ("artist",), "©ART", "Author", "Artist"),
    _own("artists", "artists", "ARTISTS", "WM/ARTISTS", "Artists"),
    Name("album", "TALB", ("album",), "©alb", "WM/AlbumTitle", "Album"),
    Name(
        "album_artist",
        "TPE2",
        ("albumartist", "album artist", "album_artist"),
        "aART",
        "WM/AlbumArtist",
        "Album Artist",
    ),
    _own("album_artists", ("albumartists", "album_artists", "album artists"), "ALBUMARTISTS", "WM/ALBUMARTISTS"),
    Name("track", "TRCK", ("tracknumber", "track"), "trkn", "WM/TrackNumber", "Track"),
    _own("track_total", "tracktotal", "TRACKTOTAL", "TotalTracks"),
    Name("disc", "TPOS", ("discnumber", "disc"), "disk", "WM/PartOfSet", "Disc"),
    _own("disc_total", "disctotal", "DISCTOTAL", "TotalDiscs"),
    Name("date", "TDRC", ("date", "year"), "©day", "WM/Year", "Year"),
    Name(
        "original_date",
        "TDOR",
        ("originaldate", "originalyear", "original year"),
        "----:com.apple.iTunes:ORIGINALDATE",
        "WM/OriginalReleaseTime",
        "OriginalDate",
    ),
    _own("release_date", "releasedate", "RELEASEDATE"),
    Name(
        "album_version",
        "TXXX:ALBUMVERSION",
        ("albumversion", "musicbrainz_albumcomment", "musicbrainz album comment"),
        "----:com.apple.iTunes:ALBUMVERSION",
        "ALBUMVERSION",
        "ALBUMVERSION",
    ),
    Name(
        "disc_subtitle",
        "TSST",
        ("discsubtitle", "setsubtitle"),
        "----:com.apple.iTunes:DISCSUBTITLE",
        "WM/SetSubTitle",
        "DiscSubtitle",
    ),
    Name("genres", "TCON", ("genre",), "©gen", "WM/Genre", "Genre"),
    Name("composers", "TCOM", ("composer",), "©wrt", "WM/Composer", "Composer"),
    Name("lyricists", "TEXT", ("lyricist",), "----:com.apple.iTunes:LYRICIST", "WM/Writer", "Lyricist"),
    Name("conductors", "TPE3", ("conductor",), "----:com.apple.iTunes:CONDUCTOR", "WM/Conductor", "Conductor"),
    Name("performers", "TMCL", ("performer",), "----:com.apple.iTunes:PERFORMER", "PERFORMER", "Performer"),
    Name("remixers", "TPE4", ("remixer",), "----:com.apple.iTunes:REMIXER", "WM/ModifiedBy", "MixArtist"),
    Name("producers", "TIPL:producer", ("producer",), "----:com.apple.iTunes:PRODUCER", "WM/Producer", "Producer"),
    Name("comment", "COMM", ("comment", "description"), "©cmt", "Description", "Comment"),
    Name("grouping", "TIT1", ("grouping",), "©grp", "WM/ContentGroupDescription", "Grouping"),
    Name("mood", "TMOO", ("mood",), "----:com.apple.iTunes:MOOD", "WM/Mood", "Mood"),
    Name("language", "TLAN", ("language",), "----:com.apple.iTunes:LANGUAGE", "WM/Language", "Language"),
    Name(
        "label",
        "TPUB",
        ("label", "organization", "publisher"),
        "----:com.apple.iTunes:LABEL",
        "WM/Publisher",
        "Label",
    ),
    _own(
        "catalog_number",
        ("catalognumber", "catalogid", "discogs_catalog"),
        "CATALOGNUMBER",
        "WM/CatalogNo",
        "CatalogNumber",
    ),
    _own("barcode", ("barcode", "upc", "ean", "upn", "ean/upn"), "BARCODE", "WM/Barcode", "Barcode"),
    Name("copyright", "TCOP", ("copyright",), "cprt", "Copyright", "Copyright"),
    Name("title_sort", "TSOT", ("titlesort",), "sonm", "WM/TitleSortOrder", "TITLESORT"),
    Name("artist_sort", "TSOP", ("artistsort",), "soar", "WM/ArtistSortOrder", "ARTISTSORT"),
    Name("album_sort", "TSOA", ("albumsort",), "soal", "WM/AlbumSortOrder", "ALBUMSORT"),
    Name("album_artist_sort", "TSO2", ("albumartistsort",), "soaa", "WM/AlbumArtistSortOrder", "ALBUMARTISTSORT"),
    Name("bpm", "TBPM", ("bpm",), "tmpo", "WM/BeatsPerMinute", "BPM"),
    Name("key", "TKEY", ("initialkey", "key"), "----:com.apple.iTunes:initialkey", "WM/InitialKey", "KEY"),
    Name("isrc", "TSRC", ("isrc",), "----:com.apple.iTunes:ISRC", "WM/ISRC", "ISRC"),
    Name("compilation", "TCMP", ("compilation",), "cpil", "WM/IsCompilation", "Compilation"),
    Name("lyrics", "USLT", ("lyrics", "unsyncedlyrics"), "©lyr", "WM/Lyrics", "Lyrics"),
    _own("acoustid", "acoustid_id", "Acoustid Id", "Acoustid/Id"),
    Name(
        "mb_recording",
        "UFID:http://musicbrainz.org",
        ("musicbrainz_trackid",),
        "----:com.apple.iTunes:MusicBrainz Track Id",
        "MusicBrainz/Track Id",
        "musicbrainz_trackid",
    ),
    _own("mb_track", "musicbrainz_releasetrackid", "MusicBrainz Release Track Id", "MusicBrainz/Release Track Id"),
    _own("mb_release", "musicbrainz_albumid", "MusicBrainz Album Id", "MusicBrainz/Album Id"),
    _own(
        "mb_release_group", "musicbrainz_releasegroupid", "MusicBrainz Release Group Id", "MusicBrainz/Release Group Id"
    ),
    _own("mb_work", "musicbrainz_workid", "MusicBrainz Work Id", "MusicBrainz/Work Id"),
    _own("mb_artists", "musicbrainz_artistid", "MusicBrainz Artist Id", "MusicBrainz/Artist Id"),
    _own("mb_album_artists", "musicbrainz_albumartistid", "MusicBrainz Album Artist Id", "MusicBrainz/Album Artist Id"),
    _own("track_gain", "replaygain_track_gain", "REPLAYGAIN_TRACK_GAIN"),
    _own("track_peak", "replaygain_track_peak", "REPLAYGAIN_TRACK_PEAK"),
    _own("album_gain", "replaygain_album_gain", "REPLAYGAIN_ALBUM_GAIN"),
    _own("album_peak", "replaygain_album_peak", "REPLAYGAIN_ALBUM_PEAK"),
)

# Older frames for the same thing (ID3v2.2 frames are already translated by mutagen).
ID3_OLDER: Final[dict[str, str]] = {
    "TYER": "date",
    "TDRL": "release_date",
    "TORY": "original_date",
    "GRP1": "grouping",
}
RIFF_INFO: Final[dict[str, str]] = {
    "INAM": "title",
    "IART": "artist",
    "IPRD": "album",
    "ICMT": "comment",
    "ICRD": "date",
    "IGNR": "genres",
    "ITRK": "track",
    "IPRT": "track",
    "ICOP": "copyright",
    "ISRC": "label",
    "IMUS": "composers",
    "ILNG": "language",
}

# What people do that is no playing of an instrument: ID3v2.3 has one list for both.
ID3_DEEDS: Final = frozenset({"producer", "arranger", "engineer", "mix", "mixer", "dj-mix"})

BY_FIELD: Final[dict[str, Name]] = {name.field: name for name in NAMES}
BY_VORBIS: Final[dict[str, str]] = {alias: name.field for name in NAMES for alias in name.vorbis} | {
    "totaltracks": "track_total",
    "totaldiscs": "disc_total",
    "trackc": "track_total",
    "discc": "disc_total",
}
# Programs that know no frame for a tag put it under a free name, usually the one it has in Vorbis comments; FFmpeg even
# puts the name of the frame there.
BY_ID3: Final[dict[str, str]] = (
    {f"txxx:{alias}": field for alias, field in BY_VORBIS.items()}
    | {f"txxx:{name.id3.casefold()}": name.field for name in NAMES if len(name.id3) == 4}
    | {name.id3.casefold(): name.field for name in NAMES}
    | {frame.casefold(): field for frame, field in ID3_OLDER.items()}
)
BY_MP4: Final[dict[str, str]] = {f"----:com.apple.itunes:{alias}": field for alias, field in BY_VORBIS.items()} | {
    name.mp4.casefold(): name.field for name in NAMES
}
BY_ASF: Final[dict[str, str]] = (
    BY_VORBIS
    | {name.asf.casefold(): name.field for name in NAMES}
    | {
        "author": "artist",
        "wm/originalreleaseyear": "original_date",
        "wm/comments": "comment",
        "musicbrainz/album comment": "album_version",
    }
)
BY_APE: Final[dict[str, str]] = BY_VORBIS | {name.ape.casefold(): name.field for name in NAMES}
