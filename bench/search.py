"""Searching at the API over synthetic libraries, on both databases: pages, facets, deep pages, memory.

A server of its own answers over HTTP; each figure is of many requests one after the other.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import select

from bench.synthetic import COMMON, GENRES, Vocabulary, fill
from otolith.accounts.models import User
from otolith.accounts.service import home_workspace
from otolith.api import prepare
from otolith.composition import build_context
from otolith.core.actor import SYSTEM
from otolith.core.settings import Settings
from tests.services import PostgresServer, free_port

TOKEN = "bench-token-of-no-worth"  # noqa: S105 -- It opens nothing but this benchmark's own server.


def made(url: str, folder: Path, tracks: int) -> float:
    """Fill a database; the seconds that took."""
    settings = Settings(data=folder, database_url=url, workers=0, admin={"token": TOKEN})
    settings.folder.make()
    context = build_context(settings)
    prepare(context)
    with context.database.read(SYSTEM) as session:
        workspace = home_workspace(session).id
        listener = session.scalars(select(User.id).where(User.name == "admin")).one()
    began = time.perf_counter()
    fill(context.settings.effective_database_url, workspace, tracks, listener=listener)
    context.close()
    return time.perf_counter() - began


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """A server over a filled database, and a client of it."""
    port = free_port()
    environment = {**os.environ, "OTOLITH_DATA": str(folder), "OTOLITH_WORKERS": "0", "OTOLITH_LOG_LEVEL": "error"}
    environment |= {"OTOLITH_ADMIN_TOKEN": TOKEN, "OTOLITH_LIMITS_ENABLED": "false"}
    environment |= {"OTOLITH_DATABASE_URL": url} if url else {}
    command = [sys.executable, "-m", "uvicorn", "otolith.api:app", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, env=environment)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Token": TOKEN}, timeout=600)
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                client.get("/health")
                break
            except httpx.ConnectError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.2)
        yield client, psutil.Process(process.pid)
    finally:
        client.close()
        process.terminate()
        process.wait(60)


def spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"p50 {1000 * statistics.median(ordered):6.1f}  p95 {1000 * p95:6.1f}  max {1000 * ordered[-1]:6.1f} ms"


def measure(
    name: str, ask: Callable[[dict[str, Any]], Any], queries: Sequence[dict[str, Any]], server: psutil.Process
) -> None:
    """Time each question; the server's own CPU time tells how much of that is the machine's other work."""
    seconds, found, before = [], [], _cpu(server)
    for query in queries:
        began = time.perf_counter()
        answer = ask(query)
        seconds.append(time.perf_counter() - began)
        found.append(answer["total"])
    cpu = 1000 * (_cpu(server) - before) / len(queries)
    print(f"  {name:<42} {spread(seconds)}  CPU {cpu:5.1f}  ({min(found)}–{max(found)} found)", flush=True)


def _cpu(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


def queries_of(tracks: int) -> dict[str, list[dict[str, Any]]]:
    """What is asked, by the kind of question."""
    rng = random.Random(3)  # noqa: S311 -- The same questions every time.
    words = Vocabulary.of(random.Random(7), max(5_000, min(300_000, tracks // 3))).words  # noqa: S311
    frequent = [word for word in words[:400] if len(word) >= 3]
    rare = [word for word in words[2_000:] if len(word) >= 4]
    typed = [word[:3] for word in rng.sample(rare, 20)] + [word[:4] for word in rng.sample(rare, 20)]
    wrong = [_mistyped(rng, word) for word in rng.sample([w for w in rare if len(w) >= 6], 20)]
    filters = ["artist:the", "genre:rock bpm:120-130", "key:8A,9A", "year:1990s", "compatible:5B duration:<3:00"]
    filters += [f"{rng.choice(frequent)} bpm:>=140", "rating:>=4", "plays:>10 year:>=2000", "format:flac energy:>0.8"]
    return {
        "one letter": [{"q": letter} for letter in "abcdefghijklmnoprstuvw"],
        "two letters": [{"q": word[:2]} for word in rng.sample(rare, 20)],
        "three letters and more, as typed": [{"q": word} for word in typed],
        "frequent words": [{"q": word} for word in frequent[:20]],
        "two words": [{"q": f"{rng.choice(frequent)} {rng.choice(words)[:3]}"} for _ in range(30)],
        "stop words": [{"q": f"{rng.choice(COMMON)} {rng.choice(COMMON)}"} for _ in range(20)],
        "mistyped words": [{"q": word} for word in wrong],
        "filters": [{"q": text} for text in filters] * 3,
        "all, by another order": [{"sort": sort} for sort in ("title", "artist", "-bpm", "-year", "key", "-plays")] * 4,
        "a genre by parameter": [{"genre": genre, "sort": "title"} for genre in GENRES],
    }


def worst_of(tracks: int) -> dict[str, list[dict[str, Any]]]:
    """The dearest that a search may ask for: as many words, phrases and values as it takes."""
    rng = random.Random(5)  # noqa: S311 -- The same questions every time.
    words = Vocabulary.of(random.Random(7), max(5_000, min(300_000, tracks // 3))).words  # noqa: S311
    rare = [word for word in words[2_000:] if len(word) >= 8]

    def some(make: Callable[[], str], count: int, between: str = " ") -> list[dict[str, Any]]:
        return [{"q": between.join(make() for _ in range(count))[:1000]} for _ in range(5)]

    phrases = some(lambda: f'"{rng.choice(COMMON)} {rng.choice(COMMON)}"', 32)
    return {
        "32 stop words": some(lambda: rng.choice(COMMON), 32),
        "32 letters, each going on": [one | {"prefix": "every"} for one in some(lambda: rng.choice("aeiost"), 32)],
        "32 mistyped words": some(lambda: _mistyped(rng, rng.choice(rare)), 32),
        "one word mistyped 32 times": [
            {"q": " ".join(_mistyped(rng, word) for _ in range(32))} for word in rng.sample(rare, 5)
        ],
        "32 phrases": phrases,
        "60 phrases, none of them": [{"q": " ".join(f"-{one}" for one in q["q"].split('" '))[:990]} for q in phrases],
        "60 words, none of them": some(lambda: f"-{rng.choice(words[:200])}", 60),
        "60 titles": [{"q": "title:" + one["q"]} for one in some(lambda: f'="{rng.choice(COMMON)}"', 60, ",")],
        "60 beginnings, one by one": some(lambda: f"title:{rng.choice('aeiost')}*", 60),
        "60 numbers, one by one": some(lambda: f"bpm:>{rng.randint(1, 60)}", 60),
    }


def _mistyped(rng: random.Random, word: str) -> str:
    place = rng.randrange(1, len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def walk(get: Callable[[str, dict[str, Any]], Any], pages: int) -> None:
    """Pages far down a list against the first ones, in three orders."""
    for query in ({"sort": "title"}, {"q": "the"}, {"sort": "-bpm"}):
        seconds, cursor = [], None
        for _ in range(pages):
            began = time.perf_counter()
            answer = get("/search", query | {"limit": 50} | ({"cursor": cursor} if cursor else {}))
            seconds.append(time.perf_counter() - began)
            cursor = answer["next"]
            if cursor is None:
                break
        tenth = max(1, len(seconds) // 10)
        print(f"  pages by {query}: first tenth {spread(seconds[:tenth])}")
        print(f"  {'':<{len(f'pages by {query}')}}  last tenth  {spread(seconds[-tenth:])}", flush=True)


def bench(kind: str, url: str, folder: Path, tracks: int) -> None:
    print(f"\n{kind}, {tracks:,} tracks (filled in {made(url, folder, tracks):.0f} s)", flush=True)
    for start in ("nothing indexed yet", "with the snapshot"):
        with serving(url, folder) as (client, process):

            def get(path: str, query: dict[str, Any], client: httpx.Client = client) -> Any:
                answer = client.get(path, params=query)
                assert answer.status_code == 200, answer.text
                return answer.json()

            began = time.perf_counter()
            get("/search", {"q": "love"})
            print(f"  first search, {start}: {time.perf_counter() - began:.2f} s", flush=True)
            if start == "nothing indexed yet":
                print(f"  memory after indexing: {process.memory_info().rss / 1e6:.0f} MB", flush=True)
                continue
            every = queries_of(tracks)
            for name, queries in every.items():
                measure(name, partial(get, "/search"), queries, process)
            for name, queries in worst_of(tracks).items():
                measure(f"worst: {name}", partial(get, "/search"), queries, process)
            for name in ("one letter", "three letters and more, as typed", "frequent words", "filters"):
                measure(f"facets: {name}", partial(get, "/search/facets"), every[name], process)
            measure("facets: everything", partial(get, "/search/facets"), [{}] * 10, process)
            for name in ("one letter", "three letters and more, as typed"):
                measure(f"suggest: {name}", partial(get, "/search/suggest"), every[name], process)
            walk(get, 100)
            memory = process.memory_info()
            shared = getattr(memory, "shared", 0)
            print(f"  memory: {memory.rss / 1e6:.0f} MB, of which {shared / 1e6:.0f} MB are mapped files", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    for tracks in options.tracks:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otolith-search-")))
            if options.database != "postgresql":
                bench("SQLite", "", folder / "sqlite", tracks)
            if options.database != "sqlite":
                server = PostgresServer()
                stack.callback(server.close)
                server.start()
                bench("PostgreSQL", server.create_database("search"), folder / "postgresql", tracks)


if __name__ == "__main__":
    main()
