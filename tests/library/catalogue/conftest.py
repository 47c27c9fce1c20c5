"""A shelf of tracks filed for the callers of the API."""

from collections.abc import Callable, Mapping
from uuid import UUID

import pytest
from sqlalchemy import select

from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.library.models import Track
from otolith.media.engine.tagging import Tags
from otolith.media.models import Media
from tests.callers import Callers
from tests.library.catalogue.shop import put

Stock = Callable[[Mapping[str, Tags]], dict[str, UUID]]


@pytest.fixture
def stock(callers: Callers, context: Context) -> Stock:
    """File tracks into the callers' Home workspace; their ids by path."""

    def fill(files: Mapping[str, Tags]) -> dict[str, UUID]:
        with context.database.write(SYSTEM) as session:
            put(session, callers.home, files)
            rows = session.execute(select(Media.path, Track.id).join(Track, Track.media_id == Media.id))
            return {path.decode(): track_id for path, track_id in rows if path is not None}

    return fill
