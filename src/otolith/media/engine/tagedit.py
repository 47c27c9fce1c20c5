"""Tags as they would be after a change, without a file: what a preview shows and what an unwritten edit means."""

from collections.abc import Mapping
from dataclasses import replace

from otolith.media.engine import tagwriting
from otolith.media.engine.tagform import normalised
from otolith.media.engine.tagging import Tags
from otolith.media.engine.tagsource import Raw
from otolith.media.engine.tagwriting import Value


def edited(tags: Tags, changes: Mapping[str, Value]) -> Tags:
    """The tags with `changes` made, as `write_tags` takes them and as they would be read back.

    What follows from a changed tag goes with it: a new artist is not the one whose identifier the file holds. Raises
    `ListenFailure` for a tag that does not exist.
    """
    if not changes:
        return tags
    said = tagwriting.everything(tags) | tagwriting.texts(changes, tags)
    for names, displayed in (("artists", "artist"), ("album_artists", "album_artist")):
        # Single names that only repeat the displayed one were no tag of their own.
        if displayed in changes and names not in changes:
            said.pop(names, None)
    raw = Raw(values={field: texts for field, texts in said.items() if texts})
    after = normalised(raw, tags.container, tags.size, tags.quick_key)
    return replace(
        after, cover=tags.cover, length=tags.length, formats=tags.formats, problems=tags.problems, extra=tags.extra
    )
