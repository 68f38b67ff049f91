"""A guard holds when it is shown to hold, by laws and by simulation."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Guard, GuardState, Metric
from upward.core.plan import Plan
from upward.stats.guards import glance_at_guard, judge_guard, smallest_tolerance
from upward.stats.sequential import evidence

PLAN = Plan()
MEMORY = Guard("peak_memory_mb", Direction.MINIMIZE, 64.0)
RECALL = Guard("recall", Direction.MAXIMIZE, 0.02)
QUIET = [500.0, 503.0, 498.0, 501.0, 499.5, 502.0, 500.5, 497.0]

readings = st.lists(
    st.floats(-1e6, 1e6).filter(lambda v: v == 0.0 or abs(v) > 1e-3), min_size=2, max_size=10
)


def guard_of(tolerance: float, direction: Direction = Direction.MINIMIZE) -> Guard:
    return Guard("size", direction, tolerance)


# -- held, broken, open ----------------------------------------------------------------------


def test_a_guard_holds_when_the_upper_bound_of_its_loss_is_within_the_tolerance() -> None:
    found = judge_guard(MEMORY, [510.0, 512.0, 509.0], QUIET[:3], plan=PLAN, earlier=QUIET)
    assert found.state is GuardState.HELD
    assert found.upper is not None
    assert found.loss < found.upper <= 64.0
    assert (found.confidence, found.tolerance) == (0.95, 64.0)
    assert found.reason == (
        "peak_memory_mb holds: worse by 10.0 on average, by at most 15.4 at 95 % confidence "
        "(64 allowed)."
    )


def test_a_guard_breaks_when_the_loss_is_clearly_beyond_the_tolerance() -> None:
    found = judge_guard(MEMORY, [600.0, 601.0, 604.0], QUIET[:3], plan=PLAN, earlier=QUIET)
    assert found.state is GuardState.BROKEN
    assert found.reason == (
        "peak_memory_mb got worse by 101.3 (64 allowed): 601.7 against 500.3 of the incumbent."
    )


def test_no_difference_seen_in_noise_is_not_a_guard_that_holds() -> None:
    wild = [400.0, 620.0, 510.0]
    found = judge_guard(MEMORY, wild, [480.0, 590.0, 450.0], plan=PLAN)
    assert found.loss < MEMORY.tolerance
    assert found.state is GuardState.OPEN
    assert found.upper is None or found.upper > MEMORY.tolerance
    assert found.reason.startswith(
        "peak_memory_mb is not shown to hold: worse by 3 on average, by at most 423 at"
    )


def test_a_mean_beyond_the_tolerance_is_open_while_it_may_be_luck_and_broken_at_the_cap() -> None:
    mine, theirs = [575.0, 640.0], [520.0, 480.0]
    assert judge_guard(MEMORY, mine, theirs, plan=PLAN).state is GuardState.OPEN
    found = judge_guard(MEMORY, mine, theirs, plan=PLAN, spent=True)
    assert found.state is GuardState.BROKEN
    assert found.reason == (
        "peak_memory_mb is worse by 108 on average (64 allowed), too much to be shown harmless "
        "within 10 trials."
    )


def test_a_loss_that_cannot_be_shown_harmless_any_more_is_broken_before_the_cap() -> None:
    mine, theirs = [580.0, 590.0, 560.0, 571.0], [500.0, 490.0, 505.0, 510.0]
    found = judge_guard(MEMORY, mine, theirs, plan=PLAN)
    assert found.state is GuardState.BROKEN
    assert found.evidence is not None
    assert found.evidence < 1.0


def test_a_guard_that_stays_open_says_which_tolerance_could_be_shown() -> None:
    tight = Guard("recall", Direction.MAXIMIZE, 0.001)
    theirs = [0.80, 0.82, 0.81, 0.79, 0.80, 0.81, 0.82, 0.80, 0.79, 0.81]
    found = judge_guard(tight, theirs[::-1], theirs, plan=PLAN, earlier=theirs, spent=True)
    assert found.state is GuardState.OPEN
    assert "with this noise, 10 trials can show a tolerance of about 0.01" in found.reason


def test_zero_tolerance_on_noise_is_held_only_by_a_candidate_that_is_better_in_the_guard() -> None:
    none = Guard("peak_memory_mb", Direction.MINIMIZE, 0.0)
    same = judge_guard(none, QUIET[::-1], QUIET, plan=PLAN)
    assert (same.loss, same.state) == (0.0, GuardState.OPEN)
    better = judge_guard(none, [v - 20.0 for v in QUIET], QUIET, plan=PLAN)
    assert better.state is GuardState.HELD
    assert better.upper is not None
    assert better.upper < 0.0
    assert "better by at least" in better.reason


def test_one_reading_is_no_evidence() -> None:
    for mine, theirs in (([400.0], QUIET), ([400.0, 401.0], [500.0])):
        found = judge_guard(MEMORY, mine, theirs, plan=PLAN)
        assert (found.state, found.upper, found.evidence) == (GuardState.OPEN, None, None)


# -- readings that never differ --------------------------------------------------------------


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.sampled_from(Direction))
def test_exact_readings_hold_at_the_tolerance_and_break_one_unit_beyond(
    old: int, tolerance: int, direction: Direction
) -> None:
    guard, sign = guard_of(float(tolerance), direction), -1 if direction == "maximize" else 1
    theirs = [float(old)] * 2
    at = judge_guard(guard, [float(old + sign * tolerance)] * 2, theirs, plan=PLAN)
    beyond = judge_guard(guard, [float(old + sign * (tolerance + 1))] * 2, theirs, plan=PLAN)
    assert (at.state, at.upper, at.confidence) == (GuardState.HELD, float(tolerance), 1.0)
    assert (beyond.state, beyond.upper) == (GuardState.BROKEN, tolerance + 1.0)
    assert at.evidence is beyond.evidence is None


def test_the_last_digits_of_a_double_break_no_guard() -> None:
    assert 1.1 - 1.0 > 0.1
    assert judge_guard(guard_of(0.1), [1.1] * 2, [1.0] * 2, plan=PLAN).state is GuardState.HELD


def test_readings_that_differed_before_are_not_exact() -> None:
    found = judge_guard(guard_of(0.0), [5.0] * 2, [5.0] * 2, plan=PLAN, earlier=[4.0, 5.0, 6.0])
    assert found.state is GuardState.OPEN


# -- laws ------------------------------------------------------------------------------------


@given(readings, readings, st.floats(0, 1e6), st.booleans())
def test_held_means_that_the_bound_lies_within_the_tolerance(
    mine: list[float], theirs: list[float], tolerance: float, spent: bool
) -> None:
    found = judge_guard(guard_of(tolerance), mine, theirs, plan=PLAN, spent=spent)
    scale = max(map(abs, [*mine, *theirs, tolerance, 1.0]))
    if found.state is GuardState.HELD:
        assert found.upper is not None
        assert found.loss - 1e-9 * scale <= found.upper <= tolerance + 1e-6 * scale
    elif found.upper is not None and found.confidence != 1.0:
        assert found.upper >= tolerance - 1e-6 * scale
    if found.state is GuardState.BROKEN:
        assert found.loss > tolerance - 1e-9 * scale
    assert found.reason.startswith("size ")
    assert found.reason.endswith(".")


@given(readings, readings, st.floats(0, 1e3), st.floats(0, 1e3), st.booleans())
def test_a_larger_tolerance_never_makes_a_guard_worse(
    mine: list[float], theirs: list[float], one: float, other: float, spent: bool
) -> None:
    order = [GuardState.BROKEN, GuardState.OPEN, GuardState.HELD]
    tight, loose = (
        judge_guard(guard_of(t), mine, theirs, plan=PLAN, spent=spent) for t in sorted((one, other))
    )
    assert order.index(tight.state) <= order.index(loose.state)


@given(readings, readings, st.floats(0, 1e3))
def test_direction_is_only_a_sign(mine: list[float], theirs: list[float], tolerance: float) -> None:
    down = judge_guard(guard_of(tolerance), mine, theirs, plan=PLAN)
    mirrored = ([-v for v in mine], [-v for v in theirs])
    up = judge_guard(guard_of(tolerance, Direction.MAXIMIZE), *mirrored, plan=PLAN)
    assert (up.state, up.loss, up.upper, up.evidence) == (
        down.state,
        down.loss,
        down.upper,
        down.evidence,
    )


def test_its_evidence_is_that_of_a_race_of_the_candidate_credited_with_the_tolerance() -> None:
    generator = np.random.default_rng(5)
    metric = Metric("size", "", Direction.MINIMIZE)
    for _ in range(20):
        mine, theirs, past = (list(generator.normal(10, 1, n)) for n in (4, 5, 8))
        found = judge_guard(guard_of(1.5), mine, theirs, plan=PLAN, earlier=past)
        credited = [v - 1.5 for v in mine]
        raced = evidence(credited, theirs, metric=metric, earlier=past)
        assert found.evidence == pytest.approx(raced, rel=1e-9)


# -- by simulation ---------------------------------------------------------------------------


def _first_held(
    loss: float, tolerance: float, draw: Callable[[int], list[float]], cap: int = 10
) -> bool:
    """Whether a guard is called held at any look of a race."""
    mine, theirs, past = [v + loss for v in draw(cap)], draw(cap), draw(8)
    guard = guard_of(tolerance)
    return any(
        judge_guard(guard, mine[:k], theirs[:k], plan=PLAN, earlier=past).state is GuardState.HELD
        for k in range(2, cap + 1)
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gauss", "heavy"])
def test_a_guard_at_the_edge_is_called_held_in_fewer_than_one_in_twenty_races(kind: str) -> None:
    generator = np.random.default_rng(8)

    def draw(n: int) -> list[float]:
        if kind == "gauss":
            return list(generator.standard_normal(n))
        return list(generator.standard_t(3, n))

    # a loss of exactly the tolerance is the hardest of all losses that are not fine
    races = 250
    held = sum(_first_held(2.0, 2.0, draw) for _ in range(races))
    assert held / races < 0.05


def test_the_smallest_tolerance_is_shown_for_four_of_five_that_lose_nothing() -> None:
    generator = np.random.default_rng(9)
    least = smallest_tolerance([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0], plan=PLAN)
    least /= float(np.std([-1.0, 1.0] * 4, ddof=1))
    races = 60
    held = sum(
        _first_held(0.0, least, lambda n: list(generator.normal(size=n)), 10) for _ in range(races)
    )
    assert 0.65 < held / races < 0.97
    assert smallest_tolerance([3.0] * 8, plan=PLAN) == 0.0


# -- the screen ------------------------------------------------------------------------------


def test_one_reading_breaks_a_guard_only_beyond_tolerance_and_noise() -> None:
    states = [glance_at_guard(MEMORY, v, QUIET).state for v in (400.0, 560.0, 568.0, 600.0)]
    assert states == [GuardState.OPEN, GuardState.OPEN, GuardState.OPEN, GuardState.BROKEN]


def test_harmless_candidates_at_the_edge_are_rarely_rejected_by_their_screen() -> None:
    generator = np.random.default_rng(10)
    looks = 3000
    broken = 0
    for _ in range(looks):
        theirs = list(generator.normal(500, 20, 8))
        reading = float(generator.normal(564, 20))
        broken += glance_at_guard(MEMORY, reading, theirs).state is GuardState.BROKEN
    assert broken / looks < 0.02


def test_one_exact_reading_is_judged_at_once() -> None:
    assert glance_at_guard(MEMORY, 564.0, [500.0] * 3).state is GuardState.HELD
    assert glance_at_guard(MEMORY, 565.0, [500.0] * 3).state is GuardState.BROKEN


def test_a_single_reading_of_the_incumbent_needs_a_spread_from_elsewhere() -> None:
    assert glance_at_guard(MEMORY, 900.0, [500.0]).state is GuardState.OPEN
    assert glance_at_guard(MEMORY, 900.0, [500.0], earlier=QUIET).state is GuardState.BROKEN
    assert glance_at_guard(MEMORY, 540.0, [500.0], earlier=[7.0] * 3).state is GuardState.HELD


# -- bad data --------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_a_reading_that_is_no_number_is_never_judged(bad: float) -> None:
    with pytest.raises(BadMeasurement):
        judge_guard(MEMORY, [bad, 1.0], QUIET, plan=PLAN)
    with pytest.raises(BadMeasurement):
        judge_guard(MEMORY, [1.0, 2.0], QUIET, plan=PLAN, earlier=[bad])
    with pytest.raises(BadMeasurement):
        glance_at_guard(MEMORY, bad, QUIET)


def test_a_guard_that_nobody_read_is_not_fine() -> None:
    for mine, theirs in (([], QUIET), (QUIET, [])):
        with pytest.raises(TooFewTrials):
            judge_guard(RECALL, mine, theirs, plan=PLAN)
    with pytest.raises(TooFewTrials):
        glance_at_guard(RECALL, 1.0, [])
    with pytest.raises(TooFewTrials):
        smallest_tolerance([1.0], plan=PLAN)
