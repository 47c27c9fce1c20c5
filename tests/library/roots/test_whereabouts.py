"""Who does not administer the server is told where files lie from the name of the library's folder on."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.db import now
from otolith.jobs.models import Job
from otolith.jobs.service import submit
from otolith.library.events import SCAN, ScanPayload
from otolith.library.health.kinds import KINDS
from otolith.library.models import Finding, Scan
from otolith.library.roots.models import Root
from otolith.library.roots.whereabouts import Whereabouts
from otolith.media.service import path_digest
from tests.callers import Callers
from tests.library.health.shelves import add_album, add_track

OTHERS = ("viewer", "editor", "owner", "readonly")
AWAY = "There is no folder /srv/My Music (any more). Is its disk or network share mounted? Nothing was marked missing; "


@pytest.fixture
def scanned(callers: Callers, context: Context) -> dict[str, UUID]:
    """A folder of the library that is away, its scan that failed, and a scan of a folder that is in no library."""
    with context.database.write(SYSTEM) as session:
        path = b"/srv/My Music"
        root = Root(
            workspace_id=callers.home,
            path=path,
            path_digest=path_digest(path),
            name="Records",
            away_why=AWAY,
            every=None,
        )
        session.add(root)
        session.flush()
        found = {"root": root.id}
        for name, place in (("scan", path), ("loose", b"/mnt/a b/loose")):
            scan = Scan(workspace_id=callers.home, path=place)
            session.add(scan)
            session.flush()
            scan.job_id = submit(session, SCAN, ScanPayload(scan_id=scan.id, path=place), workspace=callers.home)
            error = f"{place.decode()} is empty, and it held files."
            over = {"state": "dead", "error": error, "finished_at": now(), "note": place.decode()}
            session.execute(update(Job).where(Job.id == scan.job_id).values(over))
            file = place + b"/Pop/odd one.mp3"
            session.add(
                Finding(
                    workspace_id=callers.home,
                    scan_id=scan.id,
                    path=file,
                    path_digest=path_digest(file),
                    verdict="failed",
                    kind="unreadable",
                    error="This is a text file, not a sound file.",
                )
            )
            found |= {name: scan.id, f"{name} job": scan.job_id}
    add_track(context, callers.home, title="Gone", file={"path": b"/srv/My Music/Pop/gone.mp3", "missing": True})
    album = add_album(context, callers.home, "With a gap")
    for number in (1, 3):
        where = {"path": f"/srv/My Music/Pop/{number}.mp3".encode()}
        add_track(context, callers.home, title=f"Song {number}", album_id=album, track_number=number, file=where)
    return found


def everything(callers: Callers, kind: str, scanned: dict[str, UUID]) -> dict[str, Any]:
    """All that the API says of these, by its address."""
    places = ["/api/roots", f"/api/roots/{scanned['root']}", "/api/scans", "/api/jobs"]
    places += [f"/api/scans/{scanned[name]}" for name in ("scan", "loose")]
    places += [f"/api/jobs/{scanned[name]}" for name in ("scan job", "loose job")]
    places += [f"/api/library/health/{name}" for name in KINDS]
    answers = {place: callers[kind].get(place) for place in places}
    assert {answer.status_code for answer in answers.values()} == {200}
    return {place: answer.json() for place, answer in answers.items()}


@pytest.mark.parametrize("kind", OTHERS)
def test_nobody_but_administrators_reads_the_paths_of_the_server(
    callers: Callers, scanned: dict[str, UUID], kind: str
) -> None:
    told = everything(callers, kind, scanned)
    for place, answer in told.items():
        for part in ("/srv", "/mnt", "a b"):
            assert part not in str(answer), (place, part)
    assert told[f"/api/roots/{scanned['root']}"]["path"] == "Records"
    assert told[f"/api/roots/{scanned['root']}"]["away_why"].startswith("There is no folder Records (any more).")
    report = told[f"/api/scans/{scanned['scan']}"]
    assert (report["path"], report["failed"][0]["path"]) == ("Records", "Records/Pop/odd one.mp3")
    assert report["error"] == "Records is empty, and it held files."
    loose = told[f"/api/scans/{scanned['loose']}"]
    assert (loose["path"], loose["failed"][0]["path"]) == ("loose", "loose/Pop/odd one.mp3")
    (gap,) = told["/api/library/health/albums"]["items"]
    assert {track["path"] for track in gap["tracks"]} == {"Records/Pop/1.mp3", "Records/Pop/3.mp3"}
    (missing,) = told["/api/library/health/missing"]["items"]
    assert missing["tracks"][0]["path"] == "Records/Pop/gone.mp3"
    assert missing["why"] == "Records/Pop/gone.mp3 was gone at the last scan."
    job = told[f"/api/jobs/{scanned['loose job']}"]
    assert (job["payload"]["path"], job["progress"]["note"]) == ("…/loose", "…/loose")
    assert job["error"]["detail"] == "…/loose is empty, and it held files."


def test_administrators_read_them_whole(callers: Callers, scanned: dict[str, UUID]) -> None:
    told = everything(callers, "admin", scanned)
    assert told[f"/api/roots/{scanned['root']}"]["path"] == "/srv/My Music"
    report = told[f"/api/scans/{scanned['loose']}"]
    assert (report["path"], report["failed"][0]["path"]) == ("/mnt/a b/loose", "/mnt/a b/loose/Pop/odd one.mp3")
    assert told["/api/library/health/missing"]["items"][0]["tracks"][0]["path"] == "/srv/My Music/Pop/gone.mp3"
    assert told[f"/api/jobs/{scanned['loose job']}"]["payload"]["path"] == "/mnt/a b/loose"


def test_pages_tell_the_same(callers: Callers, context: Context, scanned: dict[str, UUID]) -> None:
    places = [
        "/scans",
        f"/scans/{scanned['scan']}",
        f"/scans/{scanned['loose']}",
        "/activity",
        "/activity?state=failed",
    ]
    places += ["/library/health/missing", "/library/health/refused"]
    headers = {"Accept": "text/html"}
    for place in places:
        page = callers.browsers["viewer"].get(place, headers=headers).text
        for part in ("/srv", "/mnt", "a b/loose"):
            assert part not in page, (place, part)
    assert "/mnt/a b/loose" in callers.browsers["admin"].get("/activity?state=failed", headers=headers).text
    with context.database.write(SYSTEM) as session:
        session.execute(update(Root).values(name=""))
    assert "My Music" in callers.browsers["viewer"].get("/scans", headers=headers).text


def test_the_innermost_folder_names_a_file() -> None:
    where = Whereabouts([("/srv/music/live", "Live"), ("/srv/music", "Music")])
    assert where.path("/srv/music/live/a.mp3") == "Live/a.mp3"
    assert where.path("/srv/music/a.mp3") == "Music/a.mp3"
    assert where.path("/srv/musicals/a.mp3") == "…/a.mp3"
    assert where.text("/srv/music is empty, /srv/musicals is not.") == "Music is empty, …/musicals is not."
    assert where.also("/srv/music/b", "/mnt/c").path("/mnt/c/d.mp3") == "c/d.mp3"
    assert where.also("/srv/music/b").path("/srv/music/b/d.mp3") == "Music/b/d.mp3"
