"""What a search asks for, once its text is understood."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Term:
    """Words to be found: one anywhere in a document, or several within one name of it.

    `fields` are the kinds of name to look in, all of them where None. ``phrase`` wants the words next to each other,
    ``whole`` wants nothing else in the name. With `prefix` the last word may go on.
    """

    words: tuple[str, ...]
    fields: tuple[str, ...] | None = None
    mode: Literal["words", "phrase", "whole"] = "words"
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """A number within bounds; None is no bound, and a bound itself counts unless it is open."""

    number: str
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """That a number is known at all, or that a document has any name of a field."""

    what: str


@dataclass(frozen=True, slots=True)
class Flagged:
    """That a flag is set."""

    flag: str


@dataclass(frozen=True, slots=True)
class Row:
    """That one of a document's names is this row of the database."""

    field: str
    id: bytes


@dataclass(frozen=True, slots=True)
class Any:
    """That one of several holds."""

    of: Sequence["Condition"]


@dataclass(frozen=True, slots=True)
class Not:
    """That something does not hold."""

    condition: "Condition"


Condition = Term | Between | Known | Flagged | Row | Any | Not


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that rank what they find, and conditions that only let through."""

    terms: tuple[Term, ...] = ()
    conditions: tuple[Condition, ...] = ()
