"""The query language: words, phrases and filters of one line of text."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from otolith.core.errors import BadRequest
from otolith.library.search.engine.asking import Any, Between, Condition, Flagged, Known, Not, Query, Term
from otolith.library.search.engine.words import words_asked
from otolith.library.search.filters import ALIASES, FILTERS, OWN, TEXTS
from otolith.library.search.values import NotUnderstood

Prefix = Literal["last", "every", "none"]
WORDS_AT_MOST: Final = 32
FILTERS_AT_MOST: Final = 64
"""How many values all filters of a search may have together."""
PARTS_AT_MOST: Final = 200
"""How many words all its words, phrases and filters may have together, since each of them is looked up."""

_PIECE: Final = re.compile(
    r"""(?P<minus>-(?=\S))?
        (?:(?P<name>[^\W\d]\w*):(?=\S))?
        (?P<value>(?:"[^"]*(?:"|$)|[^\s"])+)""",
    re.VERBOSE,
)
_PART: Final = re.compile(r'(?:"[^"]*(?:"|$)|[^,"])+')


class BadFilter(BadRequest):
    """A filter of this search is not understood."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the text: a word or phrase, or a filter by its name."""

    value: str
    name: str | None = None
    negated: bool = False

    @property
    def is_quoted(self) -> bool:
        return self.value.startswith('"')

    @property
    def text(self) -> str:
        return self.value.replace('"', " ") if self.is_quoted else self.value


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was understood."""

    query: Query

    @property
    def has_words(self) -> bool:
        return bool(self.query.terms)

    @property
    def is_personal(self) -> bool:
        """Whether it depends on what the caller played and rated."""
        return any(map(_is_personal, self.query.conditions))


def understand(
    text: str, filters: Mapping[str, str], at: float, *, prefix: Prefix = "last", strict: bool = True
) -> Asked:
    """What a text and filters beside it ask for.

    `at` is the present in seconds since 1970. Not `strict`, what is no filter is taken for words, as is fit while
    somebody still types.
    """
    pieces = [_named(piece, strict=strict) for piece in split(text)]
    conditions = [_condition(name, value, at) for name, value in filters.items()]
    for position, piece in enumerate(pieces):
        if piece.name is not None:
            is_last = prefix != "none" and position == len(pieces) - 1
            conditions += _filtered(piece, at, goes_on=is_last, strict=strict)
    words = [piece for piece in pieces if piece.name is None]
    last = pieces[-1] if pieces and prefix == "last" else None
    terms: list[Term] = []
    for piece in _worded(words):
        found = list(_terms(piece, every=prefix == "every", goes_on=piece is last))
        if piece.negated:
            conditions += [Not(term) for term in found]
        else:
            terms += found
    if len(terms) > WORDS_AT_MOST:
        message = f"A search takes at most {WORDS_AT_MOST} words; this one has {len(terms)}."
        raise BadRequest(message)
    if sum(map(_size, conditions)) > FILTERS_AT_MOST:
        message = f"A search takes at most {FILTERS_AT_MOST} values of filters."
        raise BadRequest(message)
    parts = sum(len(term.words) for one in (*terms, *conditions) for term in _terms_in(one))
    if parts > PARTS_AT_MOST:
        message = f"The phrases and filters of a search take at most {PARTS_AT_MOST} words; these have {parts}."
        raise BadRequest(message)
    if not any(_speaks_of_missing(condition) for condition in conditions):
        conditions.append(Not(Flagged("missing")))
    return Asked(Query(tuple(terms), tuple(conditions)))


def split(text: str) -> Iterator[Piece]:
    """The pieces of a text, in their order."""
    for found in _PIECE.finditer(text):
        yield Piece(found["value"], found["name"], bool(found["minus"]))


def _named(piece: Piece, *, strict: bool) -> Piece:
    """The piece with the filter's proper name; without one where it is none."""
    if piece.name is None:
        return piece
    name = piece.name.lower()
    name = ALIASES.get(name, name)
    if name in FILTERS:
        return replace(piece, name=name)
    if not strict:
        return replace(piece, name=None, value=f"{piece.name}:{piece.value}")
    near = difflib.get_close_matches(name, [*FILTERS, *ALIASES], n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]}:?" if near else ""
    message = (
        f'There is no filter "{piece.name}".{meant} To search for these words themselves, put them in quotes: '
        f'"{piece.name}:{piece.text.strip()}". The filters are {", ".join(FILTERS)}.'
    )
    raise BadFilter(message)


def _filtered(piece: Piece, at: float, *, goes_on: bool, strict: bool) -> Iterator[Condition]:
    assert piece.name is not None  # noqa: S101 -- Whoever calls looked.
    value = piece.value
    if goes_on and piece.name in TEXTS and not value.endswith(('"', "*")) and not value.startswith("="):
        value += "*"
    try:
        condition = _condition(piece.name, value, at)
    except BadFilter:
        if strict:
            raise
        return
    yield Not(condition) if piece.negated else condition


def _condition(name: str, value: str, at: float) -> Condition:
    """What a filter means, any of whose values may hold."""
    found = []
    for part in _PART.findall(value):
        is_phrase = part.startswith('"')
        bare = part.replace('"', "").strip()
        try:
            condition = FILTERS[name].means(bare, at)
        except NotUnderstood as error:
            raise BadFilter(_refusal(name, bare, str(error))) from error
        if is_phrase and isinstance(condition, Term) and condition.mode == "words":
            condition = replace(condition, mode="phrase")
        found.append(condition)
    if not found:
        raise BadFilter(_refusal(name, value, ""))
    return found[0] if len(found) == 1 else Any(found)


def _refusal(name: str, value: str, reason: str) -> str:
    known = FILTERS[name]
    examples = f", such as {' or '.join(known.examples)}" if known.examples else ""
    why = f": {reason}" if reason else ""
    return f'"{name}:{value}" is not understood{why}. {name} takes {known.takes}{examples}.'


def _worded(pieces: list[Piece]) -> list[Piece]:
    """The pieces that hold letters or digits; marks alone, as in "this - that", count only where there is no other."""
    named = [piece for piece in pieces if piece.text.strip() == "&" or any(map(str.isalnum, piece.text))]
    return named or pieces


def _terms(piece: Piece, *, every: bool, goes_on: bool) -> Iterator[Term]:
    stem = piece.text.strip()
    starred = stem.endswith("*") and any(map(str.isalnum, stem))
    words = words_asked(stem.rstrip("*") if starred else stem)
    if piece.is_quoted and len(words) > 1:
        yield Term(tuple(words), mode="phrase")
        return
    for position, word in enumerate(words):
        is_last = position == len(words) - 1
        may_go_on = not piece.is_quoted and not piece.negated
        yield Term((word,), prefix=(starred and is_last) or (may_go_on and (every or (goes_on and is_last))))


def _is_personal(condition: Condition) -> bool:
    match condition:
        case Between():
            return condition.number in OWN
        case Known():
            return condition.what in OWN
        case Any():
            return any(map(_is_personal, condition.of))
        case Not():
            return _is_personal(condition.condition)
        case _:
            return False


def _size(condition: Condition) -> int:
    match condition:
        case Any():
            return sum(map(_size, condition.of))
        case Not():
            return _size(condition.condition)
        case _:
            return 1


def _terms_in(condition: Condition) -> Iterator[Term]:
    match condition:
        case Term():
            yield condition
        case Any():
            for one in condition.of:
                yield from _terms_in(one)
        case Not():
            yield from _terms_in(condition.condition)


def _speaks_of_missing(condition: Condition) -> bool:
    match condition:
        case Flagged():
            return condition.flag == "missing"
        case Any():
            return any(map(_speaks_of_missing, condition.of))
        case Not():
            return _speaks_of_missing(condition.condition)
        case _:
            return False
