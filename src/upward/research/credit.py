"""Credit: what is believed about the gain of an edit, from what such edits did before.

A normal belief about each arm (an operator on one knob, in one direction), shrunk to the belief
about its operator; in compressed units, so that one huge loss does not drown everything, and with
an eye on the best jump, because research lives from its extremes.

Source: Thompson (1933) for the sampling; Fialho et al. (2008) for extreme-value credit.
"""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Belief:
    """What the belief about arms starts from; every number is in compressed sd units.

    Args:
        hope: prior mean of an untested arm, by operator; above zero, so that it is asked.
        spread: prior standard deviation of an arm around its operator.
        operator_weight: how many arms' worth of evidence the prior of an operator has.
        jump: share of an operator's best jump that widens the belief about its arms.
        failure: what a crash or a broken limit counts as.
        carry: share of a won gain that is expected from going on in the same direction.
        fade: weight that old evidence about an arm keeps when the incumbent moves.
        forget: weight that old evidence about an operator keeps with every lesson.
    """

    hope: dict[str, float] = field(
        default_factory=lambda: {
            "scale_up": 0.5,
            "scale_down": 0.5,
            "flip": 1.5,
            "choose": 1.3,
            "swap": -1.5,
            "revert": -1.5,
            "combine": 1.0,
            "several": 0.3,
        }
    )
    spread: float = 1.2
    operator_weight: float = 4.0
    jump: float = 0.15
    failure: float = -3.0
    carry: float = 0.6
    fade: float = 0.6
    forget: float = 0.98


def compressed(gain_sd: float) -> float:
    """Return a gain in units that grow like the gain near zero and like its logarithm far out."""
    return math.asinh(gain_sd)


@dataclass(slots=True)
class Tally:
    """Weighted evidence: how much, and its sum."""

    weight: float = 0.0
    total: float = 0.0
    best: float = 0.0

    def add(self, value: float, weight: float) -> None:
        """Take in one value."""
        self.weight += weight
        self.total += weight * value
        self.best = max(self.best * 0.97, value)

    def fade(self, share: float) -> None:
        """Keep only a share of the evidence."""
        self.weight *= share
        self.total *= share


Arm = tuple[str, str, str]  # operator, knob id, direction or target


class Credit:
    """The beliefs about all arms; memory and time grow with the arms, never with the history."""

    def __init__(self, belief: Belief) -> None:
        """Begin with nothing but the prior."""
        self.belief = belief
        self.operators: dict[str, Tally] = {}
        self.arms: dict[Arm, Tally] = {}

    def learn(self, arm: Arm, gain: float, weight: float = 1.0) -> None:
        """Take in one gain in compressed units; a negative weight takes it back."""
        operator = self.operators.setdefault(arm[0], Tally())
        operator.fade(self.belief.forget)
        operator.add(gain, weight)
        self.arms.setdefault(arm, Tally()).add(gain, weight)

    def expect(self, arm: Arm, gain: float, weight: float) -> None:
        """Replace the evidence of one arm by an expectation."""
        self.arms[arm] = Tally(weight, weight * gain)

    def fade(self) -> None:
        """Let all evidence about single arms fade, because the incumbent moved."""
        for tally in self.arms.values():
            tally.fade(self.belief.fade)

    def soften(self, arm: Arm, share: float) -> None:
        """Let the evidence about one arm fade."""
        if arm in self.arms:
            self.arms[arm].fade(share)

    def operator(self, name: str) -> tuple[float, float]:
        """Return mean and spread of the belief about an operator's arms."""
        prior, weight = self.belief.hope.get(name, 0.0), self.belief.operator_weight
        tally = self.operators.get(name, Tally())
        mean = (prior * weight + tally.total) / (weight + max(tally.weight, 0.0))
        return mean, self.belief.spread + self.belief.jump * max(tally.best, 0.0)

    def posterior(self, arm: Arm) -> tuple[float, float]:
        """Return mean and standard deviation of the belief about one arm's gain."""
        mean, spread = self.operator(arm[0])
        tally = self.arms.get(arm, Tally())
        precision = 1.0 / spread**2 + max(tally.weight, 0.0)
        return (mean / spread**2 + tally.total) / precision, precision**-0.5

    def sample(self, arm: Arm, rng: np.random.Generator) -> float:
        """Draw a gain from the belief about one arm."""
        mean, sd = self.posterior(arm)
        return mean + sd * float(rng.standard_normal())
