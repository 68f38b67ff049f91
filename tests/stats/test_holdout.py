import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Metric
from upward.stats.holdout import Ladder, deviation, lasts, step_of

UP = Metric("accuracy", "share", Direction.MAXIMIZE)
DOWN = Metric("loss", "nats", Direction.MINIMIZE)


def answers(ladder: Ladder, values: list[float], metric: Metric) -> tuple[list[bool], Ladder]:
    said = list[bool]()
    for value in values:
        yes, ladder = ladder.ask(value, metric)
        said.append(yes)
    return said, ladder


def test_only_a_clear_improvement_is_admitted() -> None:
    said, ladder = answers(Ladder(0.80, 0.01), [0.805, 0.79, 0.825, 0.826, 0.835], UP)
    assert said == [False, False, True, False, True]
    assert ladder.best == pytest.approx(0.83)


@given(st.lists(st.floats(0.0, 1.0), max_size=30))
def test_direction_is_only_a_sign(values: list[float]) -> None:
    up, high = answers(Ladder(0.5, 0.05), values, UP)
    down, low = answers(Ladder(-0.5, 0.05), [-value for value in values], DOWN)
    assert up == down
    assert high.best == -low.best


@given(st.lists(st.floats(0.0, 1.0), max_size=30))
def test_what_is_released_never_flatters(values: list[float]) -> None:
    _, ladder = answers(Ladder(0.5, 0.05), values, UP)
    assert ladder.best <= max([0.5, *values]) + 1e-12


def test_ten_thousand_tries_of_nothing_climb_little_where_a_leaderboard_climbs_far() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 1000)
    tries = rng.integers(0, 2, (10_000, 1000))
    values = np.mean(tries == labels, axis=1)
    _, ladder = answers(Ladder(0.5, step_of(0.0, 1000)), values.tolist(), UP)
    assert ladder.best < 0.5 + 2 * step_of(0.0, 1000)
    # with full answers the better half of the tries is combined by a vote: the known attack
    vote = (tries[values > 0.5].mean(axis=0) > 0.5).astype(int)
    assert np.mean(vote == labels) > 0.8


def test_the_step_is_never_finer_than_the_noise_or_the_examples() -> None:
    assert step_of(0.002, 10_000) == 0.01
    assert step_of(0.05, 10_000) == 0.05
    with pytest.raises(TooFewTrials):
        step_of(0.1, 0)
    with pytest.raises(BadMeasurement):
        step_of(math.nan, 10)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 100_000))
def test_more_questions_are_trusted_less_and_more_examples_more(
    queries: int, accepted: int, n: int
) -> None:
    if accepted > queries:
        with pytest.raises(BadMeasurement):
            deviation(queries, accepted, n)
        return
    found = deviation(queries, accepted, n)
    assert deviation(queries + 1, accepted, n) >= found
    assert deviation(queries, accepted, 4 * n) == pytest.approx(found / 2)


@given(st.floats(0.02, 0.3), st.integers(0, 10), st.integers(10, 20_000))
def test_a_holdout_lasts_exactly_until_it_is_off_by_too_much(
    eps: float, accepted: int, n: int
) -> None:
    count = lasts(eps, accepted, n, most=5000)
    if count:
        assert deviation(count, accepted, n) <= eps
    elif accepted or deviation(0, 0, n) > eps:
        assert deviation(max(accepted, 1), accepted, n) > eps
    if accepted < count < 5000:
        assert deviation(count + 1, accepted, n) > eps


def test_a_measurement_that_is_none_is_refused() -> None:
    with pytest.raises(BadMeasurement):
        Ladder(0.5, 0.1).ask(math.nan, UP)
    with pytest.raises(BadMeasurement):
        Ladder(0.5, 0.0).ask(0.7, UP)
