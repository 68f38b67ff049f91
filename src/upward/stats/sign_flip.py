"""The exact sign-flip test: a check that needs no variance and no bell curve."""

from collections.abc import Sequence

import numpy as np

from upward.core.errors import BadMeasurement
from upward.stats.arrays import finite

MOST_GAINS = 20


def sign_flip(gains: Sequence[float]) -> float:
    """Return the one-sided exact p-value of "the gains are symmetric around zero".

    For ONE look, beside the evidence of a race. With n gains it cannot fall below 2^-n, so five
    are the fewest that can reach 0.05.

    Args:
        gains: shape (n,), 1 <= n <= 20, positive when the candidate is better.

    Returns:
        Share of the 2^n assignments of signs whose sum is at least the one seen; sums that agree
        up to rounding count as equal, against the candidate.

    Raises:
        TooFewTrials: no gain at all.
        BadMeasurement: more than 20 gains, or one is NaN or infinite.

    Source: Fisher (1935), The Design of Experiments, section 21.

    Example:
        >>> sign_flip([1.0, 2.0, 3.0])
        0.125
    """
    array = finite(gains, what="a sign-flip test", needed=1)
    if array.size > MOST_GAINS:
        raise BadMeasurement("gains", f"{array.size} are more than the {MOST_GAINS} done exactly")
    sums = np.zeros(1)
    for size in np.abs(array):
        sums = np.concatenate([sums + size, sums - size])
    slack = 1e-12 * float(np.sum(np.abs(array)))
    return float(np.mean(sums >= float(np.sum(array)) - slack))
