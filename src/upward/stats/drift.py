"""Whether a machine drifts: repeats that should be alike, looked at in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.stats.arrays import finite, spread

Array = NDArray[np.float64]

# Of eight repeats even the clearest order, all low ones first, is one of 35 by luck.
FEWEST = 12

# Shuffles behind one limit: it is then known to a fifth of a false-alarm rate of 1 %.
_SHUFFLES = 1999
_SEED = 20_240_712


@dataclass(frozen=True, slots=True)
class Drift:
    """What the order of some repeats shows.

    Args:
        n: repeats that were looked at.
        cusum: farthest point of the running sum of deviations, in units of the root of their
            sum of squares; about 0.8 for repeats in a random order.
        cusum_limit: which a random order exceeds with the stated false-alarm rate.
        shifted: whether the limit is exceeded.
        at: position of the first repeat after the farthest point; the most likely change.
        shift: mean deviation from there on minus that before, in the unit of the values.
        autocorrelation: of each deviation with the next, in [-1, 1].
        autocorrelation_limit: which a random order exceeds with the stated false-alarm rate.
        dependent: whether that limit is exceeded.
    """

    n: int
    cusum: float
    cusum_limit: float
    shifted: bool
    at: int
    shift: float
    autocorrelation: float
    autocorrelation_limit: float
    dependent: bool


def drift(
    values: Sequence[float], groups: Sequence[int] | None = None, *, false_alarm: float = 0.01
) -> Drift:
    """Look for a shift or a slow wave in repeats, by CUSUM and by lag-1 autocorrelation.

    The CUSUM (running sum of deviations from the mean) wanders far from zero only where early
    repeats differ from late ones. Both limits come from shuffling the repeats, so they hold for
    noise of any shape: without drift every order is equally likely. With groups, repeats are
    compared and shuffled within their group only, so that a difference between groups (seeds) is
    never taken for drift, however the groups lie in time.

    Args:
        values: shape (n,), in the order of time, any unit.
        groups: shape (n,), what each value is a repeat of; default: all of one thing. A value
            alone in its group is left out.
        false_alarm: rate at which each of the two alarms sounds without any drift, in (0, 1).

    Returns:
        No alarm means that drift is not visible, not that there is none: twenty repeats show a
        step of 1.5 standard deviations in half of all cases, of 2 in five of six.

    Raises:
        TooFewTrials: fewer than twelve values that have a repeat.
        BadMeasurement: a value is NaN or infinite, no repeat differs from another, the groups do
            not match the values, or the rate is no share.

    Cost: a few milliseconds; shuffles come from a fixed internal generator, so the same values
    give the same answer.

    Source: Page (1954), doi:10.1093/biomet/41.1-2.100, as a test on a whole series; limits by
        Monte-Carlo permutation, Barnard (1963).
    """
    array = finite(values, what="drift", needed=0)
    labels = np.zeros(array.size, np.intp) if groups is None else np.asarray(groups)
    if labels.shape != array.shape:
        raise BadMeasurement("drift", f"{labels.size} groups for {array.size} values")
    if not 0.0 < false_alarm < 1.0:
        raise BadMeasurement("drift", f"{false_alarm} is not a rate between 0 and 1")
    kept = _repeated(labels)
    rest, labels = _deviations(array[kept], labels[kept]), labels[kept]
    if rest.size < FEWEST:
        raise TooFewTrials("a look for drift", FEWEST, rest.size)
    if not np.any(rest):
        raise BadMeasurement("drift", "no repeat differs from another")
    return _judged(array[kept], rest, labels, false_alarm)


def _judged(values: Array, rest: Array, labels: NDArray[np.intp], false_alarm: float) -> Drift:
    shuffled = _shuffled(rest, labels)
    sums, waves = _farthest(shuffled), _wave(shuffled)
    cusum, wave = float(_farthest(rest[None])[0]), float(_wave(rest[None])[0])
    at = int(np.argmax(np.abs(np.cumsum(rest))[:-1])) + 1
    return Drift(
        n=rest.size,
        cusum=cusum,
        cusum_limit=_limit(sums, false_alarm),
        shifted=_rare(cusum, sums, false_alarm),
        at=at,
        shift=_shift(values, labels, at),
        autocorrelation=wave,
        autocorrelation_limit=_limit(waves, false_alarm),
        dependent=_rare(wave, waves, false_alarm),
    )


def _repeated(labels: NDArray[np.intp]) -> NDArray[np.bool_]:
    found, counts = np.unique(labels, return_counts=True)
    return np.isin(labels, found[counts > 1])


def _deviations(values: Array, labels: NDArray[np.intp]) -> Array:
    """Distance of each value from the mean of its group; exactly 0 where the group never varies."""
    rest = np.zeros_like(values)
    for label in np.unique(labels):
        of = labels == label
        if spread(values[of]) > 0.0:
            rest[of] = values[of] - np.mean(values[of])
    return rest


def _shuffled(rest: Array, labels: NDArray[np.intp]) -> Array:
    generator = np.random.default_rng(_SEED)
    rows = np.tile(rest, (_SHUFFLES, 1))
    for label in np.unique(labels):
        of = labels == label
        rows[:, of] = generator.permuted(rows[:, of], axis=1)
    return rows


def _farthest(rows: Array) -> Array:
    size = np.sqrt(np.sum(rows**2, axis=1))
    return np.max(np.abs(np.cumsum(rows, axis=1)), axis=1) / size


def _wave(rows: Array) -> Array:
    return np.sum(rows[:, 1:] * rows[:, :-1], axis=1) / np.sum(rows**2, axis=1)


def _limit(shuffled: Array, false_alarm: float) -> float:
    return float(np.quantile(shuffled, 1.0 - false_alarm, method="higher"))


def _rare(value: float, shuffled: Array, false_alarm: float) -> bool:
    """Whether so few shuffles reach the value, itself counted, that it is an alarm."""
    reached = int(np.sum(shuffled >= value * (1.0 - 1e-9)))
    return (1 + reached) / (1 + shuffled.size) <= false_alarm


def _shift(values: Array, labels: NDArray[np.intp], at: int) -> float:
    """Late minus early, averaged over the groups that have both."""
    late = np.arange(values.size) >= at
    found, weights = list[float](), list[float]()
    for label in np.unique(labels):
        after, before = values[(labels == label) & late], values[(labels == label) & ~late]
        if after.size and before.size:
            found.append(float(np.mean(after) - np.mean(before)))
            weights.append(after.size * before.size / (after.size + before.size))
    return float(np.average(found, weights=weights)) if found else 0.0
