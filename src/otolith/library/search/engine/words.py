"""The words of a text, as they are indexed and looked for: folded, so that case, accents and marks do not matter."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

WORD_LIMIT: Final = 40
# Letters that Unicode does not take apart, but that people type without their strokes and ligatures.
_PLAIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "ŧ": "t", "ŋ": "n"}
)
_APOSTROPHES: Final = re.compile("['’‘ʼ`´]")
# Scripts written without spaces between words: each of their characters is found by itself.
_UNSPACED: Final = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def fold(text: str) -> str:
    """The text without case, accents and strokes, its spaces single."""
    if text.isascii():
        return " ".join(text.lower().split())
    spread = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in spread if not unicodedata.combining(letter))
    return " ".join(bare.translate(_PLAIN).split())


def words_of(text: str) -> list[str]:
    """The words of a text in their order, each as often as it stands there.

    "Don't" is ``dont``; "AC/DC" is ``ac``, ``dc`` and, because many type it so, ``acdc``; "&" is ``and``; a piece
    without letters and digits, as in the name of the band "!!!", is a word as it stands.
    """
    return _indexed(fold(text).split())


def words_asked(text: str) -> list[str]:
    """The words that somebody who types this text looks for: as `words_of`, without the joined forms.

    Marks between words, as in "Florence + the Machine", are left out unless there is nothing else.
    """
    return _asked(fold(text).split())


def words_of_folded(folded: str) -> tuple[list[str], list[str]]:
    """What `words_of` and `words_asked` make of a text that is folded already; the same list where they agree."""
    pieces = folded.split()
    if folded.isascii() and folded.replace(" ", "").isalnum():
        # Nearly all names are plain words, which are both.
        words = [piece[:WORD_LIMIT] for piece in pieces]
        return words, words
    return _indexed(pieces), _asked(pieces)


def _indexed(pieces: Sequence[str]) -> list[str]:
    words: list[str] = []
    for piece in pieces:
        # Lyrics have many words, and most of them are plain as well.
        if piece.isascii() and piece.isalnum():
            words.append(piece[:WORD_LIMIT])
        else:
            words.extend(_words_of_piece(piece))
    return words


def _asked(pieces: Sequence[str]) -> list[str]:
    taken = [list(_parts(piece)) for piece in pieces]
    named = [part for parts in taken for part in parts if _RUN.match(part)]
    return named or [part for parts in taken for part in parts]


# The same few thousand come again and again: "don't", and words with a comma behind them.
@lru_cache(8192)
def _words_of_piece(piece: str) -> tuple[str, ...]:
    parts = tuple(_parts(piece))
    if len(parts) > 1 and not any(re.match(f"[{_UNSPACED}]", part) for part in parts):
        return *parts, "".join(parts)[:WORD_LIMIT]
    return parts


def _parts(piece: str) -> Iterator[str]:
    if piece == "&":
        yield "and"
        return
    runs = _RUN.findall(_APOSTROPHES.sub("", piece))
    yield from (run[:WORD_LIMIT] for run in (runs or [piece]))
