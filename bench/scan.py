"""What a scan costs beside the least that could be done: tags into the library, and the rescan of what is unchanged.

Every file is a three-second MP3 with full tags and a cover, in folders of twelve. "Tag scan" is walk, compare, tags,
quick key, rows and the catalogue, without covers and analysis, by as many threads as `otolith scan` has; beside it,
mutagen alone reads the same tags and keeps nothing. The rescan is held against a walk that only looks at each file.
Best of the rounds for single passes, medians for repeated ones. With `--links`, the files are hard links to as many
originals as are named, so that a large library fits anywhere.
"""

import argparse
import io
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import mutagen
import numpy as np
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT2, TPE1, TRCK
from sqlalchemy import select

from otolith.accounts.service import home_workspace
from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.settings import Settings
from otolith.jobs.contracts import Handler, Handlers
from otolith.jobs.models import Job
from otolith.jobs.service import Run, handles, submit
from otolith.jobs.slot import Slot
from otolith.library.covers.events import COVERS, FOLDERS
from otolith.library.events import REFRESH, RefreshPayload
from otolith.library.roots import scans
from otolith.local import opened

# Each look for work takes the database's writing turn, so idle threads look about as seldom as those of `otolith scan`.
_IDLE_SECONDS = 0.02


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


def make_library(root: Path, files: int, originals: int = 0) -> None:
    sound = three_seconds()
    cover = np.random.default_rng(2).bytes(40_000)
    made: list[Path] = []
    for number in range(files):
        folder = root / f"Artist {number // 120}" / f"Album {number // 12}"
        if number % 12 == 0:
            folder.mkdir(parents=True)
        path = folder / f"{number % 12 + 1:02} Title {number}.mp3"
        if originals and number >= originals:
            path.hardlink_to(made[number % originals])
            continue
        made.append(path)
        tags = ID3()
        tags.add(TIT2(encoding=3, text=f"Title {number}"))
        tags.add(TPE1(encoding=3, text=f"Artist {number // 120}"))
        tags.add(TALB(encoding=3, text=f"Album {number // 12}"))
        tags.add(TRCK(encoding=3, text=f"{number % 12 + 1}/12"))
        tags.add(TDRC(encoding=3, text="2001-02-03"))
        tags.add(TCON(encoding=3, text="Rock"))
        tags.add(APIC(encoding=3, mime="image/jpeg", type=3, data=b"\xff\xd8\xff\xe0" + cover))
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


def handlers() -> list[Handler]:
    """All handlers, but for those of covers, which do nothing here."""
    others = [handler for handler in HANDLERS if handler.contract.task not in {COVERS.task, FOLDERS.task}]
    return [*others, handles(COVERS)(_nothing), handles(FOLDERS)(_nothing)]


def _nothing(_run: Run, _payload: object) -> None:
    return None


def scan(context: Context, slots: Sequence[Slot], root: Path) -> None:
    with context.database.write(SYSTEM) as session:
        scans.start_scan(session, context, SYSTEM, root, home_workspace(session).id)
    threads = [threading.Thread(target=_work, args=(context, slot)) for slot in slots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _work(context: Context, slot: Slot) -> None:
    # A thread that finds nothing may only be early: the walk goes on in another.
    while _is_left(context):
        if not slot.work(["index"])[0]:
            time.sleep(_IDLE_SECONDS)


def _is_left(context: Context) -> bool:
    with context.database.read(SYSTEM) as session:
        left = select(Job.id).where(Job.lane == "index", Job.state.in_(("queued", "running", "retrying")))
        return session.scalar(left.limit(1)) is not None


def forget_analyses(context: Context) -> None:
    """Leave the library as if everything had been analysed, since a rescan would ask for it otherwise."""
    with context.database.write(SYSTEM) as session:
        connection = session.connection()
        connection.exec_driver_sql("UPDATE tracks SET state = 'analysed'")
        connection.exec_driver_sql("UPDATE jobs SET state = 'cancelled', finished_at = created_at")


def store_one(context: Context, slot: Slot, music: Path, number: int) -> float:
    """Seconds from the news of a changed file, as the watcher gives it, until the file is stored."""
    path = next(music.rglob("01*.mp3"))
    tags = ID3(path)
    tags["TIT2"] = TIT2(encoding=3, text=f"Retagged {number}")
    tags.save(path)
    payload = RefreshPayload(root=os.fsencode(music), paths=[os.fsencode(path)])
    with context.database.write(SYSTEM) as session:
        submit(session, REFRESH, payload, workspace=home_workspace(session).id, priority="high")
    return timed(lambda: slot.work(["interactive"]))[0]


def middle(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in rounds), statistics.median(cpu for _, cpu in rounds)


def show(name: str, files: int, took: tuple[float, float]) -> None:
    """Files a second by the clock, and by the CPU time, which a busy machine changes less."""
    wall, cpu = took
    print(f"{name:<22} {files / wall:10,.0f} files/s   {files / max(cpu, 0.001):10,.0f} a CPU second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 1))
    parser.add_argument("--links", type=int, default=0, help="make only so many files, and hard links to them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", default="", help="URL of an empty database; default: SQLite in the folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otolith-bench-") as place:
        music = Path(place) / "music"
        make_library(music, options.files, options.links)
        settings = Settings(data=Path(place) / "data", database_url=options.database)
        with opened(settings) as context:
            slots = [Slot(context, Handlers(handlers()), "bench") for _ in range(options.threads)]
            mutagen_alone(music)
            plain = min(timed(lambda: mutagen_alone(music)) for _ in range(2))
            tagged = timed(lambda: scan(context, slots, music))
            forget_analyses(context)
            looks, rescans = [], []
            for _ in range(options.rounds):
                looks.append(timed(lambda: look_alone(music)))
                rescans.append(timed(lambda: scan(context, slots, music)))
            single = statistics.median(store_one(context, slots[0], music, number) for number in range(options.rounds))
            for slot in slots:
                slot.close()
    files = options.files
    print(f"files                  {files:10,}")
    show("mutagen alone", files, plain)
    show("tag scan", files, tagged)
    show("look at each file", files, middle(looks))
    show("unchanged rescan", files, middle(rescans))
    print(f"one changed file       {1000 * single:10,.0f} ms until it is stored")
    print(f"peak memory            {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:10,.0f} MB")


if __name__ == "__main__":
    main()
