"""Cursors: what they hold, and what is refused."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from otolith.accounts.models import User
from otolith.core.actor import SYSTEM
from otolith.core.context import Context
from otolith.core.ids import new_id
from otolith.core.paging import BadCursor, after, cut, decode, encode

INTEGERS = st.integers(-(2**63) + 1, 2**63 - 1)
VALUES = st.lists(st.none() | st.text() | INTEGERS | st.floats(allow_nan=False), min_size=1, max_size=4)


@given(VALUES)
def test_a_cursor_holds_its_position(position: list[str | int | float | None]) -> None:
    assert decode(encode(*position), len(position)) == position


@given(st.text(max_size=200))
def test_nonsense_is_refused_as_such(cursor: str) -> None:
    with contextlib.suppress(BadCursor):
        assert len(decode(cursor, 2)) == 2


@pytest.mark.parametrize(
    "cursor", ["", "W10", encode("one"), encode("one", 2, 3), "e30", "[" * 20_000, "é" * 9, "W" * 9_999]
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode(cursor, 2)


def test_half_a_character_is_refused() -> None:
    cursor = base64.urlsafe_b64encode(b'["\\ud800"]').decode()
    with pytest.raises(BadCursor):
        decode(cursor, 1)


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30, True, False])
def test_a_number_that_no_row_has_is_refused(number: int) -> None:
    with pytest.raises(BadCursor):
        decode(encode(number), 1)


def test_a_deeply_nested_cursor_is_refused() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(BadCursor):
        decode(nested, 1)


@pytest.mark.parametrize("descending", [False, True])
def test_pages_together_are_the_whole_list_in_order(context: Context, descending: bool) -> None:
    with context.database.write(SYSTEM) as session:
        for number in range(23):
            name = f"{number:02}"
            session.add(User(id=new_id(), name=name, name_key=name, display_name=f"group {number % 4}"))
    whole = []
    cursor = None
    with context.database.read(SYSTEM) as session:
        while True:
            page, cursor = page_of_users(session, cursor, descending=descending)
            whole += page
            if cursor is None:
                break
    expected = sorted(((f"group {n % 4}", f"{n:02}") for n in range(23)), reverse=descending)
    assert whole == expected


def page_of_users(
    session: Session, cursor: str | None, *, descending: bool
) -> tuple[list[tuple[str, str]], str | None]:
    columns = (User.display_name, User.name_key)
    statement = select(*columns).limit(5 + 1)
    statement = statement.order_by(*(column.desc() if descending else column for column in columns))
    if cursor is not None:
        statement = statement.where(after(columns, decode(cursor, 2), descending=descending))
    rows = [(group, name) for group, name in session.execute(statement)]
    return cut(rows, 5, lambda row: row)
