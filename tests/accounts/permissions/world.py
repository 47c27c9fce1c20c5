"""A workspace with one of everything in it, and what to send to each route so that only rights decide."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from otolith.accounts.models import User, UserSession
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.jobs.jobs import FORGET, ForgetPayload
from otolith.jobs.service import cancel, submit
from otolith.library.catalogue.models import Album, Artist, Term
from otolith.library.models import Track
from otolith.library.roots import service as roots
from otolith.library.roots.schemas import RootRequest
from tests.callers import Callers
from tests.library.conftest import write_tone
from tests.web.recordings import add_song

NOWHERE = "01920000-0000-7000-8000-000000000000"
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


@dataclass
class World:
    """What stands for the parameters of paths, and what each route is sent."""

    sound: bytes
    values: dict[str, str] = field(default_factory=dict)
    sent: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def address(self, path: str) -> str:
        values = self.values
        if path.startswith(("/api/quotas/", "/quotas/")):
            values = {"subject": "workspace", "subject_id": values["workspace_id"], "kind": "storage"}
        return "/".join(values.get(part[1:-1], NOWHERE) if part.startswith("{") else part for part in path.split("/"))

    def request(self, method: str, path: str) -> Mapping[str, Any]:
        return self.sent.get((method, path), {})


@contextmanager
def nothing_stays() -> Iterator[None]:
    """Let every transaction do all of its work, with all checks of the database, and then undo it."""
    with patch.object(Session, "commit", Session.flush):
        yield


_CHOSEN = "lamp orbit velvet canyon"
_SENT_BY_PEOPLE: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/auth/login/code"): {"json": {"challenge": "none", "code": "000000"}},
    ("POST", "/sign-in/code"): {"data": {"challenge": "none", "code": "000000"}},
    ("POST", "/api/account/codes"): {"json": {"current": "not it"}},
    ("POST", "/api/account/codes/confirm"): {"json": {"code": "000000"}},
    ("DELETE", "/api/account/codes"): {"json": {"current": "not it"}},
    ("POST", "/api/auth/confirm"): {"json": {"link": "none", "password": _CHOSEN}},
    ("POST", "/api/auth/forgot"): {"json": {"username": "nobody"}},
    ("POST", "/api/auth/register"): {"json": {"email": "nobody@example.org"}},
    ("PATCH", "/api/account"): {"json": {"display_name": "x"}},
    ("POST", "/api/account/password"): {"json": {"current": "not it", "password": _CHOSEN}},
    ("POST", "/api/account/address"): {"json": {"current": "not it", "email": "nobody@example.org"}},
    ("POST", "/api/users"): {"json": {"username": "x"}},
    ("PATCH", "/api/users/{user_id}"): {"json": {"display_name": "x"}},
    ("POST", "/api/users/{user_id}/link"): {"json": {}},
    ("POST", "/api/invitations"): {"json": {}},
    ("POST", "/auth/confirm"): {"data": {"secret": "none", "password": _CHOSEN}},
    ("POST", "/forgot"): {"data": {"address": "nobody"}},
    ("POST", "/register"): {"data": {"address": "nobody@example.org"}},
    ("POST", "/account/profile"): {"data": {"display_name": "x"}},
    ("POST", "/account/password"): {"data": {"current": "not it", "password": _CHOSEN}},
    ("POST", "/account/address"): {"data": {"current": "not it", "email": "nobody@example.org"}},
    ("POST", "/users/{user_id}"): {"data": {"username": "the viewer", "active": "yes"}},
    ("POST", "/users/{user_id}/delete"): {"data": {"sure": "yes"}},
}


def make_world(context: Context, callers: Callers, folder: Path) -> World:
    tone = write_tone(folder / "a" / "tone.wav")
    world = World(tone.read_bytes())
    values = world.values
    values |= {"kind": "missing", "deed": "pause", "path": "img/icon.svg", "workspace_id": str(callers.home)}
    songs = [add_song(context, callers.home, "Salt", artist=artist) for artist in ("Mara Ilves", "M. Ilves")]
    _catalogue(context, callers, songs[0], values)
    with context.database.write(SYSTEM) as session:
        root = roots.add_root(session, context, SYSTEM, RootRequest(path=str(folder / "a")), callers.home)
    assert root.scan is not None
    values |= {"root_id": str(root.id), "scan_id": str(root.scan.scan_id)}
    with context.database.write(SYSTEM) as session:
        job = submit(session, FORGET, ForgetPayload(), workspace=callers.home)
        values["job_id"] = str(cancel(session, SYSTEM, job).id)
    _by_people(callers, songs[0], values, world.sound)
    with context.database.read(SYSTEM) as session:
        editor = User.name == "the editor"
        values["session_id"] = str(session.scalars(select(UserSession.id).join(User).where(editor)).one())
        values["user_id"] = str(session.scalars(select(User.id).where(User.name == "the viewer")).one())
        other = str(session.scalars(select(Artist.id).where(Artist.id != UUID(values["artist_id"])).limit(1)).one())
    shutil.copytree(folder / "a", folder / "b")
    told = (world, str(songs[0]), other, str(folder / "b"))
    world.sent = _sent_to_api(*told) | _sent_to_pages(*told)
    return world


def _catalogue(context: Context, callers: Callers, song: UUID, values: dict[str, str]) -> None:
    with context.database.read(SYSTEM) as session:
        mine = Artist.workspace_id == callers.home
        values["artist_id"] = str(session.scalars(select(Artist.id).where(mine).order_by(Artist.id).limit(1)).one())
        values["album_id"] = str(session.scalars(select(Album.id).order_by(Album.id).limit(1)).one())
        values["genre_id"] = str(session.scalars(select(Term.id).limit(1)).one())
        values["media_id"] = str(session.scalars(select(Track.media_id).where(Track.id == song)).one())
    values["track_id"] = str(song)


def _by_people(callers: Callers, song: UUID, values: dict[str, str], sound: bytes) -> None:
    """What only people make: a stored file, a change of tags, another name, half an upload, a token and a link."""
    editor = callers.browsers["editor"]
    stored = editor.post("/api/media", files={"file": ("a.wav", sound)}).json()["items"][0]
    values["media_id"] = stored["media"]["id"]
    batch = editor.post("/api/tracks/edits", json={"tracks": [str(song)], "changes": {"title": "Pepper"}})
    values["batch_id"] = batch.json()["batch_id"]
    alias = editor.post(f"/api/artists/{values['artist_id']}/aliases", json={"name": "Mara"})
    values["alias_id"] = alias.json()["id"]
    half = editor.post("/api/media/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(sound))})
    values["upload_id"] = half.headers["location"].rsplit("/", 1)[-1]
    token = editor.post("/api/tokens", json={"name": "bound", "workspace_id": values["workspace_id"]})
    values["token_id"] = token.json()["id"]
    shared = editor.post(f"/api/tracks/{stored['track_id']}/shares", json={}).json()
    values["link_id"] = callers["admin"].post("/api/invitations", json={}).json()["id"]
    values |= {"share_id": shared["id"], "secret": shared["url"].rsplit("/", 1)[-1]}


def _sent_to_api(world: World, song: str, other: str, folder: str) -> dict[tuple[str, str], dict[str, Any]]:
    edit = {"tracks": [song], "changes": {"title": "Mustard"}}
    file = {"files": {"file": ("b.wav", world.sound)}}
    begin = {"headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "9"}}
    more = {"headers": {**TUS, "Upload-Offset": "0"}, "content": world.sound[:8]}
    track = {"params": {"track": song}}
    return {
        **_SENT_BY_PEOPLE,
        ("POST", "/api/auth/login"): {"json": {"username": "nobody", "password": "not the password of anybody"}},
        ("POST", "/api/tokens"): {"json": {"name": "x", "scopes": ["read"]}},
        ("POST", "/api/workspaces"): {"json": {"name": "x"}},
        ("PATCH", "/api/workspaces/{workspace_id}"): {"json": {"name": "x"}},
        ("POST", "/api/workspaces/{workspace_id}/members"): {"json": {"username": "the stranger"}},
        ("PATCH", "/api/workspaces/{workspace_id}/members/{user_id}"): {"json": {"role": "editor"}},
        ("POST", "/api/jobs/purge"): {"json": {"states": ["dead"], "older_than_days": 1}},
        ("POST", "/api/media"): file,
        ("POST", "/api/media/uploads"): begin,
        ("HEAD", "/api/media/uploads/{upload_id}"): {"headers": {"Tus-Resumable": "1.0.0"}},
        ("DELETE", "/api/media/uploads/{upload_id}"): {"headers": {"Tus-Resumable": "1.0.0"}},
        ("PATCH", "/api/media/uploads/{upload_id}"): more,
        ("POST", "/api/media/uploads/{upload_id}"): {
            **more,
            "headers": {**more["headers"], "X-HTTP-Method-Override": "PATCH"},  # type: ignore[dict-item]  # It is a dict.
        },
        ("POST", "/api/tracks/{track_id}/shares"): {"json": {"note": "x"}},
        ("POST", "/api/tracks/edits/preview"): {"json": edit},
        ("POST", "/api/tracks/edits"): {"json": edit},
        ("POST", "/api/tracks/batch"): {"json": {"ids": [song]}},
        ("POST", "/api/artists/{artist_id}/aliases"): {"json": {"name": "Another"}},
        ("POST", "/api/artists/{artist_id}/merge"): {"json": {"into": other}},
        ("POST", "/api/scans"): {"json": {"path": folder}},
        ("POST", "/api/scan"): {"json": {}},
        ("POST", "/api/roots"): {"json": {"path": folder}},
        ("PATCH", "/api/roots/{root_id}"): {"json": {"watched": False}},
        ("PUT", "/api/users/{user_id}/features"): {"json": {"features": ["library"]}},
        ("PUT", "/api/quotas/{subject}/{subject_id}/{kind}"): {"json": {"amount": 10**12}},
        ("POST", "/api/library/check"): {"json": {}},
        ("POST", "/api/library/missing/purge"): {"json": {"expected": 0}},
        ("POST", "/api/similar/text"): {"json": {}},
        ("POST", "/api/tracks/{track_id}/plays"): {"json": {}},
        ("PUT", "/api/tracks/{track_id}/rating"): {"json": {"rating": 5}},
        ("GET", "/api/search"): {"params": {"q": "salt"}},
        ("GET", "/api/search/suggest"): {"params": {"q": "sa"}},
        ("GET", "/api/similar"): track,
        ("GET", "/api/radio"): track,
        ("GET", "/api/path"): {"params": {"from": song, "to": song}},
        ("GET", "/api/similar/text"): {"params": {"q": "calm"}},
    }


def _sent_to_pages(world: World, song: str, other: str, folder: str) -> dict[tuple[str, str], dict[str, Any]]:
    track = {"params": {"track": song}}
    return {
        ("POST", "/upload"): {"files": {"file": ("b.wav", world.sound)}},
        ("POST", "/tracks/{track_id}/rating"): {"data": {"rating": "5"}},
        ("POST", "/artists/{artist_id}/names"): {"data": {"name": "Another"}},
        ("POST", "/artists/{artist_id}/merge"): {"data": {"into": other}},
        ("GET", "/artists/{artist_id}/names/add"): {"params": {"name": "Another"}},
        ("GET", "/artists/{artist_id}/merge"): {"params": {"into": other}},
        ("GET", "/radio"): track,
        ("GET", "/path"): {"params": {"from": song}},
        ("GET", "/edit"): {"params": {"track": song}},
        ("POST", "/edit"): {"data": {"track": song, "title": "Mustard"}},
        ("POST", "/edit/keep"): {"data": {"wish": f'{{"tracks": ["{song}"], "changes": {{"title": "Mustard"}}}}'}},
        ("POST", "/scans/roots"): {"data": {"path": folder}},
        ("POST", "/library/health/purge"): {"data": {"expected": "0", "sure": "yes"}},
        ("POST", "/tokens"): {"data": {"name": "x", "reach": "read"}},
        ("POST", "/workspaces"): {"data": {"name": "x"}},
        ("POST", "/workspaces/{workspace_id}/rename"): {"data": {"name": "x"}},
        ("POST", "/workspaces/{workspace_id}/delete"): {"data": {"name": "Home"}},
        ("POST", "/workspaces/{workspace_id}/members"): {"data": {"username": "the stranger"}},
        ("POST", "/workspaces/{workspace_id}/members/{user_id}/role"): {"data": {"role": "editor"}},
        ("POST", "/sign-in"): {"data": {"username": "nobody", "password": "not the password of anybody"}},
    }
