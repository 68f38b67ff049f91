"""How long a study may go on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from upward.core.errors import BadBudget
from upward.ledger.replay import StudyState

# room for trials that take longer than those of the calibration did
SLOWER = 1.15


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

    def left(self, states: Sequence[StudyState], elapsed_s: float) -> float:
        """Share of the budget that is left, in [0, 1]; 1 when there is no limit.

        Args:
            states: the study first, then its control arms, which come out of the same budget.
            elapsed_s: of this process.
        """
        used = [0.0]
        if self.minutes is not None:
            used.append(elapsed_s / (60.0 * self.minutes))
        if self.trials is not None:
            used.append(_begun(states) / self.trials)
        if self.cpu_hours is not None:
            used.append(_cpu_s(states) / (3600.0 * self.cpu_hours))
        return max(0.0, 1.0 - max(used))

    def closes(
        self, states: Sequence[StudyState], elapsed_s: float, trials: int, workers: int
    ) -> str | None:
        """Which limit leaves room for just these last trials, as words for people, or None.

        Args:
            states: as in `left`; the noise entry of the study says what a trial costs.
            elapsed_s: of this process.
            trials: that must still run before the end; with none there is nothing to close.
            workers: how many run at a time.
        """
        noise = states[0].noise
        if trials < 1 or noise is None:
            return None
        waiting = sum(len(state.pending) for state in states)
        rounds = math.ceil((trials + waiting) / workers)
        wall_s, cpu_s = SLOWER * rounds * noise.trial_wall_s, trials * noise.trial_cpu_s
        return self.spent(states, elapsed_s + wall_s, trials=trials, cpu_s=cpu_s)

    def spent(
        self,
        states: Sequence[StudyState],
        elapsed_s: float,
        *,
        trials: int = 0,
        cpu_s: float = 0.0,
    ) -> str | None:
        """Which limit is reached, as words for people, or None.

        Args:
            states: as in `left`.
            elapsed_s: of this process.
            trials: that are counted as begun already.
            cpu_s: that is counted as used already.
        """
        if self.minutes is not None and elapsed_s >= 60.0 * self.minutes:
            return f"{self.minutes:g} minutes are over"
        if self.trials is not None and _begun(states) + trials >= self.trials:
            return f"{self.trials} trials are done"
        if self.cpu_hours is not None and _cpu_s(states) + cpu_s >= 3600.0 * self.cpu_hours:
            return f"{self.cpu_hours:g} CPU-hours are used"
        return None


def _begun(states: Sequence[StudyState]) -> int:
    return sum(state.own_trials for state in states)


def _cpu_s(states: Sequence[StudyState]) -> float:
    return sum(state.cpu_s for state in states)
