"""Pictures of artists: whose a picture in a folder is, how it is shown, and what becomes of it."""

from pathlib import Path
from uuid import UUID

import pytest
from mutagen.id3 import TPE2
from mutagen.wave import WAVE
from sqlalchemy import select

from otolith.core.actor import SYSTEM
from otolith.library.catalogue.models import Artist
from tests.callers import REFUSED
from tests.library.covers.conftest import Library
from tests.library.covers.pictures import BLUE, GREEN, RED, picture, song
from tests.library.covers.test_making import covers, files, key_of


def by(artist: str, path: Path, album: str, *, hertz: float = 440.0) -> Path:
    song(path, title=path.stem, album=album, hertz=hertz)
    file = WAVE(str(path))
    file.tags.setall("TPE1", [TPE2(encoding=3, text=[artist])])
    file.tags.add(TPE2(encoding=3, text=[artist]))
    file.save()
    return path


def images(library: Library) -> dict[str, str | None]:
    with library.context.database.read(SYSTEM) as session:
        return dict(session.execute(select(Artist.name, Artist.image_key)).tuples().all())


def artist_id(library: Library, name: str) -> UUID:
    with library.context.database.read(SYSTEM) as session:
        return session.scalars(select(Artist.id).where(Artist.name == name)).one()


@pytest.mark.parametrize("name", ["artist.jpg", "Artist.PNG", "artist.webp"])
def test_a_picture_around_the_albums_is_the_artists_and_goes_with_it(
    library: Library, tmp_path: Path, name: str
) -> None:
    music = tmp_path / "m"
    for number, album in enumerate(("One", "Two")):
        by("Ada", music / "Ada" / album / f"{number}.wav", album, hertz=300 + number)
    by("Bob", music / "Bob" / "Three" / "3.wav", "Three", hertz=500)
    blue = picture(BLUE, kind={"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[name.lower().partition(".")[2]])
    (music / "Ada" / name).write_bytes(blue)
    library.scan(music)
    assert images(library) == {"Ada": key_of(blue), "Bob": None}
    assert {key for _, key in library.albums().values()} == {None}
    green = picture(GREEN, (300, 300))
    (music / "Ada" / name).unlink()
    (music / "Bob" / "artist.jpg").write_bytes(green)
    library.scan(music)
    assert images(library) == {"Ada": None, "Bob": key_of(green)}


def test_discs_and_covers_beside_it_change_nothing(library: Library, tmp_path: Path) -> None:
    album = tmp_path / "m" / "Ada" / "One"
    by("Ada", album / "CD1" / "1.wav", "One")
    (album / "cover.jpg").write_bytes(picture(RED))
    (album.parent / "artist.jpg").write_bytes(picture(BLUE))
    library.scan(tmp_path / "m")
    assert images(library) == {"Ada": key_of(picture(BLUE))}
    assert library.albums()["One"][1] == library.tracks()["1"][1] == key_of(picture(RED))


def test_a_picture_in_the_folder_of_one_album_serves_where_there_is_none_around_it(
    library: Library, tmp_path: Path
) -> None:
    by("Ada", tmp_path / "m" / "Ada" / "One" / "1.wav", "One")
    (tmp_path / "m" / "Ada" / "One" / "artist.jpg").write_bytes(picture(RED))
    library.scan(tmp_path / "m")
    assert images(library) == {"Ada": key_of(picture(RED))}
    (tmp_path / "m" / "Ada" / "artist.jpg").write_bytes(picture(BLUE))
    library.scan(tmp_path / "m")
    assert images(library) == {"Ada": key_of(picture(BLUE))}


def test_a_folder_of_several_belongs_to_the_one_whose_name_it_bears_or_to_nobody(
    library: Library, tmp_path: Path
) -> None:
    music = tmp_path / "m"
    by("Ada", music / "ADA" / "One" / "1.wav", "One", hertz=300)
    by("Ada & The Engines", music / "ADA" / "Two" / "2.wav", "Two", hertz=400)
    by("Bob", music / "Jazz" / "Three" / "3.wav", "Three", hertz=500)
    by("Eve", music / "Jazz" / "Four" / "4.wav", "Four", hertz=600)
    for number, folder in enumerate(("ADA", "Jazz")):
        (music / folder / "artist.jpg").write_bytes(picture((90 * number, 50, 50)))
    library.scan(music)
    found = images(library)
    assert found["Ada"] == key_of(picture((0, 50, 50)))
    assert {name: key for name, key in found.items() if key is not None} == {"Ada": found["Ada"]}


def test_outside_the_folders_of_the_library_nothing_is_looked_at(library: Library, tmp_path: Path) -> None:
    by("Ada", tmp_path / "Ada" / "One" / "1.wav", "One")
    (tmp_path / "Ada" / "artist.jpg").write_bytes(picture(RED))
    library.scan(tmp_path / "Ada" / "One")
    assert images(library) == {"Ada": None}


def test_who_may_see_it_and_how_it_is_sent(library: Library, tmp_path: Path) -> None:
    by("Ada", tmp_path / "m" / "Ada" / "One" / "1.wav", "One", hertz=300)
    by("Bob", tmp_path / "m" / "Bob" / "Two" / "2.wav", "Two", hertz=400)
    (tmp_path / "m" / "Ada" / "artist.jpg").write_bytes(picture(RED))
    library.scan(tmp_path / "m")
    place = f"/api/artists/{artist_id(library, 'Ada')}/image"
    shown = library.callers["viewer"].get(f"{place}?size=64")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert library.callers["viewer"].head(place).status_code == 200
    key = library.callers["viewer"].get(place.removesuffix("/image")).json()["image_key"]
    assert key == key_of(picture(RED))
    for_ever = library.callers["viewer"].get(f"{place}?v={key[:16]}")
    assert "immutable" in for_ever.headers["cache-control"]
    assert library.callers["stranger"].get(place).status_code == 404
    for kind in REFUSED:
        assert library.callers[kind].get(place).status_code == 401
    without = f"/api/artists/{artist_id(library, 'Bob')}/image"
    assert library.callers["viewer"].get(without).status_code == 404
    drawn = library.callers["viewer"].get(without, headers={"accept": "image/*"})
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    page = library.callers["viewer"].get(f"/artists/{artist_id(library, 'Ada')}", headers={"accept": "text/html"})
    assert f"{place}?v={key[:16]}&amp;size=" in page.text


def test_a_lost_thumbnail_is_made_anew(library: Library, tmp_path: Path) -> None:
    by("Ada", tmp_path / "m" / "Ada" / "One" / "1.wav", "One")
    (tmp_path / "m" / "Ada" / "artist.jpg").write_bytes(picture(RED))
    library.scan(tmp_path / "m")
    (file,) = files(library)
    file.unlink()
    library.tidy()
    library.work()
    assert files(library) == [file]
    assert images(library) == {"Ada": key_of(picture(RED))}
    assert set(covers(library)) == {key_of(picture(RED))}
