"""The rung: a short trial before the first whole one, so that what is clearly behind costs little.

Only for tasks that say how short a trial may be. Every stopped candidate is a judgement on a part
of the evidence, so a random tenth of them goes on all the same: what becomes of these says how
often the rung is wrong.
"""

import numpy as np

from upward.core.codec import plain
from upward.core.errors import EvidenceError
from upward.core.ids import derive_seed
from upward.core.metric import Noise
from upward.core.records import Decision, Outcome, Purpose, Trial, Verdict
from upward.ledger.facts import Rung
from upward.ledger.replay import RUNG, StudyState
from upward.loop.study import Item, Planned
from upward.stats.rung import judge_rung

CALIBRATION = 4  # short trials of the baseline: what it is worth there, and how much it varies
SETTLE = 2  # short trials of every later incumbent


def has_rung(state: StudyState) -> bool:
    """Whether candidates of this study begin with a short trial."""
    return state.task.rung is not None and state.task.metric.noise is not Noise.EXACT


def first_purpose(state: StudyState) -> Purpose:
    """Return why the first trial of a new candidate runs."""
    known = has_rung(state) and _known(state)
    return Purpose.RUNG if known else Purpose.SCREEN


def next_rung_trial(state: StudyState) -> Planned | None:
    """Return the trial that the rung asks for: a short one of the incumbent, or a whole one."""
    if not has_rung(state):
        return None
    for candidate, wanted in ((state.start.baseline, CALIBRATION), (state.incumbent, SETTLE)):
        if len(_tried(state, candidate)) < wanted:
            return Planned(candidate, Purpose.RUNG, candidate)
    waiting = next(iter(state.promoted), None)
    return Planned(waiting, Purpose.SCREEN, waiting) if waiting else None


def waits_for_rung(state: StudyState) -> bool:
    """Whether nothing may be proposed yet, because the baseline is not known at the rung.

    Where it cannot be known, because its short trials fail, there is no rung.
    """
    if not has_rung(state) or _known(state):
        return False
    baseline = state.start.baseline
    return any(trial.number in state.pending for trial in _tried(state, baseline))


def _known(state: StudyState) -> bool:
    return len(_values(state, state.start.baseline)) >= CALIBRATION // 2


def rung_ended(state: StudyState, outcome: Outcome) -> list[Item]:
    """Return what follows from a short trial that ended; nothing for one of an incumbent."""
    trial = state.trials[outcome.trial]
    candidate = trial.candidate
    if state.record(candidate).verdict is not None or candidate == state.start.baseline:
        return []
    if outcome.measurement is None:
        failure = outcome.failure
        why = failure.reason.rstrip(". ") if failure else "no measurement"
        reason = f"Trial t{outcome.trial}, a short one, failed: {why}."
        return [_verdict(state, candidate, Decision.INVALID, reason)]
    return _judged(state, trial, outcome.measurement.value)


def _judged(state: StudyState, trial: Trial, value: float) -> list[Item]:
    candidate, baseline = trial.candidate, state.start.baseline
    beside = _values(state, state.incumbent) or _values(state, baseline)
    others = [v for c in state.rungs for v in _values(state, c)]
    noise = _values(state, baseline)
    try:
        found = judge_rung(value, beside, others, noise, metric=state.task.metric)
    except EvidenceError as error:  # what cannot be judged is not stopped
        rung = Rung(candidate, value, passed=True, survivor=False, reason=str(error))
        return [("rung", plain(rung))]
    survivor = not found.passed and _lucky(state, candidate)
    rung = Rung(candidate, value, found.passed, survivor, found.words)
    items: list[Item] = [("rung", plain(rung))]
    if not (found.passed or survivor):
        items.append(_verdict(state, candidate, Decision.REJECTED, found.words, found.gain, value))
    return items


def _lucky(state: StudyState, candidate: str) -> bool:
    """Whether a candidate that is clearly behind goes on, to estimate how often that is wrong."""
    seed = derive_seed(state.start.secret, "survivor", candidate)
    return float(np.random.default_rng(seed).random()) < state.start.plan.survivors


def _verdict(
    state: StudyState,
    candidate: str,
    decision: Decision,
    reason: str,
    gain: float | None = None,
    value: float | None = None,
) -> Item:
    beside = _values(state, state.incumbent) or _values(state, state.start.baseline)
    verdict = Verdict(
        candidate=candidate,
        incumbent=state.incumbent,
        decision=decision,
        level=None,
        rule=RUNG,
        reason=reason,
        gain=gain,
        candidate_values=() if value is None else (value,),
        incumbent_values=() if value is None else tuple(beside),
    )
    return "verdict", plain(verdict)


def _tried(state: StudyState, candidate: str) -> list[Trial]:
    trials = (state.trials[number] for number in state.record(candidate).trials)
    return [trial for trial in trials if trial.purpose is Purpose.RUNG]


def _values(state: StudyState, candidate: str) -> list[float]:
    found = (state.outcomes.get(trial.number) for trial in _tried(state, candidate))
    return [outcome.measurement.value for outcome in found if outcome and outcome.measurement]
