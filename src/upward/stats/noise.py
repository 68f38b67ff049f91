"""How much repeats differ, and what can be seen through that."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.plan import Plan
from upward.stats.arrays import finite, spread
from upward.stats.sources import sd_range
from upward.stats.sums import FUTILE_FROM, Arms, Pairs, hopeless
from upward.stats.timing import fewest_pairs

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

# Simulated races behind one resolution: its Monte-Carlo error is then about one percent.
_RACES = 2000
_SEED = 20_240_711
_LARGEST_SD = 64.0

# fewer trials of a candidate say too little about its spread to overrule a calibration
FEWEST_NEWER = 4
# older ones than these ran on another day
_MOST_NEWER = 16
_SURE = 0.8


def noise(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of repeated measurements.

    Args:
        values: shape (n,), n >= 2 (a study uses 8 or more), metric unit.

    Returns:
        (mean, sd), metric unit. An sd of exactly 0 means that no repeat differed by more than the
        last digits of a double: the metric is deterministic or rounded, which is not certainty.
        The sd of 8 values is itself known only within about a factor of two.

    Raises:
        TooFewTrials: fewer than two values.
        BadMeasurement: a value is NaN or infinite.
    """
    array = finite(values, what="noise", needed=2)
    return float(np.mean(array)), math.sqrt(spread(array) / (array.size - 1))


def recalibrated(sd: float, values: Sequence[float]) -> float:
    """Return what a calibration says of the noise, corrected by newer trials of another candidate.

    An improved candidate may vary far less than the baseline did, or more. The calibration stands
    where it agrees with the newer trials; where it lies outside the 80 % interval of their
    standard deviation, the nearer end of that interval is taken.

    Args:
        sd: of one measurement, from the calibration, metric unit.
        values: shape (n,), repeats of one candidate, metric unit, oldest first; the last 16
            count, and with fewer than 4 the calibration stands alone.

    Raises:
        BadMeasurement: a value is NaN or infinite, or `sd` is no standard deviation.

    Example:
        >>> recalibrated(1.0, [5.0, 6.0, 4.0, 5.5])
        1.0
        >>> round(recalibrated(1.0, [5.01, 5.02, 5.0, 5.01]), 3)
        0.019
    """
    if not (math.isfinite(sd) and sd >= 0.0):
        raise BadMeasurement("sd", f"{sd} is not a standard deviation")
    newer = list(values)[-_MOST_NEWER:]
    if len(newer) < FEWEST_NEWER:
        return sd
    low, high = sd_range(noise(newer)[1], len(newer) - 1, level=_SURE)
    return min(max(sd, low), high)


def resolution(
    sd: float, *, plan: Plan, incumbent_trials: int, power: float = 0.8, paired: bool = False
) -> float:
    """Return the smallest gain that a race under this plan finds in 80 % of cases.

    For people who ask what a study can see at all. Found by simulating the race itself (Gaussian
    noise, the screen left out) with a fixed internal generator; the same arguments give the same
    number. Pairs must also be as many as the sign-flip test needs (`upward.stats.timing`).

    Args:
        sd: of one measurement, metric unit, as from `noise`.
        plan: its alpha, cap and floor count.
        incumbent_trials: measurements that the incumbent brings along, 2 or more; a race adds
            one of its own for each of the candidate's.
        power: share of races that must find the gain, in (0, 1).
        paired: whether the race compares pairs side by side (timing metrics); pairs have the
            noise of both sides, and the incumbent brings nothing along.

    Returns:
        Metric unit, Monte-Carlo error about one percent. 0 for an sd of 0: any difference that
        the metric shows can then be found.

    Raises:
        TooFewTrials: fewer than two trials of the incumbent, or no gain, however large, is found
            that often within the cap.
        BadMeasurement: `sd` is negative, NaN or infinite, or `power` is no share.

    Cost: about half a second at first, nothing for the same plan again.
    """
    if not (math.isfinite(sd) and sd >= 0.0):
        raise BadMeasurement("sd", f"{sd} is not a standard deviation")
    if not 0.0 < power < 1.0:
        raise BadMeasurement("power", f"{power} is not a share between 0 and 1")
    if incumbent_trials < 2 and not paired:
        raise TooFewTrials("a resolution", 2, incumbent_trials)
    held = 0 if paired else incumbent_trials
    return sd * _in_sd(plan.alpha, plan.race_cap, plan.incumbent_floor, held, power)


def power_of(
    gain: float, sd: float, *, plan: Plan, incumbent_trials: int, paired: bool = False
) -> float:
    """Return the share of races under this plan that find a gain; the inverse of `resolution`.

    Args:
        gain: metric unit, above 0.
        sd: of one measurement, metric unit, above 0.
        plan: see `resolution`.
        incumbent_trials: see `resolution`.
        paired: see `resolution`.

    Returns:
        In [0, 1], Monte-Carlo error about one percent; the same arguments give the same number.

    Raises:
        BadMeasurement: `gain` or `sd` is not above 0 or not finite.
        TooFewTrials: fewer than two trials of the incumbent.

    Example:
        >>> 0.75 < power_of(1.8, 1.0, plan=Plan(), incumbent_trials=8) < 0.85
        True
    """
    for name, value in (("gain", gain), ("sd", sd)):
        if not (math.isfinite(value) and value > 0.0):
            raise BadMeasurement(name, f"{value} is not above 0")
    if incumbent_trials < 2 and not paired:
        raise TooFewTrials("the power of a race", 2, incumbent_trials)
    held = 0 if paired else incumbent_trials
    return _races(plan.alpha, plan.race_cap, plan.incumbent_floor, held)(gain / sd)


def expected_best_of(k: int) -> float:
    """Return the expected maximum of k standard normal values, in sd.

    What the best of k tries would have shown if all of them were noise; printed beside headlines.

    Args:
        k: number of tries, 1 or more.

    Raises:
        TooFewTrials: k is below 1.

    Example:
        >>> [round(expected_best_of(k), 2) for k in (1, 10, 100, 1000)]
        [0.0, 1.54, 2.51, 3.24]
    """
    if k < 1:
        raise TooFewTrials("the best of noise", 1, k)
    grid = np.linspace(-12.0, 12.0, 4801)
    below = np.array([math.log(0.5 * math.erfc(-x / math.sqrt(2.0))) for x in grid])
    density = np.exp(math.log(k) + (k - 1) * below - 0.5 * grid**2) / math.sqrt(2.0 * math.pi)
    return float(np.sum(grid * density) * (grid[1] - grid[0])) + 0.0


@lru_cache(maxsize=64)
def _in_sd(alpha: float, cap: int, floor: int, held: int, power: float) -> float:
    """Bisect for the gain; the same noise for every gain makes the share found monotone."""
    found = _races(alpha, cap, floor, held)
    low, high = 0.0, _LARGEST_SD
    if found(high) < power:
        raise TooFewTrials(f"a race that finds {power:.0%} of large gains", cap + 1, cap)
    while high - low > 1e-3 * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return high


def _races(alpha: float, cap: int, floor: int, held: int) -> Callable[[float], float]:
    """A function from a gain in sd to the share of simulated races that find it."""
    generator = np.random.default_rng(_SEED)
    candidate = generator.standard_normal((_RACES, cap))
    incumbent = generator.standard_normal((_RACES, max(floor, cap)))
    earlier = generator.standard_normal((_RACES, held))

    def arms(gain: float, rows: Rows, k: int) -> Arms:
        beside = incumbent[rows, : max(floor, k)]
        return _arms(candidate[rows, :k] + gain, beside, earlier[rows])

    def pairs(gain: float, rows: Rows, k: int) -> Pairs:
        return _pairs(candidate[rows, :k] - incumbent[rows, :k] + gain)

    summed, least = (arms, 2) if held else (pairs, max(floor, fewest_pairs(alpha)))

    def found(gain: float) -> float:
        return _share(partial(summed, gain), cap=cap, bar=-math.log(alpha), least=least)

    return found


def _share(
    summed: Callable[[Rows, int], Arms | Pairs], *, cap: int, bar: float, least: int
) -> float:
    """Share of races that reach the bar, with `least` trials or more, before they are given up."""
    live, won = np.arange(_RACES), 0
    for k in range(2, cap + 1):
        if not live.size:
            break
        sums = summed(live, k)
        wins = (sums.log_evidence() >= bar) & (k >= least)
        won += int(np.sum(wins))
        over = wins | hopeless(sums, cap=cap, bar=bar) if FUTILE_FROM <= k < cap else wins
        live = live[~over]
    return won / _RACES


def _arms(candidate: Array, incumbent: Array, earlier: Array) -> Arms:
    k, n, m = candidate.shape[1], incumbent.shape[1], earlier.shape[1]
    return Arms(
        gain=np.mean(candidate, axis=1) - np.mean(incumbent, axis=1),
        candidate_n=k,
        candidate_ss=np.var(candidate, axis=1) * k,
        incumbent_n=n,
        incumbent_ss=np.var(incumbent, axis=1) * n + np.var(earlier, axis=1) * m,
        earlier_df=m - 1,
    )


def _pairs(gains: Array) -> Pairs:
    n = gains.shape[1]
    return Pairs(np.mean(gains, axis=1), n, np.var(gains, axis=1) * n)
