"""The study against its control arms at equal trials, in numbers."""

import math
from dataclasses import dataclass

from upward.core.metric import Noise
from upward.core.records import Decision, Purpose, TrialState, Verdict
from upward.ledger.replay import StudyState
from upward.report.facts import values_for
from upward.stats.sequential import Gain

NOTHING = Gain(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rival:
    """One control arm beside the study.

    Args:
        name: of the arm, for example ``random``.
        trials: that ended, without calibration.
        proposals: candidates that it tried.
        screened: how many of them passed their first trial.
        accepted: how many won their race.
        gain: what its accepted steps add up to, metric units.
        study: the same for the study after as many trials of its own.
        lead: study minus arm, with its interval; None where neither accepted anything.
    """

    name: str
    trials: int
    proposals: int
    screened: int
    accepted: int
    gain: Gain
    study: Gain
    lead: Gain | None


def rival(arm: StudyState, study: StudyState) -> Rival:
    """Compare a control arm with its study."""
    trials = _looked(arm)
    mine, theirs = gain_after(study, trials), gain_after(arm, trials)
    passed = {v.candidate for v in arm.verdicts if v.level is not None}
    none = mine == NOTHING and theirs == NOTHING
    return Rival(
        name=arm.name.rpartition("~")[2],
        trials=trials,
        proposals=len(arm.proposals),
        screened=len(passed),
        accepted=len(arm.acceptances),
        gain=theirs,
        study=mine,
        lead=None if none else _difference(mine, theirs),
    )


def gain_after(state: StudyState, trials: int) -> Gain:
    """Return what the accepted steps add up to after that many trials, metric units.

    Calibration does not count, because the arms inherit it. The interval takes the steps as
    independent of each other.
    """
    before = sum(state.trials[n].purpose is Purpose.CALIBRATE for n in state.outcomes)
    done = {step.verdict for step in state.steps if step.trials - before <= trials}
    steps = [
        state.verdicts[position]
        for position in state.acceptances
        if position in done and state.verdicts[position].decision is Decision.ACCEPTED
    ]
    return _total([verdict for verdict in steps if verdict.gain is not None])


def best_of_unchanged(arm: StudyState) -> tuple[int, float] | None:
    """Return (n, gain) of the best of n first runs of an unchanged program, metric units.

    What keeping the best of n runs would have claimed where nothing was there; None without runs
    or for an exact metric.
    """
    noise, metric = arm.noise, arm.task.metric
    if noise is None or metric.noise is Noise.EXACT:
        return None
    values = [
        value
        for proposal in arm.proposals.values()
        for value in values_for(arm, proposal.candidate, Purpose.SCREEN)
    ]
    if not values:
        return None
    return len(values), max(metric.gain(value, noise.mean) for value in values)


def _looked(state: StudyState) -> int:
    """Trials that ended, whatever their end, without calibration."""
    ended = (TrialState.COMPLETE, TrialState.FAILED, TrialState.PRUNED)
    return sum(
        outcome.state in ended and state.trials[n].purpose is not Purpose.CALIBRATE
        for n, outcome in state.outcomes.items()
    )


def _total(steps: list[Verdict]) -> Gain:
    total = sum(step.gain or 0.0 for step in steps)
    halves = [0.5 * (s.high - s.low) for s in steps if s.low is not None and s.high is not None]
    half = math.sqrt(sum(one**2 for one in halves))
    return Gain(total, total - half, total + half)


def _difference(one: Gain, other: Gain) -> Gain:
    estimate = one.estimate - other.estimate
    half = math.hypot(one.high - one.estimate, other.high - other.estimate)
    return Gain(estimate, estimate - half, estimate + half)
