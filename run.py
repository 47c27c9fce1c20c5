#!/usr/bin/env python3
"""From a fresh clone to a running Otolith: makes `.venv`, installs the locked packages into it, and runs one thing.

    python3 run.py demo     the main job, end to end, in a temporary folder
    python3 run.py test     every check and test, as CI runs them

It needs Python 3.11 or later and nothing else. Further arguments are handed on: `python3 run.py demo --serve`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
LOCKS = {"demo": "requirements.lock", "test": "requirements-dev.lock"}


def say(text: str) -> None:
    print(f"run.py: {text}", file=sys.stderr, flush=True)


def with_a_new_enough_python() -> None:
    """Continue under Python 3.11 or later, looking for one if this is older."""
    if sys.version_info >= (3, 11):
        return
    for name in ("python3.13", "python3.12", "python3.11"):
        if found := shutil.which(name):
            os.execv(found, [found, *sys.argv])
    sys.exit("run.py: Otolith needs Python 3.11 or later, and none was found. Install one, or use `uv python install`.")


def make_venv() -> None:
    if (BIN / "python").exists() or (BIN / "python.exe").exists():
        return
    say(f"making {VENV.name}")
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return
    # Debian splits venv's installer from Python; uv brings its own.
    if uv := shutil.which("uv"):
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([uv, "venv", "--seed", "--python", sys.executable, str(VENV)], check=True)
        return
    sys.exit(f"run.py: no virtual environment can be made. Install python3-venv or uv.\n{made.stdout}{made.stderr}")


def install(lock: Path) -> None:
    """Install what the lock names, checked by hash, and Otolith itself from this folder."""
    wanted = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    mark = VENV / f".installed-{lock.name}"
    if mark.exists() and mark.read_text() == wanted:
        return
    say(f"installing the packages of {lock.name} (once; a minute or two)")
    pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)
    mark.write_text(wanted)


def main() -> None:
    what, *rest = sys.argv[1:] or ["--help"]
    if what not in LOCKS:
        sys.exit(__doc__)
    with_a_new_enough_python()
    make_venv()
    try:
        install(ROOT / LOCKS[what])
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"run.py: the packages could not be installed (pip ended with {error.returncode}); the lines above say why."
        )
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    os.chdir(ROOT)
    command = ["otolith", "demo", *rest] if what == "demo" else ["just", "ci", *rest]
    sys.exit(subprocess.run([str(BIN / command[0]), *command[1:]], check=False).returncode)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
