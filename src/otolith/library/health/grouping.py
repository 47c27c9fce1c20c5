"""Groups of contents that hold the same recording, from pairs of them."""

from collections.abc import Iterable


class Groups:
    """Contents joined in pairs; each group goes by the least of its hashes."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._leads_to: dict[str, str] = {}
        for one, other in pairs:
            self.join(one, other)

    def of(self, content: str) -> str:
        """The name of a content's group, which is its own where it stands alone."""
        found = content
        while (lead := self._leads_to.get(found, found)) != found:
            found = lead
        # Whoever asks again goes straight to the end.
        while (lead := self._leads_to.get(content, content)) != found:
            self._leads_to[content], content = found, lead
        return found

    def join(self, one: str, other: str) -> None:
        least, greatest = sorted((self.of(one), self.of(other)))
        self._leads_to[greatest] = least
        self._leads_to.setdefault(least, least)

    def members(self) -> dict[str, str]:
        """Every content that is in a group with others, and that group's name."""
        return {content: self.of(content) for content in self._leads_to}
