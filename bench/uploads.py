"""Uploads of 1 GB against nginx on the same disk, side by side, and the server's memory while they come.

Both get the same WAV file from curl over loopback, in turns. nginx (WebDAV PUT) writes it to a file and promises
nothing more; Otolith hashes it, flushes it to disk, looks into it in a process of its own, files it and answers.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.media.live import TOKEN, LiveServer
from tests.services import free_port, wait_until

TARGET = 0.60
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 4g; client_body_temp_path {folder}/temp;
  proxy_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; uwsgi_temp_path {folder}/t3; scgi_temp_path {folder}/t4;
  server {{
    listen 127.0.0.1:{port};
    location / {{ root {folder}/files; dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


def make_wav(path: Path, size: int) -> None:
    """A stereo WAV of noise of about `size` bytes."""
    block = os.urandom(1 << 20)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        for _ in range(size >> 20):
            file.writeframesraw(block)


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    (folder / "files").mkdir(parents=True)
    folder.chmod(0o777)
    (folder / "files").chmod(0o777)
    port = free_port()
    config = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    config.write_text(user + NGINX.format(folder=folder, port=port))
    process = subprocess.Popen(["nginx", "-c", str(config), "-e", str(folder / "error.log")])
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return bool(httpx.get(url).status_code)
        except httpx.TransportError:
            return False

    try:
        wait_until(answers, "start of nginx")
        yield url
    finally:
        process.terminate()
        process.wait()


def curl(*arguments: str) -> tuple[float, str]:
    """Seconds of a transfer as curl counts them, and the body of the answer."""
    command = ["curl", "-sS", "-o", "-", "-w", "\n%{http_code} %{time_total}", "-H", "Expect:", *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    body, _, line = output.rpartition("\n")
    status, seconds = line.split()
    assert status in ("200", "201", "204"), output[-2000:]
    return float(seconds), body


class Memory:
    """The most memory that a process held while it was looked at."""

    def __init__(self, server: LiveServer) -> None:
        assert server.process is not None
        self._process = psutil.Process(server.process.pid)
        self._done = threading.Event()
        self.start = self.most = self._process.memory_info().rss

    def __enter__(self) -> "Memory":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        return (self.most - self.start) / 1e6


def delete_all(server: LiveServer) -> None:
    with server.client() as client:
        for item in client.get("/api/media").json()["items"]:
            client.delete(f"/api/media/{item['id']}").raise_for_status()


def measure(rounds: int, size: int, folder: Path) -> dict[str, float]:
    source = folder / "source.wav"
    make_wav(source, size)
    length = source.stat().st_size
    server = LiveServer(folder / "data", OTOLITH_MEDIA_UPLOAD_LIMIT="4gb")
    server.start()
    url = f"{server.url}/api/media"
    token = f"X-API-Token: {TOKEN}"
    seconds: dict[str, list[float]] = {"nginx": [], "raw": [], "form": []}
    growth: list[float] = []
    with nginx(folder / "nginx") as address:
        sends: dict[str, Callable[[], float]] = {
            "nginx": lambda: curl("-T", str(source), f"{address}/file.wav")[0],
            "raw": lambda: curl("-H", token, "-H", "Content-Type: audio/wav", "-X", "POST", "-T", str(source), url)[0],
            "form": lambda: curl("-H", token, "-F", f"file=@{source}", url)[0],
        }
        # The first upload of each kind loads code and starts helpers; it does not count.
        for turn in range(rounds + 1):
            # Each turn begins with another kind, so that none always follows the same one.
            names = list(sends)
            order = names[turn % len(names) :] + names[: turn % len(names)]
            for name in order:
                send = sends[name]
                os.sync()
                if name == "nginx":
                    taken = send()
                else:
                    with Memory(server) as memory:
                        taken = send()
                    growth += [memory.growth] if turn else []
                    delete_all(server)
                seconds[name] += [taken] if turn else []
                (folder / "nginx" / "files" / "file.wav").unlink(missing_ok=True)
    server.stop()
    speed = {name: length / 1e6 / statistics.median(taken) for name, taken in seconds.items()}
    return {
        "megabytes": length / 1e6,
        **{f"{name}_mb_s": value for name, value in speed.items()},
        "raw_ratio": speed["raw"] / speed["nginx"],
        "form_ratio": speed["form"] / speed["nginx"],
        "memory_growth_mb": max(growth),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="Where to work: it decides which disk is measured.")
    options = parser.parse_args()
    for program in ("curl", "nginx"):
        if shutil.which(program) is None:
            sys.exit(f"This measurement needs {program}.")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measure(options.rounds, options.megabytes * 1_000_000, Path(folder))
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    print(f"rounds {options.rounds}, {time.monotonic() - began:.0f} s")
    worst = min(found["raw_ratio"], found["form_ratio"])
    print(f"target: at least {TARGET:.2f} of nginx; worst here {worst:.2f}: {'met' if worst >= TARGET else 'MISSED'}")


if __name__ == "__main__":
    main()
