"""Which passwords may be chosen: long enough, of several kinds of characters, hard to guess, and not a common one."""

import unicodedata
from collections.abc import Iterable
from functools import cache

from otolith.accounts.names import fold
from otolith.core.errors import NotAcceptable
from otolith.core.settings import AccountSettings

# What guessing is estimated from; the time that it takes grows faster than the length.
_ESTIMATED = 100
_WORDS = 20


class WeakPassword(NotAcceptable):
    """This password is too easy to guess."""


def check_password(settings: AccountSettings, password: str, *, about: Iterable[str] = ()) -> None:
    """Raise `WeakPassword`, which says what is wrong, unless the password may be chosen.

    `about` is what anybody can know of its owner: their names and addresses.
    """
    if len(password) < settings.password_length:
        raise WeakPassword(f"A password has at least {settings.password_length} characters.")
    if _kinds(password) < settings.password_classes:
        detail = (
            f"A password mixes at least {settings.password_classes} of these: lower case, upper case, digits, others."
        )
        raise WeakPassword(detail)
    if _is_common(password):
        detail = "This password is one of the most common ones, or hardly more than one; choose another."
        raise WeakPassword(detail)
    if settings.password_strength and _strength(password, about) < settings.password_strength:
        detail = "This password is too easy to guess; several unrelated words make a good one."
        raise WeakPassword(detail)


def _kinds(password: str) -> int:
    """How many of four kinds of characters there are: lower case, upper case, digits, and all others."""
    kinds = {"Ll": "lower", "Lu": "upper", "Lt": "upper", "Nd": "digit"}
    return len({kinds.get(unicodedata.category(letter), "other") for letter in password})


def _is_common(password: str) -> bool:
    # Only who chooses a password pays for the lists, which take some megabytes.
    plain = fold(password)
    return plain in _common() or plain.strip("0123456789!?.,-_*#$ ") in _common() or _repeats(plain)


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 -- As said above.

    return frozenset(FREQUENCY_LISTS["passwords"])


def _repeats(text: str) -> bool:
    """Whether the text is one short piece over and over, such as `abcabcabcabc`."""
    return any(len(text) % size == 0 and text[:size] * (len(text) // size) == text for size in range(1, 5))


def _strength(password: str, about: Iterable[str]) -> int:
    """From 0, guessed at once, to 4, hardly ever."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 -- As above.

    known = [part for text in about for part in (text, *text.replace("@", " ").replace(".", " ").split()) if part]
    score: int = zxcvbn(password[:_ESTIMATED], user_inputs=known[:_WORDS], max_length=_ESTIMATED)["score"]
    return score
