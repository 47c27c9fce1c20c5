"""Every hostile or odd file has its own plain outcome, and the helper lives on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from otolith.media.listening import Heard, Limits, Listener, ListenFailure
from tests import hostile, hostile_bytes

CASES = [
    pytest.param(case, id=case.name, marks=[pytest.mark.soak] if case.name == "hours10.wav" else [])
    for case in hostile.CASES
]
ROOT = Path(__file__).parents[2]
EARS = "tests.media.ears"


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with Listener(extra_modules=(EARS,)) as listener:
            yield listener


def heard_or_not(listener: Listener, path: Path | bytes) -> Heard | ListenFailure:
    engines = [f"{EARS}:Ear", f"{EARS}:Short"]
    try:
        return listener.listen(path, engines, Limits(wall_seconds=120, memory_bytes=512 << 20))
    except ListenFailure as failure:
        return failure


@pytest.mark.parametrize("case", CASES)
def test_each_file_has_its_plain_outcome(listener: Listener, tmp_path: Path, case: hostile.Case) -> None:
    path = case.make(tmp_path)
    outcome = heard_or_not(listener, path)
    if isinstance(outcome, ListenFailure):
        assert outcome.kind in case.outcomes, outcome.detail
        assert outcome.detail.endswith((".", ":"))
        return
    assert hostile.HEARD in case.outcomes
    assert outcome.failed == {}
    assert {note.kind for note in outcome.notes} >= set(case.notes)
    if case.seconds is not None:
        assert outcome.duration == pytest.approx(case.seconds, abs=0.1)


@pytest.mark.parametrize("case", CASES)
def test_tags_and_probe_answer_or_refuse_and_never_bring_the_helper_down(
    listener: Listener, tmp_path: Path, case: hostile.Case
) -> None:
    path = case.make(tmp_path)
    kinds = set()
    for answer in (listener.tags, listener.probe):
        try:
            answer(path)
        except ListenFailure as failure:
            kinds.add(failure.kind)
    assert not kinds & {"crash", "timeout", "cancelled"}


def test_the_same_helper_still_hears_a_good_file(listener: Listener, tmp_path: Path) -> None:
    path = tmp_path / "good.flac"
    path.write_bytes(hostile_bytes.flac())
    assert listener.listen(path, [f"{EARS}:Ear"]).duration == 5.0
