"""What people want left out of their library: `.nomedia` files, and patterns in `.otolithignore` files.

Whether a path is left out follows from the ignore files in the folders above it alone, so two scans that come from
different folders agree on it.
"""

import os
import re
from dataclasses import dataclass
from itertools import islice
from typing import Final

NO_MEDIA: Final = b".nomedia"
PATTERNS: Final = b".otolithignore"
LARGEST: Final = 1 << 16
"""How many bytes of an ignore file count."""
MOST_RULES: Final = 1000
"""How many rules may hold in one folder, those of the folders above it included; each is tried on each file."""
_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file, with the meaning that it has in `.gitignore`."""

    expression: re.Pattern[bytes]
    takes_back: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The lines of one ignore file; paths are matched from its folder on. Of one that `is_cut` not all count."""

    folder: bytes
    rules: tuple[Rule, ...]
    is_cut: bool = False


# The ignore files that hold in a folder, the outermost first; None where the folder itself is left out.
Chain = tuple[Rules, ...] | None


class Ignored:
    """Tells which paths are left out; the rules of the folders that were asked for lately are remembered."""

    def __init__(self) -> None:
        self._chains: dict[bytes, Chain] = {}

    def chain(self, folder: bytes) -> Chain:
        """The rules that hold in a folder."""
        if folder in self._chains:
            return self._chains[folder]
        parent = folder.rpartition(b"/")[0] or b"/"
        above = () if folder == b"/" else self.chain(parent)
        found: Chain = None if above is None or hides(above, folder, is_folder=True) else _with_own(above, folder)
        if len(self._chains) >= _KEPT:
            self._chains.clear()
        self._chains[folder] = found
        return found

    def covers(self, path: bytes) -> bool:
        """Whether a file is left out."""
        chain = self.chain(path.rpartition(b"/")[0] or b"/")
        return chain is None or hides(chain, path, is_folder=False)


def hides(chain: tuple[Rules, ...], path: bytes, *, is_folder: bool) -> bool:
    """Whether the rules leave out what lies in the folder that they are of; the last rule that fits decides."""
    for rules in reversed(chain):
        rest = path[len(rules.folder.rstrip(b"/")) + 1 :]
        for rule in reversed(rules.rules):
            if (is_folder or not rule.folders_only) and rule.expression.fullmatch(rest):
                return not rule.takes_back
    return False


def _with_own(above: tuple[Rules, ...], folder: bytes) -> Chain:
    stem = folder.rstrip(b"/")
    if os.path.lexists(stem + b"/" + NO_MEDIA):
        return None
    text, is_whole = _read(stem + b"/" + PATTERNS)
    left = MOST_RULES - sum(len(rules.rules) for rules in above)
    rules = parse(text, left + 1)
    if len(rules) > left or not is_whole:
        return (*above, Rules(folder, rules[:left], is_cut=True))
    return (*above, Rules(folder, rules)) if rules else above


def _read(path: bytes) -> tuple[bytes, bool]:
    """What an ignore file says, as far as it counts, and whether that is all of it."""
    try:
        # Without blocking: whatever has this name need not be a file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return b"", True
    try:
        with open(descriptor, "rb") as file:  # noqa: PTH123 -- It is open already.
            text = file.read(LARGEST + 1) or b""
    except OSError:
        return b"", True
    if len(text) <= LARGEST:
        return text, True
    # A line that is cut in two would mean something else.
    return text[:LARGEST].rpartition(b"\n")[0], False


def parse(text: bytes, most: int = MOST_RULES) -> tuple[Rule, ...]:
    """The first rules of an ignore file; a line that is no pattern is passed over, as an empty one or a comment is."""
    found = (_rule(line) for line in text.removeprefix(b"\xef\xbb\xbf").splitlines())
    return tuple(islice((rule for rule in found if rule is not None), max(0, most)))


def _rule(line: bytes) -> Rule | None:
    if not line.endswith(b"\\ "):
        line = line.rstrip(b" \t")
    takes_back = line.startswith(b"!")
    pattern = line[1:] if takes_back else line
    if not pattern or pattern.startswith(b"#"):
        return None
    folders_only = pattern.endswith(b"/")
    pattern = pattern.rstrip(b"/")
    anchored = b"/" in pattern
    parts = [part for part in pattern.split(b"/") if part]
    if not parts:
        return None
    try:
        expression = re.compile(_path(parts, anchored=anchored), re.DOTALL)
    except re.error:
        return None
    return Rule(expression, takes_back, folders_only)


def _path(parts: list[bytes], *, anchored: bool) -> bytes:
    """The regular expression of a pattern's parts; ``**`` stands for any number of folders.

    What stands between two of them is found at its first place and stays there, as within `_name`.
    """
    runs: list[list[bytes]] = [[]] if anchored else [[], []]
    for part in parts:
        if part == b"**":
            runs.append([])
        else:
            runs[-1].append(_name(part))
    first, *rest = runs
    written = b"".join(name + b"/" for name in first)
    if not rest:
        return written[:-1]
    for run in filter(None, rest[:-1]):
        written += b"(?>(?:[^/]+/)*?" + b"".join(name + b"/" for name in run) + b")"
    return written + (b"(?:[^/]+/)*" + b"/".join(rest[-1]) if rest[-1] else b".+")


def _name(part: bytes) -> bytes:
    """The regular expression of one name in a pattern.

    What stands between two stars is found at its first place and stays there, which is all that a pattern needs and
    keeps one with many stars from taking forever.
    """
    pieces: list[bytes] = [b""]
    position = 0
    while position < len(part):
        letter = part[position : position + 1]
        position += 1
        if letter == b"*":
            pieces.append(b"")
            continue
        if letter == b"[" and (end := part.find(b"]", position + 1)) > 0:
            inside = part[position:end].replace(b"\\", b"\\\\").replace(b"[", b"\\[")
            letter = b"[" + (b"^/" + inside[1:] if inside[:1] in {b"!", b"^"} else inside) + b"]"
            position = end + 1
        elif letter == b"?":
            letter = b"[^/]"
        else:
            if letter == b"\\" and position < len(part):
                letter = part[position : position + 1]
                position += 1
            letter = re.escape(letter)
        pieces[-1] += letter
    first, *rest = pieces
    if not rest:
        return first
    between = b"".join(b"(?>[^/]*?" + piece + b")" for piece in rest[:-1])
    return first + between + b"[^/]*" + rest[-1]
