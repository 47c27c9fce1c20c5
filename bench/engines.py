"""What listening costs: each engine by itself, the whole analysis in its warm helper, and the programs of the field.

All contenders take turns on the same three-minute stereo MP3, one thread each; the figures are medians of CPU seconds.
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from otolith.core.audio import Engine, Samples
from otolith.library.engine.features import ENGINES
from otolith.media.listening import Limits, Listener
from tests.signals import blocks, music, source_of, write

SECONDS = 180
RATE = 44100
HELPER_LIMIT = 300e6
REAL_TIME = 180
TWO_WORKERS = 1.8
BLOCK_SECONDS = 2
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

Contender = Callable[[], float]


def engine_of(name: str) -> type[Engine]:
    module, _, attribute = name.partition(":")
    found: type[Engine] = getattr(importlib.import_module(module), attribute)
    return found


def in_blocks(path: Path, kind: type[Engine]) -> list[Samples]:
    """The file in the form that the engine wants, two seconds a block, as the product's decoder gives it."""
    whole: Any = np.concatenate(list(blocks(path, kind.wants)), axis=-1)
    step = BLOCK_SECONDS * (kind.wants.rate or RATE)
    return [np.ascontiguousarray(whole[..., start : start + step]) for start in range(0, whole.shape[-1], step)]


def engine_alone(path: Path, kind: type[Engine]) -> Contender:
    source, parts = source_of(path), in_blocks(path, kind)

    def run() -> float:
        began = time.process_time()
        engine = kind(source)
        for part in parts:
            engine.push(part)
        engine.finish()
        return time.process_time() - began

    return run


def program(command: Sequence[str | Path], succeeds: Sequence[int] = (0,)) -> Contender:
    """A process from its start to its end: the CPU seconds that the kernel counted."""

    def run() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, **ONE_THREAD}
        done = subprocess.run([str(part) for part in command], capture_output=True, check=False, env=environment)
        if done.returncode not in succeeds:
            sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    return run


def helper(listener: Listener, path: Path, engines: Sequence[str] = ENGINES) -> Contender:
    """One whole analysis in the warm helper: the CPU seconds that the helper used meanwhile."""

    def run() -> float:
        before = helper_cpu(listener)
        heard = listener.listen(path, engines, Limits())
        if heard.failed:
            sys.exit(f"an engine failed: {heard.failed}")
        return helper_cpu(listener) - before

    return run


def helper_cpu(listener: Listener) -> float:
    if listener.pid is None:
        return 0.0
    times = psutil.Process(listener.pid).cpu_times()
    return times.user + times.system


def helper_peak(listener: Listener) -> float:
    """The most memory that the helper ever held, in bytes."""
    status = Path(f"/proc/{listener.pid}/status").read_text(encoding="ascii")
    return 1024.0 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


class WarmLibrosa:
    """A Python process that has already run librosa once over the file."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, __file__, "--librosa-worker", str(path)]
        environment = {**os.environ, **ONE_THREAD}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.contender("stft")()
        self.contender("cqt")()

    def contender(self, chroma: str) -> Contender:
        def run() -> float:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(chroma, file=self._process.stdin, flush=True)
            return float(self._process.stdout.readline())

        return run

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def librosa_features(path: Path, chroma: str) -> None:
    """Tempo, chroma and MFCC of the whole file: what many a music pipeline computes and no more."""
    import librosa  # noqa: PLC0415 - only the processes that measure it may pay for it

    samples, rate = librosa.load(path, sr=22050)
    librosa.beat.beat_track(y=samples, sr=rate)
    getattr(librosa.feature, f"chroma_{chroma}")(y=samples, sr=rate)
    librosa.feature.mfcc(y=samples, sr=rate)


def librosa_worker(path: Path) -> None:
    for line in sys.stdin:
        began = time.process_time()
        librosa_features(path, line.strip())
        print(time.process_time() - began, flush=True)


def cold_otolith(path: Path) -> Contender:
    """`otolith analyse` from its start to its end, its helper included."""
    return program([sys.executable, "-m", "otolith", "analyse", path, "--json"])


def in_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, float]:
    """Medians over rounds in which every contender runs once, so that a slow moment of the machine hits all."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(run())
    return {name: statistics.median(values) for name, values in taken.items()}


def measure(folder: Path, rounds: int, hours: float) -> dict[str, Any]:
    path = write(folder / "piece", music(SECONDS, RATE, 7, loudness=0.98), RATE, "mp3")
    alone = in_turns({name.rpartition(":")[2]: engine_alone(path, engine_of(name)) for name in ENGINES}, rounds)
    librosa = WarmLibrosa(path)
    with Listener(idle_seconds=600) as listener:
        helper(listener, path)()
        contenders = {
            "otolith: whole analysis, warm helper": helper(listener, path),
            "otolith: decoding alone, warm helper": helper(listener, path, []),
            "librosa warm: tempo, chroma_stft, mfcc": librosa.contender("stft"),
            "librosa warm: tempo, chroma_cqt, mfcc": librosa.contender("cqt"),
        }
        if fpcalc := shutil.which("fpcalc"):
            # It ends with 3 where it read a file to its very end, after printing the whole fingerprint.
            contenders["fpcalc, first 120 s"] = program([fpcalc, path])
            contenders["fpcalc, whole file"] = program([fpcalc, "-length", "0", path], succeeds=(0, 3))
        if ffmpeg := shutil.which("ffmpeg"):
            options = ["-threads", "1", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
            contenders["ffmpeg ebur128=peak=true"] = program([ffmpeg, "-nostats", *options])
        field = in_turns(contenders, rounds)
        twice = two_at_once(path, rounds)
        memory = {f"{SECONDS} s of MP3": helper_peak(listener)}
        if hours:
            memory[f"{hours:g} h of FLAC"] = long_peak(folder, hours)
        cold = in_turns(
            {
                "otolith analyse, new process": cold_otolith(path),
                "librosa: tempo, chroma_stft, mfcc, new process": program(
                    [sys.executable, __file__, "--cold-librosa", path]
                ),
            },
            max(1, rounds // 2),
        )
    librosa.close()
    return {
        "seconds": SECONDS,
        "engines": alone,
        "contenders": field,
        "processes": cold,
        "memory": memory,
        "two workers": twice,
    }


def two_at_once(path: Path, rounds: int) -> float:
    """How many times as much two helpers hear in the same time as one, the median of several rounds."""

    def taken(listeners: Sequence[Listener]) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(len(listeners)) as pool:
            list(pool.map(lambda listener: listener.listen(path, ENGINES, Limits()), listeners))
        return time.perf_counter() - began

    with Listener(idle_seconds=600) as one, Listener(idle_seconds=600) as other:
        taken([one, other])
        return statistics.median(2 * taken([one]) / taken([one, other]) for _ in range(rounds))


def long_peak(folder: Path, hours: float) -> float:
    """The helper's peak over a long file, in a helper of its own."""
    minute = music(60, RATE, 8)
    path = write(folder / "long", np.tile(minute, (1, round(60 * hours))), RATE, "flac")
    with Listener() as listener:
        helper(listener, path)()
        return helper_peak(listener)


def verdicts(figures: dict[str, Any]) -> dict[str, bool]:
    """The promises, each with whether this run kept it."""
    field, cold = figures["contenders"], figures["processes"]
    ours = field["otolith: whole analysis, warm helper"]
    librosa = field["librosa warm: tempo, chroma_stft, mfcc"]
    together = librosa + field.get("fpcalc, whole file", 0.0) + field.get("ffmpeg ebur128=peak=true", 0.0)
    new, theirs = cold["otolith analyse, new process"], cold["librosa: tempo, chroma_stft, mfcc, new process"]
    return {
        f"at least {REAL_TIME} x real time of CPU ({SECONDS / ours:.0f} x)": ours * REAL_TIME <= SECONDS,
        f"no slower than warm librosa ({librosa / ours:.2f} x as fast)": ours <= librosa,
        f"faster than fpcalc + ebur128 + warm librosa ({together / ours:.2f} x)": ours < together,
        f"process against process at least 3 x librosa ({theirs / new:.2f} x)": theirs >= 3 * new,
        f"two workers at least {TWO_WORKERS} x one ({figures['two workers']:.2f} x)": figures["two workers"]
        >= TWO_WORKERS,
        f"helper under 300 MB ({max(figures['memory'].values()) / 1e6:.0f} MB)": max(figures["memory"].values())
        < HELPER_LIMIT,
    }


def show(figures: dict[str, Any]) -> None:
    for title, part in (("one engine, warm", "engines"), ("one file", "contenders"), ("one process", "processes")):
        print(f"\n{title:<52}{'CPU s':>8}{'x real time':>14}")
        for name, taken in figures[part].items():
            print(f"{name:<52}{taken:>8.3f}{SECONDS / taken:>14.0f}")
    print(f"\n{'peak memory of the helper':<52}{'MB':>8}")
    for name, peak in figures["memory"].items():
        print(f"{name:<52}{peak / 1e6:>8.0f}")
    print()
    for promise, kept in figures["kept"].items():
        print(f"{'kept  ' if kept else 'BROKEN'}  {promise}")


def with_one_thread() -> None:
    """Start this script again where the numerical libraries would take every core; they read this once."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})  # noqa: S606


def main() -> None:
    with_one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hours", type=float, default=1.0, help="length of the file for the peak of memory; 0: none")
    for worker in ("--librosa-worker", "--cold-librosa"):
        parser.add_argument(worker, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.librosa_worker:
        return librosa_worker(options.librosa_worker)
    if options.cold_librosa:
        return librosa_features(options.cold_librosa, "stft")
    with tempfile.TemporaryDirectory(prefix="otolith-engines-") as folder:
        figures = measure(Path(folder), options.rounds, options.hours)
    figures["kept"] = verdicts(figures)
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)
    return None


if __name__ == "__main__":
    main()
