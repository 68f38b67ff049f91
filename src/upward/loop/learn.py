"""What a researcher and the archive are told about each verdict."""

from typing import Protocol

from upward.core.metric import Noise
from upward.core.ports import Researcher
from upward.core.records import Change, Decision, Lesson, Level, Verdict
from upward.ledger.replay import RACE, StudyState


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

    def best(self, limit: int) -> list[str]:
        """Content ids of kept candidates, best first."""
        ...


class Teacher:
    """Passes every verdict on exactly once, in ledger order, also after a restart."""

    def __init__(self, state: StudyState, researcher: Researcher, archive: Keeper) -> None:
        self._state, self._researcher, self._archive = state, researcher, archive
        self._done = 0

    def catch_up(self) -> None:
        """Pass on the verdicts that are new since the last call."""
        verdicts = self._state.verdicts
        while self._done < len(verdicts):
            self._pass_on(verdicts[self._done])
            self._done += 1

    def _pass_on(self, verdict: Verdict) -> None:
        state = self._state
        proposal = state.proposal_of(verdict.candidate)
        if proposal is None:
            return
        gain = gain_sd(state, verdict, proposal.parent)
        failure = "trial" if verdict.decision is Decision.INVALID else None
        self._researcher.learn(Lesson(proposal, verdict.decision, verdict.level, gain, failure))
        if verdict.level is not None and gain is not None:
            self._keep(verdict)

    def _keep(self, verdict: Verdict) -> None:
        state = self._state
        over_baseline = gain_sd(state, verdict, state.start.baseline)
        if over_baseline is None:
            return
        trials = len(state.record(verdict.candidate).values)
        changes = state.changes_of(verdict.candidate)
        self._archive.add(verdict.candidate, verdict.level, over_baseline, trials, changes)


def gain_sd(state: StudyState, verdict: Verdict, reference: str) -> float | None:
    """Gain of a verdict's candidate over another one, in standard deviations of one measurement.

    A race is judged by its fresh trials only. Where repeats do not differ at all, any gain is one.

    Returns:
        None where the candidate has no measurement.
    """
    values, against = verdict.candidate_values, _typical(state, reference)
    if not values or against is None or state.noise is None:
        return None
    mean = sum(values) / len(values) if verdict.rule == RACE else values[-1]
    gain = state.task.metric.gain(mean, against)
    if state.noise.sd > 0:
        return gain / state.noise.sd
    return float((gain > 0) - (gain < 0))


def _typical(state: StudyState, candidate: str) -> float | None:
    record = state.record(candidate)
    if state.task.metric.noise is Noise.EXACT:
        values = record.counted + record.screened
        return sum(values) / len(values) if values else None
    return record.mean
