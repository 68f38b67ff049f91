"""What a researcher and the archive are told about each verdict."""

from typing import Protocol

from upward.core.ports import Researcher
from upward.core.records import Change, Decision, Level, Verdict
from upward.core.seen import Lesson
from upward.ledger.replay import RACE, STACK, StudyState
from upward.loop.guarded import broken_guard


class Keeper(Protocol):
    """The archive, as far as the loop feeds it."""

    def add(
        self,
        candidate: str,
        level: Level | None,
        gain_sd: float,
        trials: int,
        changes: tuple[Change, ...],
    ) -> None:
        """Take in a candidate, or what is newly known of it."""
        ...

    def drop(self, candidate: str) -> None:
        """Keep a candidate no longer, if it is kept."""
        ...

    def best(self, limit: int) -> list[str]:
        """Content ids of kept candidates, best first."""
        ...


class Teacher:
    """Passes every verdict on exactly once, in ledger order, also after a restart.

    What it says depends on the verdicts up to then and on nothing that came later, so that a
    researcher that is rebuilt from the ledger has learned the same.
    """

    def __init__(self, state: StudyState, researcher: Researcher, archive: Keeper) -> None:
        self._state, self._researcher, self._archive = state, researcher, archive
        self._worth: dict[str, float] = {}
        self._done = 0

    def catch_up(self) -> None:
        """Pass on the verdicts that are new since the last call."""
        verdicts = self._state.verdicts
        while self._done < len(verdicts):
            self._pass_on(verdicts[self._done])
            self._done += 1

    def _pass_on(self, verdict: Verdict) -> None:
        state = self._state
        if state.noise is not None:
            self._worth.setdefault(state.start.baseline, state.noise.mean)
        value = self._value(verdict)
        if value is not None:
            self._worth[verdict.candidate] = value
        proposal = state.proposal_of(verdict.candidate)
        if proposal is None:
            return
        failure = _failure(verdict)
        # what a broken guard buys is no gain: a researcher that heard of one would buy it again
        gain = None if failure == "guard" else self._gain_sd(verdict, value, proposal.parent)
        self._researcher.learn(Lesson(proposal, verdict.decision, verdict.level, gain, failure))
        over_baseline = self._gain_sd(verdict, value, state.start.baseline)
        if verdict.rule == STACK:
            self._archive.drop(verdict.candidate)
        elif verdict.level is not None and over_baseline is not None:
            trials, changes = len(verdict.candidate_values), state.changes_of(verdict.candidate)
            self._archive.add(verdict.candidate, verdict.level, over_baseline, trials, changes)

    def _value(self, verdict: Verdict) -> float | None:
        """What a verdict found its candidate to be worth; None where nothing was measured.

        A step that fell without a measurement of its own counts as what the study went back to.
        """
        if verdict.candidate_values:
            return _mean(verdict.candidate_values)
        return self._worth.get(verdict.incumbent) if verdict.rule == STACK else None

    def _gain_sd(self, verdict: Verdict, value: float | None, reference: str) -> float | None:
        """Gain over another candidate, in sd of one measurement; None without a measurement."""
        noise = self._state.noise
        beside = verdict.incumbent_values if reference == verdict.incumbent else ()
        against = _mean(beside) if beside else self._worth.get(reference)
        if value is None or against is None or noise is None:
            return None
        gain = self._state.task.metric.gain(value, against)
        if noise.sd > 0:
            return gain / noise.sd
        return float((gain > 0) - (gain < 0))  # repeats never differ: any gain is one


def _failure(verdict: Verdict) -> str | None:
    """By what a candidate failed, if it did."""
    if verdict.rule == STACK:
        return "stack"
    lost_a_trial = verdict.rule == RACE and not verdict.candidate_values
    if verdict.decision is Decision.INVALID or lost_a_trial:
        return "trial"
    return "guard" if broken_guard(verdict) else None


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
