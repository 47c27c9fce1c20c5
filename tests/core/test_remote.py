"""Commands that work through a server wait for their turn, and only where that helps."""

import io
from collections.abc import Callable

import httpx
import pytest

from otolith.core.terminal import Remote, RemoteFailure

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("otolith.core.terminal.time.sleep", found.append)
    return found


def remote_of(answer: Answer) -> Remote:
    remote = Remote("http://otolith", "secret")
    remote.client = httpx.Client(base_url=remote.base, transport=httpx.MockTransport(answer))
    return remote


def refusal(kind: str, wait: int, status: int = 429) -> httpx.Response:
    problem = {"type": f"urn:otolith:problem:{kind}", "detail": "Not now."}
    return httpx.Response(status, json=problem, headers={"Retry-After": str(wait)})


def in_turn(*answers: httpx.Response) -> Answer:
    waiting = list(answers)
    return lambda _request: waiting.pop(0)


def left(remaining: int) -> httpx.Response:
    told = {"RateLimit-Limit": "60", "RateLimit-Remaining": str(remaining), "RateLimit-Reset": "40"}
    return httpx.Response(200, json={}, headers=told)


class TestTooManyRequests:
    def test_the_call_is_sent_again_once_the_server_takes_it(
        self, slept: list[float], capsys: pytest.CaptureFixture[str]
    ) -> None:
        answers = (refusal("too-many-requests", 7), refusal("too-many-requests", 2), httpx.Response(200, json=[1]))
        assert remote_of(in_turn(*answers)).get("/jobs") == [1]
        assert slept == [7, 2]
        said = capsys.readouterr()
        assert (said.out, said.err.count("wait for 7 s")) == ("", 1)

    def test_a_file_is_sent_again_from_its_beginning(self, slept: list[float]) -> None:
        bodies = []

        def answer(request: httpx.Request) -> httpx.Response:
            bodies.append(request.read())
            return refusal("too-many-requests", 1) if len(bodies) == 1 else httpx.Response(200, json={})

        remote_of(answer).request("POST", "/media", content=io.BytesIO(b"sound"))
        assert (bodies, len(slept)) == ([b"sound", b"sound"], 1)

    @pytest.mark.parametrize("answer", [refusal("quota-spent", 60), refusal("too-many-requests", 86_400)])
    def test_what_a_moment_does_not_help_is_told_at_once(self, slept: list[float], answer: httpx.Response) -> None:
        with pytest.raises(RemoteFailure, match="429"):
            remote_of(in_turn(answer)).get("/jobs")
        assert slept == []

    def test_a_limit_that_is_known_to_be_spent_is_waited_for_before_the_next_call(self, slept: list[float]) -> None:
        remote = remote_of(in_turn(left(0), left(59)))
        remote.get("/jobs")
        assert slept == []
        remote.get("/jobs")
        assert slept == [pytest.approx(40, abs=1)]


class TestNotAvailable:
    def test_a_question_is_asked_again_and_a_change_is_not(self, slept: list[float]) -> None:
        assert remote_of(in_turn(refusal("index-loading", 5, 503), httpx.Response(200, json={}))).get("/search") == {}
        with pytest.raises(RemoteFailure, match="503"):
            remote_of(in_turn(refusal("not-available", 5, 503))).post("/scan")
        assert slept == [5]

    def test_patience_ends(self, slept: list[float]) -> None:
        with pytest.raises(RemoteFailure, match="503"):
            remote_of(lambda _request: refusal("not-available", 10, 503)).get("/search")
        assert slept == [10, 10, 10]


class TestPauses:
    def test_asking_how_far_something_is_slows_down_as_the_limit_is_used_up(self, slept: list[float]) -> None:
        remote = remote_of(in_turn(left(50), left(9)))
        remote.get("/scans/1")
        remote.pause(0.3)
        remote.get("/scans/1")
        remote.pause(0.3)
        assert slept == [0.3, 4.0]
