"""Whatever is changed and however often, taking all of it back leaves the catalogue as it was."""

import random
from pathlib import Path
from typing import Any

import pytest

from otolith.core.actor import SYSTEM
from otolith.media.tags import read_tags
from tests.library.catalogue.snapshot import snapshot
from tests.library.covers.conftest import Library
from tests.library.covers.pictures import song
from tests.library.editing.test_editing import post

VALUES: dict[str, list[Any]] = {
    "title": ["Eins", "Zwei", "", None],
    "artist": [["Bob"], ["Bob", "Eve"], ["The Who"], [], None],
    "album": ["New", "Old", None],
    "album_artist": [["Various Artists"], ["Bob"], None],
    "track": [1, 7, None],
    "track_total": [9, None],
    "disc": [1, 2, None],
    "date": ["1999", "2001-02", ""],
    "genres": [["Jazz"], ["Jazz", "Funk"], []],
    "compilation": [True, False],
    "comment": ["nice", None],
    "album_sort": ["Old, The", None],
}


def shown(library: Library) -> Any:
    with library.context.database.read(SYSTEM) as session:
        return snapshot(session, library.callers.home)


@pytest.mark.parametrize("seed", [1, 2])
def test_undoing_everything_leads_back(library: Library, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    files = [song(tmp_path / "m" / f"{n}.wav", hertz=300 + n, title=f"t{n}", album="Old", track=n) for n in range(1, 5)]
    library.scan(tmp_path / "m")
    tracks = [str(track_id) for track_id, _ in library.tracks().values()]
    before, said = shown(library), [read_tags(file) for file in files]
    batches = []
    for _ in range(10):
        fields = dice.sample(sorted(VALUES), dice.randint(1, 4))
        changes = {field: dice.choice(VALUES[field]) for field in fields}
        body = {"tracks": dice.sample(tracks, dice.randint(1, 4)), "changes": changes}
        made = post(library, "", body, status=201)
        if made["batch_id"] is not None:
            batches.append(made["batch_id"])
        if batches and dice.random() < 0.3:
            library.callers["editor"].post(f"/api/tracks/edits/{batches[-1]}/write")
            library.work()
    assert shown(library) != before
    for batch in reversed(batches):
        post(library, f"/{batch}/undo", status=202)
        library.work()
    assert shown(library) == before
    for file, tags in zip(files, said, strict=True):
        now_said = read_tags(file)
        for name in ("title", "artists", "album", "album_artists", "track", "disc", "date", "genres", "comment"):
            assert getattr(now_said, name) == getattr(tags, name), (file, name)
    library.scan(tmp_path / "m")
    assert shown(library) == before
