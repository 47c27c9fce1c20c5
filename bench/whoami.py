"""What it costs to know who calls, and that it does not hang on how many sessions and tokens are stored.

A server of one process is asked `/health`, which looks nothing up, and `/whoami` with a token and with a session, in
turns over one connection each, with the limits of requests on. Then 100,000 sessions and tokens are added and the
same server is asked the same again. The figures are ratios of the 95th percentiles within one run, on both databases.
"""

import argparse
import datetime as dt
import http.client
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert, select, text

from otolith.accounts.credentials import csrf_of, digest
from otolith.accounts.models import ApiToken, User, UserSession
from otolith.accounts.sessions.secrets import first_pair
from otolith.core.actor import SYSTEM
from otolith.core.db import Database, now
from otolith.core.ids import new_id
from tests.media.live import TOKEN, LiveServer
from tests.services import PostgresServer

FEW, MANY = 100, 100_000
MOST_GROWTH, MOST_TIMES = 1.2, 8.0
# All requests of a run stay below it, so that every one is counted and none refused.
LIMITS = {
    "OTOLITH_LIMITS_ENABLED": "true",
    "OTOLITH_LIMITS_PER_MINUTE": "1000000",
    "OTOLITH_LIMITS_SESSION": "1000000/minute",
}
Headers = Mapping[str, str]


def add_credentials(database: Database, number: int) -> None:
    """So many sessions and as many tokens, of the one user that there is."""
    later = now() + dt.timedelta(days=7)
    with database.write(SYSTEM) as session:
        user = session.scalars(select(User.id).limit(1)).one()
        for start in range(0, number, 5000):
            size = min(5000, number - start)
            tokens = [_token(user) for _ in range(size)]
            sessions = [_session(user, later) for _ in range(size)]
            session.execute(insert(ApiToken), tokens)
            session.execute(insert(UserSession), sessions)
    with database.write(SYSTEM) as session:
        session.execute(text("ANALYZE"))


def _token(user: object) -> dict[str, object]:
    secret_hash = os.urandom(32)
    return {"id": new_id(), "user_id": user, "name": "x", "prefix": "", "secret_hash": secret_hash, "scopes": ["read"]}


def _session(user: object, until: dt.datetime) -> dict[str, object]:
    secrets = {"secret_hash": os.urandom(32), "refresh_hash": os.urandom(32)}
    return {"id": new_id(), "user_id": user, **secrets, "access_until": until, "expires_at": until}


def own_session(database: Database) -> Headers:
    """The headers of a browser that signed in."""
    pair, until = first_pair(), now() + dt.timedelta(hours=1)
    with database.write(SYSTEM) as session:
        user = session.scalars(select(User.id).limit(1)).one()
        hashes = {"secret_hash": digest(pair.access), "refresh_hash": digest(pair.refresh)}
        session.add(UserSession(user_id=user, **hashes, access_until=until, expires_at=until))
    return {"Cookie": f"otolith_session={pair.access}", "X-CSRF-Token": csrf_of(pair.access)}


class Caller:
    """One connection that asks the same again and again."""

    def __init__(self, port: int, path: str, headers: Headers) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._path, self._headers = path, headers
        self.took: list[float] = []

    def ask(self) -> None:
        began = time.perf_counter()
        self._connection.request("GET", self._path, headers=dict(self._headers))
        answer = self._connection.getresponse()
        answer.read()
        self.took.append(time.perf_counter() - began)
        assert answer.status == 200, answer.status

    def close(self) -> None:
        self._connection.close()


def percentiles(port: int, session: Headers, rounds: int) -> dict[str, float]:
    """The 95th percentile of each question, in milliseconds, all asked in turns."""
    asked: dict[str, tuple[str, Headers]] = {
        "health": ("/health", {}),
        "token": ("/whoami", {"X-API-Token": TOKEN}),
        "session": ("/whoami", session),
    }
    callers = {name: Caller(port, *what) for name, what in asked.items()}
    for number in range(rounds + 50):
        for caller in callers.values():
            caller.ask()
            if number < 50:
                caller.took.clear()
    for caller in callers.values():
        caller.close()
    return {name: sorted(caller.took)[int(len(caller.took) * 0.95)] * 1000 for name, caller in callers.items()}


@contextmanager
def places() -> Iterator[Mapping[str, str]]:
    """The URL of a database of each kind, by its name; an empty one is the server's own file."""
    postgres = PostgresServer()
    try:
        postgres.start()
        yield {"sqlite": "", "postgresql": postgres.create_database("whoami", template="template1")}
    finally:
        postgres.close()


def measure(name: str, url: str, rounds: int, many: int) -> bool:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        server = LiveServer(Path(folder), OTOLITH_DATABASE_URL=url, **LIMITS)
        server.start()
        database = Database(url or f"sqlite:///{folder}/otolith.db", pool_size=1)
        try:
            session = own_session(database)
            add_credentials(database, FEW)
            few = percentiles(server.port, session, rounds)
            add_credentials(database, many - FEW)
            later = percentiles(server.port, session, rounds)
        finally:
            server.stop()
            database.dispose()
    good = True
    for who in ("token", "session"):
        growth, times = later[who] / few[who], later[who] / later["health"]
        good = good and growth <= MOST_GROWTH and times <= MOST_TIMES
        print(
            f"{name:10} {who:8} p95 {few[who]:.2f} ms with {FEW:,}, {later[who]:.2f} ms with {many:,} stored: "
            f"{growth:.2f} times (at most {MOST_GROWTH}), {times:.1f} times /health ({later['health']:.2f} ms; at most "
            f"{MOST_TIMES:g})",
            flush=True,
        )
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000, help="how often each question is asked")
    parser.add_argument("--many", type=int, default=MANY, help="how many sessions and tokens are stored in the end")
    options = parser.parse_args()
    with places() as urls:
        results = [measure(name, url, options.rounds, options.many) for name, url in urls.items()]
    raise SystemExit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
