"""Paths of the server's machine, cut down for those who do not administer it."""

import re
from collections.abc import Collection
from typing import Final

# The folders before a name, wherever an absolute path stands in a sentence; not those of addresses, or of "and/or".
_FOLDERS: Final = re.compile(r"(?<![\w.:/…])/(?:[^/\s]+/)*(?=[^/\s])")
_MORE: Final = "…/"


def last_name(path: str) -> str:
    """The name of a file or folder, with a sign that it lies somewhere; what is no absolute path stays as it is."""
    return _MORE + path.rstrip("/").rpartition("/")[2] if path.startswith("/") else path


def cut_down(text: str, known: Collection[str] = ()) -> str:
    """The sentence with its absolute paths cut down to their last names.

    Paths may hold spaces, at which nobody can tell whether they go on; those that are `known` are found whole.
    """
    for path in sorted(known, key=len, reverse=True):
        if len(path) > 1:
            text = text.replace(path, last_name(path))
    return _FOLDERS.sub(_MORE, text)
