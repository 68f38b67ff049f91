import numpy as np
import pytest
from scipy import stats

from upward.stats.student import cdf, quantile


@pytest.mark.labs
@pytest.mark.parametrize("df", [0.3, 1.0, 2.0, 3.7, 9.0, 30.0, 400.0, 1e5])
def test_probabilities_agree_with_scipy_in_both_tails(df: float) -> None:
    t = np.linspace(-60.0, 60.0, 241)
    expected = np.asarray(stats.t.cdf(t, df))
    known = expected > 1e-280
    np.testing.assert_allclose(cdf(t, df)[known], expected[known], rtol=2e-9)


@pytest.mark.labs
@pytest.mark.parametrize("p", [0.025, 0.5, 0.9, 0.975, 0.9999])
@pytest.mark.parametrize("df", [1.0, 1.37, 7.0, 250.0])
def test_quantiles_agree_with_scipy(p: float, df: float) -> None:
    assert quantile(p, df) == pytest.approx(float(stats.t.ppf(p, df)), rel=1e-10, abs=1e-12)


def test_degrees_of_freedom_broadcast_against_values() -> None:
    both = cdf(np.array([[0.5], [-2.0]]), np.array([1.0, 5.0, 50.0]))
    assert both.shape == (2, 3)
    assert both[1, 2] == pytest.approx(float(cdf(-2.0, 50.0)))
