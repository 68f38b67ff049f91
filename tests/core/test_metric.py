import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement
from upward.core.metric import Direction, Guard, Metric, Noise

VALUES = st.floats(-1e300, 1e300)
LOWER = Metric("loss", "nats", Direction.MINIMIZE)
HIGHER = Metric("accuracy", "share", Direction.MAXIMIZE)


@given(VALUES, VALUES)
def test_swapping_the_arms_flips_the_sign(one: float, other: float) -> None:
    assert LOWER.gain(one, other) == -LOWER.gain(other, one)


@given(VALUES, VALUES)
def test_the_direction_flips_the_sign(one: float, other: float) -> None:
    assert LOWER.gain(one, other) == -HIGHER.gain(one, other)


@given(VALUES, VALUES)
def test_a_gain_is_positive_exactly_when_the_candidate_is_better(one: float, other: float) -> None:
    assert (LOWER.gain(one, other) > 0) == (one < other)
    assert (HIGHER.gain(one, other) > 0) == (one > other)


@given(VALUES)
def test_no_difference_is_zero_without_a_sign(value: float) -> None:
    for metric in (LOWER, HIGHER):
        assert math.copysign(1.0, metric.gain(value, value)) == 1.0
        assert metric.gain(value, value) == 0.0


@given(VALUES, VALUES)
def test_a_guard_counts_losses_where_a_metric_counts_gains(one: float, other: float) -> None:
    for direction in Direction:
        guard = Guard("memory", direction, 1.0)
        assert guard.loss(one, other) == -Metric("m", "u", direction).gain(one, other)


@given(VALUES)
def test_a_finite_number_may_be_used(value: float) -> None:
    assert LOWER.check(value) == value


def test_a_whole_number_becomes_a_float_and_zero_loses_its_sign() -> None:
    assert isinstance(LOWER.check(3), float)
    assert math.copysign(1.0, LOWER.check(-0.0)) == 1.0


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, True, False, None, "1.5", [1.0], {}, 1j]
)
def test_what_is_no_number_never_becomes_one(value: object) -> None:
    with pytest.raises(BadMeasurement, match="loss"):
        LOWER.check(value)


def test_a_value_beyond_the_physical_limit_is_refused() -> None:
    lower = Metric("loss", "nats", Direction.MINIMIZE, bound=0.0)
    higher = Metric("accuracy", "share", Direction.MAXIMIZE, bound=1.0)
    assert lower.check(0.0) == 0.0
    assert higher.check(1) == 1.0
    with pytest.raises(BadMeasurement, match="beyond"):
        lower.check(-1e-9)
    with pytest.raises(BadMeasurement, match="beyond"):
        higher.check(1.0000001)


@pytest.mark.parametrize("value", [0, 0.0, -1.0])
def test_a_time_is_more_than_nothing(value: float) -> None:
    with pytest.raises(BadMeasurement, match="time"):
        Metric("t", "s", Direction.MINIMIZE, Noise.TIMING).check(value)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(BadMeasurement):
        LOWER.check(10**400)
