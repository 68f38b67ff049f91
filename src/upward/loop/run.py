"""The one loop: fill the workers, take in what ended, conclude, learn, go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from upward.core.codec import plain
from upward.core.errors import SandboxFailed
from upward.core.ports import Activity, Clock, Executor, Remover, Researcher
from upward.core.records import Isolation, Outcome, Trial
from upward.ledger.replay import StudyState
from upward.loop.budget import Budget
from upward.loop.controls import ControlArms
from upward.loop.holdout import scorings_owed
from upward.loop.lanes import Lanes
from upward.loop.learn import Keeper
from upward.loop.publish import owed
from upward.loop.side import Side
from upward.loop.study import Study

TICK_S = 0.25
FAILURES_IN_A_ROW = 25
START_AGAIN = 5

Watch = Callable[["Pursuit", Sequence[Activity]], None]


@dataclass(slots=True)
class Pursuit:
    """One process's work on a study.

    Args:
        study: what is pursued.
        executor: runs the trials.
        researcher: proposes.
        archive: keeps possible parents.
        budget: what ends it.
        clock: tells how long it has been.
        isolation: what holds on this machine now.
        interrupted: asked at every step; true ends the work at once and cleanly.
        watch: shown the state at every step.
        controls: studies beside it that it must beat, or None.
        remover: takes parts of what was kept out again, or None.
    """

    study: Study
    executor: Executor
    researcher: Researcher
    archive: Keeper
    budget: Budget
    clock: Clock
    isolation: Isolation
    interrupted: Callable[[], bool]
    watch: Watch
    controls: ControlArms | None = None
    remover: Remover | None = None
    began_s: float = 0.0
    began_trials: int = 0
    not_started: int = 0
    closing: str | None = None
    sides: dict[str, Side] = field(default_factory=dict[str, Side])

    @property
    def state(self) -> StudyState:
        """The study so far."""
        return self.study.state

    @property
    def elapsed_s(self) -> float:
        """Seconds since this process began."""
        return self.clock.monotonic_s() - self.began_s

    @property
    def states(self) -> list[StudyState]:
        """The study and its control arms: they share one budget."""
        arms = self.controls.sides if self.controls else []
        return [self.state, *(arm.state for arm in arms)]

    @property
    def budget_left(self) -> float:
        """Share of the budget that is left."""
        return self.budget.left(self.states, self.elapsed_s)

    def go(self) -> str:
        """Pursue the study until something ends it.

        Returns:
            Why it ended, as words for people; also the last entry of the ledger.

        Raises:
            BaselineFails: the unedited task gives no measurement.
            LedgerError: something could not be recorded; what was recorded is safe.
        """
        self.began_s = self.clock.monotonic_s()
        self.began_trials = len(self.state.outcomes)
        main = Side(self.study, self.researcher, self.archive, self.remover)
        lanes = Lanes(self.executor)
        self._begin(main)
        try:
            reason = self._work(main, lanes)
        finally:
            lanes.close()
        for side in self.sides.values():
            side.end(reason)
        return reason

    def _begin(self, side: Side) -> None:
        workers, budget = self.executor.workers, self.budget.plain()
        session: dict[str, Any] = {
            "workers": workers,
            "budget": budget,
            "isolation": plain(self.isolation),
        }
        side.begin(session)
        self.sides[side.name] = side

    def _work(self, main: Side, lanes: Lanes) -> str:
        while True:
            if self.interrupted():
                return "interrupted"
            reason = self._ended()
            self.closing = self.closing or self._closes()
            self._open_arms()
            while lanes.free and (found := self._next(main, reason)):
                side, trial = found
                lanes.start(side.name, side.job(trial))
            if not lanes.running:
                return reason or self.closing or "the researcher has nothing new to propose"
            for name, outcome in lanes.finished(TICK_S):
                self._take(self.sides[name], outcome, lanes)
            self.watch(self, lanes.active())

    def _open_arms(self) -> None:
        for side in self.controls.open(self.state) if self.controls else ():
            self._begin(side)

    def _next(self, main: Side, reason: str | None) -> tuple[Side, Trial] | None:
        """The trial that a free worker gets, with the study it belongs to."""
        for side in self.sides.values():
            if trial := side.unfinished():
                return side, trial
        if reason:
            return None
        if self.closing:
            last = main.next_last()
            return (main, last) if last else None
        for arm in self.controls.owed(self.state) if self.controls else ():
            if trial := arm.next(self.budget_left):
                return arm, trial
            if not arm.state.pending and self.controls:
                self.controls.exhausted(arm)
        trial = main.next(self.budget_left)
        return (main, trial) if trial else None

    def _take(self, side: Side, outcome: Outcome, lanes: Lanes) -> None:
        """Take in what ended, unless the machine failed and not the candidate."""
        failure = outcome.failure
        if failure is None or failure.boundary != SandboxFailed.boundary:
            side.take(outcome)
            return
        self.not_started += 1  # nothing is recorded: the trial is still to run
        if self.not_started > START_AGAIN:
            raise SandboxFailed(
                f"Trials cannot be started on this machine: {failure.reason}. Everything recorded "
                "is safe; mend this and run the same command again.",
                failure.detail,
            )
        lanes.start(side.name, side.job(side.state.trials[outcome.trial]))

    def _ended(self) -> str | None:
        state = self.study.state
        if state.failed_in_a_row >= FAILURES_IN_A_ROW:
            return f"{FAILURES_IN_A_ROW} trials failed in a row"
        return self.budget.spent(self.states, self.elapsed_s)

    def _closes(self) -> str | None:
        """Whether what is left is needed to publish what was found and to ask the holdout."""
        last, workers = owed(self.state), self.executor.workers
        last += scorings_owed(self.state) if last else 0
        return self.budget.closes(self.states, self.elapsed_s, last, workers)
