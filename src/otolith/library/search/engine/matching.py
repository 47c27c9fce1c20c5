"""Finds the documents of a segment that a query asks for, and how well each fits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any as Anything
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.asking import Any, Between, Condition, Flagged, Known, Not, Query, Row, Term
from otolith.library.search.engine.segment import FIELDS, NUMBERS, Docs, Field, Mask, Segment
from otolith.library.search.engine.spelling import similar
from otolith.library.search.engine.texts import Texts, Words, ranges

EXACT: Final = 6
PREFIX: Final = 3
SIMILAR: Final = 1
WEIGHTS: Final[Mapping[str, int]] = {
    "title": 100,
    "artist": 100,
    "album": 60,
    "album_artist": 60,
    "composer": 40,
    "people": 40,
    "genre": 30,
    "mood": 30,
    "lyrics": 10,
}
"""What a word is worth by where it stands.

In title, artist and album a whole word always weighs more than the beginning of one, and that more than a word that
is only similar, whatever the field and the bonus.
"""
CLOSENESS: Final = 50
"""The bonus where all words of a title, or of an artist's name, were asked for."""

Scores = NDArray[np.int32]
Numbers = Mapping[str, NDArray[Anything]]


@dataclass(frozen=True, slots=True)
class Scope:
    """A segment to search, which documents of it count, and numbers of theirs that are only the caller's."""

    segment: Segment
    alive: Mask
    own: Numbers = field(default_factory=dict)

    def number(self, name: str) -> NDArray[Anything]:
        return self.own[name] if name in self.own else self.segment.numbers[name]


@dataclass(frozen=True, slots=True)
class Hits:
    """The documents of a scope that were found; `scores` where words ranked them.

    `by_words` counts those that the terms alone find, whatever the conditions say.
    """

    scope: Scope
    mask: Mask
    scores: Scores | None = None
    by_words: int = 0

    @property
    def total(self) -> int:
        return int(np.count_nonzero(self.mask))


def evaluate(scope: Scope, query: Query, *, lenient: bool = False) -> Hits:
    """The documents that fit all terms and conditions; `lenient` lets similar words count for those asked."""
    mask, scores = matched(scope, query.terms, lenient=lenient)
    by_words = int(np.count_nonzero(mask))
    unwanted = [one.condition for one in query.conditions if isinstance(one, Not) and isinstance(one.condition, Term)]
    if unwanted:
        mask &= ~_mask(scope, Any(unwanted))
    for condition in query.conditions:
        if not mask.any():
            break
        if not (isinstance(condition, Not) and isinstance(condition.condition, Term)):
            mask &= _mask(scope, condition)
    return Hits(scope, mask, scores, by_words)


def matched(scope: Scope, terms: tuple[Term, ...], *, lenient: bool = False) -> tuple[Mask, Scores | None]:
    """The documents in which every term is found, and the sums of what the terms are worth there."""
    mask = scope.alive.copy()
    if not terms:
        return mask, None
    segment = scope.segment
    total = np.zeros(len(segment), np.int32)
    close = _Closeness(segment)
    for term, times in Counter(terms).items():
        worth = np.zeros(len(segment), np.int32)
        for name in term.fields or tuple(WEIGHTS):
            if name == "lyrics":
                np.maximum(worth, _sung(segment.lyrics, term, len(segment)), out=worth)
            elif len(segment.fields[name].keys):
                names = name_scores(segment.fields[name], term, WEIGHTS.get(name, 0), lenient=lenient)
                close.note(name, names, times)
                _raise(worth, segment.fields[name], names)
        mask &= worth > 0
        if not mask.any():
            return mask, total
        total += times * worth
    close.add_to(total)
    return mask, total


class _Closeness:
    """Counts for titles and artists how many of their words were asked for."""

    def __init__(self, segment: Segment) -> None:
        self._fields = {name: segment.fields[name] for name in ("title", "artist")}
        self._counts = {name: np.zeros(len(found.keys), np.int32) for name, found in self._fields.items()}

    def note(self, name: str, scores: Scores, times: int) -> None:
        if name in self._counts:
            self._counts[name] += times * (scores > 0)

    def add_to(self, total: Scores) -> None:
        bonus = np.zeros(len(total), np.int32)
        for name, found in self._fields.items():
            _raise(bonus, found, closeness(found, self._counts[name]))
        total += bonus


def closeness(names: Field, counts: Scores) -> Scores:
    """The bonus of names of which so many words were asked for."""
    lengths = np.maximum(names.lengths, 1).astype(np.int32)
    return CLOSENESS * np.minimum(counts, lengths) // lengths


def name_scores(names: Field, term: Term, weight: int, *, lenient: bool = False) -> Scores:
    """What the term is worth in each name of a field, at least 1 where it is found at all."""
    *before, last = term.words
    scores = _word_scores(names.words, last, len(names.keys), prefix=term.prefix, lenient=lenient)
    for word in before:
        scores = np.minimum(scores, _word_scores(names.words, word, len(names.keys), lenient=lenient))
    if term.mode != "words":
        candidates = np.flatnonzero(scores)
        scores[candidates[~_read(names, candidates, term)]] = 0
    return scores * np.int32(max(weight, 1))


def _word_scores(words: Words, word: str, size: int, *, prefix: bool = False, lenient: bool = False) -> Scores:
    scores = np.zeros(size, np.int32)
    if lenient:
        places = similar(words.texts, word, prefix=prefix)
        scores[words.targets[ranges(words.starts[places], np.diff(words.starts)[places])]] = SIMILAR
    if prefix:
        scores[words.of_range(*words.texts.beginning(word.encode()))] = PREFIX
    place = words.texts.find(word.encode())
    if place is not None:
        scores[words.of_range(place, place + 1)] = EXACT
    return scores


def _read(names: Field, codes: NDArray[np.int64], term: Term) -> Mask:
    """In which of these names the words stand next to each other, or are all of it."""
    spelt, texts, width = names.spelt, names.words.texts, len(term.words)
    lengths = np.diff(spelt.starts)[codes]
    # Where in the names the words may begin, and in which of the names that is.
    room = (lengths == width).astype(np.int64) if term.mode == "whole" else np.maximum(lengths - width + 1, 0)
    places, owners = ranges(spelt.starts[codes], room), np.repeat(np.arange(len(codes)), room)
    for offset, word in enumerate(term.words):
        low, high = _bounds(texts, word, prefix=term.prefix and term.mode == "phrase" and offset == width - 1)
        there = spelt.words[places + offset]
        fits = (there >= low) & (there < high)
        places, owners = places[fits], owners[fits]
    found = np.zeros(len(codes), bool)
    found[owners] = True
    return found


def _bounds(texts: Texts, word: str, *, prefix: bool) -> tuple[int, int]:
    """The places of a word, or of the words that begin so."""
    if prefix:
        return texts.beginning(word.encode())
    place = texts.find(word.encode())
    return (0, 0) if place is None else (place, place + 1)


def _raise(worth: Scores, names: Field, scores: Scores) -> None:
    """Let every document be worth at least what its names are."""
    found = np.flatnonzero(scores)
    if not len(found):
        return
    few = 4 * len(found) < len(scores)
    if names.is_single and not few:
        np.maximum(worth, np.append(scores, np.int32(0))[names.codes], out=worth)
        return
    if few:
        docs = names.docs[ranges(names.starts[found], names.counts[found])]
        values = np.repeat(scores[found], names.counts[found])
    else:
        # Reading everything in its order is faster than picking a large part of it.
        docs, values = names.docs, np.repeat(scores, names.counts)
    if names.is_single:
        worth[docs] = np.maximum(worth[docs], values)
    else:
        np.maximum.at(worth, docs, values)


def _sung(lyrics: Words, term: Term, size: int) -> Scores:
    """Lyrics count by whole words, unless they alone are asked for; they are no place for phrases and guesses."""
    if term.mode != "words":
        return np.zeros(size, np.int32)
    *before, last = term.words
    goes_on = term.prefix and term.fields == ("lyrics",)
    sung = _word_scores(lyrics, last, size, prefix=goes_on)
    for word in before:
        sung = np.minimum(sung, _word_scores(lyrics, word, size))
    return sung * np.int32(WEIGHTS["lyrics"])


def _standing(segment: Segment, terms: Sequence[Term]) -> Mask:
    """The documents in which any of several terms is found, however many the terms are looked at once."""
    found = np.zeros(len(segment), bool)
    wanted: dict[str, Mask] = {}
    for term in dict.fromkeys(terms):
        for name in term.fields or tuple(WEIGHTS):
            if name == "lyrics":
                found |= _sung(segment.lyrics, term, len(segment)) > 0
            elif len(segment.fields[name].keys):
                names = name_scores(segment.fields[name], term, 1) > 0
                wanted[name] = wanted[name] | names if name in wanted else names
    for name, names in wanted.items():
        found |= having(segment.fields[name], names)
    return found


def _mask(scope: Scope, condition: Condition) -> Mask:
    segment = scope.segment
    match condition:
        case Term():
            return _standing(segment, (condition,))
        case Between():
            return _between(scope.number(condition.number), condition)
        case Flagged():
            return segment.flag(condition.flag)
        case Row():
            names = segment.fields[condition.field]
            return having(names, names.ids == np.array(condition.id, "S16"))
        case Known():
            if condition.what in NUMBERS or condition.what in scope.own:
                known: Mask = ~np.isnan(scope.number(condition.what))
                return known
            assert condition.what in FIELDS  # noqa: S101 -- The language knows no other.
            return having(segment.fields[condition.what])
        case Any():
            found = _standing(segment, [one for one in condition.of if isinstance(one, Term)])
            for one in condition.of:
                if not isinstance(one, Term):
                    found |= _mask(scope, one)
            return found
        case Not():
            return ~_mask(scope, condition.condition)


def having(names: Field, wanted: Mask | None = None) -> Mask:
    """The documents that have one of the wanted names, or any."""
    found = np.zeros(names.size, bool)
    if wanted is None:
        found[names.docs] = True
        return found
    codes = np.flatnonzero(wanted)
    if names.is_single and 4 * len(codes) > len(wanted):
        of_codes: Mask = np.append(wanted, False)[names.codes]
        return of_codes
    docs: Docs = names.docs[ranges(names.starts[codes], names.counts[codes])]
    found[docs] = True
    return found


def _between(values: NDArray[Anything], condition: Between) -> Mask:
    found: Mask = ~np.isnan(values)
    if condition.low is not None:
        found &= values > condition.low if condition.open_low else values >= condition.low
    if condition.high is not None:
        found &= values < condition.high if condition.open_high else values <= condition.high
    return found
