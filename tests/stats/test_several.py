import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from upward.core.errors import BadMeasurement
from upward.stats.several import e_bh, e_lond, shrunk

EVIDENCE = st.lists(st.floats(0.0, 1e6), max_size=30)


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=30))
def test_of_inverse_p_values_it_names_what_benjamini_and_hochberg_name(ps: list[float]) -> None:
    adjusted = false_discovery_control(ps)
    clear = np.abs(adjusted - 0.1) > 1e-9
    named = np.isin(np.arange(len(ps)), e_bh([1.0 / p for p in ps], alpha=0.1))
    assert np.array_equal(named[clear], (adjusted <= 0.1)[clear])


@given(EVIDENCE, st.integers(0, 29), st.floats(1.0, 100.0))
def test_more_evidence_for_one_candidate_turns_nobody_down(
    values: list[float], index: int, factor: float
) -> None:
    before = e_bh(values, alpha=0.1)
    if index < len(values):
        values[index] *= factor
    assert set(before) <= set(e_bh(values, alpha=0.1))


@given(EVIDENCE)
def test_one_more_loser_never_helps_anybody(values: list[float]) -> None:
    assert set(e_bh([*values, 0.0], alpha=0.1)) <= set(e_bh(values, alpha=0.1))


@given(EVIDENCE, st.integers(0, 30))
def test_a_stream_never_revises_a_decision(values: list[float], cut: int) -> None:
    assert e_lond(values[:cut], alpha=0.1) == e_lond(values, alpha=0.1)[:cut]


def test_many_null_candidates_together_rarely_have_any_that_holds() -> None:
    rng = np.random.default_rng(1)
    # the e-value of one Gaussian look: its mean under the null is exactly 1
    null = np.exp(2.0 * rng.standard_normal((2000, 60)) - 2.0)
    rows = null.tolist()
    assert np.mean([bool(e_bh(row, alpha=0.1)) for row in rows]) <= 0.1
    assert np.mean([any(e_lond(row, alpha=0.1)) for row in rows]) <= 0.1
    # the control that must fail: each at its own level
    assert np.mean(np.any(null >= 20.0, axis=1)) > 0.25


def test_the_share_of_false_ones_among_those_named_is_held() -> None:
    rng = np.random.default_rng(2)
    shift = np.where(np.arange(60) < 15, 3.0, 0.0)
    false, found = 0.0, 0
    for _ in range(500):
        z = rng.standard_normal(60) + shift
        named = e_bh(np.exp(3.0 * z - 4.5).tolist(), alpha=0.1)
        false += sum(index >= 15 for index in named) / max(1, len(named))
        found += sum(index < 15 for index in named)
    assert false / 500 <= 0.1
    assert found > 500 * 2


@pytest.mark.parametrize("bad", [[-1.0], [math.nan], [[1.0]]])
def test_what_is_no_evidence_is_refused(bad: list[float]) -> None:
    for rule in (e_bh, e_lond):
        with pytest.raises(BadMeasurement):
            rule(bad, alpha=0.1)
        with pytest.raises(BadMeasurement):
            rule([1.0], alpha=1.0)


def test_nothing_raced_holds_nothing() -> None:
    assert e_bh([], alpha=0.1) == []
    assert e_lond([], alpha=0.1) == []
    assert e_bh([math.inf], alpha=0.1) == [0]


def test_shrinking_brings_selected_estimates_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(0.0, 1.0, 4000)
    errors = rng.uniform(0.3, 3.0, 4000)
    seen = truth + errors * rng.standard_normal(4000)
    better = shrunk(seen.tolist(), errors.tolist())
    assert np.mean((better - truth) ** 2) < 0.6 * np.mean((seen - truth) ** 2)
    top = np.argsort(-better)[:40]
    naive = np.argsort(-seen)[:40]
    assert truth[top].mean() > truth[naive].mean()
    assert abs(better[top].mean() - truth[top].mean()) < 0.2 < (seen - truth)[naive].mean()


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20), st.floats(0.1, 10.0))
def test_shrinking_keeps_the_order_of_equally_certain_ones(means: list[float], sd: float) -> None:
    found = shrunk(means, [sd] * len(means), centre=1.0)
    order = np.argsort(means, kind="stable")
    assert np.all(np.diff(found[order]) >= -1e-9)
    assert np.all(np.abs(found - 1.0) <= np.abs(np.array(means) - 1.0) + 1e-9)


def test_errors_that_are_none_are_refused() -> None:
    with pytest.raises(BadMeasurement):
        shrunk([1.0], [0.0])
    with pytest.raises(BadMeasurement):
        shrunk([1.0, 2.0], [1.0])
    assert shrunk([], []).size == 0
