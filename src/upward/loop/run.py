"""The one loop: fill the workers, take in what ended, conclude, learn, go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from upward.core.codec import plain
from upward.core.errors import BaselineFails, SandboxFailed
from upward.core.ports import Activity, Clock, Executor, Job, Researcher
from upward.core.records import Decision, Failure, Isolation, Outcome, Purpose, Trial, Verdict
from upward.ledger.replay import OVERTAKEN, RACE, StudyState
from upward.loop.budget import Budget
from upward.loop.certify import certificate
from upward.loop.conclude import conclusions, overtaken
from upward.loop.decide import next_trial, waits_for_noise
from upward.loop.learn import Keeper, Teacher
from upward.loop.propose import propose
from upward.loop.publish import next_publishing, owed, published
from upward.loop.study import Study

TICK_S = 0.25
FAILURES_IN_A_ROW = 25
BASELINE_FAILURES = 3
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
    began_s: float = 0.0
    began_trials: int = 0
    not_started: int = 0
    closing: str | None = None

    @property
    def state(self) -> StudyState:
        """The study so far."""
        return self.study.state

    @property
    def elapsed_s(self) -> float:
        """Seconds since this process began."""
        return self.clock.monotonic_s() - self.began_s

    @property
    def budget_left(self) -> float:
        """Share of the budget that is left."""
        return self.budget.left(self.study.state, self.elapsed_s)

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
        self.study.record(("session", self._session()))
        self._settle()
        teacher = Teacher(self.study.state, self.researcher, self.archive)
        teacher.catch_up()
        unfinished = list(self.study.state.pending.values())
        try:
            reason = self._work(teacher, unfinished)
        finally:
            self.executor.close()
        self.study.record(("stopped", {"reason": reason}))
        return reason

    def _session(self) -> dict[str, Any]:
        workers, budget = self.executor.workers, self.budget.plain()
        return {"workers": workers, "budget": budget, "isolation": plain(self.isolation)}

    def _work(self, teacher: Teacher, unfinished: list[Trial]) -> str:
        running = 0
        while True:
            if self.interrupted():
                return "interrupted"
            reason = self._ended()
            self.closing = self.closing or self._closes()
            while running < self.executor.workers:
                trial = unfinished.pop() if unfinished else None if reason else self._next()
                if trial is None:
                    break
                self._start(trial)
                running += 1
            if running == 0:
                return reason or self.closing or "the researcher has nothing new to propose"
            for outcome in self.executor.finished(TICK_S):
                if outcome.failure and outcome.failure.boundary == SandboxFailed.boundary:
                    self._start_again(outcome, outcome.failure)
                else:
                    running -= 1
                    self._take(outcome, teacher)
            self.watch(self, self.executor.active())

    def _ended(self) -> str | None:
        state = self.study.state
        if state.failed_in_a_row >= FAILURES_IN_A_ROW:
            return f"{FAILURES_IN_A_ROW} trials failed in a row"
        return self.budget.spent(state, self.elapsed_s)

    def _closes(self) -> str | None:
        """Whether what is left is needed to publish what was found."""
        last, workers = owed(self.state), self.executor.workers
        return self.budget.closes(self.state, self.elapsed_s, last, workers)

    def _next(self) -> Trial | None:
        study = self.study
        if self.closing:
            planned = next_publishing(study.state)
            return study.start_trial(planned) if planned else None
        planned = next_trial(study.state)
        if planned is not None:
            return study.start_trial(planned)
        if waits_for_noise(study.state):
            return None
        proposed = propose(study, self.researcher, self.archive, self.budget_left)
        if proposed is not None:
            return proposed
        planned = next_trial(study.state, patient=False) or next_publishing(study.state)
        return study.start_trial(planned) if planned else None

    def _start(self, trial: Trial) -> None:
        files = self.study.state.tree_of(trial.candidate)
        keep = trial.purpose is not Purpose.SCREEN
        self.executor.start(Job(trial, files, keep))

    def _start_again(self, outcome: Outcome, failure: Failure) -> None:
        """The machine failed, not the candidate: nothing is recorded, the trial is still to run."""
        self.not_started += 1
        if self.not_started > START_AGAIN:
            raise SandboxFailed(
                f"Trials cannot be started on this machine: {failure.reason}. Everything recorded "
                "is safe; mend this and run the same command again.",
                failure.detail,
            )
        self._start(self.state.trials[outcome.trial])

    def _take(self, outcome: Outcome, teacher: Teacher) -> None:
        self.study.record(("outcome", plain(outcome)))
        self._check_baseline(outcome)
        self._conclude(outcome)
        teacher.catch_up()

    def _conclude(self, outcome: Outcome) -> None:
        study, incumbent = self.study, self.state.incumbent
        if items := conclusions(study.state, outcome) or published(study.state, outcome):
            study.record(*items)
        if study.state.incumbent != incumbent:
            self._overtake()
        rerun = study.state.trials[outcome.trial].purpose is Purpose.CERTIFY
        if rerun or any(kind == "verdict" and body["rule"] == RACE for kind, body in items):
            self._certify()

    def _certify(self) -> None:
        if items := certificate(self.state):
            self.study.record(*items)

    def _overtake(self) -> None:
        if items := overtaken(self.state):
            self.study.record(*items)

    def _settle(self) -> None:
        """Draw the conclusions that a killed process still owed: they follow from the ledger."""
        match self.state.unsettled:
            case Outcome() as outcome:
                self._conclude(outcome)
            case Verdict() as verdict:
                if verdict.decision is Decision.ACCEPTED:
                    self._overtake()
                if verdict.rule in (RACE, OVERTAKEN):
                    self._certify()
            case _:
                pass

    def _check_baseline(self, outcome: Outcome) -> None:
        state = self.study.state
        baseline = state.record(state.start.baseline)
        if baseline.failed >= BASELINE_FAILURES and not baseline.counted and outcome.failure:
            raise BaselineFails(outcome.failure.reason, outcome.trial)
