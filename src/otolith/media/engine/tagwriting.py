"""Putting tags into an open file, in the way of its format; the other direction of the table in `tagnames`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from mutagen import (
    aiff,
    apev2,
    asf,
    dsf,
    flac,
    id3,
    monkeysaudio,
    mp3,
    mp4,
    musepack,
    oggflac,
    oggopus,
    oggspeex,
    oggvorbis,
    trueaudio,
    wave,
    wavpack,
)

from otolith.media.engine import sniff
from otolith.media.engine.failures import ListenFailure
from otolith.media.engine.tagging import Tags
from otolith.media.engine.tagnames import BY_APE, BY_ASF, BY_FIELD, ID3_DEEDS, Name

Value = str | int | float | bool | Sequence[str] | None
Texts = Mapping[str, list[str]]

_PAIRS: Final[dict[str, str]] = {"track": "track_total", "disc": "disc_total"}
_TOTALS: Final = frozenset(_PAIRS.values())
_NUMBERS: Final = frozenset({"bpm"})
# What no longer holds of a file where another tag of it changes: it goes, unless it is given as well.
FOLLOWERS: Final[dict[str, tuple[str, ...]]] = {
    "artist": ("artists", "artist_sort", "mb_artists"),
    "album_artist": ("album_artists", "album_artist_sort", "mb_album_artists"),
    "album": ("album_sort", "mb_release", "mb_track"),
    "title": ("title_sort",),
}


def texts(changes: Mapping[str, Value], current: Tags) -> dict[str, list[str]]:
    """Changes as lists of text by field, an empty list to remove; a number drags its total along, and back."""
    out: dict[str, list[str]] = {}
    for field, value in changes.items():
        if field not in BY_FIELD:
            raise ListenFailure("tags", f"There is no tag named {field!r}.")
        out[field] = _texts(value)
    for field in list(out):
        for follower in FOLLOWERS.get(field, ()):
            out.setdefault(follower, [])
    for number, total in _PAIRS.items():
        if number in out or total in out:
            for field in (number, total):
                known = getattr(current, field)
                out.setdefault(field, [] if known is None else [str(known)])
    return out


def everything(current: Tags) -> dict[str, list[str]]:
    """All of a file's tags as lists of text, for a first tag of a better kind beside an older one."""
    found = {name: getattr(current, name, None) for name in BY_FIELD}
    found |= {f"mb_{name}": value for name, value in asdict(current.musicbrainz).items()}
    found |= {
        name: getattr(current.replaygain, name) for name in ("track_gain", "track_peak", "album_gain", "album_peak")
    }
    return {name: _texts(value) for name, value in found.items() if _texts(value)}


def _texts(value: Value) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, bool):
        return ["1"] if value else []
    if isinstance(value, float):
        return [f"{value:g}"]
    if isinstance(value, str | int):
        return [str(value)]
    return [str(part) for part in value if str(part)]


def _pair(values: Texts, number: str) -> list[str]:
    total = values.get(_PAIRS[number], [])
    if not values[number]:
        return [f"0/{total[0]}"] if total else []
    return [f"{values[number][0]}/{total[0]}" if total else values[number][0]]


def put_id3(tags: Any, values: Texts) -> None:
    for field, found in values.items():
        name = BY_FIELD[field]
        if field in _TOTALS:
            tags.delall(name.id3)
            continue
        _put_frame(tags, name, _pair(values, field) if field in _PAIRS else found)


def _put_frame(tags: Any, name: Name, found: list[str]) -> None:
    kind, _, about = name.id3.partition(":")
    if kind in ("TIPL", "TMCL"):
        _put_people(tags, kind, about, found)
        return
    if kind == "COMM":
        for key in [key for key, frame in tags.items() if key.startswith("COMM:") and not frame.desc]:
            del tags[key]
    else:
        tags.delall(name.id3)
    for alias in name.vorbis:
        # The same tag under a free name, as some programs leave it, would contradict the new value.
        for key in [key for key in tags if key.casefold() == f"txxx:{alias}"]:
            del tags[key]
    if not found:
        return
    if kind == "TXXX":
        tags.add(id3.TXXX(encoding=3, desc=about, text=found))
    elif kind == "UFID":
        tags.add(id3.UFID(owner=about, data=found[0].encode("ascii", "replace")))
    elif kind == "COMM":
        tags.add(id3.COMM(encoding=3, lang="XXX", desc="", text=found))
    elif kind == "USLT":
        tags.add(id3.USLT(encoding=3, lang="XXX", desc="", text=found[0]))
    else:
        tags.add(id3.Frames[kind](encoding=3, text=found))


def _put_people(tags: Any, kind: str, deed: str, found: list[str]) -> None:
    """Name who did what. A player who is there already keeps the instrument, which our own form does not tell."""
    pairs = {one: [list(pair) for frame in tags.getall(one) for pair in frame.people] for one in ("TIPL", "TMCL")}
    if kind == "TIPL":
        pairs["TIPL"] = [pair for pair in pairs["TIPL"] if pair[0].casefold() != deed] + [[deed, one] for one in found]
    else:
        players = pairs["TMCL"] + [pair for pair in pairs["TIPL"] if pair[0].casefold() not in ID3_DEEDS]
        known = {pair[1] for pair in players}
        pairs["TIPL"] = [pair for pair in pairs["TIPL"] if pair[0].casefold() in ID3_DEEDS]
        pairs["TMCL"] = [pair for pair in players if pair[1] in found]
        pairs["TMCL"] += [["performer", one] for one in found if one not in known]
    for one, people in pairs.items():
        tags.delall(one)
        if people:
            tags.add(id3.Frames[one](encoding=3, people=people))


def put_vorbis(tags: Any, values: Texts) -> None:
    for field, found in values.items():
        for alias in BY_FIELD[field].vorbis:
            if alias in tags:
                del tags[alias]
        if field in _TOTALS and f"total{field[:-6]}s" in tags:
            del tags[f"total{field[:-6]}s"]
        if found:
            tags[BY_FIELD[field].vorbis[0]] = found


def put_mp4(tags: Any, values: Texts) -> None:
    for field, found in values.items():
        key = BY_FIELD[field].mp4
        tags.pop(key, None)
        if field in _PAIRS:
            number, _, total = (_pair(values, field) or [""])[0].partition("/")
            if number:
                tags[key] = [(_small(number), _small(total or "0"))]
        elif field in _TOTALS or not found:
            continue
        elif key == "cpil":
            tags[key] = True
        elif field in _NUMBERS:
            tags[key] = [_small(found[0])]
        elif key.startswith("----"):
            tags[key] = [text.encode("utf-8") for text in found]
        else:
            tags[key] = found


def _small(text: str) -> int:
    """A number for an atom of 16 bits."""
    try:
        return min(65535, max(0, round(float(text))))
    except ValueError as error:
        raise ListenFailure("tags", f"{text!r} is not a number.") from error


def put_asf(tags: Any, values: Texts) -> None:
    for field, found in values.items():
        key = BY_FIELD[field].asf
        for other in {other for other, _ in tags if BY_ASF.get(other.casefold()) == field}:
            del tags[other]
        if found:
            tags[key] = found


def put_ape(tags: Any, values: Texts) -> None:
    for field, found in values.items():
        key = BY_FIELD[field].ape
        wanted = _pair(values, field) if field in _PAIRS else [] if field in _TOTALS else found
        for other in [other for other in tags if BY_APE.get(other.casefold()) == field]:
            del tags[other]
        if wanted:
            tags[key] = wanted


def _save_id3(opened: Any) -> None:
    version = 3 if opened.tags.version[:2] == (2, 3) else 4
    if version == 3:
        opened.tags.update_to_v23()
    if isinstance(opened, mp3.MP3 | trueaudio.TrueAudio):
        opened.save(v1=1, v2_version=version, v23_sep=None)
    else:
        opened.save(v2_version=version, v23_sep=None)


def write(path: str, container: sniff.Container, head: bytes, changes: Mapping[str, Value], current: Tags) -> None:
    """Change the tags of a file in place. Raises `ListenFailure` where the format holds none that can be written."""
    values = texts(changes, current)
    if container is sniff.ADTS:
        _write_bare_id3(path, values)
        return
    kind = next((kind for magic, kind in _OGG if magic in head), None) if container is sniff.OGG else None
    opener, put, save = (kind, put_vorbis, _save) if kind else _WRITERS.get(container, (None, None, None))
    if opener is None or put is None or save is None:
        raise ListenFailure("tags", f"Otolith cannot write tags into {container.name} files.")
    opened = opener(path)
    if opened.tags is None:
        opened.add_tags()
        values = everything(current) | values
    put(opened.tags, values)
    save(opened)
    if container is sniff.MP3:
        _update_ape(path, values)


def _update_ape(path: str, values: Texts) -> None:
    """An APE tag beside the ID3 tag, as mp3gain leaves it, must not go on telling the old story."""
    try:
        tags = apev2.APEv2(path)
    except apev2.APENoHeaderError:
        return
    put_ape(tags, values)
    tags.save(path)


def _write_bare_id3(path: str, values: Texts) -> None:
    try:
        tags = id3.ID3(path)
    except id3.ID3NoHeaderError:
        tags = id3.ID3()
    put_id3(tags, values)
    tags.save(path)


def _save(opened: Any) -> None:
    opened.save()


Writer = tuple[Callable[[str], Any], Callable[[Any, Texts], None], Callable[[Any], None]]

_WRITERS: Final[dict[sniff.Container, Writer]] = {
    sniff.MP3: (mp3.MP3, put_id3, _save_id3),
    sniff.WAV: (wave.WAVE, put_id3, _save_id3),
    sniff.AIFF: (aiff.AIFF, put_id3, _save_id3),
    sniff.TTA: (trueaudio.TrueAudio, put_id3, _save_id3),
    sniff.DSF: (dsf.DSF, put_id3, _save_id3),
    sniff.FLAC: (flac.FLAC, put_vorbis, _save),
    sniff.MP4: (mp4.MP4, put_mp4, _save),
    sniff.ASF: (asf.ASF, put_asf, _save),
    sniff.WAVPACK: (wavpack.WavPack, put_ape, _save),
    sniff.APE: (monkeysaudio.MonkeysAudio, put_ape, _save),
    sniff.MPC7: (musepack.Musepack, put_ape, _save),
    sniff.MPC8: (musepack.Musepack, put_ape, _save),
}
_OGG: Final[tuple[tuple[bytes, Callable[[str], Any]], ...]] = (
    (b"OpusHead", oggopus.OggOpus),
    (b"\x01vorbis", oggvorbis.OggVorbis),
    (b"\x7fFLAC", oggflac.OggFLAC),
    (b"Speex   ", oggspeex.OggSpeex),
)
