"""What a search means, read off the songs themselves one after the other: slow, plain, and written apart."""

import re
import unicodedata
from collections.abc import Sequence

from tests.library.search.conftest import Song

STROKES = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "ŧ": "t"}


def folded(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(STROKES.get(letter, letter) for letter in spread if not unicodedata.combining(letter))


def parts(piece: str) -> list[str]:
    if piece == "&":
        return ["and"]
    found = re.findall(r"[一-龥]|[^\W_一-龥]+", re.sub("['’]", "", piece))
    return found or [piece]


def indexed(text: str) -> set[str]:
    words = set()
    for piece in folded(text).split():
        some = parts(piece)
        words |= {*some} if "京" in piece else {*some, "".join(some)}
    return words


def asked(text: str) -> list[str]:
    found = [part for piece in folded(text).split() for part in parts(piece)]
    return [part for part in found if any(map(str.isalnum, part))] or found


def distance(one: str, other: str) -> int:
    """Optimal string alignment, as the books have it."""
    rows = [[i + j if i * j == 0 else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            cost = one[i - 1] != other[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


def is_similar(word: str, wanted: str, *, prefix: bool) -> bool:
    errors = 0 if len(wanted) < 4 else 1 if len(wanted) < 8 else 2
    beginnings = [word[:end] for end in range(len(word) + 1)] if prefix else [word]
    return bool(errors) and any(distance(one, wanted) <= errors for one in beginnings)


def has(song: Song, wanted: str, *, prefix: bool, lenient: bool) -> bool:
    names = [song.title, song.artist, song.album, *song.genres, *song.composers]
    words = {word for name in names for word in indexed(name)}
    if wanted in words or wanted in indexed(song.lyrics):
        return True
    if prefix and any(word.startswith(wanted) for word in words):
        return True
    return lenient and any(is_similar(word, wanted, prefix=prefix) for word in words)


def found(songs: Sequence[Song], text: str, *, few: int = 5) -> set[int]:
    """The places of the songs that a text without filters finds, the last word of which may go on."""
    wanted = asked(text)
    for lenient in (False, True):
        hits = {
            place
            for place, song in enumerate(songs)
            if all(
                has(song, word, prefix=position == len(wanted) - 1, lenient=lenient)
                for position, word in enumerate(wanted)
            )
        }
        if not wanted or len(hits) >= few:
            break
    return hits
