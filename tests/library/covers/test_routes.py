"""Pictures over HTTP: who sees them, in which size, for how long they may be kept, and what stands in for none."""

import io
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from otolith.core.ids import new_id
from otolith.library.covers.service import version_of
from otolith.media.engine.picturing import picture_of
from tests.callers import KINDS, REFUSED
from tests.library.covers.conftest import Library
from tests.library.covers.pictures import RED, picture, song

BROWSER = {"Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"}
# What JPEG makes of the red that is drawn.
COLOUR = picture_of(picture(RED)).colour
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}


@pytest.fixture
def red(library: Library, tmp_path: Path) -> dict[str, str]:
    """The addresses of a track and an album with a picture, and of some without."""
    song(tmp_path / "m" / "a.wav", picture(RED), title="a", album="Red <Album> & more")
    song(tmp_path / "m" / "b.wav", hertz=500, title="Bare bones", album="Nothing")
    library.scan(tmp_path / "m")
    tracks, albums = library.tracks(), library.albums()
    return {
        "track": f"/api/tracks/{tracks['a'][0]}/cover",
        "album": f"/api/albums/{albums['Red <Album> & more'][0]}/cover",
        "bare track": f"/api/tracks/{tracks['Bare bones'][0]}/cover",
        "bare album": f"/api/albums/{albums['Nothing'][0]}/cover",
        "key": tracks["a"][1] or "",
    }


def test_everything_about_pictures_that_are_there(library: Library, red: dict[str, str]) -> None:
    viewer = library.callers["viewer"]
    for address in (red["track"], red["album"]):
        for asked, kept in ((1, 64), (64, 64), (65, 160), (300, 320), (320, 320), (321, 500), (10_000, 500)):
            got = viewer.get(address, params={"size": asked})
            assert got.status_code == 200
            assert got.headers["content-type"] == "image/webp"
            assert Image.open(io.BytesIO(got.content)).size == (kept, kept)
        assert viewer.get(address).headers["etag"] == f'"{version_of(red["key"])}-320"'
        assert viewer.get(address, params={"size": 0}).status_code == 422

        plain = viewer.get(address)
        assert plain.headers["cache-control"] == "private, no-cache"
        named = viewer.get(address, params={"v": version_of(red["key"])})
        assert named.headers["cache-control"] == "private, max-age=31536000, immutable"
        for other in ("", "0" * 16, red["key"][:4]):
            assert viewer.get(address, params={"v": other}).headers["cache-control"] == "private, no-cache"

        for tag in (plain.headers["etag"], "W/" + plain.headers["etag"], "*", f'"x", {plain.headers["etag"]}'):
            known = viewer.get(address, headers={"If-None-Match": tag})
            assert (known.status_code, known.content) == (304, b"")
            assert known.headers["etag"] == plain.headers["etag"]
        assert viewer.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
        # Another size is another picture.
        etag = viewer.get(address, params={"size": 64}).headers["etag"]
        assert viewer.get(address, headers={"If-None-Match": etag}).status_code == 200

        assert plain.headers["otolith-colour"] == COLOUR
        head = viewer.head(address)
        assert head.headers["otolith-colour"] == COLOUR
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == plain.headers["content-length"] == str(len(plain.content))
        assert head.headers["etag"] == plain.headers["etag"]
        assert "sandbox" in plain.headers["content-security-policy"]


def test_what_has_no_picture_is_404_for_programs_and_drawn_for_pages(library: Library, red: dict[str, str]) -> None:
    viewer = library.callers["viewer"]
    for address in (red["bare track"], red["bare album"]):
        for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}, {**BROWSER, "Sec-Fetch-Dest": "empty"}):
            refused = viewer.get(address, headers=headers)
            assert refused.status_code == 404
            assert refused.json()["type"] == "urn:otolith:problem:no-cover"
            assert refused.headers["vary"] == "Accept"
        drawn = viewer.get(address, headers=BROWSER)
        assert drawn.status_code == 200
        assert drawn.headers["content-type"] == "image/svg+xml"
        assert "otolith-colour" not in drawn.headers
        assert drawn.headers["cache-control"] == "private, no-cache"
        assert drawn.content == viewer.get(address, headers={"Sec-Fetch-Dest": "image"}).content
        assert viewer.get(address, headers={**BROWSER, "If-None-Match": drawn.headers["etag"]}).status_code == 304
        head = viewer.head(address, headers=BROWSER)
        assert (head.content, head.headers["content-length"]) == (b"", str(len(drawn.content)))
        root = ET.fromstring(drawn.content)  # noqa: S314 -- We drew it.
        names = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert names <= {"svg", "rect", "circle", "text"}
        assert not any("style" in element.attrib or "href" in element.attrib for element in root.iter())
    assert "N" in viewer.get(red["bare album"], headers=BROWSER).text
    assert "BB" in viewer.get(red["bare track"], headers=BROWSER).text


def test_a_page_that_is_opened_at_the_address_learns_that_there_is_none(library: Library, red: dict[str, str]) -> None:
    assert library.callers["viewer"].get(red["bare album"], headers=NAVIGATION).status_code == 404


def test_only_members_see_pictures(library: Library, red: dict[str, str]) -> None:
    for kind in KINDS:
        for address in (red["track"], red["album"], red["bare album"]):
            for headers in ({}, BROWSER):
                status = library.callers[kind].get(address, headers=headers).status_code
                if kind in REFUSED:
                    assert status == 401
                elif kind == "stranger":
                    assert status == 404
                else:
                    assert status == (404 if address == red["bare album"] and not headers else 200)


def test_a_picture_whose_file_is_lost_is_drawn(library: Library, red: dict[str, str]) -> None:
    viewer = library.callers["viewer"]
    for path in library.context.settings.folder.covers.rglob("*.webps"):
        path.unlink()
    assert viewer.get(red["album"]).status_code == 404
    assert viewer.get(red["album"], headers=BROWSER).headers["content-type"] == "image/svg+xml"


def test_what_is_not_there_is_not_drawn(library: Library) -> None:
    for place in ("tracks", "albums"):
        assert library.callers["viewer"].get(f"/api/{place}/{new_id()}/cover", headers=BROWSER).status_code == 404


def test_an_upload_shows_its_picture(library: Library, tmp_path: Path) -> None:
    path = song(tmp_path / "a.wav", picture(RED), title="sent", album="Sent")
    editor = library.callers["editor"]
    sent = editor.post("/api/media", files={"file": ("a.wav", path.read_bytes())}).json()
    library.work()
    track = UUID(sent["items"][0]["track_id"])
    assert editor.get(f"/api/tracks/{track}/cover").headers["content-type"] == "image/webp"
    assert editor.get(f"/api/albums/{library.albums()['Sent'][0]}/cover").headers["content-type"] == "image/webp"
