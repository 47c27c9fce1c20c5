"""How far the phases of a scan are, whatever its steps and its clock do."""

from hypothesis import given
from hypothesis import strategies as st

from otolith.library.roots.phases import PHASES, Stage, Step, applied, rested, seconds_left, stages


def shown(phases: list[dict[str, object]], *, ended: bool = False) -> dict[str, Stage]:
    return {stage.name: stage for stage in stages(phases, ended=ended)}


def test_a_scan_that_has_not_begun_waits_in_every_phase() -> None:
    assert [(stage.name, stage.state, stage.total) for stage in stages([], ended=False)] == [
        (name, "waiting", None) for name in PHASES
    ]


def test_what_follows_a_phase_is_over_only_when_that_is() -> None:
    phases = applied([], [Step("walk", done=10, more=10), Step("compare", done=10, more=10), Step("read", more=4)], 0.0)
    found = shown(phases)
    assert (found["walk"].state, found["walk"].total) == ("running", None)
    assert (found["compare"].state, found["compare"].done) == ("running", 10)
    assert (found["read"].state, found["read"].done, found["read"].total) == ("running", 0, 4)
    phases = applied(phases, [Step("walk", over=True), Step("read", done=4), Step("store", done=4, more=4)], 1.0)
    found = shown(phases)
    assert [found[name].state for name in ("walk", "compare", "read", "store", "covers", "analyse", "tidy")] == [
        *["done"] * 6,
        "waiting",
    ]


def test_a_guess_is_shown_as_total_until_it_proves_too_small() -> None:
    phases = applied([], [Step("walk", expected=100), Step("walk", done=60, more=60)], 0.0)
    assert shown(phases)["walk"].total == 100
    phases = applied(phases, [Step("walk", done=60, more=60)], 1.0)
    assert shown(phases)["walk"].total is None


def test_the_pace_tells_the_time_left() -> None:
    phases = applied([], [Step("analyse", more=1000)], 0.0)
    for second in range(1, 61):
        phases = applied(phases, [Step("analyse", done=10)], float(second))
    left = shown(phases)["analyse"].seconds_left
    assert left is not None
    assert abs(left - 40) < 2
    assert seconds_left(stages(phases, ended=False)) == left


def test_a_pause_and_a_clock_that_jumps_do_not_spoil_the_pace() -> None:
    phases = applied([], [Step("analyse", more=10_000)], 0.0)
    for second in range(1, 61):
        phases = applied(phases, [Step("analyse", done=10)], float(second))
    before = shown(phases)["analyse"].seconds_left
    assert before is not None
    phases = rested(phases, 90_000.0)
    phases = applied(phases, [Step("analyse", done=10)], 90_001.0)
    phases = applied(phases, [Step("analyse", done=10)], 5.0)
    phases = applied(phases, [Step("analyse", done=10)], 10.0**9)
    after = shown(phases)["analyse"].seconds_left
    assert after is not None
    assert abs(after - before) < 10


def test_of_a_scan_that_went_through_every_phase_is_done() -> None:
    assert {stage.state for stage in stages([], ended=True)} == {"done"}


steps = st.builds(
    Step,
    phase=st.sampled_from(PHASES),
    done=st.integers(0, 1000),
    more=st.integers(0, 1000),
    over=st.booleans(),
    expected=st.none() | st.integers(0, 10**6),
)


@given(st.lists(st.tuples(st.lists(steps, max_size=4), st.floats(-1e12, 1e12)), max_size=20))
def test_no_sequence_of_steps_gives_nonsense(given_steps: list[tuple[list[Step], float]]) -> None:
    phases: list[dict[str, object]] = []
    for several, moment in given_steps:
        phases = applied(phases, several, moment)
    for stage in stages(phases, ended=False):
        assert stage.total is None or stage.total >= 0
        assert stage.seconds_left is None or 0 <= stage.seconds_left < float("inf")
