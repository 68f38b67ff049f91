import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Metric
from upward.stats.rung import judge_rung
from upward.stats.shares import share_range

DOWN = Metric("loss", "nats", Direction.MINIMIZE)
NOISE = [1.0, 1.1, 0.9, 1.0]
VALUES = st.floats(0.5, 5.0)


@given(VALUES, st.lists(VALUES, max_size=20))
def test_what_is_no_worse_than_the_incumbent_is_never_stopped(
    value: float, others: list[float]
) -> None:
    assert judge_rung(min(value, 1.0), [1.0], others, NOISE, metric=DOWN).passed


@given(VALUES, VALUES, st.lists(VALUES, max_size=20))
def test_better_is_never_stopped_where_worse_passes(
    one: float, two: float, others: list[float]
) -> None:
    better, worse = sorted((one, two))
    if judge_rung(worse, [1.0, 1.0], others, NOISE, metric=DOWN).passed:
        assert judge_rung(better, [1.0, 1.0], others, NOISE, metric=DOWN).passed


def test_clearly_behind_is_stopped_unless_it_is_among_the_best_third() -> None:
    assert not judge_rung(2.0, [1.0], [], NOISE, metric=DOWN).passed
    assert not judge_rung(2.0, [1.0], [1.1, 1.2], NOISE, metric=DOWN).passed
    assert judge_rung(2.0, [1.0], [3.0, 4.0, 5.0], NOISE, metric=DOWN).passed


def test_what_cannot_be_judged_raises() -> None:
    with pytest.raises(TooFewTrials):
        judge_rung(1.0, [], [], NOISE, metric=DOWN)
    with pytest.raises(TooFewTrials):
        judge_rung(1.0, [1.0], [], [1.0], metric=DOWN)
    with pytest.raises(BadMeasurement):
        judge_rung(math.nan, [1.0], [], NOISE, metric=DOWN)


# -- shares --------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.data())
def test_a_share_lies_in_its_interval_and_both_ends_mirror(tries: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, tries))
    low, high = share_range(hits, tries)
    assert 0.0 <= low <= hits / tries <= high <= 1.0
    other = share_range(tries - hits, tries)
    assert other == pytest.approx((1.0 - high, 1.0 - low), abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (3, 3, 0.2924, 1.0)],
)
def test_known_intervals(hits: int, tries: int, low: float, high: float) -> None:
    assert share_range(hits, tries) == pytest.approx((low, high), abs=1e-4)


def test_nothing_tried_has_no_share() -> None:
    with pytest.raises(TooFewTrials):
        share_range(0, 0)
    with pytest.raises(BadMeasurement):
        share_range(4, 3)
