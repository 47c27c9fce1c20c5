"""A folder of tagged sound that changes at random, and a process that scans it and may be killed."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from otolith.composition import HANDLERS, build_context
from otolith.core.actor import SYSTEM
from otolith.core.settings import JobSettings, Settings
from otolith.jobs.inline import run_inline
from otolith.library.roots import scans
from otolith.media.tags import write_tags
from tests.library.conftest import write_tone

READY = b"ready\n"


class ChangingFiles:
    """A folder, and what may happen to the files in it."""

    places: ClassVar[tuple[str, ...]] = ("", "a", "a/b", "c.wav folder", "é")
    seconds: ClassVar[float] = 0.4

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.aside = root.parent / "aside"
        self.aside.mkdir()
        root.mkdir()
        self.made = 0
        for _ in range(6):
            self.add()

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*.wav") if path.is_file())

    @property
    def deeds(self) -> list[Callable[[], object]]:
        return [self.add, self.copy, self.change, self.move, self.remove, self.restore, self.touch]

    def truth(self) -> dict[bytes, str]:
        """The files by path, with the hash of what is in them."""
        return {os.fsencode(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files}

    def step(self, most: int = 3) -> None:
        """Let between one and `most` things happen."""
        for _ in range(self.random.randrange(1, most + 1)):
            self.random.choice(self.deeds)()

    def add(self) -> Path:
        return write_tone(self._new_place(), hertz=200 + 37 * self.made, seconds=self.seconds)

    def copy(self) -> None:
        if self.files:
            shutil.copyfile(self.random.choice(self.files), self._new_place())

    def change(self) -> None:
        if self.files:
            self.made += 1
            write_tone(self.random.choice(self.files), hertz=200 + 37 * self.made, seconds=0.5)

    def move(self) -> None:
        if self.files:
            self.random.choice(self.files).rename(self._new_place())

    def remove(self) -> None:
        if len(self.files) > 2:
            path = self.random.choice(self.files)
            path.rename(self.aside / path.name)

    def restore(self) -> None:
        for path in sorted(self.aside.glob("*.wav"))[:1]:
            path.rename(self.root / path.name)

    def touch(self) -> None:
        if self.files:
            os.utime(self.random.choice(self.files), (self.random.randrange(10**9), self.random.randrange(10**9)))

    def _new_place(self) -> Path:
        self.made += 1
        place = self.root / self.random.choice(self.places) / f"{self.made}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


class ChangingFolder(ChangingFiles):
    """A folder of tagged files, whose folders move too, and gain and lose what lies beside files."""

    places = ("", "a", "a/CD1", "a/CD2", "..dots", "é\n?", "c.wav folder")
    seconds = 0.2

    @property
    def folders(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if path.is_dir())

    @property
    def deeds(self) -> list[Callable[[], object]]:
        with_files = [self.add, self.retag, self.copy, self.move, self.remove, self.restore, self.touch]
        return [*with_files, self.move_folder, self.words, self.leave_out]

    def add(self) -> Path:
        place = super().add()
        self._tag(place)
        return place

    def retag(self) -> None:
        if self.files:
            self._tag(self.random.choice(self.files))

    def move_folder(self) -> None:
        if self.folders:
            self.made += 1
            self.random.choice(self.folders).rename(self.root / f"moved {self.made}")

    def words(self) -> None:
        if self.files:
            words = self.random.choice(self.files).with_suffix(".lrc")
            if words.exists():
                words.unlink()
            else:
                words.write_text(f"[00:01.00]Line {self.random.random()}\n")

    def leave_out(self) -> None:
        if self.folders:
            ignore = self.random.choice(self.folders) / ".nomedia"
            if ignore.exists():
                ignore.unlink()
            else:
                ignore.touch()

    def _tag(self, path: Path) -> None:
        pick = self.random.choice
        artist = pick(["Muse", "MUSE", "The Who", "A feat. B"])
        tags = {"title": f"Title {pick('ABC')}", "artist": artist, "album": pick(["Hits", "Live"])}
        write_tags(
            path, {**tags, "album_artist": pick([artist, "Various Artists"]), "genres": [pick(["Rock", "Soul"])]}
        )


def scan_in_a_process(settings: Settings, workspace: UUID, root: Path, *, kill_after: float | None = None) -> bool:
    """Scan a folder in a process of its own, or kill that some seconds after it began; whether it came to its end."""
    command = [sys.executable, "-m", "tests.library.changing", str(settings.data), settings.effective_database_url]
    process = subprocess.Popen([*command, str(workspace), str(root)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == READY
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        return process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main(data: str, url: str, workspace: str, root: str) -> None:
    # A lease of a process that was killed is over soon, so that a test need not wait for it.
    jobs = JobSettings(lease_seconds=1, heartbeat_seconds=0.2, sweep_seconds=0.2)
    context = build_context(Settings(data=Path(data), database_url=url, jobs=jobs))
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    with context.database.write(SYSTEM) as session:
        started = scans.start_scan(session, context, SYSTEM, root, UUID(workspace))
    progress = run_inline(context, started.job_id, HANDLERS, threads=2, even_with_workers=True)
    assert progress.state == "succeeded", progress
    context.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
