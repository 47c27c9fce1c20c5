"""What tags say, in one form for all formats."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self


@dataclass(frozen=True, slots=True)
class Cover:
    """An embedded picture: its media type, its size in bytes and the SHA-256 of its content."""

    mime: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ReplayGain:
    """Gains in dB relative to -18 LUFS, peaks as a share of full scale."""

    track_gain: float | None = None
    track_peak: float | None = None
    album_gain: float | None = None
    album_peak: float | None = None


@dataclass(frozen=True, slots=True)
class MusicBrainz:
    """MusicBrainz identifiers (UUIDs in lower case)."""

    recording: str | None = None
    track: str | None = None
    release: str | None = None
    release_group: str | None = None
    work: str | None = None
    artists: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tags:
    """A file's tags, normalised, and what identifies the file without reading it all.

    `artist` and `album_artist` are as displayed; `artists` and `album_artists` their single names, where the file
    tells them apart. `date` is as precise as the file is ("1999", "1999-12", "1999-12-31"). `length` in seconds
    as the headers say. `formats` names the kinds of tag that were found ("ID3v2.3", "APEv2", …) and `problems`
    what could not be read. `quick_key` is the file's size and a hash of its first and last 64 KiB.
    """

    title: str | None = None
    artist: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    album_artist: str | None = None
    album_artists: tuple[str, ...] = ()
    track: int | None = None
    track_total: int | None = None
    disc: int | None = None
    disc_total: int | None = None
    date: str | None = None
    year: int | None = None
    original_date: str | None = None
    release_date: str | None = None
    album_version: str | None = None
    disc_subtitle: str | None = None
    genres: tuple[str, ...] = ()
    composers: tuple[str, ...] = ()
    lyricists: tuple[str, ...] = ()
    conductors: tuple[str, ...] = ()
    performers: tuple[str, ...] = ()
    remixers: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    comment: str | None = None
    grouping: str | None = None
    mood: str | None = None
    language: str | None = None
    label: str | None = None
    catalog_number: str | None = None
    barcode: str | None = None
    copyright: str | None = None
    title_sort: str | None = None
    artist_sort: str | None = None
    album_sort: str | None = None
    album_artist_sort: str | None = None
    bpm: float | None = None
    key: str | None = None
    isrc: str | None = None
    acoustid: str | None = None
    compilation: bool = False
    lyrics: str | None = None
    musicbrainz: MusicBrainz = MusicBrainz()
    replaygain: ReplayGain = ReplayGain()
    cover: Cover | None = None
    length: float | None = None
    container: str | None = None
    formats: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    size: int = 0
    quick_key: str = ""
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_stored(self) -> dict[str, Any]:
        """What `from_dict` needs to give these tags back, but for the lyrics, which are long and kept elsewhere."""
        said: dict[str, Any] = {}
        for name, usual in _USUAL.items():
            value = getattr(self, name)
            if value != usual and name != "lyrics":
                said[name] = {part: getattr(value, part) for part in value.__slots__} if name in _PARTS else value
        return said

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The tags that `as_dict` or `as_stored` gave, after a trip through a format that knows only lists."""
        plain: dict[str, Any] = {name: _tupled(value) for name, value in values.items()}
        if ids := plain.get("musicbrainz"):
            plain["musicbrainz"] = MusicBrainz(**{name: _tupled(v) for name, v in ids.items()})
        if gain := plain.get("replaygain"):
            plain["replaygain"] = ReplayGain(**gain)
        if cover := plain.get("cover"):
            plain["cover"] = Cover(**cover)
        if extra := plain.get("extra"):
            plain["extra"] = {name: tuple(v) for name, v in extra.items()}
        return cls(**plain)


# What a tag is where a file has none of it.
_USUAL: Final[dict[str, Any]] = {name: getattr(Tags(), name) for name in Tags.__slots__}
_PARTS: Final = frozenset({"musicbrainz", "replaygain", "cover"})


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
