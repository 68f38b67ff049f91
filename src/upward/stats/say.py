"""Numbers as people read them: as many digits as the data can carry, no more."""

import math


def amount(value: float, width: float) -> str:
    """Return a number rounded to two digits of the width of its interval.

    Args:
        value: what is said.
        width: how well it is known; 0 or less where that is not known, then three digits are said.

    Example:
        >>> amount(0.0212345, 0.012), amount(1234.567, 80.0), amount(0.5, 0.0)
        ('0.021', '1235', '0.5')
    """
    if width <= 0.0 or not math.isfinite(width):
        return f"{value:.3g}"
    decimals = 1 - math.floor(math.log10(width))
    if decimals > 12 or abs(value) >= 1e9:
        return f"{value:.3g}"
    return f"{value:.{max(decimals, 0)}f}"


def odds(evidence: float) -> str:
    """Return odds to one, rounded down so that a bar is never said to be reached when it is not.

    Example:
        >>> odds(0.003), odds(3.27), odds(19.99), odds(12345.6), odds(1e12)
        ('under 0.1', '3.2', '19', '12,345', 'over a million')
    """
    if evidence < 0.1:
        return "under 0.1"
    if evidence > 1e6:
        return "over a million"
    if evidence >= 10.0:
        return f"{math.floor(evidence):,}"
    return f"{math.floor(10.0 * evidence) / 10.0:.1f}"


def count(number: int, thing: str) -> str:
    """Return a number of things.

    Example:
        >>> count(1, "fresh trial"), count(5, "fresh trial")
        ('1 fresh trial', '5 fresh trials')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def percent(share: float) -> str:
    """Return the size of a share as a percentage with two digits.

    Example:
        >>> percent(0.0123), percent(-0.5), percent(1.234)
        ('1.2 %', '50 %', '123 %')
    """
    size = 100.0 * abs(share)
    return f"{size:.0f} %" if size >= 99.5 else f"{size:.2g} %"
