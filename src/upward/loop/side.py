"""One study's part in the loop: what it wants to run next, and what follows from what ended."""

from collections.abc import Mapping
from typing import Any

from upward.core.codec import plain
from upward.core.errors import BaselineFails
from upward.core.ports import Job, Remover, Researcher
from upward.core.records import Decision, Outcome, Purpose, Trial, Verdict
from upward.ledger.replay import OVERTAKEN, RACE, STACK, StudyState
from upward.loop.certify import certificate
from upward.loop.conclude import conclusions, overtaken
from upward.loop.decide import next_trial, waits_for_noise
from upward.loop.holdout import answered, next_sealed, sealed_job
from upward.loop.learn import Keeper, Teacher
from upward.loop.propose import propose
from upward.loop.publish import next_publishing, published
from upward.loop.rung import rung_ended
from upward.loop.simplify import Simplifier
from upward.loop.stack import stack_checked
from upward.loop.study import Study

BASELINE_FAILURES = 3


class Side:
    """A study with its researcher, while a process works on it.

    Args:
        study: what is pursued.
        researcher: proposes.
        archive: keeps possible parents.
        remover: takes parts of what was kept out again; None where nobody asks for that.
    """

    def __init__(
        self,
        study: Study,
        researcher: Researcher,
        archive: Keeper,
        remover: Remover | None = None,
    ) -> None:
        self.study, self._researcher, self._archive = study, researcher, archive
        self._simplifier = Simplifier(remover) if remover else None
        self._teacher = Teacher(study.state, researcher, archive)
        self._unfinished: list[Trial] = []

    @property
    def name(self) -> str:
        """Name of the study."""
        return self.study.name

    @property
    def state(self) -> StudyState:
        """The study so far."""
        return self.study.state

    def begin(self, session: Mapping[str, Any]) -> None:
        """Record that a process begins to work on it, and catch up with what is owed."""
        self.study.record(("session", session))
        self._settle()
        self._teacher.catch_up()
        self._unfinished = list(self.state.pending.values())

    def end(self, reason: str) -> None:
        """Record why the process stops."""
        self.study.record(("stopped", {"reason": reason}))

    def unfinished(self) -> Trial | None:
        """Return a trial that an earlier process began and did not finish, or None."""
        return self._unfinished.pop() if self._unfinished else None

    def next(self, budget_left: float) -> Trial | None:
        """Record and return the trial that should run next, or None when nothing should."""
        study = self.study
        planned = next_trial(study.state)
        if planned is not None:
            return study.start_trial(planned)
        if waits_for_noise(study.state):
            return None
        removed = self._simplifier.next(study) if self._simplifier else None
        proposed = removed or propose(study, self._researcher, self._archive, budget_left)
        if proposed is not None:
            return proposed
        planned = next_trial(study.state, patient=False) or next_publishing(study.state)
        return study.start_trial(planned) if planned else None

    def next_last(self) -> Trial | None:
        """Record and return a trial that publishes what was found, or None.

        The publication comes first: half of it says nothing, and the headline stands on it.
        """
        planned = next_publishing(self.state) or next_sealed(self.state)
        return self.study.start_trial(planned) if planned else None

    def job(self, trial: Trial) -> Job:
        """A trial with its files; what may be evidence keeps its outputs."""
        state, files = self.state, self.state.tree_of(trial.candidate)
        if trial.purpose is Purpose.HOLDOUT:
            return Job(trial, files, rescore=sealed_job(state, trial))
        if trial.purpose is Purpose.RUNG:
            return Job(trial, files, share=state.task.rung or 1.0)
        return Job(trial, files, keep=trial.purpose is not Purpose.SCREEN)

    def take(self, outcome: Outcome) -> None:
        """Record how a trial ended and everything that follows from it.

        Raises:
            BaselineFails: the unedited task gives no measurement.
        """
        self.study.record(("outcome", plain(outcome)))
        self._check_baseline(outcome)
        self._conclude(outcome)
        self._teacher.catch_up()

    def _conclude(self, outcome: Outcome) -> None:
        study, incumbent = self.study, self.state.incumbent
        trial = study.state.trials[outcome.trial]
        items = conclusions(study.state, outcome) or published(study.state, outcome)
        if trial.purpose is Purpose.STACK:
            items = stack_checked(study.state)
        elif trial.purpose is Purpose.RUNG:
            items = rung_ended(study.state, outcome)
        elif trial.purpose is Purpose.HOLDOUT:
            items = answered(study.state, outcome)
        if items:
            study.record(*items)
        if study.state.incumbent != incumbent:
            self._overtake()
        rules = {body["rule"] for kind, body in items if kind == "verdict"}
        if trial.purpose is Purpose.CERTIFY or rules & {RACE, STACK}:
            self._certify()

    def _overtake(self) -> None:
        if items := overtaken(self.state):
            self.study.record(*items)

    def _certify(self) -> None:
        if items := certificate(self.state):
            self.study.record(*items)

    def _settle(self) -> None:
        """Draw the conclusions that a killed process still owed: they follow from the ledger."""
        match self.state.unsettled:
            case Outcome() as outcome:
                self._conclude(outcome)
            case Verdict() as verdict:
                if verdict.decision is Decision.ACCEPTED or verdict.rule == STACK:
                    self._overtake()
                if verdict.rule in (RACE, OVERTAKEN, STACK):
                    self._certify()
            case _:
                pass

    def _check_baseline(self, outcome: Outcome) -> None:
        state = self.state
        baseline = state.record(state.start.baseline)
        if baseline.failed >= BASELINE_FAILURES and not baseline.counted and outcome.failure:
            raise BaselineFails(outcome.failure.reason, outcome.trial)
