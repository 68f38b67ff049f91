"""Credit: what kinds of edit have been worth, so that the kinds that win are tried more.

A normal belief about the gain of each operator, shrunk to a prior, in compressed units so that
one huge loss does not drown everything; with an eye on the best jump, because research lives from
its extremes.

Source: Thompson (1933) for the sampling; Fialho et al. (2008) for extreme-value credit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

HOPES = {"combine": 3.0, "swap": -1.0, "revert": -1.0}


@dataclass(frozen=True, slots=True)
class Belief:
    """What the credit starts from; every number is in compressed standard deviations.

    Args:
        hopes: prior mean by operator, 0 where none is given. What helped two candidates apart
            mostly helps together; going back or exchanging values mostly does not help.
        weight: how many lessons' worth of evidence the prior is.
        spread: standard deviation of one gain around its operator's mean.
        jump: share of an operator's best jump that is added to its mean.
        failure: what a crash or a broken limit counts as.
        keep: weight that old evidence keeps with every lesson.
    """

    hopes: Mapping[str, float] = field(default_factory=lambda: dict(HOPES))
    weight: float = 3.0
    spread: float = 1.5
    jump: float = 0.2
    failure: float = -3.0
    keep: float = 0.97


@dataclass(slots=True)
class Tally:
    """Weighted evidence about one operator."""

    weight: float = 0.0
    total: float = 0.0
    best: float = 0.0

    def add(self, value: float, keep: float) -> None:
        """Take in one gain, after old evidence has faded."""
        self.weight = self.weight * keep + 1.0
        self.total = self.total * keep + value
        self.best = max(self.best * keep, value)


class Credit:
    """The belief about every operator; memory and time do not grow with the history."""

    def __init__(self, belief: Belief) -> None:
        """Begin with nothing but the prior."""
        self.belief = belief
        self._tallies: dict[str, Tally] = {}

    def learn(self, operator: str, gain_sd: float | None) -> None:
        """Take in the gain of one proposal; None where it failed."""
        gain = self.belief.failure if gain_sd is None else math.asinh(gain_sd)
        self._tallies.setdefault(operator, Tally()).add(gain, self.belief.keep)

    def posterior(self, operator: str) -> tuple[float, float]:
        """Return mean and standard deviation of the belief about an operator's worth."""
        belief, tally = self.belief, self._tallies.get(operator, Tally())
        weight = belief.weight + tally.weight
        mean = (belief.hopes.get(operator, 0.0) * belief.weight + tally.total) / weight
        return mean + belief.jump * tally.best, belief.spread / math.sqrt(weight)

    def sample(self, operator: str, rng: np.random.Generator) -> float:
        """Draw a worth from the belief about an operator."""
        mean, sd = self.posterior(operator)
        return mean + sd * float(rng.standard_normal())
