"""Makes one segment of several, without what is no longer alive in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otolith.library.search.engine.segment import FIELDS, NUMBERS, Field, Mask, Segment, Spelt
from otolith.library.search.engine.texts import Starts, Texts, Words, grouped, ranges

Renamed = NDArray[np.int32]
GONE = -1


def merge(parts: Sequence[tuple[Segment, Mask]]) -> Segment:
    """The living documents of these segments, among which no document comes twice."""
    ids = np.concatenate([segment.ids[alive] for segment, alive in parts])
    order = np.argsort(ids, kind="stable")
    docs = _renamed([alive for _, alive in parts], order)
    segments = [segment for segment, _ in parts]

    def column(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([array[alive] for array, (_, alive) in zip(arrays, parts, strict=True)])[order]

    return Segment(
        ids=ids[order],
        versions=column(segment.versions for segment in segments),
        flags=column(segment.flags for segment in segments),
        numbers={name: column(segment.numbers[name] for segment in segments) for name in NUMBERS},
        fields={name: _fields([segment.fields[name] for segment in segments], docs, len(ids)) for name in FIELDS},
        lyrics=_words([segment.lyrics for segment in segments], docs)[0],
    )


def _renamed(alive: Sequence[Mask], order: NDArray[np.int64]) -> list[Renamed]:
    """For each segment the new number of each of its documents, or `GONE`."""
    new = np.empty(len(order), np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    found, begin = [], 0
    for mask in alive:
        count = int(mask.sum())
        renamed = np.full(len(mask), GONE, np.int32)
        renamed[mask] = new[begin : begin + count]
        begin += count
        found.append(renamed)
    return found


def _fields(fields: Sequence[Field], docs: Sequence[Renamed], size: int) -> Field:
    kept = [_living(field.starts, field.docs, renamed) for field, renamed in zip(fields, docs, strict=True)]
    keys = [field.keys.all() for field in fields]
    known: dict[bytes, tuple[int, int]] = {}
    for part, (names, (counts, _)) in enumerate(zip(keys, kept, strict=True)):
        # What is read later is newer, so its way to write a name stands.
        known |= {names[code]: (part, code) for code in np.flatnonzero(counts).tolist()}
    ordered = sorted(known)
    codes = {key: code for code, key in enumerate(ordered)}
    renamed = [_codes(names, counts, codes) for names, (counts, _) in zip(keys, kept, strict=True)]
    starts, joined = _gathered(
        [(_spread(new, counts, len(ordered)), targets) for new, (counts, targets) in zip(renamed, kept, strict=True)],
        len(ordered),
    )
    shown = [field.shown.all() for field in fields]
    places = [known[key] for key in ordered]
    words, new_words = _words([field.words for field in fields], renamed)
    return Field(
        keys=Texts.of(ordered),
        shown=Texts.of([shown[part][code] for part, code in places]),
        ids=np.array([fields[part].ids[code] for part, code in places], "S16"),
        lengths=np.array([fields[part].lengths[code] for part, code in places], np.uint8),
        words=words,
        spelt=_spelt([field.spelt for field in fields], places, new_words),
        starts=starts,
        docs=joined,
        size=size,
    )


def _codes(names: Sequence[bytes], counts: NDArray[np.int64], codes: Mapping[bytes, int]) -> Renamed:
    new = np.full(len(names), GONE, np.int32)
    living = np.flatnonzero(counts)
    new[living] = [codes[names[code]] for code in living.tolist()]
    return new


def _living(
    starts: Starts, targets: NDArray[np.int32], renamed: Renamed
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """How many targets each group keeps, and the targets that are kept under their new names."""
    new = renamed[targets]
    kept = new != GONE
    behind = np.concatenate(([0], np.cumsum(kept)))
    return behind[starts[1:]] - behind[starts[:-1]], new[kept]


def _spread(new: Renamed, counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The counts of the groups under their new names, whose order is that of the old ones."""
    spread = np.zeros(size, np.int64)
    spread[new[new != GONE]] = counts[new != GONE]
    return spread


def _gathered(
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int32]]], size: int
) -> tuple[Starts, NDArray[np.int32]]:
    """Groups whose members come from several parts: the counts of a part's members by group, and the members."""
    total = np.zeros(size, np.int64)
    for counts, _ in parts:
        total += counts
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(total)))
    gathered = np.empty(int(starts[-1]), np.int32)
    free = starts[:-1].copy()
    for counts, members in parts:
        gathered[ranges(free, counts)] = members
        free += counts
    return starts, gathered


def _spelt(parts: Sequence[Spelt], places: Sequence[tuple[int, int]], renamed: Sequence[Renamed]) -> Spelt:
    """The words in their order of names that were taken from these places, by the words' new numbers."""
    taken = np.array(places, np.int64).reshape(len(places), 2)
    lengths = np.zeros(len(places), np.int64)
    for number, part in enumerate(parts):
        here = taken[:, 0] == number
        lengths[here] = np.diff(part.starts)[taken[here, 1]]
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))
    words = np.empty(int(starts[-1]), np.int32)
    for number, (part, new) in enumerate(zip(parts, renamed, strict=True)):
        here = taken[:, 0] == number
        from_ = ranges(part.starts[taken[here, 1]], lengths[here])
        words[ranges(starts[:-1][here], lengths[here])] = new[part.words[from_]]
    return Spelt(starts, words)


def _words(parts: Sequence[Words], renamed: Sequence[Renamed]) -> tuple[Words, list[Renamed]]:
    """The words of several parts with their renamed targets, and the new numbers of each part's words."""
    kept = [_living(words.starts, words.targets, new) for words, new in zip(parts, renamed, strict=True)]
    texts = [words.texts.all() for words in parts]
    ordered = sorted({some[i] for some, (counts, _) in zip(texts, kept, strict=True) for i in np.flatnonzero(counts)})
    codes = {word: code for code, word in enumerate(ordered)}
    new = [_codes(some, counts, codes) for some, (counts, _) in zip(texts, kept, strict=True)]
    starts, targets = _gathered(
        [(_spread(n, counts, len(ordered)), members) for n, (counts, members) in zip(new, kept, strict=True)],
        len(ordered),
    )
    # A name that stood in two segments brought its words from both.
    groups = np.repeat(np.arange(len(ordered), dtype=np.int32), np.diff(starts))
    return Words(Texts.of(ordered), *grouped(groups, targets, len(ordered))), new
