import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.stats.sign_flip import sign_flip


@pytest.mark.labs
@given(st.lists(st.integers(-50, 50).map(float), min_size=2, max_size=8).filter(any))
def test_it_agrees_with_scipys_exact_test(gains: list[float]) -> None:
    expected = stats.permutation_test(
        (np.array(gains),),
        np.sum,
        permutation_type="samples",
        alternative="greater",
        n_resamples=1000,  # more than the 2^8 there are, hence exact
    )
    assert sign_flip(gains) == pytest.approx(float(expected.pvalue))


def test_five_gains_are_the_fewest_that_reach_one_in_twenty() -> None:
    assert sign_flip([0.1] * 4) == 1 / 16
    assert sign_flip([0.1] * 5) == 1 / 32


def test_sums_that_differ_only_by_rounding_count_against_the_candidate() -> None:
    assert sign_flip([0.1, 0.2, -0.3]) == sign_flip([1.0, 2.0, -3.0])


def test_no_gains_too_many_or_doubtful_ones_are_refused() -> None:
    with pytest.raises(TooFewTrials):
        sign_flip([])
    with pytest.raises(BadMeasurement):
        sign_flip([1.0] * 21)
    with pytest.raises(BadMeasurement):
        sign_flip([1.0, math.nan])
