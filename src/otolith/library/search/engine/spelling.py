"""Finds the words that somebody may have meant who mistyped one: optimal string alignment, over all words at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.texts import Texts

_LONG: Final = 8
_SHORTEST: Final = 4


def errors_allowed(word: str) -> int:
    """How many letters may be wrong, missing, too many or swapped with their neighbour in a word of this length."""
    return 0 if len(word) < _SHORTEST else 1 if len(word) < _LONG else 2


def similar(words: Texts, asked: str, *, prefix: bool) -> NDArray[np.int64]:
    """The places of the words within the allowed errors of the one asked, or with `prefix` that begin so."""
    errors = errors_allowed(asked)
    if not errors or not len(words):
        return np.empty(0, np.int64)
    near = _plausible(words, asked, errors, prefix=prefix)
    # No beginning that is longer can be within the errors, nor any longer word.
    width = len(asked) + errors
    plain = words.widest[near] == 1
    found = []
    for some, letters, lengths in (_plain(words, near[plain], width), _others(words, near[~plain], width)):
        fits = slice(None) if prefix else lengths <= width
        distances = _distances(*_different(letters[fits]), asked, prefix=prefix)
        found.append(some[fits][distances <= errors])
    return np.sort(np.concatenate(found))


Letters = NDArray[np.uint32]
"""The first letters of some words, a row each, zeros behind those that end before."""


def _plain(words: Texts, near: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], Letters, NDArray[np.int64]]:
    """The letters of words in ASCII, each a byte, and how many each has."""
    starts, lengths = words.starts[near], np.diff(words.starts)[near]
    places = np.arange(width)
    inside = places < lengths[:, None]
    letters = np.where(inside, words.blob[np.where(inside, starts[:, None] + places, 0)], 0).astype(np.uint32)
    return near, letters, lengths


def _others(words: Texts, near: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], Letters, NDArray[np.int64]]:
    """The same of words in any script, which are read one by one."""
    texts = [words[place].decode() for place in near.tolist()]
    letters = np.zeros((len(texts), width), np.uint32)
    for row, text in enumerate(texts):
        letters[row, : len(text)] = [ord(letter) for letter in text[:width]]
    return near, letters, np.array([len(text) for text in texts], np.int64)


def _different(letters: Letters) -> tuple[Letters, NDArray[np.int64]]:
    """The rows that differ from the one before, and which of them each row is: sorted words often begin alike."""
    if not len(letters):
        return letters, np.empty(0, np.int64)
    differs = np.concatenate(([True], (letters[1:] != letters[:-1]).any(axis=1)))
    return letters[differs], np.cumsum(differs) - 1


def _plausible(words: Texts, asked: str, errors: int, *, prefix: bool) -> NDArray[np.int64]:
    """The words that lengths and letters alone do not rule out."""
    raw = asked.encode()
    own = Texts.of([raw]).letters[0]
    lengths = np.diff(words.starts)
    # One error changes as many bytes as a letter takes, in the word asked or in the word found.
    here = errors * max(len(letter.encode()) for letter in asked)
    there = errors * words.widest
    fits: NDArray[np.bool_] = np.bitwise_count(own & ~words.letters) <= here
    fits &= lengths >= len(raw) - np.maximum(here, there)
    if not prefix:
        fits &= lengths <= len(raw) + np.maximum(here, there)
        fits &= np.bitwise_count(words.letters & ~own) <= np.maximum(here, there)
    return np.flatnonzero(fits)


def _distances(letters: Letters, rows: NDArray[np.int64], asked: str, *, prefix: bool) -> NDArray[np.int8]:
    """The distances of these rows of letters to the word asked.

    Row i of the usual table, for all words at once, one letter of the word asked after the other. With `prefix` the
    least distance to any beginning of the word.
    """
    count, width = letters.shape
    lengths = (letters != 0).sum(axis=1)
    before: NDArray[np.int8] | None = None
    row = np.broadcast_to(np.arange(width + 1, dtype=np.int8), (count, width + 1)).copy()
    codes = [ord(letter) for letter in asked]
    for i, code in enumerate(codes):
        following = np.empty_like(row)
        following[:, 0] = i + 1
        differs = (letters != code).astype(np.int8)
        for j in range(1, width + 1):
            best = np.minimum(row[:, j], following[:, j - 1]) + np.int8(1)
            np.minimum(best, row[:, j - 1] + differs[:, j - 1], out=best)
            if before is not None and j > 1:
                swapped = (letters[:, j - 2] == code) & (letters[:, j - 1] == codes[i - 1])
                np.minimum(best, np.where(swapped, before[:, j - 2] + np.int8(1), best), out=best)
            following[:, j] = best
        before, row = row, following
    if prefix:
        beyond = np.arange(width + 1) > lengths[:, None]
        least: NDArray[np.int8] = np.where(beyond, np.int8(127), row).min(axis=1)
        return least[rows]
    last: NDArray[np.int8] = row[np.arange(count), lengths]
    return last[rows]
