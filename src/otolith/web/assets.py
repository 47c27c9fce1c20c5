"""The static files: read once, named by their content so that browsers keep them, and sent compressed."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from fastapi import Request, Response

from otolith.core.errors import NotFound

FOLDER = Path(__file__).parent / "static"
STYLES = "otolith.css"
FOREVER = "public, max-age=31536000, immutable"
_COMPRESSED = frozenset({".css", ".js", ".svg", ".txt"})
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file in memory; `packed` is its gzip form where that is worth it."""

    kind: str
    plain: bytes
    packed: bytes | None
    etag: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All static files. `version` follows from every byte of them.

    It is a part of their paths rather than a query, because modules that import each other by relative paths then
    inherit it, and no browser can mix the modules of two versions.
    """

    files: dict[str, Asset]
    version: str

    def url(self, path: str) -> str:
        if path not in self.files:
            message = f"There is no static file {path}."
            raise KeyError(message)
        return f"/static/{self.version}/{path}"


@lru_cache(maxsize=4)
def load(folder: Path = FOLDER) -> Assets:
    """Read all files of `folder`; those of its `css` folder become one style sheet, in the order of their names."""
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("[!.]*"))
        if path.is_file()
    }
    contents = {name: _lean(text) if name.startswith("js/") else text for name, text in contents.items()}
    sheets = [name for name in contents if PurePosixPath(name).parent.name == "css"]
    contents[STYLES] = b"".join(contents.pop(name) for name in sheets)
    whole = hashlib.sha256()
    for name in sorted(contents):
        whole.update(name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
    return Assets({name: _asset(name, content) for name, content in contents.items()}, whole.hexdigest()[:12])


def _lean(script: bytes) -> bytes:
    """A script without the comments and the indentation, which are for those who read its source."""
    lines = (line.strip() for line in script.decode().splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//")).encode()


def _asset(name: str, content: bytes) -> Asset:
    suffix = PurePosixPath(name).suffix
    kind = _KINDS.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 9, mtime=0) if suffix in _COMPRESSED else None
    return Asset(kind, content, packed, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def respond(request: Request, path: str) -> Response:
    """Answer with a static file: for good under its versioned path, to be asked about again under a plain one."""
    assets = load()
    version, _, rest = path.partition("/")
    versioned = version == assets.version
    asset = assets.files.get(rest if versioned else path)
    if asset is None:
        raise NotFound
    headers = {
        "Cache-Control": FOREVER if versioned else "no-cache",
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        # Pictures that could hold a script are shown, and never run.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.kind, headers=headers)
    return Response(asset.plain, media_type=asset.kind, headers=headers)
