"""The evidence in a few sums: one race from its measurements, or thousands of simulated ones."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from upward.core.metric import Metric
from upward.stats.arrays import spread, step
from upward.stats.student import cdf

Array = NDArray[np.float64]

# Expected size of a gain worth finding, in standard deviations of one measurement. Of 0.7 to 4 and
# their mixtures, 2 found the most gains of 1 to 4 sd within ten trials, with the fewest trials.
SCALES = (2.0,)

# A race goes on while a mean gain better by this many standard errors could still win it. 1 gives
# up null candidates after 3.5 trials and loses 1 of 90 gains of 2 sd; 2 takes 4.7 and loses none.
LUCK = 1.0


NOTHING: Array = np.empty(0)

# A race may be given up from this many fresh trials of the candidate on.
FUTILE_FROM = 3


@dataclass(frozen=True, slots=True)
class Arms:
    """Two arms; every field a number, or arrays that broadcast together.

    Args:
        gain: difference of the means, positive when the candidate is better.
        candidate_n: its measurements, 1 or more.
        candidate_ss: their sum of squared distances from their mean.
        incumbent_n: 2 or more.
        incumbent_ss: likewise; the two sums must not both be 0.
        earlier_df: degrees of freedom that trials of the incumbent from before the race add to
            `incumbent_ss`. They say how much it varies, not where it is now.
    """

    gain: ArrayLike
    candidate_n: ArrayLike
    candidate_ss: ArrayLike
    incumbent_n: ArrayLike
    incumbent_ss: ArrayLike
    earlier_df: ArrayLike = 0.0

    def log_evidence(self, scales: tuple[float, ...] = SCALES) -> Array:
        """Logarithm of the smaller of the pooled and Welch factors; see `sequential.evidence`."""
        gain, k, mine, n, theirs, earlier = self._together()
        size = n * k / (n + k)
        df = n + k - 2.0 + earlier
        noise, own = welch(k, mine, n, theirs, earlier)
        t = np.stack([gain * np.sqrt(size * df / (mine + theirs)), gain / np.sqrt(noise)])
        pooled, single = _factor(t, size, np.stack([df, own]), scales)
        return np.minimum(pooled, np.where(k > 1, single, 0.0))

    def ahead(self, cap: int) -> "Arms":
        """The arms filled up to the cap, spreads as now, and luckier by `LUCK` standard errors."""
        gain, k, mine, n, theirs, earlier = self._together()
        noise, _ = welch(k, mine, n, theirs, earlier)
        most, others = np.maximum(k, cap), np.maximum(n, cap)
        return Arms(
            gain=gain + LUCK * np.sqrt(noise),
            candidate_n=most,
            candidate_ss=mine * (most - 1.0) / np.maximum(k - 1.0, 1.0),
            incumbent_n=others,
            incumbent_ss=theirs * (others - 1.0 + earlier) / (n - 1.0 + earlier),
            earlier_df=earlier,
        )

    def _together(self) -> tuple[Array, ...]:
        sums = (
            self.gain,
            self.candidate_n,
            self.candidate_ss,
            self.incumbent_n,
            self.incumbent_ss,
            self.earlier_df,
        )
        return np.broadcast_arrays(*(np.asarray(value, np.float64) for value in sums))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs measured side by side; every field a number, or arrays that broadcast together.

    Args:
        gain: mean of the gains, positive when the candidate is better.
        n: number of pairs, 2 or more.
        ss: sum of squared distances of the gains from their mean, above 0.
    """

    gain: ArrayLike
    n: ArrayLike
    ss: ArrayLike

    def log_evidence(self, scales: tuple[float, ...] = SCALES) -> Array:
        """Logarithm of the one-sample factor; see `sequential.evidence_paired`."""
        gain, n, ss = self._together()
        return _factor(gain * np.sqrt(n * (n - 1.0) / ss), n, n - 1.0, scales)

    def ahead(self, cap: int) -> "Pairs":
        """The pairs filled up to the cap, spread as now, and luckier by `LUCK` standard errors."""
        gain, n, ss = self._together()
        most = np.maximum(n, cap)
        luck = LUCK * np.sqrt(ss / (n * (n - 1.0)))
        return Pairs(gain + luck, most, ss * (most - 1.0) / (n - 1.0))

    def _together(self) -> tuple[Array, ...]:
        return np.broadcast_arrays(
            *(np.asarray(value, np.float64) for value in (self.gain, self.n, self.ss))
        )


def hopeless(sums: Arms | Pairs, *, cap: int, bar: float) -> NDArray[np.bool_]:
    """Whether a race can be given up, elementwise: no gain so far, or the bar is out of reach.

    Giving up can only cost power, never error.

    Args:
        sums: as they are now, with two measurements of the candidate or more.
        cap: most trials of a candidate.
        bar: logarithm of the evidence that is needed.
    """
    return (np.asarray(sums.gain) <= 0.0) | (sums.ahead(cap).log_evidence() < bar)


def sum_arms(candidate: Array, incumbent: Array, metric: Metric, earlier: Array = NOTHING) -> Arms:
    """Sum up two arms that are not all one value, in units of their whole range.

    The unit keeps squares of very small or large measurements inside a double; the evidence does
    not depend on it. Where values repeat, a measurement is taken to be rounded to the smallest
    step seen, and each arm's spread is at least that of rounding (step^2 / 12 a value).
    """
    everything = np.concatenate([candidate, incumbent, earlier])
    unit = float(np.ptp(everything))
    rounding = (step(everything) / unit) ** 2 / 12.0
    return Arms(
        gain=metric.gain(float(np.mean(candidate)), float(np.mean(incumbent))) / unit,
        candidate_n=candidate.size,
        candidate_ss=max(spread(candidate / unit), candidate.size * rounding),
        incumbent_n=incumbent.size,
        incumbent_ss=max(
            spread(incumbent / unit) + spread(earlier / unit),
            (incumbent.size + earlier.size) * rounding,
        ),
        earlier_df=max(0, earlier.size - 1),
    )


def sum_pairs(gains: Array, tie: float = 0.0) -> Pairs:
    """Sum up gains of pairs, not all 0, in units of the largest; rounding as in `sum_arms`.

    Gains that differ by no more than `tie`, which is less than the largest, count as equal.
    """
    unit = float(np.max(np.abs(gains)))
    # With the mirror image, so that the step is that of the metric also where all gains agree.
    rounding = (step(np.concatenate([gains, -gains, [0.0]]), tie) / unit) ** 2 / 12.0
    ss = max(spread(gains / unit), gains.size * rounding)
    return Pairs(float(np.mean(gains)) / unit, gains.size, ss)


def welch(k: Array, mine: Array, n: Array, theirs: Array, earlier: Array) -> tuple[Array, Array]:
    """Squared standard error of the difference of means, and Satterthwaite's degrees of freedom."""
    own = n - 1.0 + earlier
    first = mine / (k * np.maximum(k - 1.0, 1.0))
    second = theirs / (n * own)
    share = first / (first + second)
    df = 1.0 / (share**2 / np.maximum(k - 1.0, 1.0) + (1.0 - share) ** 2 / own)
    return first + second, df


def _factor(t: Array, size: Array, df: Array, scales: tuple[float, ...]) -> Array:
    parts = np.stack([_half_normal(t, size, df, scale * scale) for scale in scales])
    return np.logaddexp.reduce(parts, axis=0) - math.log(len(scales))


def _half_normal(t: Array, size: Array, df: Array, g: float) -> Array:
    """Log Bayes factor of gains with a half-normal prior of variance g, in units of sd."""
    r = 1.0 + size * g
    squared = t * t
    two_sided = 0.5 * (df + 1.0) * (
        np.log1p(squared / df) - np.log1p(squared / (df * r))
    ) - 0.5 * np.log(r)
    at = t * np.sqrt(size * g / r * (df + 1.0) / (df + squared / r))
    return math.log(2.0) + two_sided + np.log(np.maximum(cdf(at, df + 1.0), 1e-300))
