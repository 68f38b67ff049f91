"""How often something happens, from a count: an exact interval, and unknown where nothing is."""

import math
from collections.abc import Callable

from upward.core.errors import BadMeasurement, TooFewTrials

_HALVINGS = 60


def share_range(hits: int, tries: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval in which the true share lies.

    Args:
        hits: how often it happened.
        tries: how often it could have.
        level: coverage in (0, 1); each end errs at most half of the rest.

    Returns:
        (low, high) in [0, 1]; exact, and so a little too wide.

    Raises:
        TooFewTrials: not one try.
        BadMeasurement: counts that cannot be.

    Source: Clopper and Pearson (1934), Biometrika 26.

    Example:
        >>> low, high = share_range(1, 10)
        >>> round(low, 4), round(high, 3)
        (0.0025, 0.445)
    """
    if tries < 1:
        raise TooFewTrials("a share", 1, tries)
    if not 0 <= hits <= tries:
        raise BadMeasurement("hits", f"{hits} of {tries} cannot be")
    tail = 0.5 * (1.0 - level)
    low = 0.0 if hits == 0 else _root(lambda p: 1.0 - _at_most(hits - 1, tries, p), tail)
    high = 1.0 if hits == tries else _root(lambda p: 1.0 - _at_most(hits, tries, p), 1.0 - tail)
    return low, high


def _root(rising: Callable[[float], float], target: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return 0.5 * (low + high)


def _at_most(hits: int, tries: int, share: float) -> float:
    """Chance of at most so many hits."""
    terms = (math.comb(tries, k) * share**k * (1.0 - share) ** (tries - k) for k in range(hits + 1))
    return math.fsum(terms)
