"""Scales of charts: which part of the numbers is shown, where, and with which ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from upward.report.text import number

UNITS_S = (("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("days", 86_400.0))


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight map from numbers to pixels.

    Args:
        low: number at `start`.
        high: number at `end`; more than `low`.
        start: pixel of `low`.
        end: pixel of `high`; less than `start` for an axis that grows upwards.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a number, held within the scale."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def shows(self, value: float) -> bool:
        """Whether a number lies within the scale."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Tick:
    """One mark of an axis."""

    value: float
    label: str


def ticks(low: float, high: float, about: int) -> list[Tick]:
    """Return round numbers (1, 2, 5 times a power of ten) within a range, with their labels.

    Args:
        low: lower end.
        high: upper end, more than `low`.
        about: roughly how many are wanted, at least 1.

    Example:
        >>> [t.label for t in ticks(1.83, 2.12, 5)]
        ['1.85', '1.90', '1.95', '2.00', '2.05', '2.10']
    """
    step = round_step((high - low) / max(1, about))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    values = [i * step + 0.0 for i in range(first, min(last, first + 4 * about + 8) + 1)]
    return [Tick(v, number(v, decimals)) for v in values]


def round_step(rough: float) -> float:
    """Return the number of the form 1, 2 or 5 times a power of ten that is nearest by ratio."""
    power = 10.0 ** math.floor(math.log10(rough))
    for factor, up_to in ((1.0, 1.42), (2.0, 3.17), (5.0, 7.08)):
        if rough <= up_to * power:
            return factor * power
    return 10.0 * power


def whole_ticks(high: int, about: int) -> list[Tick]:
    """Return round whole numbers from 0 to a count."""
    step = max(1, round(round_step(max(1, high) / max(1, about))))
    return [Tick(v, f"{v:,}") for v in range(0, high + 1, step)]


def time_unit(span_s: float) -> tuple[str, float]:
    """Return the unit in which a span of time has a readable size, with its length in seconds."""
    fitting = [unit for unit in UNITS_S if span_s >= 2.0 * unit[1]]
    return fitting[-1] if fitting else UNITS_S[0]


def spread_domain(
    core: Iterable[float], others: Iterable[float], *, reach: float = 1.0
) -> tuple[float, float]:
    """Return the range to show: all of the core, and of the others what is not far away.

    One diverged trial must not flatten everything that matters, so other values count only as
    far as `reach` times the extent of the core beyond it.

    Args:
        core: values that must be visible; at least one.
        others: values that are shown where they fit.
        reach: in extents of the core.

    Returns:
        (low, high) with a margin, low < high.
    """
    inner = sorted(core)
    low, high = inner[0], inner[-1]
    extent = max(high - low, 1e-9, 1e-6 * max(abs(low), abs(high)))
    near = [v for v in others if low - reach * extent <= v <= high + reach * extent]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.07 * max(high - low, extent)
    return low - margin, high + margin


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart so that none overlap, as little as needed.

    Args:
        wanted: where each label would like to be, pixels.
        gap: least distance between two, pixels.
        low: smallest position allowed.
        high: largest position allowed.

    Returns:
        Positions in the order of `wanted`.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    placed = [0.0] * len(wanted)
    at = low - gap
    for i in order:
        at = placed[i] = max(wanted[i], at + gap)
    limit = high
    for i in reversed(order):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - gap
    return placed
