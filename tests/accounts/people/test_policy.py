"""Which passwords may be chosen."""

import pytest

from otolith.accounts.policy import WeakPassword, check_password
from otolith.core.settings import AccountSettings

DEFAULT = AccountSettings()


@pytest.mark.parametrize("password", ["lamp orbit velvet canyon", "Tr0mbone-Gasp-Quill", "ünïcödé wörds hélp töo"])
def test_a_good_password_is_taken(password: str) -> None:
    check_password(DEFAULT, password, about=["ann", "ann@example.org"])
    assert len(password) >= DEFAULT.password_length


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("Sh0rt!pass", "at least 12"),
        ("password1234", "most common"),
        ("PASSWORD!!!!", "most common"),
        ("abcabcabcabcabc", "most common"),
        ("aaaaaaaaaaaaaaaa", "most common"),
        ("qwertyuiop12345", "most common"),
        ("annelieseschmidt", "too easy"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(WeakPassword, match=reason):
        check_password(DEFAULT, password, about=["anneliese schmidt", "anneliese.schmidt@example.org"])


def test_kinds_of_characters_are_asked_for_by_setting() -> None:
    strict = AccountSettings(password_classes=3, password_strength=0)
    with pytest.raises(WeakPassword, match="at least 3"):
        check_password(strict, "lamp orbit velvet canyon")
    check_password(strict, "Lamp orbit velvet canyon")
    assert strict.password_classes == 3


def test_a_very_long_password_costs_no_more() -> None:
    check_password(DEFAULT, "lamp orbit velvet canyon " * 40)
    assert len("lamp orbit velvet canyon " * 40) == 1000
