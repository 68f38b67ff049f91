"""What a calibration found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoiseLevel:
    """What calibration found: how much repeats differ, and what can be seen through that.

    Args:
        trials: number of measurements behind it.
        mean: of the baseline, metric units.
        sd: standard deviation of one measurement, metric units.
        resolution: smallest gain that a race at its cap finds in 80 % of cases, metric units.
        trial_cpu_s: mean CPU time of a trial with its scoring.
        trial_wall_s: mean wall time of the same.
        break_even: share of the variance of an unpaired difference below which a race of pairs
            sees smaller gains than one without; None where arms do not share seeds.
    """

    trials: int
    mean: float
    sd: float
    resolution: float
    trial_cpu_s: float
    trial_wall_s: float
    break_even: float | None = None

    def seen_at(self, sd: float) -> float:
        """The resolution where one measurement varies by `sd`; 0 where repeats never differed."""
        return self.resolution * sd / self.sd if self.sd > 0.0 else 0.0
