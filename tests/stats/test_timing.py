"""Timings: what verifies a speed-up, what refuses to, and how often it is wrong."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Metric, Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Level
from upward.stats.noise import resolution
from upward.stats.timing import check_pairs, fewest_pairs, variation
from upward.stats.verdict import Arm, Judgement, next_arm, race

Values = NDArray[np.float64]
Source = Callable[[np.random.Generator, int], Values]

TIME = Metric("runtime", "ms", Direction.MINIMIZE, Noise.TIMING)
PLAN = Plan()
STEADY = [10.0, 10.1, 9.9, 10.05, 9.95]


def _times(ratio: float, incumbent: list[float] | None = None) -> list[float]:
    """Times of a candidate: the incumbent's times a ratio, with a little noise of its own."""
    wobble = (1.0, 1.01, 0.99, 1.005, 0.995, 1.002, 0.998, 1.0, 1.01, 0.99)
    return [ratio * t * w for t, w in zip(incumbent or STEADY, wobble, strict=False)]


# -- the exact test --------------------------------------------------------------------------


def test_four_pairs_never_verify_a_timing_however_large_the_gain() -> None:
    four = race(_times(0.5)[:4], STEADY[:4], metric=TIME, plan=PLAN)
    assert (four.evidence or 0.0) > 20.0
    assert four.decision is None
    five = race(_times(0.5), STEADY, metric=TIME, plan=PLAN)
    assert (five.decision, five.level) == (Decision.ACCEPTED, Level.VERIFIED)
    assert "sign-flip p = 0.031" in five.reason


@pytest.mark.parametrize(("alpha", "pairs"), [(0.05, 5), (0.01, 7), (0.5, 1), (0.25, 2)])
def test_fewest_pairs_are_as_many_as_reach_the_level(alpha: float, pairs: int) -> None:
    assert fewest_pairs(alpha) == pairs
    assert check_pairs([0.1] * pairs, STEADY, plan=Plan(alpha=alpha)).doubt == ""
    if pairs > 1:
        few = check_pairs([0.1] * (pairs - 1), STEADY, plan=Plan(alpha=alpha))
        assert "sign-flip test" in few.doubt


def test_a_race_too_short_for_the_exact_test_says_so_at_its_end() -> None:
    judged = race(_times(0.5)[:4], STEADY[:4], metric=TIME, plan=Plan(race_cap=4))
    assert (judged.decision, judged.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert judged.reason.endswith(
        "but the sign-flip test over the pairs gives p = 0.062 (0.05 needed), "
        "and the race ends at 4 trials."
    )


def test_what_can_be_seen_of_a_timing_counts_the_pairs_that_the_exact_test_needs() -> None:
    with pytest.raises(TooFewTrials):
        resolution(1.0, plan=Plan(race_cap=4), incumbent_trials=8, paired=True)
    assert resolution(1.0, plan=PLAN, incumbent_trials=8, paired=True) > 1.0


# -- the clock -------------------------------------------------------------------------------


def test_a_speed_up_on_an_unsteady_machine_stays_provisional_and_says_what_to_do() -> None:
    # machine and candidate jump together, so the pairs alone would be convincing
    jumping = [10.0, 30.0, 12.0, 45.0, 9.0, 25.0, 11.0, 38.0, 10.0, 20.0]
    judged = race(_times(0.7, jumping), jumping, metric=TIME, plan=PLAN)
    assert (judged.evidence or 0.0) > 20.0
    assert (judged.decision, judged.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert "differ by 62 % (coefficient of variation, at most 30 % allowed)" in judged.reason
    assert "lock the clocks, let each trial run longer, or find a quieter machine" in judged.reason
    allowed = race(_times(0.7, jumping), jumping, metric=TIME, plan=Plan(timing_cv=1.0))
    assert allowed.decision is Decision.ACCEPTED


def test_an_unsteady_machine_is_no_reason_to_reject_what_looks_better() -> None:
    jumping = [10.0, 30.0, 12.0, 45.0]
    mine = [12.0, 20.0, 14.0, 30.0]
    judged = race(mine, jumping, metric=TIME, plan=PLAN)
    assert (judged.decision, judged.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert "coefficient of variation" in judged.reason
    allowed = race(mine, jumping, metric=TIME, plan=Plan(timing_cv=9.0))
    assert allowed.decision is Decision.REJECTED


def test_a_slower_candidate_is_rejected_on_any_machine() -> None:
    jumping = [10.0, 30.0, 12.0, 45.0]
    judged = race(_times(1.4, jumping), jumping, metric=TIME, plan=PLAN)
    assert judged.decision is Decision.REJECTED


def test_variation_needs_two_times_that_are_times() -> None:
    assert variation([5.0, 5.0]) == 0.0
    with pytest.raises(TooFewTrials):
        variation([5.0])
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(BadMeasurement):
            variation([5.0, bad])
    assert check_pairs([0.1], [5.0], plan=PLAN).variation is None
    with pytest.raises(TooFewTrials):
        check_pairs([], [], plan=PLAN)


# -- by simulation ---------------------------------------------------------------------------


def _lognormal(generator: np.random.Generator, n: int) -> Values:
    return 0.1 * generator.standard_normal(n)


def _drifting(generator: np.random.Generator, n: int) -> Values:
    """A machine that becomes 3 % slower with every trial."""
    return 0.03 * np.arange(n) + 0.05 * generator.standard_normal(n)


def _dependent(generator: np.random.Generator, n: int) -> Values:
    """Noise that remembers 60 % of what it was a trial ago."""
    noise = generator.standard_normal(n)
    for i in range(1, n):
        noise[i] = 0.6 * noise[i - 1] + 0.8 * noise[i]
    return 0.1 * noise


def _interrupted(generator: np.random.Generator, n: int) -> Values:
    """Now and then something else runs, and a trial takes half as long again."""
    return 0.03 * generator.standard_normal(n) + 0.4 * (generator.random(n) < 0.1)


def _skewed(generator: np.random.Generator, n: int) -> Values:
    return 0.1 * generator.standard_exponential(n)


def _raced(noise: Values, ratio: float) -> Judgement:
    """Race a candidate as the loop would, in the order A B B A, looked at after every trial."""
    arms: dict[Arm, list[float]] = {Arm.CANDIDATE: [], Arm.INCUMBENT: []}
    judged = Judgement(None, None, "")
    for luck in noise:
        arm = next_arm(len(arms[Arm.CANDIDATE]), len(arms[Arm.INCUMBENT]), plan=PLAN)
        assert arm is not None
        factor = ratio if arm is Arm.CANDIDATE else 1.0
        arms[arm].append(100.0 * factor * math.exp(float(luck)))
        judged = race(arms[Arm.CANDIDATE], arms[Arm.INCUMBENT], metric=TIME, plan=PLAN)
        if judged.decision is not None:
            break
    return judged


def _accepted(source: Source, ratio: float, races: int, seed: int = 21) -> float:
    generator = np.random.default_rng(seed)
    found = [_raced(source(generator, 2 * PLAN.race_cap), ratio).decision for _ in range(races)]
    assert None not in found
    return found.count(Decision.ACCEPTED) / races


def test_timings_that_do_not_differ_are_rarely_verified() -> None:
    assert _accepted(_lognormal, 1.0, 150) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("source", [_lognormal, _drifting, _dependent, _interrupted, _skewed])
def test_the_error_stays_below_alpha_under_noise_drift_and_dependence(source: Source) -> None:
    races = 800
    share = _accepted(source, 1.0, races)
    assert share + 2.0 * math.sqrt(max(share, 0.005) / races) < 0.05


def test_a_fifth_faster_at_a_noise_of_one_in_twenty_is_found_within_the_cap() -> None:
    def quiet(generator: np.random.Generator, n: int) -> Values:
        return 0.05 * generator.standard_normal(n)

    assert _accepted(quiet, 0.8, 60) > 0.95
