"""A segment as one file: written whole or not at all, mapped into memory, and refused when damaged."""

import json
import mmap
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from otolith.library.search.engine.segment import Segment, arrays_of, from_arrays

MAGIC: Final = b"OTOLITH search 2\n"
"""Its number changes with the arrays, with how words are made, and with what the reader takes from the database."""

_ALIGNED: Final = 64


class Damaged(Exception):
    """The file is none of ours, of another version, or not as it was written."""


def write(path: Path, segment: Segment, facts: Mapping[str, Any]) -> None:
    """Put the segment into a file, with facts to recognise it by; the caller sees to it that nobody else does."""
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays_of(segment).items()}
    described: dict[str, tuple[str, int, int]] = {}
    offset = check = 0
    for name, array in arrays.items():
        described[name] = (array.dtype.str, len(array), offset)
        check = zlib.crc32(array.view(np.uint8).data if len(array) else b"", check)
        offset += -(-array.nbytes // _ALIGNED) * _ALIGNED
    head = json.dumps({"facts": dict(facts), "arrays": described, "check": check, "size": offset}).encode()
    begin = len(MAGIC) + 16 + len(head)
    begin += -begin % _ALIGNED
    draft = path.with_suffix(".part")
    try:
        with draft.open("wb") as file:
            file.write(MAGIC + b"%016d" % len(head) + head)
            for name, array in arrays.items():
                file.seek(begin + described[name][2])
                file.write(array.data)
            file.truncate(begin + offset)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def facts_of(path: Path) -> dict[str, Any] | None:
    """The facts of a file without its arrays, or None where it is none of ours."""
    try:
        with path.open("rb") as file:
            return dict(_head(file)["facts"])
    except (OSError, Damaged):
        return None


def _head(file: BinaryIO) -> dict[str, Any]:
    """What the file says of itself; its `begin` is where the arrays begin."""
    magic, length = file.read(len(MAGIC)), file.read(16)
    if magic != MAGIC or not length.isdigit():
        raise Damaged
    try:
        head: dict[str, Any] = json.loads(file.read(int(length)))
    except ValueError as error:
        raise Damaged from error
    begin = len(MAGIC) + 16 + int(length)
    return head | {"begin": begin + -begin % _ALIGNED}


def read(path: Path, *, mapped: bool) -> tuple[Segment, dict[str, Any]]:
    """The segment of a file and its facts; where it is `mapped`, the system loads and drops its pages as it likes.

    Map no file of a network file system: another host may replace it, and whoever then looks at its pages is killed.
    """
    with path.open("rb") as file:
        head = _head(file)
        begin: int = head["begin"]
        if os.fstat(file.fileno()).st_size != begin + head["size"]:
            raise Damaged
        file.seek(0)
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else file.read()
    arrays, check = {}, 0
    for name, (kind, count, offset) in head["arrays"].items():
        array = np.frombuffer(whole, np.dtype(kind), count, begin + offset) if count else np.empty(0, np.dtype(kind))
        check = zlib.crc32(array.view(np.uint8).data if count else b"", check)
        arrays[name] = array
    if check != head["check"]:
        raise Damaged
    return from_arrays(arrays), head["facts"]
