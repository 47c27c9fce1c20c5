"""Artists, albums, genres and their pages at the API over synthetic libraries, on both databases.

A server of its own answers over HTTP; each figure is of many requests one after the other, of which the server's CPU
time tells how much is its own.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import text

from bench.search import made, serving, spread
from otolith.core.actor import SYSTEM
from otolith.core.db import Database
from otolith.core.settings import Settings
from tests.services import PostgresServer

# What filing counts and links, which a library put straight into the tables does not have.
SETTLED = (
    "UPDATE tracks SET counted = (1 = 1)",
    "CREATE TEMPORARY TABLE counts AS SELECT artist_id, count(*) AS tracks FROM credits GROUP BY artist_id",
    "CREATE UNIQUE INDEX counts_artist ON counts (artist_id)",
    "UPDATE artists SET tracks = coalesce((SELECT tracks FROM counts WHERE artist_id = artists.id), 0)",
    (
        "INSERT INTO album_credits (album_id, position, workspace_id, artist_id, name) "
        "SELECT DISTINCT tracks.album_id, 0, tracks.workspace_id, credits.artist_id, tracks.artist "
        "FROM tracks JOIN credits ON credits.track_id = tracks.id WHERE tracks.track_number = 1"
    ),
    "UPDATE artists SET albums = (SELECT count(*) FROM album_credits WHERE artist_id = artists.id)",
    "UPDATE terms SET tracks = (SELECT count(*) FROM track_terms WHERE term_id = terms.id)",
)


def settle(url: str, folder: Path) -> None:
    database = Database(Settings(data=folder, database_url=url).effective_database_url, pool_size=2)
    with database.write(SYSTEM) as session:
        for statement in SETTLED:
            session.execute(text(statement))
    if not database.is_sqlite:
        # What autovacuum does by itself a minute after so many rows came.
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    database.dispose()


def measure(
    name: str, client: httpx.Client, asked: Sequence[tuple[str, dict[str, Any]]], server: psutil.Process
) -> None:
    seconds, before = [], server.cpu_times()
    for path, query in asked:
        began = time.perf_counter()
        answer = client.get(path, params=query)
        seconds.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text
    after = server.cpu_times()
    cpu = 1000 * (after.user + after.system - before.user - before.system) / len(asked)
    print(f"  {name:<34} {spread(seconds)}  CPU {cpu:5.1f}", flush=True)


def deep(client: httpx.Client, path: str, query: dict[str, Any], pages: int) -> list[tuple[str, dict[str, Any]]]:
    """The requests for pages far down a list."""
    asked: list[tuple[str, dict[str, Any]]] = []
    cursor = None
    for _ in range(pages):
        asked.append((path, query | ({"cursor": cursor} if cursor else {})))
        cursor = client.get(path, params=asked[-1][1]).json()["next"]
        if cursor is None:
            break
    return asked[-20:]


def bench(kind: str, url: str, folder: Path, tracks: int) -> None:
    print(f"\n{kind}, {tracks:,} tracks (filled in {made(url, folder, tracks):.0f} s)", flush=True)
    settle(url, folder)
    rng = random.Random(3)  # noqa: S311 -- The same questions every time.
    with serving(url, folder) as (client, server):
        artists = [one["id"] for one in client.get("/artists", params={"limit": 500}).json()["items"]]
        albums = [one["id"] for one in client.get("/albums", params={"limit": 500, "sort": "title"}).json()["items"]]
        busiest = client.get("/artists", params={"limit": 20, "sort": "tracks"}).json()["items"]
        some_artists, some_albums = rng.sample(artists, 60), rng.sample(albums, 60)
        for path, sorts in (
            ("/artists", ("name", "added", "tracks")),
            ("/albums", ("artist", "title", "added", "year")),
        ):
            for sort in sorts:
                measure(f"{path} by {sort}", client, [(path, {"sort": sort})] * 20, server)
            measure(f"{path}, far down", client, deep(client, path, {"limit": 100}, 60), server)
        measure("/genres", client, [("/genres", {})] * 20, server)
        measure("an album", client, [(f"/albums/{one}", {}) for one in some_albums], server)
        measure("an artist", client, [(f"/artists/{one}", {}) for one in some_artists], server)
        measure("an artist's albums", client, [(f"/artists/{one}/albums", {}) for one in some_artists], server)
        measure("the busiest artists", client, [(f"/artists/{one['id']}", {}) for one in busiest], server)
        measure(
            "the busiest artists' albums", client, [(f"/artists/{one['id']}/albums", {}) for one in busiest], server
        )
        measure("an artist's tracks", client, [("/tracks", {"artist": one}) for one in some_artists], server)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="*", default=[100_000])
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    for tracks in options.tracks:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otolith-catalogue-")))
            if options.database != "postgresql":
                bench("SQLite", "", folder / "sqlite", tracks)
            if options.database != "sqlite":
                server = PostgresServer()
                stack.callback(server.close)
                server.start()
                bench("PostgreSQL", server.create_database("catalogue"), folder / "postgresql", tracks)


if __name__ == "__main__":
    main()
