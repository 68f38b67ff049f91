"""The rung: from a short trial, whether a candidate is worth a whole one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upward.core.metric import Metric
from upward.stats.arrays import checked, spread

ETA = 3  # the best third is always worth a whole trial
CLEARLY = 2.0  # standard deviations of the difference
FEWEST = 2


@dataclass(frozen=True, slots=True)
class RungJudgement:
    """What a short trial says.

    Args:
        gain: over the incumbent's short trials, metric units.
        words: one sentence for people.
        passed: whether a whole trial is worth it.
    """

    gain: float
    words: str
    passed: bool


def judge_rung(
    value: float,
    incumbent: Sequence[float],
    others: Sequence[float],
    noise: Sequence[float],
    *,
    metric: Metric,
) -> RungJudgement:
    """Judge a short trial: stopped only when it is clearly behind, and not among the best.

    Args:
        value: of the candidate's short trial, metric unit.
        incumbent: shape (n,), n >= 1, short trials of the incumbent.
        others: shape (m,), short trials of all other candidates so far.
        noise: shape (k,), k >= 2, repeats of one candidate in short trials: the spread.
        metric: direction and unit.

    Returns:
        Stopped (`passed` false) when the value is worse than the incumbent's mean by more than 2
        standard deviations of that difference and not in the best third of all candidates.

    Raises:
        TooFewTrials: no short trial of the incumbent, or no spread.
        BadMeasurement: a value that is no measurement of this metric.

    Source: the promotion of the best third is that of asynchronous successive halving, Li et al.
        (2020), arXiv:1810.05934; the margin is added, because a gain that is thrown away at the
        rung is not seen again.
    """
    new = metric.check(value)
    old = checked(incumbent, metric, what="a rung", needed=1)
    repeats = checked(noise, metric, what="the noise of a rung", needed=FEWEST)
    sd = math.sqrt(spread(repeats) / (repeats.size - 1))
    gain = metric.gain(new, float(np.mean(old)))
    apart = CLEARLY * sd * math.sqrt(1.0 + 1.0 / old.size)
    better = sum(metric.gain(float(other), new) > 0.0 for other in others)
    among = (better + 1) * ETA <= len(others) + 1
    how = f"{abs(gain):.2g} {metric.unit}".rstrip() + (" worse" if gain < 0.0 else " better")
    found = f"In a short trial it is {how} than the incumbent's short trials"
    if gain >= -apart:
        return RungJudgement(gain, f"{found}: not clearly behind.", passed=True)
    if among:
        words = f"{found}, but among the best third of the candidates."
        return RungJudgement(gain, words, passed=True)
    return RungJudgement(gain, f"{found} ({apart:.2g} is clear): stopped.", passed=False)
