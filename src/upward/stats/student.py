"""Student's t distribution in numpy alone: the engine must run without scipy."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_TINY = 1e-300
_MOST_STEPS = 2000


def cdf(t: ArrayLike, df: ArrayLike) -> Array:
    """Return P(T <= t), elementwise.

    Args:
        t: any shape, finite.
        df: degrees of freedom above 0, broadcast against `t`; need not be whole.

    Returns:
        Probabilities, relative error about 1e-13 in the lower tail, never exactly 0 for finite
        arguments in reach of a double.

    Source: DLMF 8.17.22 (continued fraction of the incomplete beta function).
    """
    at, freedom = np.broadcast_arrays(np.asarray(t, float), np.asarray(df, float))
    squared = at * at
    total = freedom + squared
    lower = 0.5 * _beta(freedom / 2.0, freedom / total, squared / total)
    return np.where(at < 0, lower, 1.0 - lower)


def quantile(p: float, df: float) -> float:
    """Return the t with P(T <= t) = p, for p in (0, 1), by narrowing a grid."""
    if p < 0.5:
        return -quantile(1.0 - p, df)
    low, high = 0.0, 1.0
    while float(cdf(high, df)) < p:
        low, high = high, 2.0 * high
    while high - low > 1e-13 * high:
        grid = np.linspace(low, high, 65)
        cut = int(np.searchsorted(cdf(grid[1:-1], df), p))
        low, high = float(grid[cut]), float(grid[cut + 1])
    return 0.5 * (low + high)


def _beta(a: Array, x: Array, y: Array) -> Array:
    """Regularised I_x(a, 1/2), with y = 1 - x given beside x so that no digit is lost."""
    front = np.exp(
        a * np.log(np.maximum(x, _TINY))
        + 0.5 * np.log(np.maximum(y, _TINY))
        + _log_gamma(a + 0.5)
        - _log_gamma(a)
        - math.lgamma(0.5)
    )
    turn = x < (a + 1.0) / (a + 2.5)
    first = np.where(turn, a, 0.5)
    second = np.where(turn, 0.5, a)
    tail = front * _fraction(first, second, np.where(turn, x, y)) / first
    return np.where(turn, tail, 1.0 - tail)


def _log_gamma(values: Array) -> Array:
    """Few distinct degrees of freedom occur at a time, so each is computed once."""
    distinct, where = np.unique(values, return_inverse=True)
    return np.array([math.lgamma(v) for v in distinct])[where].reshape(values.shape)


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """Lentz's method for the continued fraction of I_x(a, b), all elements at once."""
    c = np.ones_like(x)
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    total = d.copy()
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            total = total * d * c
        if np.all(np.abs(d * c - 1.0) < 1e-14):
            break
    return total


def _away_from_zero(value: Array) -> Array:
    return np.where(np.abs(value) < _TINY, _TINY, value)
