"""Evidence that may be looked at after every trial: t-type e-processes for one and two arms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upward.core.metric import Metric
from upward.stats.arrays import checked, finite, same, spread
from upward.stats.student import quantile
from upward.stats.sums import SCALES, sum_arms, sum_pairs, welch

Array = NDArray[np.float64]

# Evidence beyond this says nothing more, and stays a finite number in every format.
MOST = 1e12


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better the candidate is, positive when better.

    Args:
        estimate: difference of the means.
        low: lower end of the interval.
        high: upper end; a width of zero means a deterministic or rounded metric, not certainty.
    """

    estimate: float
    low: float
    high: float


def evidence(
    candidate: Sequence[float],
    incumbent: Sequence[float],
    *,
    metric: Metric,
    earlier: Sequence[float] = (),
    scales: tuple[float, ...] = SCALES,
) -> float:
    """Return the e-value of "the candidate's mean is better than the incumbent's".

    Use it after every trial of either arm: whoever accepts at 1 / alpha the first time it gets
    there errs with probability at most alpha. Not for timings that drift (`evidence_paired`), and
    never with the trial that selected the candidate.

    It is the smaller of two Bayes factors with the right-Haar prior on (mean, sd) and half-normal
    priors on the gain in units of sd. **Pooled**, which assumes one sd for both arms, is exact:
    the factor is the likelihood ratio of the data up to shift and scale, whose law under equal
    means does not depend on mean or sd; hence it is a test martingale in the filtration of those
    invariants, for any order of the arms and any stopping that depends on invariants only (all
    rules in `upward.stats.verdict` do), and Ville's inequality holds. A candidate that is worse
    has a smaller factor on every path. **Welch** uses each arm's own sd with Satterthwaite's
    degrees of freedom; the smaller of both keeps the error below alpha also where the candidate
    is three to a hundred times noisier, which the pooled one alone does not (17 % at three times).

    What is not covered: trials that depend strongly on each other (by simulation 2 % error at an
    autocorrelation of 0.3, but 8 % at 0.6). Trials of the incumbent from another hour or machine
    belong into `earlier`: they tell how much it varies, which does not drift, and not where it
    is, which does.

    Args:
        candidate: shape (k,), metric unit, in any order; none at all gives exactly 1.
        incumbent: shape (n,), n >= 2, metric unit, interleaved with the candidate's.
        metric: says which way is better.
        earlier: shape (m,), metric unit, of the incumbent before this comparison; only their
            spread counts. Their mean may be any other, and the factor stays exact.
        scales: standard deviations of the prior on the gain in sd, mixed in equal parts.

    Returns:
        In [0, 1e12]; 1 where nothing is known. A single trial of the candidate never gives more
        than 1, because its own spread is unknown. Where values repeat, a measurement is taken to
        be rounded to the smallest step seen, and the spread is at least that of rounding: two
        arms that never vary are not infinitely certain.

    Raises:
        TooFewTrials: fewer than two measurements of the incumbent.
        BadMeasurement: a value that is no measurement of this metric.

    Cost: half a millisecond; no randomness.

    Source: Lai (1976); Rouder et al. (2009), doi:10.3758/PBR.16.2.225; Wang and Ramdas (2024),
        arXiv:2310.03722. With t the two-sample t of v degrees of freedom, 1/m = 1/k + 1/n,
        g = scale^2 and r = 1 + m g, the half-normal prior has the closed form
        2 r^(-1/2) ((1 + t^2/v) / (1 + t^2/(v r)))^((v+1)/2) P(T_{v+1} <= c t), with
        c^2 = (v + 1) m g / (r v + t^2): the two-sided factor times twice the posterior
        probability of a gain, which is itself a Student probability.
    """
    before = checked(incumbent, metric, what="evidence against the incumbent", needed=2)
    now = checked(candidate, metric, what="evidence for the candidate", needed=0)
    past = checked(earlier, metric, what="evidence from before", needed=0)
    if not now.size or same(np.concatenate([now, before])):
        return 1.0
    return _bounded(sum_arms(now, before, metric, past).log_evidence(scales))


def evidence_paired(gains: Sequence[float], *, scales: tuple[float, ...] = SCALES) -> float:
    """Return the e-value of "the mean gain is above zero" from pairs measured side by side.

    The one-sample form of `evidence`: exact for Gaussian gains of unknown sd, looked at after
    every pair.

    Args:
        gains: shape (n,), one per pair, positive when the candidate is better; for timings the
            logarithm of the ratio.
        scales: as in `evidence`, in sd of one gain.

    Returns:
        In [0, 1e12]; 1 for fewer than two pairs, or where no gain differs from zero.

    Raises:
        BadMeasurement: a gain is NaN or infinite.
    """
    array = finite(gains, what="evidence from pairs", needed=0)
    if array.size < 2 or not np.any(array):
        return 1.0
    return _bounded(sum_pairs(array).log_evidence(scales))


def interval(
    candidate: Sequence[float],
    incumbent: Sequence[float],
    *,
    metric: Metric,
    earlier: Sequence[float] = (),
    level: float = 0.95,
) -> Gain:
    """Return the gain with its Welch t interval, for the report and for ONE look.

    Args:
        candidate: shape (k,), k >= 2, metric unit.
        incumbent: shape (n,), n >= 2, metric unit.
        metric: says which way is better.
        earlier: shape (m,), of the incumbent before; only their spread counts, as in `evidence`.
        level: two-sided coverage in (0, 1).

    Returns:
        Gain in metric units. After a race that stopped early it is too large on average (the
        winner's curse): fresh trials, not this interval, say what a gain is worth.

    Raises:
        TooFewTrials: fewer than two measurements in an arm; no interval is invented.
        BadMeasurement: a value that is no measurement of this metric.

    Source: Welch (1947), doi:10.1093/biomet/34.1-2.28.
    """
    now = checked(candidate, metric, what="an interval for the candidate", needed=2)
    before = checked(incumbent, metric, what="an interval for the incumbent", needed=2)
    past = checked(earlier, metric, what="an interval from before", needed=0)
    estimate = metric.gain(float(np.mean(now)), float(np.mean(before)))
    mine, theirs = spread(now), spread(before) + spread(past)
    if mine + theirs <= 0.0:
        return Gain(estimate, estimate, estimate)
    sums = (now.size, mine, before.size, theirs, max(0, past.size - 1))
    noise, df = welch(*(np.asarray(float(v)) for v in sums))
    return _around(estimate, math.sqrt(float(noise)), float(df), level)


def interval_paired(gains: Sequence[float], *, level: float = 0.95) -> Gain:
    """Return the mean gain of pairs with its Student t interval, for ONE look.

    Raises:
        TooFewTrials: fewer than two pairs.
        BadMeasurement: a gain is NaN or infinite.
    """
    array = finite(gains, what="an interval from pairs", needed=2)
    n = array.size
    error = math.sqrt(spread(array) / (n * (n - 1)))
    return _around(float(np.mean(array)), error, n - 1.0, level)


def _around(estimate: float, error: float, df: float, level: float) -> Gain:
    half = quantile(0.5 + level / 2.0, df) * error
    return Gain(estimate, estimate - half, estimate + half)


def _bounded(logarithm: Array) -> float:
    return min(MOST, math.exp(min(float(logarithm), 100.0)))
