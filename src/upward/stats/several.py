"""Error control over many candidates: e-BH after the fact, e-LOND while they arrive.

One race errs with probability at most alpha. Two hundred races err somewhere almost surely, so
what a report stands on is decided over all of them together.
"""

import math
from collections.abc import Sequence

import numpy as np

from upward.core.errors import BadMeasurement
from upward.stats.arrays import Array, finite


def e_bh(evidence: Sequence[float], *, alpha: float) -> list[int]:
    """Say which of many candidates hold at a false discovery rate of at most alpha.

    Use it for the report, over ALL candidates that were raced. Leaving out the ones that lost
    would be wrong: over the accepted ones alone every e-value is above 1 / alpha, and nothing
    would ever be turned down.

    Args:
        evidence: shape (K,), the e-value at which each race ended, 0 or more; infinity is fine.
            Each may be multiplied by those of later, independent re-runs of the same candidate.
        alpha: expected share of false ones among those named, in (0, 1).

    Returns:
        Positions into `evidence`, ascending: the k largest, for the largest k whose smallest
        e-value is at least K / (alpha k). Empty where none holds, or none was raced.

    Raises:
        BadMeasurement: an e-value is negative or NaN, or `alpha` is no share.

    Source: Wang and Ramdas (2022), arXiv:2009.02824, theorem 2: for e-values that depend on each
        other in any way, hence also for races that share an incumbent.

    Example:
        >>> e_bh([900.0, 3.0, 15.0, 0.2], alpha=0.1)
        [0]
        >>> e_bh([900.0, 30.0, 15.0, 0.2], alpha=0.1)
        [0, 1, 2]
    """
    _share(alpha)
    values = _evidence(evidence)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(1, values.size + 1)
    held = np.flatnonzero(values[order] * ranks * alpha >= values.size)
    most = int(held[-1]) + 1 if held.size else 0
    return sorted(int(position) for position in order[:most])


def e_lond(evidence: Sequence[float], *, alpha: float) -> list[bool]:
    """Decide candidates one by one as they arrive, at a false discovery rate of at most alpha.

    Stricter than `e_bh` over the same candidates, but no decision ever changes afterwards.

    Args:
        evidence: shape (t,), e-values in the order in which the races ended.
        alpha: in (0, 1).

    Returns:
        Whether each was accepted; an entry depends on those before it and on nothing later.

    Raises:
        BadMeasurement: as `e_bh`.

    Source: Xu and Ramdas (2024), arXiv:2311.06412: accept at e_t >= 1 / alpha_t with
        alpha_t = alpha gamma_t (accepted so far + 1); here gamma_t = 1 / (t (t + 1)), which
        sums to 1.
    """
    _share(alpha)
    accepted = list[bool]()
    for t, value in enumerate(_evidence(evidence), start=1):
        level = alpha / (t * (t + 1)) * (sum(accepted) + 1)
        accepted.append(bool(value * level >= 1.0))
    return accepted


def shrunk(means: Sequence[float], errors: Sequence[float], *, centre: float = 0.0) -> Array:
    """Pull estimated gains towards what gains usually are, to rank candidates that were selected.

    The best of several estimates is mostly the luckiest. Not a replacement for fresh trials: it
    orders finalists, it proves nothing.

    Args:
        means: shape (n,), estimated gains, metric unit.
        errors: shape (n,), the standard error of each, metric unit, above 0.
        centre: where gains are expected without data, metric unit.

    Returns:
        Shape (n,): centre + tau^2 / (tau^2 + error^2) (mean - centre). tau^2, the variance of
        true gains, is what the spread of the estimates leaves over after their errors; where
        that is nothing, everything is pulled to the centre.

    Raises:
        BadMeasurement: a value is NaN or infinite, an error is not above 0, or shapes differ.

    Source: Efron and Morris (1975), doi:10.1080/01621459.1975.10479864.
    """
    found, noise = finite(means, what="gains", needed=0), finite(errors, what="errors", needed=0)
    if found.shape != noise.shape:
        raise BadMeasurement("errors", f"{noise.size} errors for {found.size} gains")
    if np.any(noise <= 0.0):
        raise BadMeasurement("errors", "a standard error is not above 0")
    if not found.size:
        return found
    spread = float(np.mean((found - centre) ** 2 - noise**2))
    tau2 = max(0.0, spread)
    return centre + tau2 / (tau2 + noise**2) * (found - centre)


def _evidence(values: Sequence[float]) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or bool(np.any(~(array >= 0.0))):
        raise BadMeasurement("evidence", "an e-value is negative, NaN or not one of a row")
    return array


def _share(alpha: float) -> None:
    if not (math.isfinite(alpha) and 0.0 < alpha < 1.0):
        raise BadMeasurement("alpha", f"{alpha} is no share between 0 and 1")
