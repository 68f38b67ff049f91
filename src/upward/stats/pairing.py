"""Whether two candidates should share their seeds, so that luck cancels in the difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upward.core.errors import BadMeasurement
from upward.core.plan import Plan
from upward.stats.arrays import TIE, Array, finite, spread
from upward.stats.noise import resolution
from upward.stats.student import quantile

# With fewer pairs even a perfect-looking correlation has an interval that says nothing.
FEWEST = 6


@dataclass(frozen=True, slots=True)
class Pairing:
    """How much of the luck two candidates share on the same seeds.

    Args:
        n: pairs.
        correlation: of the two arms over the seeds, in [-1, 1].
        low: lower end of its interval.
        high: upper end.
        ratio: variance of the paired difference over that of an unpaired one: 1 where sharing
            seeds changes nothing, 0 where all luck cancels, up to 2.
        ratio_low: lower end of its interval.
        ratio_high: upper end.
        break_even: ratio below which a race of pairs sees smaller gains than one without.
        pays: whether even the upper end lies below that.
    """

    n: int
    correlation: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    break_even: float
    pays: bool


def pairing(
    first: Sequence[float], second: Sequence[float], *, break_even: float, level: float = 0.95
) -> Pairing:
    """Estimate from matched measurements whether pairing pays.

    For a baseline and a near copy of it on the same seeds. A larger edit shares less luck with its
    incumbent, so this is the best that pairing can do, not what it does for every candidate.

    Args:
        first: shape (n,), n >= 6, metric unit (its logarithm for timings).
        second: shape (n,), the same seeds in the same order.
        break_even: ratio that pairing must beat, in (0, 1]; see `break_even_ratio`.
        level: two-sided coverage of the intervals, in (0, 1).

    Returns:
        The correlation 2 cov / (var + var), which is Pearson's where both arms vary alike, and
        the ratio, which is 1 minus it. The interval is exact for Gaussian arms that vary alike;
        a width of zero means that the arms differ by the same amount in every pair.

    Raises:
        TooFewTrials: fewer than six pairs.
        BadMeasurement: shapes differ, a value is NaN or infinite, an arm never varies, or the two
            agree in every pair: such a copy changed nothing that could tell.

    Source: Morgan (1939), Pitman (1939): sum and difference of the arms are uncorrelated exactly
        where the arms vary alike, so the ratio of their variances is the true one times F with
        (n-1, n-1) degrees of freedom. With equal degrees of freedom, (sqrt F - 1/sqrt F) sqrt(v)/2
        is Student's t of v, hence atanh(correlation) +- asinh(t / sqrt v).

    Example:
        >>> shared = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
        >>> near = [0.1, 0.9, 2.1, 3.1, 3.9, 5.0, 6.1, 6.9]
        >>> pairing(shared, near, break_even=0.8).pays
        True
    """
    one = finite(first, what="pairing", needed=FEWEST)
    other = finite(second, what="pairing", needed=FEWEST)
    if one.shape != other.shape:
        raise BadMeasurement("pairing", f"{one.size} and {other.size} values make no pairs")
    if not (spread(one) > 0.0 and spread(other) > 0.0):
        raise BadMeasurement("pairing", "one of the two never varies, so there is no luck to share")
    if not np.any(np.abs(one - other) > TIE * np.maximum(np.abs(one), np.abs(other))):
        raise BadMeasurement("pairing", "the two agree in every pair, so nothing is learned")
    at, low, high = _interval(one, other, level)
    pays = 1.0 - low < break_even
    return Pairing(one.size, at, low, high, 1.0 - at, 1.0 - high, 1.0 - low, break_even, pays)


def _interval(one: Array, other: Array, level: float) -> tuple[float, float, float]:
    """The correlation with the ends of its interval."""
    apart, together = spread(one - other), spread(one + other)
    size = spread(one) + spread(other)
    if min(apart, together) <= TIE**2 * size:
        certain = 1.0 if apart < together else -1.0
        return certain, certain, certain
    middle = 0.5 * math.log(together / apart)
    freedom = one.size - 1.0
    half = math.asinh(quantile(0.5 + level / 2.0, freedom) / math.sqrt(freedom))
    at, low, high = (math.tanh(middle + shift) for shift in (0.0, -half, half))
    return at, low, high


def break_even_ratio(plan: Plan, *, incumbent_trials: int) -> float:
    """Return the variance ratio below which a race of pairs sees more than one without pairs.

    Pairs cost degrees of freedom, and what is known of the incumbent from before does not count
    for them; so a slightly smaller variance is not enough.

    Args:
        plan: error level, cap and floor of a race.
        incumbent_trials: measurements that the incumbent brings along where nothing is paired.

    Raises:
        TooFewTrials: a race under this plan finds nothing, as `resolution`.

    Example:
        >>> round(break_even_ratio(Plan(), incumbent_trials=8), 2)
        0.81
    """
    free = resolution(1.0, plan=plan, incumbent_trials=incumbent_trials)
    paired = resolution(1.0, plan=plan, incumbent_trials=incumbent_trials, paired=True)
    return min(1.0, (free / paired) ** 2)
