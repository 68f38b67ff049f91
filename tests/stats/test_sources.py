import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.stats.sources import components, sd_range

NUMBER = st.integers(-1000, 1000).map(float)
ROWS = st.lists(st.lists(NUMBER, min_size=2, max_size=4), min_size=3, max_size=8)


@given(ROWS, st.floats(0.01, 100.0), NUMBER)
def test_unit_and_origin_do_not_matter(rows: list[list[float]], unit: float, origin: float) -> None:
    one = components(rows)
    other = components([[unit * v + origin for v in row] for row in rows])
    assert other.within == pytest.approx(unit * one.within, rel=1e-6, abs=1e-6)
    assert other.between == pytest.approx(unit * one.between, rel=1e-4, abs=1e-2 * unit)


@given(ROWS)
def test_the_order_of_seeds_and_repeats_does_not_matter(
    rows: list[list[float]],
) -> None:
    turned = [row[::-1] for row in rows[::-1]]
    one, other = components(rows), components(turned)
    assert other.within == pytest.approx(one.within, abs=1e-9)
    assert other.between == pytest.approx(one.between, abs=1e-3)  # squares that cancel


@given(st.lists(NUMBER, min_size=3, max_size=8), st.integers(2, 4))
def test_repeats_that_agree_leave_everything_to_the_seed(seeds: list[float], times: int) -> None:
    found = components([[v] * times for v in seeds])
    assert found.within == 0.0
    assert found.between == pytest.approx(np.std(seeds, ddof=1), rel=1e-6)
    assert found.seed_share == (1.0 if len(set(seeds)) > 1 else None)


@pytest.mark.parametrize(("between", "within"), [(2.0, 1.0), (0.0, 1.0), (1.0, 0.1)])
def test_both_sources_are_found_without_bias(between: float, within: float) -> None:
    """As in a check: eight seeds, four of them twice; the mean over 2000 checks."""
    generator, found = np.random.default_rng(1), list[tuple[float, float]]()
    for _ in range(2000):
        luck = generator.normal(0.0, between, 8)
        rows = [list(luck[k] + generator.normal(0.0, within, 2 if k < 4 else 1)) for k in range(8)]
        split = components(rows)
        found.append((split.between**2, split.within**2))
    means = np.mean(found, axis=0)
    assert means[1] == pytest.approx(within**2, rel=0.08)
    # cutting at 0 can only raise it, and only where the seed adds little
    assert means[0] >= 0.95 * between**2
    assert means[0] <= 1.08 * between**2 + 0.35 * within**2


@pytest.mark.parametrize("freedom", [3, 4, 7, 15, 63])
def test_the_range_of_an_sd_is_that_of_chi_square(freedom: int) -> None:
    low, high = sd_range(2.0, freedom)
    exact = [2.0 * math.sqrt(freedom / stats.chi2.ppf(p, freedom)) for p in (0.975, 0.025)]
    assert low == pytest.approx(exact[0], rel=0.01)
    assert high == pytest.approx(exact[1], rel=0.1 if freedom < 7 else 0.02)


def test_what_cannot_tell_is_refused() -> None:
    with pytest.raises(TooFewTrials):
        components([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(TooFewTrials):
        components([[1.0], [2.0], [3.0, 3.5]])
    with pytest.raises(BadMeasurement):
        components([[1.0, math.nan], [2.0, 3.0], [3.0, 3.5]])
    with pytest.raises(TooFewTrials):
        sd_range(1.0, 2)
    for sd in (math.nan, -1.0, math.inf):
        with pytest.raises(BadMeasurement):
            sd_range(sd, 7)
