import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Metric
from upward.core.plan import Plan
from upward.core.records import Decision
from upward.stats.noise import expected_best_of, noise, recalibrated, resolution
from upward.stats.verdict import race

UP = Metric("accuracy", "share", Direction.MAXIMIZE)


@given(st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=20))
def test_mean_and_spread_are_the_usual_ones(values: list[float]) -> None:
    mean, sd = noise(values)
    assert mean == pytest.approx(np.mean(values))
    assert sd == pytest.approx(np.std(values, ddof=1))


def test_a_metric_that_never_varies_has_exactly_no_spread() -> None:
    assert noise([0.1 + 0.2, 0.3, 0.3])[1] == 0.0


def test_one_value_or_a_doubtful_one_gives_no_noise() -> None:
    with pytest.raises(TooFewTrials):
        noise([1.0])
    with pytest.raises(BadMeasurement):
        noise([1.0, math.nan])


@pytest.mark.parametrize(
    ("k", "expected"), [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (10, 1.5388), (1000, 3.2414)]
)
def test_the_best_of_noise_is_known(k: int, expected: float) -> None:
    assert expected_best_of(k) == pytest.approx(expected, abs=1e-4)


def test_the_best_of_nothing_is_not_a_number() -> None:
    with pytest.raises(TooFewTrials):
        expected_best_of(0)


def test_the_resolution_is_in_units_of_the_spread_and_repeats_exactly() -> None:
    one = resolution(1.0, plan=Plan(), incumbent_trials=8)
    assert resolution(0.25, plan=Plan(), incumbent_trials=8) == pytest.approx(one / 4)
    assert resolution(0.0, plan=Plan(), incumbent_trials=8) == 0.0
    assert 1.5 < one < 2.0


@pytest.mark.slow
def test_more_trials_or_a_weaker_demand_see_smaller_gains() -> None:
    usual = resolution(1.0, plan=Plan(), incumbent_trials=8)
    assert resolution(1.0, plan=Plan(), incumbent_trials=30) < usual
    assert resolution(1.0, plan=Plan(race_cap=20), incumbent_trials=8) < usual
    assert resolution(1.0, plan=Plan(alpha=0.01), incumbent_trials=8) > usual
    assert resolution(1.0, plan=Plan(), incumbent_trials=8, power=0.5) < usual
    assert resolution(1.0, plan=Plan(), incumbent_trials=8, paired=True) > usual


def test_the_resolution_is_refused_where_there_is_none() -> None:
    with pytest.raises(TooFewTrials):
        resolution(1.0, plan=Plan(race_cap=1), incumbent_trials=8)
    with pytest.raises(TooFewTrials):
        resolution(1.0, plan=Plan(), incumbent_trials=1)
    for sd, power in ((math.nan, 0.8), (-1.0, 0.8), (1.0, 1.0)):
        with pytest.raises(BadMeasurement):
            resolution(sd, plan=Plan(), incumbent_trials=8, power=power)


@pytest.mark.slow
def test_real_races_find_a_gain_of_the_resolution_in_four_of_five_cases() -> None:
    plan, generator, found = Plan(), np.random.default_rng(3), 0
    gain = resolution(1.0, plan=plan, incumbent_trials=8)
    for _ in range(250):
        incumbent = list(generator.normal(size=10))
        candidate = list(generator.normal(gain, 1.0, 10))
        judged = (
            race(candidate[:k], incumbent[: max(8, k)], metric=UP, plan=plan).decision
            for k in range(1, 11)
        )
        found += next(decision for decision in judged if decision) is Decision.ACCEPTED
    # Four standard errors of 250 races: 0.1.
    assert found / 250 == pytest.approx(0.8, abs=0.1)


# -- newer trials than the calibration ---------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6), max_size=3))
def test_a_few_newer_trials_do_not_overrule_a_calibration(values: list[float]) -> None:
    assert recalibrated(2.0, values) == 2.0


def test_newer_trials_that_vary_as_much_change_nothing() -> None:
    assert recalibrated(1.0, [3.0, 4.1, 2.2, 3.4, 4.4]) == 1.0


def test_a_candidate_that_varies_far_less_is_seen_more_sharply() -> None:
    found = recalibrated(0.077, [1.878, 1.881, 1.877, 1.880, 1.876])
    assert 0.002 < found < 0.01


def test_a_candidate_that_varies_far_more_is_not_taken_for_steady() -> None:
    assert recalibrated(0.01, [1.0, 2.0, 3.0, 4.0]) > 0.5


def test_only_the_latest_trials_speak_for_the_noise_of_now() -> None:
    calm = [1.0, 1.01, 0.99, 1.0] * 4
    assert recalibrated(1.0, [9.0, -9.0, 50.0, *calm]) == recalibrated(1.0, calm)


@pytest.mark.parametrize("sd", [-1.0, math.nan, math.inf])
def test_what_is_no_standard_deviation_is_not_corrected(sd: float) -> None:
    with pytest.raises(BadMeasurement):
        recalibrated(sd, [1.0, 2.0, 3.0, 4.0])


def test_a_newer_trial_that_is_no_number_raises() -> None:
    with pytest.raises(BadMeasurement):
        recalibrated(1.0, [1.0, 2.0, math.nan, 4.0])
