"""Whether two candidates should share their seeds, so that luck cancels in the difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from upward.core.errors import BadMeasurement, EvidenceError, TooFewTrials
from upward.core.plan import Plan
from upward.stats.arrays import TIE, Array, finite, spread
from upward.stats.noise import resolution
from upward.stats.student import quantile

# With fewer pairs even a perfect-looking correlation has an interval that says nothing.
FEWEST = 6

# a correlation of 0.9998: one race in which every pair differs by the same must not outweigh all
_CERTAIN = 4.6


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
    one, other = _arms(first, second, FEWEST)
    if not (spread(one) > 0.0 and spread(other) > 0.0):
        raise BadMeasurement("pairing", "one of the two never varies, so there is no luck to share")
    if _agree(one, other):
        raise BadMeasurement("pairing", "the two agree in every pair, so nothing is learned")
    at, low, high = _interval(one, other, level)
    pays = 1.0 - low < break_even
    return Pairing(one.size, at, low, high, 1.0 - at, 1.0 - high, 1.0 - low, break_even, pays)


def pairing_of_races(
    races: Sequence[tuple[Sequence[float], Sequence[float]]],
    *,
    break_even: float,
    level: float = 0.95,
) -> Pairing:
    """Estimate from the races of a study whether pairing pays in the next one.

    Each race compared two other candidates, at another level and with another spread, so only its
    own pairs are compared with each other.

    Args:
        races: the two arms of each, shape (n,) with n >= 2 in both, the same seeds in the same
            order, metric unit. One in which an arm never varies, or whose arms agree in every
            pair, says nothing and is left out.
        break_even: as in `pairing`.
        level: as in `pairing`.

    Returns:
        As `pairing`, for a correlation that all races have in common; where edits differ, it is
        that of a typical one. The interval is approximate from the second race on.

    Raises:
        TooFewTrials: fewer than six pairs in races that say something.
        BadMeasurement: arms of two lengths, or a value is NaN or infinite.

    Source: half the logarithm of the ratio of variances (of sum and difference) is atanh of the
        correlation plus half the logarithm of an F of (v, v) degrees of freedom, whose mean is 0
        and whose variance is trigamma(v / 2) / 2; averaged with weights inverse to that.
    """
    pairs, points, weights = 0, list[float](), list[float]()
    for first, second in races:
        one, other = _arms(first, second, 2)
        if not (spread(one) > 0.0 and spread(other) > 0.0) or _agree(one, other):
            continue
        pairs += one.size
        points.append(_point(one, other))
        weights.append(2.0 / _trigamma(one.size - 1))
    if pairs < FEWEST:
        raise TooFewTrials("pairing", FEWEST, pairs)
    middle = float(np.average(points, weights=weights))
    half = NormalDist().inv_cdf(0.5 + level / 2.0) / math.sqrt(sum(weights))
    at, low, high = (math.tanh(middle + shift) for shift in (0.0, -half, half))
    pays = 1.0 - low < break_even
    return Pairing(pairs, at, low, high, 1.0 - at, 1.0 - high, 1.0 - low, break_even, pays)


def pairing_so_far(
    races: Sequence[tuple[Sequence[float], Sequence[float]]], break_even: float | None
) -> Pairing | None:
    """Return `pairing_of_races`, or None where that cannot be told yet.

    Args:
        races: of one study on shared seeds.
        break_even: as its calibration found it; None where its arms share no seeds.
    """
    if break_even is None:
        return None
    try:
        return pairing_of_races(races, break_even=break_even)
    except EvidenceError:
        return None


def sees_in_pairs(
    races: Sequence[tuple[Sequence[float], Sequence[float]]], break_even: float | None
) -> float:
    """Return what pairs make of the smallest visible gain: a factor, 1 where they may not pay.

    Taken at the upper end of the ratio, so that it does not promise too much. Arguments as in
    `pairing_so_far`.
    """
    known = pairing_so_far(races, break_even)
    if known is None or not known.pays:
        return 1.0
    return math.sqrt(known.ratio_high / known.break_even)


def _arms(first: Sequence[float], second: Sequence[float], needed: int) -> tuple[Array, Array]:
    one = finite(first, what="pairing", needed=needed)
    other = finite(second, what="pairing", needed=needed)
    if one.shape != other.shape:
        raise BadMeasurement("pairing", f"{one.size} and {other.size} values make no pairs")
    return one, other


def _agree(one: Array, other: Array) -> bool:
    return not np.any(np.abs(one - other) > TIE * np.maximum(np.abs(one), np.abs(other)))


def _point(one: Array, other: Array) -> float:
    """Inverse hyperbolic tangent of the correlation of one race, cut off where it is certain."""
    apart, together = spread(one - other), spread(one + other)
    size = TIE * (spread(one) + spread(other))
    middle = 0.5 * math.log(max(together, size) / max(apart, size))
    return min(_CERTAIN, max(-_CERTAIN, middle))


def _trigamma(twice: int) -> float:
    """Second derivative of the logarithm of the gamma function, at half of a whole number.

    Source: DLMF 5.15.1, from the values at 1/2 and at 1 by 5.15.5.
    """
    at = 0.5 if twice % 2 else 1.0
    value = math.pi**2 / 2.0 if twice % 2 else math.pi**2 / 6.0
    while at < twice / 2.0 - 0.25:
        value -= 1.0 / at**2
        at += 1.0
    return value


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
