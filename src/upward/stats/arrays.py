"""Measurements into arrays that can be computed with, or an error."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Metric

Array = NDArray[np.float64]

# Two measurements closer than this share of their size are one value: the order in which a scorer
# adds its terms changes the last digits of a double by about this much.
TIE = 1e-12

# Beyond this, squares leave the range of a double.
LARGEST = 1e150


def checked(values: Sequence[float], metric: Metric, *, what: str, needed: int) -> Array:
    """Return measurements as an array, each of them valid for its metric.

    Raises:
        TooFewTrials: fewer than `needed`.
        BadMeasurement: one is not a finite number, beyond the metric's bound, or too large.
    """
    return finite([metric.check(value) for value in values], what=what, needed=needed)


def finite(values: Sequence[float], *, what: str, needed: int) -> Array:
    """Return numbers as an array of shape (n,) with n >= `needed`, all finite.

    Raises:
        TooFewTrials: fewer than `needed`.
        BadMeasurement: not one row of numbers, or one of them is NaN, infinite or above 1e150.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise BadMeasurement(what, f"shape {array.shape} is not one row of numbers")
    if array.size < needed:
        raise TooFewTrials(what, needed, array.size)
    if not np.all(np.abs(array) <= LARGEST):
        raise BadMeasurement(what, "a value is NaN, infinite or too large to be squared")
    return array


def same(values: Array) -> bool:
    """Whether all values are one value, up to the last digits of a double."""
    return float(np.ptp(values)) <= TIE * float(np.max(np.abs(values)))


def spread(values: Array) -> float:
    """Sum of squared distances from the mean; 0 for no value, exactly 0 where all are one value."""
    if not values.size or same(values):
        return 0.0
    return float(np.sum((values - np.mean(values)) ** 2))


def step(values: Array, tie: float = 0.0) -> float:
    """Smallest distance between two different values: the metric is no finer than it looks.

    0 where all values are one value. Distances up to `tie` count as none, for differences of
    values that were far larger.
    """
    gaps = np.diff(np.sort(values))
    gaps = gaps[gaps > max(tie, TIE * float(np.max(np.abs(values))))]
    return float(np.min(gaps)) if gaps.size else 0.0
