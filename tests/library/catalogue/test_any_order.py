"""Whatever happens to files, and in whatever order: the catalogue is that of the files that are there."""

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from otolith.accounts.models import Workspace
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.media.engine.tagging import Tags
from otolith.media.models import Media
from tests.library.catalogue.shop import forget, lose, put, tags
from tests.library.catalogue.snapshot import snapshot

# Few of each, so that they meet: same names with and without identifiers, same titles, same folders, same releases.
IDS = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]
NAMES = ["Muse", "MUSE", "The Who", "Beyoncé", "Beyonce", "Various Artists", "A feat. B", "B"]
PATHS = [f"/m/{folder}/{number}.mp3" for folder in ("x", "y/CD1", "y/CD2") for number in range(3)]

maybe_id = st.sampled_from([None, None, *IDS])


@st.composite
def said(draw: st.DrawFn) -> Tags:
    artist, album_artist = draw(st.sampled_from(NAMES)), draw(st.sampled_from([None, None, *NAMES[:6]]))
    artist_id, album_artist_id = draw(maybe_id), draw(maybe_id)
    return tags(
        title=draw(st.sampled_from(["One", "Two"])),
        artist=artist,
        artist_sort=draw(st.sampled_from([None, "Who, The"])),
        album=draw(st.sampled_from([None, "Hits", "hits", "Hits (Disc 2)", "Live"])),
        album_artist=album_artist,
        date=draw(st.sampled_from([None, "1999", "2001-05-02"])),
        album_version=draw(st.sampled_from([None, None, "Deluxe"])),
        compilation=draw(st.booleans()),
        disc=draw(st.sampled_from([None, 1, 2])),
        genres=tuple(draw(st.lists(st.sampled_from(["Rock", "rock", "Hip-Hop", "hip hop; Soul"]), max_size=2))),
        mood=draw(st.sampled_from([None, "Calm", "calm"])),
        composers=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=1))),
        lyrics=draw(st.sampled_from([None, "la", "[00:01.00] la"])),
        length=draw(st.sampled_from([None, 1.5, 200.25])),
        mb={
            "artists": (artist_id,) if artist_id else (),
            "album_artists": (album_artist_id,) if album_artist and album_artist_id else (),
            "release": draw(maybe_id),
            "release_group": draw(maybe_id),
        },
    )


path = st.sampled_from(PATHS)
deed = st.one_of(
    st.tuples(st.just("put"), st.dictionaries(path, said(), min_size=1, max_size=6)),
    st.tuples(st.just("lose"), path),
    st.tuples(st.just("return"), path),
    st.tuples(st.just("forget"), path),
)


class Shelf:
    """What is true of the files, deed by deed."""

    def __init__(self) -> None:
        self.there: dict[str, Tags] = {}
        self.gone: dict[str, Tags] = {}

    def do(self, session: Any, workspace: UUID, what: str, about: Any) -> None:
        if what == "put":
            put(session, workspace, about)
            self.there |= about
            self.gone = {one: said for one, said in self.gone.items() if one not in about}
        elif what == "lose" and about in self.there:
            lose(session, workspace, about)
            self.gone[about] = self.there.pop(about)
        elif what == "return" and about in self.gone:
            lose(session, workspace, about, missing=False)
            self.there[about] = self.gone.pop(about)
        elif what == "forget" and (about in self.there or about in self.gone):
            forget(session, workspace, about)
            session.execute(delete(Media).where(Media.workspace_id == workspace, Media.path == about.encode()))
            self.there.pop(about, None)
            self.gone.pop(about, None)


@given(deeds=st.lists(deed, min_size=1, max_size=8), order=st.permutations(PATHS))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_ends_as_a_fresh_filing_does(context: Context, deeds: list[Any], order: list[str]) -> None:
    with context.database.write(SYSTEM) as session:
        used, fresh = Workspace(id=new_id(), name="used"), Workspace(id=new_id(), name="fresh")
        session.add_all([used, fresh])
        session.flush()
        shelf = Shelf()
        for what, about in deeds:
            shelf.do(session, used.id, what, about)
        after = snapshot(session, used.id)
        for one in order:
            if one in shelf.there:
                put(session, fresh.id, {one: shelf.there[one]})
        assert after == snapshot(session, fresh.id)
        session.execute(delete(Media).where(Media.workspace_id.in_([used.id, fresh.id])))
