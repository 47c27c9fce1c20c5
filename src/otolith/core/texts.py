"""Short texts that people give things: one line, without characters that cannot be seen."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def plain(text: str) -> str:
    """The text in its composed form, or an error if it holds control characters, which PostgreSQL refuses too."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        message = "write it on one line, without control characters"
        raise ValueError(message)
    return unicodedata.normalize("NFC", text)


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(plain)]
ShortLine = Annotated[Line, StringConstraints(max_length=100)]
