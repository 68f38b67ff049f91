"""Control arms: studies that the researcher must beat, on a share of its budget.

Each arm is a study of its own, with the same task, plan and calibration and another researcher,
run in turn with the main one: whatever the machine does, it does to all of them.
"""

from collections.abc import Callable, Sequence

from upward.ledger.replay import StudyState
from upward.loop.side import Side

Begin = Callable[[StudyState], Sequence[Side]]


class ControlArms:
    """Decides when an arm gets a worker.

    Args:
        share: of all trials after calibration, in [0, 1).
        begin: makes the arms, or takes them up, once the main study knows its noise.
    """

    def __init__(self, share: float, begin: Begin) -> None:
        self._share, self._begin = share, begin
        self._idle: set[str] = set()
        self.sides: list[Side] = []

    @property
    def trials(self) -> int:
        """Trials of all arms that ended or run."""
        return sum(side.state.own_trials for side in self.sides)

    def open(self, main: StudyState) -> list[Side]:
        """Make the arms as soon as the noise is known; return them once, when they are new."""
        if self.sides or self._share <= 0.0 or main.noise is None:
            return []
        self.sides = list(self._begin(main))
        return self.sides

    def owed(self, main: StudyState) -> list[Side]:
        """The arms in the order in which they should get the next worker; none when not owed."""
        looked = len(main.trials) - main.noise.trials if main.noise else 0
        total = looked + self.trials
        if not self.sides or self.trials + 1 > self._share * (total + 1):
            return []
        able = [side for side in self.sides if side.name not in self._idle]
        return sorted(able, key=lambda side: len(side.state.trials))

    def exhausted(self, side: Side) -> None:
        """Remember that an arm has nothing to run any more."""
        self._idle.add(side.name)
