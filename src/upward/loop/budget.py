"""How long a study may go on."""

from dataclasses import dataclass
from typing import Any

from upward.core.errors import BadBudget
from upward.ledger.replay import StudyState


@dataclass(frozen=True, slots=True)
class Budget:
    """What ends a study; the first limit that is reached counts, None is no limit.

    Args:
        minutes: wall time of this process.
        trials: trials of the whole study, over all processes.
        cpu_hours: CPU time of all trials of the whole study.
    """

    minutes: float | None = None
    trials: int | None = None
    cpu_hours: float | None = None

    def __post_init__(self) -> None:
        for name in ("minutes", "trials", "cpu_hours"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadBudget(name.replace("_", "-"), value)

    def plain(self) -> dict[str, Any]:
        """The limits that are set, for the ledger."""
        names = ("minutes", "trials", "cpu_hours")
        return {n: float(getattr(self, n)) for n in names if getattr(self, n) is not None}

    def left(self, state: StudyState, elapsed_s: float) -> float:
        """Share of the budget that is left, in [0, 1]; 1 when there is no limit."""
        used = [0.0]
        if self.minutes is not None:
            used.append(elapsed_s / (60.0 * self.minutes))
        if self.trials is not None:
            used.append((len(state.outcomes) + len(state.pending)) / self.trials)
        if self.cpu_hours is not None:
            used.append(state.cpu_s / (3600.0 * self.cpu_hours))
        return max(0.0, 1.0 - max(used))

    def spent(self, state: StudyState, elapsed_s: float) -> str | None:
        """Which limit is reached, as words for people, or None."""
        if self.minutes is not None and elapsed_s >= 60.0 * self.minutes:
            return f"{self.minutes:g} minutes are over"
        if self.trials is not None and len(state.outcomes) + len(state.pending) >= self.trials:
            return f"{self.trials} trials are done"
        if self.cpu_hours is not None and state.cpu_s >= 3600.0 * self.cpu_hours:
            return f"{self.cpu_hours:g} CPU-hours are used"
        return None
