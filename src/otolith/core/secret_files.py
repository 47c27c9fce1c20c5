"""Settings that stand in files: named by `…_FILE`, given by systemd, or mounted by Podman and Docker."""

from collections.abc import Collection, Mapping
from pathlib import Path

MOUNTED = Path("/run/secrets")
# Where systemd puts what `LoadCredential=` names.
CREDENTIALS = "CREDENTIALS_DIRECTORY"
_LARGEST = 65_536


class UnreadableSecret(ValueError):
    """A file that a setting is to be read from cannot be read."""


def from_files(environ: Mapping[str, str], names: Collection[str], *, mounted: Path = MOUNTED) -> dict[str, str]:
    """The values that stand in files, for those of `names` that the environment does not give itself.

    `NAME_FILE` names the file; otherwise one of the name in either case lies in systemd's folder of credentials or
    among the mounted secrets. A line break at the end is the editor's.
    """
    found: dict[str, str] = {}
    folders = [Path(environ[CREDENTIALS])] if environ.get(CREDENTIALS) else []
    for name in names:
        if environ.get(name):
            continue
        if told := environ.get(f"{name}_FILE"):
            found[name] = _read(Path(told), f"{name}_FILE")
            continue
        for file in (folder / spelt for folder in (*folders, mounted) for spelt in (name, name.lower())):
            if file.is_file():
                found[name] = _read(file, str(file))
                break
    return {name: value for name, value in found.items() if value}


def _read(file: Path, named: str) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_LARGEST + 1)
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        message = f"{named} names a file that cannot be read: {reason}"
        raise UnreadableSecret(message) from error
    if len(raw) > _LARGEST:
        message = f"{named} names a file that is too large for a secret"
        raise UnreadableSecret(message)
    return text.rstrip("\r\n")
