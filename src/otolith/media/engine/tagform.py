"""One form for what tags say: cleaned text, numbers, partial dates, identifiers."""

import hashlib
import math
import re
from typing import Any, Final

from otolith.media.engine.tagging import Cover, MusicBrainz, ReplayGain, Tags
from otolith.media.engine.tagsource import Raw

_TEXT: Final = 2048
_LONG_TEXT: Final = 1 << 16
_VALUES: Final = 64
_EXTRA: Final = 128
# Tags that are a text each, and those that are several, as they stand in the file.
_ONE: Final = (
    "title",
    "album",
    "album_version",
    "disc_subtitle",
    "grouping",
    "language",
    "label",
    "catalog_number",
    "barcode",
    "copyright",
    "title_sort",
    "artist_sort",
    "album_sort",
    "album_artist_sort",
    "key",
    "isrc",
)
_SEVERAL: Final = (
    "genres",
    "composers",
    "lyricists",
    "conductors",
    "performers",
    "remixers",
    "producers",
)
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_DATE: Final = re.compile(r"(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff]")
_PICTURES: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


def picture_type(data: bytes) -> str | None:
    """A picture's media type by its bytes, whatever the tag calls it."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for magic, mime in _PICTURES if data.startswith(magic)), None)


class _Values:
    """A reader's raw values, cleaned on the way out."""

    def __init__(self, raw: Raw) -> None:
        self._values = raw.values

    def all(self, name: str, limit: int = _TEXT) -> tuple[str, ...]:
        if name not in self._values:
            return ()
        parts = [part for value in self._values.get(name, ())[:_VALUES] for part in value.split("\0")]
        cleaned = (cleaned_text(part, limit) for part in parts[:_VALUES])
        return tuple(dict.fromkeys(part for part in cleaned if part))

    def first(self, name: str, limit: int = _TEXT) -> str | None:
        return next(iter(self.all(name, limit)), None)

    def joined(self, name: str) -> str | None:
        return "; ".join(self.all(name))[:_TEXT] or None

    def pair(self, name: str, total: str) -> tuple[int | None, int | None]:
        """A number and its total: "3/12", or apart."""
        number, _, of = (self.first(name) or "").partition("/")
        return whole(number), whole(of) or whole(self.first(total) or "")

    def number(self, name: str) -> float | None:
        found = _NUMBER.search(self.first(name) or "")
        value = float(found[0].replace(",", ".")) if found and len(found[0]) < 32 else math.nan
        return value if math.isfinite(value) else None

    def uuids(self, name: str) -> tuple[str, ...]:
        return tuple(found.lower() for value in self.all(name) for found in _UUID.findall(value))

    def uuid(self, name: str) -> str | None:
        return next(iter(self.uuids(name)), None)


def cleaned_text(text: str, limit: int = _TEXT) -> str:
    """Text that can be stored and shown anywhere: no control characters, no lone surrogates, no endless length."""
    return _CONTROL.sub("", text[: limit * 2]).strip()[:limit]


def whole(text: str) -> int | None:
    """A positive whole number that a database will take, or None."""
    found = re.match(r"\s*(\d{1,9})", text)
    return int(found[1]) or None if found else None


def partial_date(text: str | None) -> str | None:
    """A date as precise as it is given: "1999", "1999-12" or "1999-12-31"."""
    found = _DATE.search(text or "")
    if not found or found[1] == "0000":
        return None
    year, month, day = found[1], int(found[2] or 0), int(found[3] or 0)
    if not 1 <= month <= 12:
        return year
    return f"{year}-{month:02}-{day:02}" if 1 <= day <= 31 else f"{year}-{month:02}"


def _gain(values: _Values, name: str, r128: str, extra: dict[str, list[str]]) -> float | None:
    """ReplayGain as text ("-7.03 dB"), or Opus' own gain: Q7.8 relative to -23 LUFS, 5 dB below ReplayGain."""
    gain = values.number(name)
    opus = whole_signed(extra.get(r128, [""])[0])
    return gain if gain is not None or opus is None else opus / 256 + 5.0


def whole_signed(text: str) -> int | None:
    found = re.fullmatch(r"\s*([+-]?\d{1,6})\s*", text)
    return int(found[1]) if found else None


def _musicbrainz(values: _Values) -> MusicBrainz:
    return MusicBrainz(
        recording=values.uuid("mb_recording"),
        track=values.uuid("mb_track"),
        release=values.uuid("mb_release"),
        release_group=values.uuid("mb_release_group"),
        work=values.uuid("mb_work"),
        artists=values.uuids("mb_artists"),
        album_artists=values.uuids("mb_album_artists"),
    )


def _replaygain(values: _Values, extra: dict[str, list[str]]) -> ReplayGain:
    return ReplayGain(
        track_gain=_gain(values, "track_gain", "r128_track_gain", extra),
        track_peak=values.number("track_peak"),
        album_gain=_gain(values, "album_gain", "r128_album_gain", extra),
        album_peak=values.number("album_peak"),
    )


def _cover(mime: str, data: bytes) -> Cover:
    """Which picture it is, so that one that is in a thousand files is looked at once."""
    return Cover(mime, len(data), hashlib.sha256(data).hexdigest())


def normalised(raw: Raw, container: str | None, size: int, key: str) -> Tags:
    """One form for all formats."""
    values = _Values(raw)
    track, track_total = values.pair("track", "track_total")
    disc, disc_total = values.pair("disc", "disc_total")
    date = partial_date(values.first("date")) or partial_date(values.first("release_date"))
    artists = values.all("artists") or values.all("artist")
    album_artists = values.all("album_artists") or values.all("album_artist")
    bpm = values.number("bpm")
    pictures = [(mime, data) for data in raw.pictures if (mime := picture_type(data))]
    plain: dict[str, Any] = {name: values.first(name) for name in _ONE}
    plain |= {name: values.all(name) for name in _SEVERAL}
    return Tags(
        **plain,
        artist=values.joined("artist") or "; ".join(artists)[:_TEXT] or None,
        artists=artists,
        album_artist=values.joined("album_artist") or "; ".join(album_artists)[:_TEXT] or None,
        album_artists=album_artists,
        track=track,
        track_total=track_total,
        disc=disc,
        disc_total=disc_total,
        date=date,
        year=int(date[:4]) if date else None,
        original_date=partial_date(values.first("original_date")),
        release_date=partial_date(values.first("release_date")),
        comment=values.first("comment", _LONG_TEXT),
        mood=values.joined("mood"),
        bpm=bpm if bpm and bpm > 0 else None,
        acoustid=values.uuid("acoustid"),
        compilation=(values.first("compilation") or "0").lower() in ("1", "true", "yes"),
        lyrics=values.first("lyrics", _LONG_TEXT),
        musicbrainz=_musicbrainz(values),
        replaygain=_replaygain(values, raw.extra),
        cover=_cover(*max(pictures, key=lambda picture: len(picture[1]))) if pictures else None,
        length=raw.length if raw.length and math.isfinite(raw.length) and raw.length > 0 else None,
        container=container,
        formats=tuple(dict.fromkeys(raw.formats)),
        problems=tuple(dict.fromkeys(raw.problems)),
        size=size,
        quick_key=key,
        extra={
            cleaned_text(name, 128): tuple(cleaned_text(value) for value in found[:8])
            for name, found in list(raw.extra.items())[:_EXTRA]
        },
    )
