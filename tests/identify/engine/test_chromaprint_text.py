"""The compressed text of a fingerprint: there and back, and what it says about texts that are none."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from otolith.identify.engine.chromaprint_text import best_alignment, bit_error_rate, decode, encode

CODES = st.lists(st.integers(0, 2**32 - 1), max_size=200)


def array(codes: list[int]) -> NDArray[np.uint32]:
    return np.array(codes, dtype=np.uint32)


@given(CODES)
def test_what_is_encoded_is_decoded(codes: list[int]) -> None:
    text = encode(array(codes), algorithm=3)
    told = decode(text)
    assert told.algorithm == 3
    assert told.codes.tolist() == codes
    assert "=" not in text


@pytest.mark.parametrize(
    ("codes", "body"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([1], [0b000_001], id="the lowest bit is at distance 1, then the end"),
        pytest.param([0b110], [0b00_001_010, 0b0], id="distances 2 and 1, then the end"),
        pytest.param([1 << 31], [0b000_111, 25], id="distance 32 is 7 and 25 in the second list"),
        pytest.param([5, 5], [0b00_010_001, 0b0000], id="a code like the one before is only an end"),
    ],
)
def test_known_texts(codes: list[int], body: list[int]) -> None:
    expected = bytes([1, 0, 0, len(codes), *body])
    assert base64.urlsafe_b64decode(encode(array(codes)) + "==") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "header", id="empty"),
        pytest.param("AQ", "header", id="a header cut short"),
        pytest.param("AQAAA", "base64", id="a length that base64 cannot have"),
        pytest.param("é", "base64", id="not ASCII"),
        pytest.param("AQAD6A", "promises 1000 codes", id="codes missing"),
        pytest.param(base64.urlsafe_b64encode(bytes([1, 0, 0, 1, 0b000_111])).decode(), "long distances", id="no rest"),
    ],
)
def test_a_broken_text_is_refused_with_its_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decode(text)


def test_a_bit_beyond_the_code_is_refused() -> None:
    body = bytes([0b11_111_111, 0b00_000_111, 0b0]) + bytes([0xFF, 0xFF])
    with pytest.raises(ValueError, match="beyond the 32nd"):
        decode(base64.urlsafe_b64encode(bytes([1, 0, 0, 1]) + body).decode())


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    text = base64.urlsafe_b64encode(data).decode()
    try:
        told = decode(text)
    except ValueError:
        return
    assert len(told.codes) == int.from_bytes(data[1:4], "big")


@given(CODES.filter(len))
def test_a_fingerprint_fits_itself(codes: list[int]) -> None:
    assert bit_error_rate(array(codes), array(codes), max_offset=3) == 0.0


def test_the_rate_is_the_share_of_differing_bits() -> None:
    assert bit_error_rate(array([0, 0]), array([0xFFFFFFFF, 0])) == 0.5
    assert bit_error_rate(array([0]), array([])) == 1.0


def test_the_alignment_says_where_the_second_lies_in_the_first() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2**32, 100).astype(np.uint32)
    assert best_alignment(codes, codes[20:90], max_offset=30) == (20, 0.0, 70)
    assert best_alignment(codes[20:90], codes, max_offset=30) == (-20, 0.0, 70)
