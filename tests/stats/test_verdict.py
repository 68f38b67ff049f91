import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials, UnknownName
from upward.core.metric import Direction, Metric, Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Failure, Level
from upward.stats.verdict import Arm, missing_trial, next_arm, race, screen

LOSS = Metric("val_bpb", "bits/byte", Direction.MINIMIZE, bound=0.0)
EXACT = Metric("side", "", Direction.MINIMIZE, Noise.EXACT)
TIME = Metric("runtime", "ms", Direction.MINIMIZE, Noise.TIMING)
SPEED = Metric("speed", "tokens/s", Direction.MAXIMIZE, Noise.TIMING)
PLAN = Plan()
INCUMBENT = [2.00, 2.01, 1.99, 2.02, 1.98, 2.00, 2.01, 1.99]


# -- the screen ------------------------------------------------------------------------------


def test_half_a_spread_better_passes_the_screen_and_proves_nothing() -> None:
    judged = screen(1.99, INCUMBENT, metric=LOSS, sd=0.012, plan=PLAN)
    assert (judged.decision, judged.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert judged.gain == pytest.approx(0.01)
    assert judged.reason == (
        "One trial is 0.010 bits/byte better than the mean of 8 trials of the incumbent "
        "(0.006 better is needed): good enough to search from, not yet evidence."
    )


def test_less_than_half_a_spread_is_rejected() -> None:
    judged = screen(1.995, INCUMBENT, metric=LOSS, sd=0.013, plan=PLAN)
    assert (judged.decision, judged.level) == (Decision.REJECTED, None)


def test_an_equal_value_never_passes_even_where_the_metric_has_no_noise() -> None:
    judged = screen(2.0, [2.0] * 8, metric=LOSS, sd=0.0, plan=PLAN)
    assert judged.decision is Decision.REJECTED
    assert "no better" in judged.reason


@pytest.mark.parametrize(
    ("value", "decision", "level"),
    [
        (0.3 - 1e-16, Decision.ACCEPTED, Level.VERIFIED),
        (0.3, Decision.REJECTED, None),
        (0.3 + 1e-9, Decision.REJECTED, None),
    ],
)
def test_an_exact_metric_needs_one_trial_and_gives_no_tolerance(
    value: float, decision: Decision, level: Level | None
) -> None:
    judged = screen(value, [0.3, 0.3, 0.3], metric=EXACT, sd=math.nan, plan=PLAN)
    assert (judged.decision, judged.level) == (decision, level)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.5])
def test_a_value_that_is_no_measurement_is_never_judged(value: float) -> None:
    with pytest.raises(BadMeasurement):
        screen(value, INCUMBENT, metric=LOSS, sd=0.01, plan=PLAN)
    with pytest.raises(BadMeasurement):
        race([1.9, value], INCUMBENT, metric=LOSS, plan=PLAN)


def test_a_screen_without_incumbent_or_noise_is_refused() -> None:
    with pytest.raises(TooFewTrials):
        screen(1.0, [], metric=LOSS, sd=0.01, plan=PLAN)
    with pytest.raises(BadMeasurement):
        screen(1.0, INCUMBENT, metric=LOSS, sd=math.nan, plan=PLAN)


# -- the race --------------------------------------------------------------------------------


def test_a_clear_gain_is_accepted_as_soon_as_the_evidence_suffices() -> None:
    candidate = [1.97, 1.98, 1.965]
    decisions = [race(candidate[:k], INCUMBENT, metric=LOSS, plan=PLAN).decision for k in range(4)]
    assert decisions == [None, None, None, Decision.ACCEPTED]
    judged = race(candidate, INCUMBENT, metric=LOSS, plan=PLAN)
    assert judged.level is Level.VERIFIED
    assert judged.evidence is not None
    assert judged.evidence >= 20.0
    assert (judged.low, judged.gain, judged.high) == pytest.approx(
        (0.0130, 0.0283, 0.0437), abs=1e-4
    )
    assert judged.reason == (
        "Better by 0.028 bits/byte (0.013 to 0.044) in 3 fresh trials against 8 of the incumbent; "
        "odds 23 to 1 against luck (20 needed)."
    )


def test_the_incumbent_needs_its_floor_of_trials_before_anything_is_accepted() -> None:
    candidate, plan = [1.0, 1.01, 0.99, 1.005, 0.995, 1.0], Plan(incumbent_floor=4)
    short = race(candidate, INCUMBENT[:3], metric=LOSS, plan=plan)
    assert short.evidence is not None
    assert short.evidence > 20.0
    assert short.decision is None
    assert next_arm(6, 3, plan=plan) is Arm.INCUMBENT
    assert race(candidate, INCUMBENT[:4], metric=LOSS, plan=plan).decision is Decision.ACCEPTED


def test_a_machine_that_became_faster_is_no_gain() -> None:
    faster = [value - 0.1 for value in INCUMBENT[:4]]
    judged = race(faster[:2], faster[2:], metric=LOSS, plan=PLAN, earlier=INCUMBENT)
    assert judged.decision is not Decision.ACCEPTED
    assert (judged.evidence or 0.0) < 2.0


def test_earlier_trials_tell_how_much_the_incumbent_varies() -> None:
    now, beside = [1.97, 1.969, 1.971], [2.0, 2.001, 2.0]
    calm = race(now, beside, metric=LOSS, plan=PLAN, earlier=[2.0, 2.001, 1.999, 2.0, 2.001])
    wild = race(now, beside, metric=LOSS, plan=PLAN, earlier=[2.0, 2.1, 1.9, 2.05, 1.95])
    assert (calm.evidence or 0.0) > 20.0
    assert (wild.evidence or 0.0) < 2.0


def test_three_trials_without_a_gain_end_the_race() -> None:
    worse = [2.01, 1.99, 2.02]
    assert race(worse[:2], INCUMBENT, metric=LOSS, plan=PLAN).decision is None
    judged = race(worse, INCUMBENT, metric=LOSS, plan=PLAN)
    assert (judged.decision, judged.level) == (Decision.REJECTED, None)
    assert judged.reason.startswith("Not better: worse by 0.007 bits/byte (-0.")
    assert judged.reason.endswith(
        "; a gain of up to 0.024 bits/byte would not be visible at this cost."
    )


def test_a_gain_too_small_to_be_shown_ends_the_race() -> None:
    judged = race([1.999, 1.989, 2.009], INCUMBENT, metric=LOSS, plan=PLAN)
    assert judged.decision is Decision.REJECTED
    assert judged.reason.startswith("Not visible at this cost: better by 0.001 bits/byte (-0.0")
    assert "too little to be told from luck within 10 trials" in judged.reason


def test_a_loss_that_noise_cannot_explain_hides_no_gain() -> None:
    judged = race([2.5, 2.51, 2.49], INCUMBENT, metric=LOSS, plan=PLAN)
    assert judged.decision is Decision.REJECTED
    assert "visible" not in judged.reason
    screened = screen(2.5, INCUMBENT, metric=LOSS, sd=0.01, plan=PLAN)
    assert "visible" not in screened.reason


def test_a_screen_that_is_not_passed_says_what_it_could_not_see() -> None:
    judged = screen(2.0, INCUMBENT, metric=LOSS, sd=0.01, plan=PLAN)
    assert judged.decision is Decision.REJECTED
    assert judged.reason.endswith(
        "; a gain of up to 0.021 bits/byte would not be visible in one trial."
    )


@given(
    st.lists(st.integers(900, 1100).map(float), min_size=3, max_size=10),
    st.lists(st.integers(900, 1100).map(float), min_size=3, max_size=10),
)
def test_no_verdict_says_that_there_is_nothing_where_the_interval_has_a_gain(
    candidate: list[float], incumbent: list[float]
) -> None:
    judged = race(candidate, incumbent, metric=LOSS, plan=PLAN)
    ended = judged.decision not in (None, Decision.ACCEPTED)
    if ended and judged.high is not None and judged.low is not None and judged.high > 0.0:
        assert "isible at this cost" in judged.reason or judged.high == judged.low


def test_a_candidate_that_does_exactly_the_same_is_rejected() -> None:
    judged = race([2.0] * 3, [2.0] * 8, metric=LOSS, plan=PLAN)
    assert judged.decision is Decision.REJECTED
    assert judged.evidence == 1.0
    assert judged.reason == (
        "Not better: no difference in 3 fresh trials against 8 of the incumbent."
    )


def test_a_race_at_its_cap_without_enough_evidence_stays_provisional() -> None:
    plan = Plan(race_cap=4)
    candidate = [1.99, 1.98, 1.985, 2.0]
    judged = race(candidate, INCUMBENT[:4], metric=LOSS, plan=plan)
    assert (judged.decision, judged.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert judged.reason.startswith("Not visible at this cost: better by")
    assert judged.reason.endswith("the race ends at 4 trials.")
    assert judged.gain is not None
    assert judged.gain > 0


def test_nothing_is_decided_before_there_is_anything_to_compare() -> None:
    for candidate, incumbent in (([], INCUMBENT), ([1.0], []), ([1.0, 1.1], [2.0])):
        judged = race(candidate, incumbent, metric=LOSS, plan=PLAN)
        assert (judged.decision, judged.gain, judged.evidence) == (None, None, None)


@given(
    st.lists(st.integers(900, 1100).map(float), max_size=10),
    st.lists(st.integers(900, 1100).map(float), max_size=12),
)
def test_a_race_always_says_something_and_never_accepts_a_loss(
    candidate: list[float], incumbent: list[float]
) -> None:
    judged = race(candidate, incumbent, metric=LOSS, plan=PLAN)
    assert judged.reason.endswith(".")
    accepted = judged.decision is Decision.ACCEPTED
    assert accepted == (judged.level is Level.VERIFIED)
    if accepted:
        assert len(incumbent) >= 2
        assert np.mean(candidate) < np.mean(incumbent)
        assert (judged.evidence or 0.0) >= 20.0
    if next_arm(len(candidate), len(incumbent), plan=PLAN) is None:
        assert judged.decision is not None


def test_a_candidate_that_fails_in_its_race_is_rejected() -> None:
    judged = missing_trial(Failure("limits", "More than 20 CPU-seconds."), plan=PLAN)
    assert (judged.decision, judged.level, judged.gain) == (Decision.REJECTED, None, None)
    assert "(limits: More than 20 CPU-seconds)" in judged.reason
    with pytest.raises(UnknownName):
        missing_trial(Failure("limits", "late"), plan=Plan(missing="ignore"))


# -- timings ---------------------------------------------------------------------------------


def test_timings_are_compared_as_ratios_of_pairs_that_drift_together() -> None:
    drift = [10.0, 11.0, 13.0, 16.0, 12.0]
    candidate = [8.82, 9.81, 11.46, 14.1, 10.6]
    judged = race(candidate, drift, metric=TIME, plan=PLAN)
    assert judged.decision is Decision.ACCEPTED
    assert judged.gain == pytest.approx(0.116 * math.exp(np.mean(np.log(drift))), rel=0.02)
    assert "12 % in 5 interleaved pairs" in judged.reason
    apart = Metric("runtime", "ms", Direction.MINIMIZE)
    assert race(candidate, drift, metric=apart, plan=PLAN).decision is not Decision.ACCEPTED


def test_a_rate_gains_upwards_and_a_time_downwards() -> None:
    slow, fast = [100.0, 101.0, 99.0, 100.5, 99.5], [120.0, 121.5, 118.0, 120.0, 120.5]
    up = race(fast, slow, metric=SPEED, plan=PLAN)
    down = race(slow, fast, metric=TIME, plan=PLAN)
    assert up.decision is down.decision is Decision.ACCEPTED
    assert up.gain == pytest.approx(20.0, abs=0.5)
    assert down.gain == pytest.approx(20.0, abs=0.5)
    assert race(fast, slow, metric=TIME, plan=PLAN).decision is Decision.REJECTED


def test_a_trial_without_its_partner_is_not_looked_at() -> None:
    pairs = race([9.0, 9.1], [10.0, 10.2], metric=TIME, plan=PLAN)
    assert race([9.0, 9.1, 1.0], [10.0, 10.2], metric=TIME, plan=PLAN) == pairs


def test_timings_without_any_difference_are_rejected() -> None:
    judged = race([10.0] * 3, [10.0] * 3, metric=TIME, plan=PLAN)
    assert judged.decision is Decision.REJECTED
    assert "no difference" in judged.reason


# -- whose turn ------------------------------------------------------------------------------


def test_the_arms_alternate_so_that_drift_hits_both_alike() -> None:
    counts: Counter[Arm] = Counter()
    order = ""
    while arm := next_arm(counts[Arm.CANDIDATE], counts[Arm.INCUMBENT], plan=PLAN):
        counts[arm] += 1
        order += "A" if arm is Arm.INCUMBENT else "B"
    assert order == "ABBA" * 5
