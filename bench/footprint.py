"""What `otolith up` costs while nobody asks it anything: cold start, idle CPU and memory of the whole tree.

With a folder under watch or without, with the profile for small machines or without, and how long it takes to stop.
"""

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.services import free_port


def tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        times = process.cpu_times()
        total += times.user + times.system
    return total


def pss_megabytes(processes: list[psutil.Process]) -> float:
    """Proportional set size: memory shared by forked children is counted once."""
    return sum(process.memory_full_info().pss for process in processes) / 1e6


def wait_for_page(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/sign-in")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
    sys.exit("the first page never came")


def watch_a_folder(data: Path) -> None:
    """A library folder with a thousand small files in it, so that there is something to keep an eye on."""
    music = data / "music"
    for number in range(1000):
        place = music / f"{number // 50:02}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").touch()
    command = [sys.executable, "-m", "otolith", "library", "roots", "add", str(music), "--data", str(data)]
    subprocess.run(command, check=True, capture_output=True)


def measure(idle_seconds: float, *, watched: bool, options: list[str]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="otolith-footprint-") as folder:
        port = free_port()
        began = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTOLITH_")}
        command = [sys.executable, "-m", "otolith", "up", "--data", folder, "--port", str(port), *options]
        with (Path(folder) / "out").open("wb") as out:
            up = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
            try:
                wait_for_page(port)
                cold = time.monotonic() - began
                if watched:
                    watch_a_folder(Path(folder))
                # The workers start after the server; what they do at their start is not idling.
                time.sleep(8)
                processes = tree(psutil.Process(up.pid))
                before = cpu_seconds(processes)
                time.sleep(idle_seconds)
                cpu = (cpu_seconds(processes) - before) / idle_seconds
                memory = pss_megabytes(processes)
            finally:
                told = time.monotonic()
                up.send_signal(signal.SIGTERM)
                up.wait(30)
                stop = time.monotonic() - told
    return {
        "cold_start_seconds": cold,
        "idle_cpu_percent": cpu * 100,
        "idle_pss_megabytes": memory,
        "processes": len(processes),
        "stop_seconds": stop,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--idle", type=float, default=20, help="seconds to watch it idle")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ways = {
        "": measure_of(options, watched=False),
        "watched_": measure_of(options, watched=True),
        "small_": measure_of(options, watched=True, more=["--profile", "small"]),
    }
    if options.json:
        print(json.dumps({f"{way}{name}": value for way, found in ways.items() for name, value in found.items()}))
        return
    for title, found in zip(
        ("idle", "with a folder under watch", "the same, --profile small"), ways.values(), strict=True
    ):
        print(title)
        print(f"  cold start to first page  {found['cold_start_seconds']:.2f} s   (goal < 4)")
        print(f"  idle CPU of the tree      {found['idle_cpu_percent']:.2f} %   (goal < 2 % of a core)")
        print(f"  idle memory of the tree   {found['idle_pss_megabytes']:.0f} MB PSS (goal < 350)", end="")
        print(f" in {found['processes']:.0f} processes")
        print(f"  SIGTERM to the end        {found['stop_seconds']:.2f} s   (goal < 2)")


def measure_of(options: argparse.Namespace, *, watched: bool, more: Sequence[str] = ()) -> dict[str, Any]:
    """The medians of some runs."""
    runs = [measure(options.idle, watched=watched, options=list(more)) for _ in range(options.runs)]
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


if __name__ == "__main__":
    main()
