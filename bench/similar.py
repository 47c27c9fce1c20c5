"""Neighbours, radio, ways and the map over a large library, at the API of a server of its own, on both databases.

The library is made up: tracks with embeddings in clusters, 12 an album and 60 an artist, straight in the tables. Each
question is asked over loopback by one client after a warm-up; "first" is the first question of a fresh server, which
reads the whole index. Beside the times on the wall stands the CPU time of the server for each question, which other
work on the machine does not lengthen, and below them what a plain product of the same matrix takes in NumPy.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import psutil
from numpy.typing import NDArray
from sqlalchemy import insert, text

from otolith.accounts.service import home_workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.core.settings import Settings
from otolith.library.catalogue.models import Album
from otolith.library.catalogue.versions import next_version
from otolith.library.engine.embedding import DIMENSIONS
from otolith.library.models import Analysis, Track
from otolith.library.similar.models import Place
from otolith.local import opened
from otolith.media.models import Media
from tests.media.live import LiveServer
from tests.services import PostgresServer

CHUNK = 6_000
CLUSTERS = 200


def sounds(count: int) -> Iterator[NDArray[np.float16]]:
    """Unit vectors in clusters, in chunks."""
    random = np.random.default_rng(7)
    middles = random.standard_normal((CLUSTERS, DIMENSIONS))
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        vectors = middles[random.integers(0, CLUSTERS, size)] + random.standard_normal((size, DIMENSIONS))
        yield (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def fill(context: Context, tracks: int) -> list[UUID]:
    """Make the library; the ids of some tracks."""
    some: list[UUID] = []
    random = np.random.default_rng(8)
    number = 0
    with context.database.read(SYSTEM) as session:
        workspace = home_workspace(session).id
    for vectors in sounds(tracks):
        rows = [_rows(workspace, number + offset, vector, random) for offset, vector in enumerate(vectors)]
        albums = {row["track"]["album_id"]: row["album"] for row in rows}
        with context.database.write(SYSTEM) as session:
            version = next_version(session, workspace)
            session.execute(insert(Album), list(albums.values()))
            session.execute(insert(Media), [row["media"] for row in rows])
            session.execute(insert(Analysis), [row["analysis"] for row in rows])
            session.execute(insert(Track), [row["track"] | {"version": version} for row in rows])
            session.execute(insert(Place), [row["place"] for row in rows])
        some += [row["track"]["id"] for row in rows[:: max(1, CHUNK // 20)]]
        number += len(rows)
    return some


def _rows(workspace: UUID, number: int, vector: NDArray[np.float16], random: np.random.Generator) -> dict[str, Any]:
    track, media, sha256 = new_id(), new_id(), f"{number:064x}"
    artist, album = f"artist {number // 60}", UUID(int=(number // 12) * 0x9E3779B97F4A7C15 & ((1 << 128) - 1))
    of = {"workspace_id": workspace}
    return {
        "media": of
        | {
            "id": media,
            "name": f"{number}.mp3",
            "path": f"/music/{number}.mp3".encode(),
            "path_digest": f"{number:032}".encode(),
            "size": 4_000_000,
            "sha256": sha256,
            "missing": False,
        },
        "album": of | {"id": album, "identity": album.hex, "title": f"album {number // 12}", "title_key": album.hex},
        "analysis": {
            "sha256": sha256,
            "engines": {},
            "duration": 200.0,
            "beats": b"",
            "sound": {},
            "notes": [],
            "tempo": float(random.uniform(60, 180)),
            "camelot": f"{random.integers(1, 13)}{random.choice(['A', 'B'])}",
            "energy": float(random.random()),
            "embedding": vector.astype("<f2").tobytes(),
        },
        "track": of
        | {
            "id": track,
            "media_id": media,
            "title": f"title {number}",
            "title_key": f"title {number}",
            "artist": artist,
            "artist_key": artist,
            "album": f"album {number // 12}",
            "album_id": album,
            "state": "analysed",
        },
        "place": of | {"track_id": track, "x": float(vector[0]) * 3, "y": float(vector[1]) * 3},
    }


def questions(client: httpx.Client, tracks: Sequence[UUID]) -> Mapping[str, Callable[[int], httpx.Response]]:
    """What is asked, by name; each takes the number of the time."""
    ids = [str(track) for track in tracks]

    def of(number: int) -> str:
        return ids[number % len(ids)]

    return {
        "similar, 20": lambda n: client.get(f"/api/tracks/{of(n)}/similar"),
        "similar, 100": lambda n: client.get(f"/api/tracks/{of(n)}/similar", params={"limit": 100}),
        "similar to 5": lambda n: client.get("/api/similar", params={"track": [of(n + k) for k in range(5)]}),
        "radio, 20": lambda n: client.get("/api/radio", params={"track": of(n)}),
        "path, 10 steps": lambda n: client.get("/api/path", params={"from": of(n), "to": of(n + 7)}),
        "whole map, 500": lambda _: client.get("/api/map"),
        "part of it, 500": lambda n: client.get("/api/map", params={"left": -0.3, "right": 0.3 + 0.001 * (n % 9)}),
        "words: slow, sad": lambda _: client.get("/api/similar/text", params={"q": "slow and sad"}),
    }


def ask(server: LiveServer, tracks: Sequence[UUID], rounds: int) -> None:
    with server.client() as client:
        asked = questions(client, tracks)
        began = time.perf_counter()
        response = next(iter(asked.values()))(0)
        response.raise_for_status()
        print(f"  first question {time.perf_counter() - began:8.2f} s, server {server.resident() / 1e6:,.0f} MB")
        process = psutil.Process(server.process.pid if server.process else None)
        for name, question in asked.items():
            took = []
            spent = sum(process.cpu_times()[:2])
            for number in range(rounds + 5):
                began = time.perf_counter()
                question(number).raise_for_status()
                took.append(1000 * (time.perf_counter() - began))
            took = sorted(took[5:])
            p95 = took[round(0.95 * len(took)) - 1]
            spent = 1000 * (sum(process.cpu_times()[:2]) - spent) / (rounds + 5)
            times = f"median {statistics.median(took):7.1f} ms   p95 {p95:7.1f} ms   server's CPU {spent:6.1f} ms"
            print(f"  {name:20} {times}")
        print(f"  server {server.resident() / 1e6:,.0f} MB")


def plain_product(tracks: int) -> float:
    """Milliseconds of one product of the matrix in single precision."""
    matrix = np.random.default_rng(1).standard_normal((tracks, DIMENSIONS)).astype(np.float32)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        matrix @ matrix[0]
        took.append(1000 * (time.perf_counter() - began))
    return min(took)


def measure(kind: str, url: str, place: Path, options: argparse.Namespace) -> None:
    print(f"{kind}, {options.tracks:,} tracks")
    with opened(Settings(data=place, database_url=url)) as context:
        began = time.perf_counter()
        tracks = fill(context, options.tracks)
        print(f"  filled in {time.perf_counter() - began:.0f} s")
        if not context.database.is_sqlite:
            # As autovacuum does within a minute of so many rows.
            with context.database.write(SYSTEM) as session:
                session.execute(text("ANALYZE"))
    server = LiveServer(place, **({"OTOLITH_DATABASE_URL": url} if url else {}))
    server.start()
    try:
        ask(server, tracks, options.rounds)
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otolith-bench-") as place:
        if options.only != "postgresql":
            measure("SQLite", "", Path(place) / "sqlite", options)
        if options.only != "sqlite":
            postgres = PostgresServer()
            postgres.start()
            try:
                measure("PostgreSQL", postgres.create_database("bench"), Path(place) / "postgres", options)
            finally:
                postgres.close()
    print(f"a plain product in NumPy {plain_product(options.tracks):.1f} ms")


if __name__ == "__main__":
    main()
