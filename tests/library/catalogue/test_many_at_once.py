"""Names that mean others, where many tracks go by them or two people change them at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from otolith.composition import HANDLERS
from otolith.core.actor import SYSTEM, Actor
from otolith.core.context import Context
from otolith.core.errors import AppError
from otolith.core.ids import new_id
from otolith.jobs.contracts import Handlers
from otolith.jobs.service import LANES
from otolith.jobs.slot import Slot
from otolith.library.catalogue import aliasing
from otolith.library.catalogue.models import Artist, Catalogue
from tests.callers import Callers
from tests.library.catalogue.conftest import Stock
from tests.library.catalogue.shop import tags

FILES = {
    f"/m/{name} {number}.mp3": tags(title=str(number), artist=name, album_artist=name, album=f"Album {number % 2}")
    for name in ("Prince", "TAFKAP")
    for number in range(5)
}


def artists(context: Context) -> dict[str, int]:
    with context.database.read(SYSTEM) as session:
        return dict(session.execute(select(Artist.name, Artist.tracks)).tuples().all())


def ids(context: Context) -> dict[str, UUID]:
    with context.database.read(SYSTEM) as session:
        return dict(session.execute(select(Artist.name, Artist.id)).tuples().all())


def work(context: Context) -> None:
    slot = Slot(context, Handlers(HANDLERS), "test")
    slot.work(LANES)
    slot.close()


@pytest.mark.parametrize("deed", ["alias", "merge"])
def test_many_tracks_are_filed_again_by_a_job_in_short_steps(
    deed: str, stock: Stock, callers: Callers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliasing, "AT_ONCE", 2)
    stock(FILES)
    known = ids(context)
    asked: dict[str, tuple[UUID, dict[str, Any]]] = {
        "alias": (known["Prince"], {"name": "tafkap"}),
        "merge": (known["TAFKAP"], {"into": str(known["Prince"])}),
    }
    artist_id, body = asked[deed]
    path = f"/api/artists/{artist_id}/{'aliases' if deed == 'alias' else 'merge'}"
    answer = callers["editor"].post(path, json=body)
    assert answer.status_code == 202, answer.text
    job = f"/api/jobs/{answer.json()['job_id']}"
    assert artists(context) == {"Prince": 5, "TAFKAP": 5}
    with context.database.read(SYSTEM) as session:
        before = session.scalars(select(Catalogue.version)).one()
    work(context)
    assert callers["editor"].get(job).json()["result"] == {"filed": 5}
    assert artists(context) == {"Prince": 10}
    with context.database.read(SYSTEM) as session:
        assert session.scalars(select(Catalogue.version)).one() - before == 3
    detail = callers["viewer"].get(f"/api/artists/{known['Prince']}").json()
    (alias,) = detail["aliases"]
    removed = callers["editor"].delete(f"/api/artists/aliases/{alias['id']}")
    assert removed.status_code == 202, removed.text
    work(context)
    assert callers["editor"].get(f"/api/jobs/{removed.json()['job_id']}").json()["state"] == "succeeded"
    assert artists(context) == {"Prince": 5, "TAFKAP": 5}


def test_a_few_tracks_are_filed_again_at_once(stock: Stock, callers: Callers, context: Context) -> None:
    stock(FILES)
    known = ids(context)
    answer = callers["editor"].post(f"/api/artists/{known['TAFKAP']}/merge", json={"into": str(known["Prince"])})
    assert (answer.status_code, answer.json()["job_id"], answer.json()["tracks"]) == (200, None, 10)


def test_two_who_merge_the_same_artists_at_once_do_so_in_turn(stock: Stock, callers: Callers, context: Context) -> None:
    stock(FILES)
    known = ids(context)
    owner = Actor(kind="user", user_id=new_id(), user_name="ada", role="user", memberships={callers.home: "owner"})

    def merge(one: str, other: str) -> str:
        try:
            with context.database.write(owner) as session:
                aliasing.merge_artists(session, owner, known[one], known[other])
        except AppError as error:
            return type(error).__name__
        return "merged"

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(merge, *names) for names in (("Prince", "TAFKAP"), ("TAFKAP", "Prince"))]
        told = sorted(answer.result(60) for answer in answers)
    # Whoever comes second finds the one whom he means gone.
    assert told == ["ArtistNotFound", "merged"]
    assert list(artists(context).values()) == [10]
    with context.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(Artist)) == 1
