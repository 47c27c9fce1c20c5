"""Names as tags write them: told apart, folded to what makes them equal, and turned to how they are sorted."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from otolith.library.catalogue.models import KEY_LIMIT
from otolith.library.folding import clean, fold

VARIOUS: Final = "Various Artists"
VARIOUS_KEY: Final = "various artists"
# The id that MusicBrainz gives to "Various Artists", so that albums with and without ids agree on whose they are.
VARIOUS_MBID: Final = "89ad4ac3-39f7-470e-963a-56509c546377"
_ALSO_VARIOUS: Final = frozenset({VARIOUS_KEY, "various", "va", "v.a.", "v/a"})

# More names than any record credits in one role, or sorts itself under.
_MOST: Final = 32
# The same few names come again and again while a folder is filed.
_REMEMBERED: Final = 8192

# "AC/DC", "Simon & Garfunkel", "Tyler, the Creator" and "Nick Cave and the Bad Seeds" are one name each.
_BETWEEN_ARTISTS: Final = re.compile(r"\s*;\s*|\s+/\s+")
_FEATURING: Final = re.compile(r"\s+[(\[]?(?:feat\.?|ft\.?|featuring)\s+(?=\S)", re.IGNORECASE)
_BETWEEN_GENRES: Final = re.compile(r"\s*[;,/|\\]\s*")
_LEADING_AND: Final = re.compile(r"^(?:&|and)\s+", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"^(the|le|la|les|el|los|las|il|der|die|das)\s+(?=\S)|^(l['’])(?=\w)", re.IGNORECASE)
_DISC: Final = re.compile(
    r"\s*(?:[(\[]\s*(?:cd|dis[ck])\s*(\d{1,2})\b[^)\]]*[)\]]|[-,:]\s*(?:cd|dis[ck])\s*(\d{1,2}))\s*$", re.IGNORECASE
)
_DISC_FOLDER: Final = re.compile(
    rb"(?:.*[\s_\-(\[])?(?:cd|dis[ck]|disque|vol|volume)[\s_.\-]*\d{1,2}[)\]]?", re.IGNORECASE
)
_UNSEEN: Final = dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")
_TYPOGRAPHY: Final = str.maketrans(
    _UNSEEN
    | {"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "‐": "-", "‑": "-", "–": "-", "—": "-", "…": "..."}
)


@lru_cache(_REMEMBERED)
def name_key(name: str) -> str:
    """What makes two names of people equal: their text without case, accents, typography and spaces beyond one."""
    plain = " ".join(name.translate(_TYPOGRAPHY).split())
    return fold(plain) or plain.casefold()[:KEY_LIMIT]


def folded(text: str) -> str:
    """As `name_key`, of any length."""
    pieces = [name_key(text[start : start + KEY_LIMIT]) for start in range(0, len(text), KEY_LIMIT)]
    return "".join(pieces) if len(pieces) > 1 else name_key(text)


@lru_cache(_REMEMBERED)
def genre_key(name: str) -> str:
    """What makes two genres equal: as for names, and "Hip-Hop" is "hip hop", "Drum & Bass" is "drum and bass"."""
    key = name_key(name)
    plain = " ".join(key.replace("-", " ").replace("_", " ").replace("&", " and ").split())
    return (plain or key)[:KEY_LIMIT]


@lru_cache(_REMEMBERED)
def sort_key(name: str, sort_name: str = "") -> str:
    """What a name is sorted by: its sort name, or the name with its article at the end."""
    return name_key(sort_name or articled(name))


def articled(name: str) -> str:
    """The name with its leading article put behind: "The Who" is "Who, The"."""
    found = _ARTICLE.match(name)
    return name if found is None else f"{name[found.end() :]}, {found[0].strip()}"


def is_various(name: str, *, of_album: bool) -> bool:
    key = name_key(name)
    return key in _ALSO_VARIOUS if of_album else key == VARIOUS_KEY


def split_artists(written: Sequence[str], known: int = 0) -> list[str]:
    """The names in a tag. Several values are names each; one is split where a separator can be nothing else.

    `known` is how many artists the file has identifiers of: with one, the one value is one name.
    """
    if len(written) == 1 and known != 1:
        return _distinct(_apart(written[0]), name_key)
    return _distinct(written, name_key)


def _apart(written: str) -> list[str]:
    names = []
    for part in _BETWEEN_ARTISTS.split(written):
        main, *guests = _FEATURING.split(part)
        names.append(main)
        names += [_unbracketed(guest) for guest in guests]
    return names


def _unbracketed(name: str) -> str:
    """A guest's name without the bracket that "(feat. …" had opened before it."""
    closing = name.rstrip()
    if closing.endswith(")") and closing.count(")") > closing.count("("):
        return closing[:-1]
    if closing.endswith("]") and closing.count("]") > closing.count("["):
        return closing[:-1]
    return closing


def split_genres(written: Iterable[str]) -> list[str]:
    """The genres or moods in a tag, split by the usual separators: ``; , / | \\``."""
    names = (_LEADING_AND.sub("", name) for text in written for name in _BETWEEN_GENRES.split(text))
    return _distinct(names, genre_key)


def _distinct(names: Iterable[str], key_of: Callable[[str], str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        cleaned = clean(name)
        key = key_of(cleaned)
        if key:
            found.setdefault(key, cleaned)
        if len(found) == _MOST:
            break
    return list(found.values())


def split_disc(title: str) -> tuple[str, int | None]:
    """An album's title without the disc that some programs write behind it, and that disc's number."""
    found = _DISC.search(title)
    if found is None or not title[: found.start()].strip():
        return title, None
    return title[: found.start()].strip(), int(found[1] or found[2]) or None


def album_folder(path: bytes) -> bytes:
    """The folder that an album's files lie in, whose discs may have folders of their own below it."""
    folder = path.rpartition(b"/")[0]
    outer, _, last = folder.rpartition(b"/")
    return outer if outer and _DISC_FOLDER.fullmatch(last) else folder
