"""People with browsers, and what their pages cost."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from otolith.core.context import Context
from tests.callers import Callers

Browser = Callable[[str], TestClient]
Counting = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def browser(callers: Callers) -> Browser:
    """Somebody's browser: it asks for HTML in English and follows no redirect by itself."""

    def of(kind: str) -> TestClient:
        client = callers["anonymous"] if kind == "anonymous" else callers.browsers[kind]
        client.headers.update({"Accept": "text/html,*/*;q=0.8", "Accept-Language": "en"})
        client.follow_redirects = False
        return client

    return of


@pytest.fixture
def counting(client: TestClient) -> Counting:
    """The statements that the server sends to its database while the block runs."""
    context: Context = client.app.state.context  # type: ignore[attr-defined]  # The app is Otolith's.

    @contextmanager
    def statements() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(statement)

        event.listen(context.database.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(context.database.engine, "before_cursor_execute", note)

    return statements
