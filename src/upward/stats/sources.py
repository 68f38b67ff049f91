"""Where noise comes from: the seed, or everything that differs when the same seed runs again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.stats.arrays import finite, spread

FEWEST_GROUPS = 3
FEWEST_REPEATS = 2
FEWEST_FREEDOM = 3


@dataclass(frozen=True, slots=True)
class Components:
    """Standard deviations of the two sources of noise, which add as squares.

    Args:
        groups: seeds.
        repeats: trials on a seed beyond its first: degrees of freedom of `within`.
        between: sd that the seed adds; 0 means that it is not visible beside `within`.
        within: sd of trials on one and the same seed: the machine, its timing, and what a limit
            on time cuts off differently. Exactly 0 where every repeat gave the same digits.
    """

    groups: int
    repeats: int
    between: float
    within: float

    @property
    def seed_share(self) -> float | None:
        """Share of the variance that comes from the seed; None where nothing varies."""
        total = self.between**2 + self.within**2
        return self.between**2 / total if total > 0.0 else None


def components(groups: Sequence[Sequence[float]]) -> Components:
    """Split the noise of repeated trials into what the seed adds and what is there without it.

    Args:
        groups: one row per seed with its repeats, of any lengths, metric unit; at least three
            rows, and at least two repeats beyond the first ones.

    Returns:
        Estimates from few trials: with four repeats `within` is known within a factor of three.
        A negative estimate of `between` squared is given as 0, which says "not visible".

    Raises:
        TooFewTrials: fewer seeds or repeats than that.
        BadMeasurement: a value is NaN or infinite.

    Source: one-way random effects, method of moments for unequal rows; Searle, Casella and
        McCulloch (1992), Variance Components, section 3.6.

    Example:
        >>> components([[1.0, 1.2], [3.0, 3.2], [5.0]]).repeats
        2
    """
    rows = [finite(row, what="sources of noise", needed=0) for row in groups]
    rows = [row for row in rows if row.size]
    everything = finite([float(v) for row in rows for v in row], what="noise", needed=0)
    if len(rows) < FEWEST_GROUPS:
        raise TooFewTrials("a split of the noise by seed", FEWEST_GROUPS, len(rows))
    repeats = everything.size - len(rows)
    if repeats < FEWEST_REPEATS:
        raise TooFewTrials("noise on one seed, beyond the first", FEWEST_REPEATS, repeats)
    inside = sum(spread(row) for row in rows) / repeats
    total = spread(everything)
    outside = max(0.0, total - inside * repeats) / (len(rows) - 1)
    weight = everything.size - sum(row.size**2 for row in rows) / everything.size
    squared = (outside - inside) * (len(rows) - 1) / weight
    return Components(len(rows), repeats, math.sqrt(max(0.0, squared)), math.sqrt(inside))


def sd_range(sd: float, freedom: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval in which the true standard deviation lies, for Gaussian noise.

    Args:
        sd: as estimated, any unit.
        freedom: its degrees of freedom, 3 or more (one less than the number of trials).
        level: coverage in (0, 1).

    Raises:
        TooFewTrials: fewer than three degrees of freedom.
        BadMeasurement: no standard deviation.

    Source: chi-square quantiles by Wilson and Hilferty (1931), doi:10.1073/pnas.17.12.684; with
        3 degrees of freedom the upper end is 9 % too high, from 7 on both are within 2 %.

    Example:
        >>> low, high = sd_range(1.0, 7)
        >>> round(low, 2), round(high, 2)
        (0.66, 2.05)
    """
    if freedom < FEWEST_FREEDOM:
        raise TooFewTrials("an interval of the noise", FEWEST_FREEDOM + 1, freedom + 1)
    if not (math.isfinite(sd) and sd >= 0.0):
        raise BadMeasurement("sd", f"{sd} is not a standard deviation")
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    step = 2.0 / (9.0 * freedom)
    ends = (1.0 - step + sign * z * math.sqrt(step) for sign in (1.0, -1.0))
    low, high = (sd / end**1.5 for end in ends)
    return low, high
