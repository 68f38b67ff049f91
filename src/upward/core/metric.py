"""A metric: what is measured, in which unit, which way is better, and what is possible."""

import math
from dataclasses import dataclass
from enum import StrEnum

from upward.core.errors import BadMeasurement


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
