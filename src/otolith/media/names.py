"""Names of files as people see them: read from headers, cleaned for display, and written back into headers."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

from python_multipart.multipart import parse_options_header

_LONGEST: Final = 200
# Characters that reorder the text around them, with which "exe.3pm" can be made to look like "mp3.exe".
_REORDERING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# RFC 8187, section 3.2.1: what may stand in an extended value as it is.
_PLAIN: Final = "!#$&+-.^_`|~"
_EXTENDED = re.compile(r";\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.IGNORECASE)


def clean(name: str) -> str:
    """A name for display alone: its last part, without controls, at most 200 characters; "" if nothing is left."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    kept = (char for char in name if char not in _REORDERING and unicodedata.category(char)[0] != "C")
    plain = " ".join("".join(kept).split())
    if len(plain) > _LONGEST:
        stem, dot, extension = plain.rpartition(".")
        ending = dot + extension if stem and len(extension) <= 8 else ""
        plain = plain[: _LONGEST - len(ending)] + ending
    return "" if plain in (".", "..") else plain


def decoded(raw: bytes) -> str:
    """Text from the bytes of a header: UTF-8 as browsers send it, or Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def from_disposition(header: bytes) -> str:
    """The file name of a Content-Disposition header, the extended form first; "" where it has none."""
    extended = _EXTENDED.search(header.decode("latin-1"))
    if extended:
        return clean(unquote_to_bytes(extended[2]).decode(extended[1].lower(), "replace"))
    return clean(decoded(parse_options_header(header)[1].get(b"filename", b"")))


def from_header(value: str) -> str:
    """The name in an `X-Filename` header: UTF-8, percent-encoded where it is not plain ASCII."""
    return clean(unquote(decoded(value.encode("latin-1"))))


def disposition(name: str, *, attachment: bool) -> str:
    """A Content-Disposition header (RFC 6266) for any name: a plain one for old programs, and the true one."""
    kind = "attachment" if attachment else "inline"
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fallback = re.sub(r"[^A-Za-z0-9 ._()\-]", "_", ascii_name).strip() or "sound"
    if fallback == name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe=_PLAIN)}"
