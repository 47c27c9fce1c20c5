"""What a scan costs beside the least that could be done: tags into the library, and the rescan of what is unchanged.

Every file is a three-second MP3 with full tags and a cover, in folders of twelve. "Tag scan" is walk, compare, tags,
quick key and rows, without analysis; beside it, mutagen alone reads the same tags and keeps nothing. The rescan is
held against a walk that only looks at each file. Best of the rounds for single passes, medians for repeated ones.
"""

import argparse
import io
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import mutagen
import numpy as np
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT2, TPE1, TRCK

from otolith.accounts.service import home_workspace
from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import Settings
from otolith.jobs.contracts import Handlers
from otolith.jobs.slot import Slot
from otolith.library.roots import scans
from otolith.local import opened


def three_seconds() -> bytes:
    """A three-second stereo MP3 of noise and tones."""
    buffer = io.BytesIO()
    rate = 44_100
    sound = 0.1 * np.random.default_rng(1).standard_normal((2, 3 * rate)).astype(np.float32)
    with av.open(buffer, "w", format="mp3") as file:
        stream = file.add_stream("libmp3lame", rate=rate, layout="stereo", format="fltp")
        for start in range(0, sound.shape[1], 1152):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[:, start : start + 1152]), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = rate, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def make_library(root: Path, files: int) -> None:
    sound = three_seconds()
    cover = np.random.default_rng(2).bytes(40_000)
    for number in range(files):
        folder = root / f"Artist {number // 120}" / f"Album {number // 12}"
        if number % 12 == 0:
            folder.mkdir(parents=True)
        tags = ID3()
        tags.add(TIT2(encoding=3, text=f"Title {number}"))
        tags.add(TPE1(encoding=3, text=f"Artist {number // 120}"))
        tags.add(TALB(encoding=3, text=f"Album {number // 12}"))
        tags.add(TRCK(encoding=3, text=f"{number % 12 + 1}/12"))
        tags.add(TDRC(encoding=3, text="2001-02-03"))
        tags.add(TCON(encoding=3, text="Rock"))
        tags.add(APIC(encoding=3, mime="image/jpeg", type=3, data=b"\xff\xd8\xff\xe0" + cover))
        path = folder / f"{number % 12 + 1:02} Title {number}.mp3"
        path.write_bytes(sound)
        tags.save(path)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, those of ended child processes included."""
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - began, sum(os.times()[:4]) - cpu


def mutagen_alone(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            mutagen.File(os.path.join(folder, name))  # noqa: PTH118 -- As a plain program would.


def look_alone(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 -- As a plain program would.


def scan(context: Context, slot: Slot, root: Path) -> None:
    with context.database.write(SYSTEM) as session:
        scans.start_scan(session, context, SYSTEM, root, home_workspace(session).id)
    slot.work(["index"])


def forget_analyses(context: Context) -> None:
    """Leave the library as if everything had been analysed, since a rescan would ask for it otherwise."""
    with context.database.write(SYSTEM) as session:
        connection = session.connection()
        connection.exec_driver_sql("UPDATE tracks SET state = 'analysed'")
        connection.exec_driver_sql("UPDATE jobs SET state = 'cancelled', finished_at = created_at")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", default="", help="URL of an empty database; default: SQLite in the folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otolith-bench-") as place:
        music = Path(place) / "music"
        make_library(music, options.files)
        settings = Settings(data=Path(place) / "data", database_url=options.database)
        with opened(settings) as context:
            slot = Slot(context, Handlers(HANDLERS), "bench")
            mutagen_alone(music)
            plain = min(timed(lambda: mutagen_alone(music)) for _ in range(2))
            tagged = timed(lambda: scan(context, slot, music))
            forget_analyses(context)
            looks, rescans = [], []
            for _ in range(options.rounds):
                looks.append(timed(lambda: look_alone(music))[0])
                rescans.append(timed(lambda: scan(context, slot, music))[0])
            slot.close()
    files = options.files
    print(f"files                  {files:10,}")
    print(f"mutagen alone          {files / plain[0]:10,.0f} files/s")
    print(
        f"tag scan               {files / tagged[0]:10,.0f} files/s   ({tagged[0] / plain[0]:.2f} times the wall time)"
    )
    print(f"look at each file      {files / statistics.median(looks):10,.0f} files/s")
    print(f"unchanged rescan       {files / statistics.median(rescans):10,.0f} files/s")
    print(f"peak memory            {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:10,.0f} MB")


if __name__ == "__main__":
    main()
