"""The compressed text of a Chromaprint fingerprint, as AcoustID takes it, and the comparison of two fingerprints."""

import base64
import binascii
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

_LONG = 7
_HEADER_BYTES = 4
_MOST_CODES = (1 << 24) - 1


class Decoded(NamedTuple):
    """What a compressed fingerprint says: Chromaprint's algorithm number and the codes."""

    algorithm: int
    codes: Codes


class Alignment(NamedTuple):
    """How two fingerprints lie best over each other.

    Code ``i + offset`` of the first stands over code ``i`` of the second; `error` is the share of differing bits over
    the `overlap` codes that they share there.
    """

    offset: int
    error: float
    overlap: int


def encode(codes: Codes, algorithm: int = 1) -> str:
    """The compressed form of `codes`: URL-safe base64 without padding.

    Each code is told as its difference (XOR) from the one before, each difference as the distances between its set
    bits: 3 bits a distance, 0 ends a code, and 7 says that a second list of 5-bit numbers holds the rest.
    """
    if len(codes) > _MOST_CODES:
        raise ValueError(f"A fingerprint holds at most {_MOST_CODES:,} codes, not {len(codes):,}.")
    little = np.asarray(codes, dtype="<u4")
    changes = little.copy()
    changes[1:] ^= little[:-1]
    bits = np.unpackbits(changes.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
    rows, columns = np.nonzero(bits)
    distances = np.diff(columns, prepend=-1)
    first_of_row = np.diff(rows, prepend=-1) != 0
    distances[first_of_row] = columns[first_of_row] + 1
    symbols = np.zeros(len(rows) + len(little), dtype=np.uint8)
    symbols[np.arange(len(rows)) + rows] = np.minimum(distances, _LONG)
    rest = (distances[distances >= _LONG] - _LONG).astype(np.uint8)
    header = bytes([algorithm]) + len(little).to_bytes(3, "big")
    packed = header + _pack(symbols, 3) + _pack(rest, 5)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def decode(fingerprint: str) -> Decoded:
    """The codes of a compressed fingerprint; ValueError says what is wrong with one that is none."""
    try:
        packed = base64.urlsafe_b64decode(fingerprint.encode("ascii") + b"=" * (-len(fingerprint) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("A fingerprint is URL-safe base64 text.") from error
    if len(packed) < _HEADER_BYTES:
        raise ValueError("The fingerprint ends within its header.")
    algorithm, count = packed[0], int.from_bytes(packed[1:_HEADER_BYTES], "big")
    body = np.frombuffer(packed, dtype=np.uint8)[_HEADER_BYTES:]
    symbols = _unpack(body, 3)
    ends = np.flatnonzero(symbols == 0)[:count]
    if len(ends) < count:
        raise ValueError(f"The fingerprint promises {count} codes and holds {len(ends)}.")
    symbols = symbols[: ends[-1] + 1 if count else 0]
    distances = symbols.astype(np.int64)
    long = np.flatnonzero(symbols == _LONG)
    rest = _unpack(body[(3 * len(symbols) + 7) // 8 :], 5)
    if len(rest) < len(long):
        raise ValueError("The fingerprint ends within its list of long distances.")
    distances[long] += rest[: len(long)]
    return Decoded(algorithm, _codes_of(distances, ends))


def bit_error_rate(a: Codes, b: Codes, max_offset: int = 0) -> float:
    """The share of differing bits, 0 to 1, where `a` and `b` fit best within `max_offset` codes of each other.

    Two unrelated recordings give about 0.5. Fingerprints that share no code give 1.
    """
    return best_alignment(a, b, max_offset).error


def best_alignment(a: Codes, b: Codes, max_offset: int = 0) -> Alignment:
    """The alignment of `a` and `b` with the lowest bit error rate, shifted by at most `max_offset` codes.

    An offset counts when at least half of the longest possible overlap remains, so that two codes that happen to
    agree at the far ends don't win over the true place.
    """
    least = max(1, min(len(a), len(b)) // 2)
    best = Alignment(0, 1.0, 0)
    for offset in sorted(range(-max_offset, max_offset + 1), key=abs):
        first, second = a[max(0, offset) :], b[max(0, -offset) :]
        overlap = min(len(first), len(second))
        if overlap < least:
            continue
        wrong = int(np.bitwise_count(first[:overlap] ^ second[:overlap]).sum())
        error = wrong / (32 * overlap)
        if error < best.error or best.overlap == 0:
            best = Alignment(offset, error, overlap)
    return best


def _codes_of(distances: NDArray[np.int64], ends: NDArray[np.intp]) -> Codes:
    """Undo distances (0 at each of `ends`) into positions of bits, bits into differences, differences into codes."""
    reached = np.cumsum(distances)
    row = np.cumsum(distances == 0) - (distances == 0)
    before = np.concatenate([[0], reached[ends]])
    told = distances > 0
    position = reached[told] - before[row[told]] - 1
    if len(position) and position.max() > 31:
        raise ValueError("The fingerprint sets a bit beyond the 32nd of a code.")
    changes = np.zeros(len(ends), dtype=np.uint32)
    np.bitwise_or.at(changes, row[told], np.uint32(1) << position.astype(np.uint32))
    return np.bitwise_xor.accumulate(changes)


def _pack(numbers: NDArray[np.uint8], width: int) -> bytes:
    """`numbers` as `width` bits each, lowest bit first, filled up to a whole byte."""
    bits = np.unpackbits(numbers[:, None], axis=1, count=width, bitorder="little")
    return np.packbits(bits.reshape(-1), bitorder="little").tobytes()


def _unpack(packed: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """The whole numbers of `width` bits in `packed`, lowest bit first."""
    bits = np.unpackbits(packed, bitorder="little")
    whole = len(bits) // width * width
    return np.packbits(bits[:whole].reshape(-1, width), axis=1, bitorder="little").reshape(-1)
