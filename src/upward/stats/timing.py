"""What a timing needs beside its evidence: pairs that agree by an exact test, and a steady clock.

Warm-up is no business of this file, nor of any other: a trial is timed as it is, cold, and no
measurement is thrown away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upward.core.errors import BadMeasurement
from upward.core.plan import Plan
from upward.stats.arrays import finite, spread
from upward.stats.sign_flip import sign_flip

ADVICE = "lock the clocks, let each trial run longer, or find a quieter machine"


@dataclass(frozen=True, slots=True)
class Checks:
    """What the pairs of a timing show beside their evidence.

    Args:
        p: exact one-sided p-value of "the gains are symmetric around zero".
        variation: coefficient of variation of the incumbent's own trials; None with fewer than two.
        doubt: words that follow "but", why the pairs do not verify a gain; empty when they do.
        unsteady: words that follow "but", why nothing can be seen at all; empty when steady.
    """

    p: float
    variation: float | None
    doubt: str
    unsteady: str


def check_pairs(gains: Sequence[float], incumbent: Sequence[float], *, plan: Plan) -> Checks:
    """Check interleaved pairs, beside the evidence that they give.

    Both are conditions on top of `upward.stats.sequential.evidence_paired`: they can only make
    acceptance rarer, so its error holds however often one looks.

    Args:
        gains: shape (n,), 1 <= n <= 20, logarithms of the ratios, positive when better.
        incumbent: shape (n,), its trials in the same pairs, metric unit, above zero.
        plan: alpha for the sign-flip test, `timing_cv` for the clock. The smallest p of n pairs is
            2^-n, so that an alpha of 0.05 needs at least five pairs.

    Raises:
        TooFewTrials: no pair.
        BadMeasurement: more than 20 pairs, or a value that is no timing.
    """
    p = sign_flip(gains)
    doubt = ""
    if p > plan.alpha:
        doubt = f"the sign-flip test over the pairs gives p = {p:.2g} ({plan.alpha:.2g} needed)"
    found = variation(incumbent) if len(incumbent) > 1 else None
    unsteady = ""
    if found is not None and found > plan.timing_cv:
        unsteady = (
            f"the incumbent's own trials differ by {100.0 * found:.0f} % (coefficient of "
            f"variation, at most {100.0 * plan.timing_cv:.0f} % allowed), too much to see "
            f"anything: {ADVICE}"
        )
    return Checks(p, found, doubt, unsteady)


def variation(times: Sequence[float]) -> float:
    """Return the coefficient of variation, the standard deviation as a share of the mean.

    Args:
        times: shape (n,), n >= 2, all above zero.

    Raises:
        TooFewTrials: fewer than two.
        BadMeasurement: one is not a finite number above zero.

    Example:
        >>> variation([9.0, 11.0, 10.0])
        0.1
    """
    array = finite(times, what="a coefficient of variation", needed=2)
    if not np.all(array > 0.0):
        raise BadMeasurement("a coefficient of variation", "a value of zero or less is not a time")
    return math.sqrt(spread(array) / (array.size - 1)) / float(np.mean(array))


def fewest_pairs(alpha: float) -> int:
    """Return how many pairs the sign-flip test needs to be able to reach a level at all.

    Example:
        >>> fewest_pairs(0.05)
        5
    """
    return max(1, math.ceil(-math.log2(alpha)))
