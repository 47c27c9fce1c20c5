"""Sizes in bytes, written with units as people write them."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)


def parse_size(value: object) -> object:
    """`100mb` as 100,000,000 and `1GiB` as 1,073,741,824; whatever is no text passes unchanged."""
    if not isinstance(value, str):
        return value
    match = _PATTERN.fullmatch(value)
    if match is None:
        message = "write a size such as 100mb, 512MiB or 2gb"
        raise ValueError(message)
    number, unit, binary = match.groups()
    factors = _BINARY if binary else _UNITS
    return int(float(number) * factors.get(unit.lower(), 1))


Size = Annotated[int, BeforeValidator(parse_size)]
