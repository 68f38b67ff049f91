"""A metric and its guards: what is measured, which way is better, and what must not get worse."""

import math
from dataclasses import dataclass
from enum import StrEnum

from upward.core.errors import BadMeasurement

# Readings that the supervisor takes of every trial; they differ from run to run.
SUPERVISED = ("cpu_s", "wall_s", "peak_memory_mb")


class Direction(StrEnum):
    """Which way is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Noise(StrEnum):
    """Where the spread of repeated trials comes from, which decides how a gain is proved."""

    SEEDED = "seeded"  # repeats differ by their seed: raced on fresh seeds
    TIMING = "timing"  # repeats differ by the machine: interleaved, compared as ratios
    EXACT = "exact"  # the measurement is a proof in itself: one trial suffices


@dataclass(frozen=True, slots=True)
class Metric:
    """The number that a study improves.

    Args:
        name: the key in the scorer's measurement.
        unit: for people; printed beside every value.
        direction: which way is better; nobody else needs to know.
        noise: see `Noise`.
        bound: the physical limit in the metric's unit; a value beyond it is invalid.
    """

    name: str
    unit: str
    direction: Direction
    noise: Noise = Noise.SEEDED
    bound: float | None = None

    def gain(self, candidate: float, incumbent: float) -> float:
        """Return by how much the candidate is better, in metric units; negative when worse."""
        difference = candidate - incumbent
        return (difference if self.direction is Direction.MAXIMIZE else -difference) + 0.0

    def worsened(self, value: float, by: float) -> float:
        """Return a value that is worse by so much, metric units."""
        return value - self.gain(by, 0.0)

    def check(self, value: object) -> float:
        """Return the value as a float that may be used as a measurement.

        Raises:
            BadMeasurement: not a number, a bool, NaN, infinite, or beyond the bound. A timing of
                zero or less is refused too: ratios of it mean nothing.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadMeasurement(self.name, f"{type(value).__name__} is not a number")
        try:
            number = float(value)
        except OverflowError:
            raise BadMeasurement(self.name, "larger than any float") from None
        if not math.isfinite(number):
            raise BadMeasurement(self.name, f"{number} is not a finite number")
        if self.bound is not None and self.gain(number, self.bound) > 0:
            raise BadMeasurement(
                self.name, f"{number} {self.unit} is beyond the possible {self.bound} {self.unit}"
            )
        if self.noise is Noise.TIMING and number <= 0:
            raise BadMeasurement(self.name, f"{number} {self.unit} is not a time")
        return number + 0.0


@dataclass(frozen=True, slots=True)
class Guard:
    """A second number that must not get worse by more than a tolerance.

    Args:
        name: a key in the scorer's measurement, or one of the supervisor's own readings
            (``cpu_s``, ``wall_s``, ``peak_memory_mb``).
        direction: which way is better.
        tolerance: largest loss against the incumbent that is still fine, in the guard's unit.
    """

    name: str
    direction: Direction
    tolerance: float

    def loss(self, candidate: float, incumbent: float) -> float:
        """Return by how much the candidate is worse, in the guard's unit; negative when better."""
        difference = candidate - incumbent
        return (-difference if self.direction is Direction.MAXIMIZE else difference) + 0.0


class GuardState(StrEnum):
    """What the readings so far show of a guard."""

    HELD = "held"  # shown not to be worse by more than the tolerance
    BROKEN = "broken"  # worse by more than the tolerance
    OPEN = "open"  # neither is shown


@dataclass(frozen=True, slots=True)
class GuardReading:
    """A guard as it stood when a candidate was judged.

    Args:
        name: of the guard.
        state: held, broken or open.
        tolerance: largest loss that is fine, in the guard's unit, as are all values below.
        candidate: mean of its readings.
        incumbent: mean of the readings beside them.
        loss: difference of the two means, positive when the candidate is worse.
        reason: one sentence that names the guard.
        upper: the true loss is at most this; None where no bound can be stood behind.
        confidence: of `upper`, however often one looks; 1 where no reading differs from another.
        evidence: the e-value of "worse by less than the tolerance"; None where none was used.
    """

    name: str
    state: GuardState
    tolerance: float
    candidate: float
    incumbent: float
    loss: float
    reason: str
    upper: float | None = None
    confidence: float | None = None
    evidence: float | None = None
