"""Password hashing: right, capped, and never kept waiting for ever."""

import threading
import time

import pytest

from otolith.accounts import passwords
from otolith.accounts.names import BadAddress, BadName, check_address, check_user_name, fold
from otolith.accounts.passwords import Busy, Passwords, passwords_of
from otolith.core.settings import AccountSettings

LEAST = {"memory": 19_922_944, "rounds": 2}


def test_only_the_right_password_fits() -> None:
    mill = Passwords(**LEAST, at_once=1)
    hashed = mill.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert mill.verify(hashed, "correct horse")
    assert not mill.verify(hashed, "correct horse ")
    assert not mill.verify(None, "correct horse")
    assert not mill.verify("no hash at all", "correct horse")
    assert mill.hash("correct horse") != hashed


def test_a_hash_under_other_settings_is_outdated() -> None:
    hashed = Passwords(**LEAST, at_once=1).hash("x")
    assert not Passwords(**LEAST, at_once=1).outdated(hashed)
    assert Passwords(memory=LEAST["memory"], rounds=3, at_once=1).outdated(hashed)


def refused_at_once(mill: Passwords) -> bool:
    """Whether there is no place left, not even to wait; it takes the threads that do wait a moment to sit down."""
    for _ in range(1000):
        if not mill._mill._inside.acquire(blocking=False):
            with pytest.raises(Busy):
                mill.hash("x")
            return True
        mill._mill._inside.release()
        time.sleep(0.002)
    return False


def test_a_process_hashes_only_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mill = Passwords(**LEAST, at_once=2)
    at_work: list[int] = []
    most: list[int] = []
    both_in, go_on = threading.Barrier(3), threading.Event()

    class Slow:
        def hash(self, _password: str) -> str:
            at_work.append(1)
            most.append(len(at_work))
            if not go_on.is_set():
                both_in.wait(10)
                go_on.wait(10)
            at_work.pop()
            return "hashed"

    monkeypatch.setattr(mill, "_hasher", Slow())
    monkeypatch.setattr(passwords, "_WAIT_SECONDS", 0.01)
    threads = [threading.Thread(target=mill.hash, args=("x",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    both_in.wait(10)
    with pytest.raises(Busy) as refusal:
        mill.hash("x")
    assert refusal.value.status == 503
    assert refusal.value.headers["Retry-After"] == "5"
    monkeypatch.setattr(passwords, "_WAIT_SECONDS", 30)
    threads += [threading.Thread(target=mill.hash, args=("x",)) for _ in range(4)]
    for thread in threads[2:]:
        thread.start()
    refusals = [refused_at_once(mill) for _ in range(3)]
    go_on.set()
    for thread in threads:
        thread.join()
    assert refusals == [True] * 3
    assert max(most) == 2


def test_the_cap_holds_for_a_whole_process() -> None:
    settings = AccountSettings(hash_memory=19_922_944, hash_rounds=2)
    assert passwords_of(settings) is passwords_of(settings.model_copy())


@pytest.mark.parametrize(("one", "other"), [("Ann", "ANN"), ("Straße", "STRASSE"), ("Zoë", "Zoe\u0308"), ("ﬁn", "fin")])
def test_names_that_look_alike_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize("name", ["ann", "Ann Lee", "Ö", "李", "x" * 100, "o'neill", "a.b-c_d"])
def test_names_that_people_have_are_taken(name: str) -> None:
    assert check_user_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", " ann", "ann ", "a@b", "a/b", "a\\b", "a\nb", "a\x00b", "a\u200bb", "x" * 101, "ß" * 60),
        # These are a@b and a/c once they are folded.
        *("ann\uff20example.org", "\u2100"),
    ],
)
def test_names_that_deceive_are_refused(name: str) -> None:
    with pytest.raises(BadName):
        check_user_name(name)


@pytest.mark.parametrize("address", ["ann", "a b@example.org", "\ufdfa" * 60 + "@example.org", "a\uff20b@example.org"])
def test_addresses_that_deceive_are_refused(address: str) -> None:
    with pytest.raises(BadAddress):
        check_address(address)
