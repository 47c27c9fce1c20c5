"""User names and e-mail addresses, folded so that nobody can pass for somebody else by a change of case."""

import re
import unicodedata

from otolith.core.errors import NotAcceptable

LONGEST_NAME = 100
LONGEST_ADDRESS = 254
_NAME = re.compile(r"[^\s@/\\]+(?: [^\s@/\\]+)*")
# What mail servers take without quoting; whether somebody reads it is found out by writing there.
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.)*[\w-]{1,63}")


class BadName(NotAcceptable):
    """A user name has 1 to 100 characters, without @, slashes, line breaks or spaces at its ends."""


class BadAddress(NotAcceptable):
    """This is no e-mail address."""


def fold(name: str) -> str:
    """What is compared instead of a name: one form for every way of writing it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def check_user_name(name: str) -> str:
    """The name as it is stored, or `BadName`. An @ is refused, so that no name looks like an address."""
    name = unicodedata.normalize("NFC", name)
    printable = all(unicodedata.category(character)[0] != "C" for character in name)
    # Folding may make one of the forbidden characters of another.
    fit = all(_NAME.fullmatch(one) and len(one) <= LONGEST_NAME for one in (name, fold(name)))
    if not printable or not fit:
        raise BadName
    return name


def check_address(address: str) -> str:
    """The e-mail address as it is stored, or `BadAddress`."""
    address = unicodedata.normalize("NFC", address.strip())
    fit = all(_ADDRESS.fullmatch(one) and len(one) <= LONGEST_ADDRESS for one in (address, fold(address)))
    if not fit or not fold(address).isprintable():
        raise BadAddress
    return address
