import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.stats.drift import drift

ROW = st.lists(st.integers(-1000, 1000).map(float), min_size=12, max_size=24).filter(
    lambda values: len(set(values)) > 1
)


@given(ROW, st.floats(0.01, 100.0), st.floats(-1e4, 1e4))
def test_unit_and_origin_do_not_matter(values: list[float], unit: float, origin: float) -> None:
    one = drift(values)
    other = drift([unit * v + origin for v in values])
    assert other.cusum == pytest.approx(one.cusum, rel=1e-6)
    assert other.autocorrelation == pytest.approx(one.autocorrelation, rel=1e-6, abs=1e-6)
    assert other.shift == pytest.approx(unit * one.shift, rel=1e-6, abs=1e-6)


@given(ROW)
def test_the_farthest_point_is_the_same_read_backwards(values: list[float]) -> None:
    assert drift(values[::-1]).cusum == pytest.approx(drift(values).cusum, rel=1e-9)


@given(ROW, st.integers(2, 4))
def test_a_difference_between_groups_is_no_drift(values: list[float], seeds: int) -> None:
    groups = [k % seeds for k in range(len(values))]
    moved = [v + 1e5 * g for v, g in zip(values, groups, strict=True)]
    try:
        plain = drift(values, groups)
    except BadMeasurement:  # nothing differs within a group: adding to groups makes no difference
        with pytest.raises(BadMeasurement):
            drift(moved, groups)
    else:
        assert drift(moved, groups).cusum == pytest.approx(plain.cusum, rel=1e-6)


@pytest.mark.parametrize("tails", ["gauss", "heavy"])
def test_without_drift_the_alarms_are_as_rare_as_stated(tails: str) -> None:
    generator, alarms, waves, cases = np.random.default_rng(5), 0, 0, 400
    for _ in range(cases):
        normal = generator.standard_normal(16)
        values = normal if tails == "gauss" else generator.standard_t(2, 16)
        found = drift(list(values), false_alarm=0.1)
        alarms, waves = alarms + found.shifted, waves + found.dependent
    # four standard errors of 400 cases at 10 %: 6 %
    assert 0.04 < alarms / cases < 0.16
    assert waves / cases < 0.16


def test_seeds_of_any_kind_in_a_mirrored_order_raise_no_false_alarm() -> None:
    """As in a check: each seed once early and once late, and the seeds differ a lot."""
    generator, alarms, cases = np.random.default_rng(6), 0, 400
    groups = [*range(8), *range(4, 8), *range(4)]
    for _ in range(cases):
        luck = generator.normal(0.0, 10.0, 8)
        values = [luck[g] + generator.normal() for g in groups]
        alarms += drift(values, groups, false_alarm=0.1).shifted
    assert alarms / cases < 0.16


def test_a_step_is_found_and_placed_and_a_small_one_is_not_claimed() -> None:
    generator = np.random.default_rng(7)
    luck = generator.normal(0.0, 1.0, 20)
    step = drift(list(luck + np.where(np.arange(20) >= 9, 4.0, 0.0)))
    assert step.shifted
    assert abs(step.at - 9) <= 2
    assert step.shift == pytest.approx(4.0, abs=1.5)
    assert not drift(list(luck)).shifted


def test_a_slow_wave_is_found_by_the_autocorrelation() -> None:
    wave = drift([math.sin(k / 2.5) for k in range(32)])
    assert wave.dependent
    assert wave.autocorrelation > 0.8


def test_the_same_values_give_the_same_answer() -> None:
    values = list(np.random.default_rng(8).normal(size=12))
    assert drift(values) == drift(values)


def test_what_cannot_tell_is_refused() -> None:
    with pytest.raises(TooFewTrials):
        drift([float(k) for k in range(11)])
    with pytest.raises(TooFewTrials):
        drift([float(k) for k in range(20)], list(range(20)))  # nothing is a repeat of anything
    for values in ([1.0] * 12, [*range(11), math.nan], [*range(11), math.inf]):
        with pytest.raises(BadMeasurement):
            drift([float(v) for v in values])
    with pytest.raises(BadMeasurement):
        drift([float(k) for k in range(12)], [0, 1])
    with pytest.raises(BadMeasurement):
        drift([float(k) for k in range(12)], false_alarm=0.0)
