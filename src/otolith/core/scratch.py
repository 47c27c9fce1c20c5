"""Temporary folders that tell whether their process still lives, so that those of killed ones can be removed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

_ALIVE: Final = "alive"
# Between making a folder and locking it, another process must not take it for abandoned.
_YOUNG_SECONDS: Final = 3600.0


def make_scratch(prefix: str) -> Path:
    """A new folder of the caller's alone; see `hold_scratch`."""
    return Path(tempfile.mkdtemp(prefix=prefix))


def hold_scratch(folder: Path) -> int:
    """Mark the folder as in use until this process, and every one forked from it, has ended; the open descriptor."""
    descriptor = os.open(folder / _ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def sweep_scratch(prefix: str) -> int:
    """Remove the folders whose processes were killed, as far as they are this user's; how many there were."""
    found = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        # Whoever removes it at the same moment spares us the work.
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if status.st_uid == os.geteuid() and folder.is_dir() and not folder.is_symlink() and _is_left(folder):
                shutil.rmtree(folder, ignore_errors=True)
                found += 1
    return found


def _is_left(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _ALIVE, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > _YOUNG_SECONDS
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
