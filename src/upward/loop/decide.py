"""What should run next, decided from the state alone.

Order of what matters: know the noise, check a long row of accepted steps, decide a race that was
begun, run what was accepted again where that is owed, look at something new.
"""

from upward.core.metric import Noise
from upward.core.records import Purpose
from upward.ledger.replay import StudyState
from upward.loop.certify import next_rerun
from upward.loop.design import design_for
from upward.loop.holdout import next_sealed
from upward.loop.rung import next_rung_trial, waits_for_rung
from upward.loop.spread import resolution_now
from upward.loop.stack import next_stack_trial
from upward.loop.study import Planned
from upward.stats.noise import FEWEST_NEWER
from upward.stats.verdict import next_arm

EXACT_CALIBRATION = 3
REPEAT_EVERY = 4
PATIENCE = 16
WORTH_A_RACE = 2.0
# as long as nothing was accepted there is nothing to lose by a race, and everything to build on
WORTH_A_FIRST_RACE = 1.0


def calibration_trials(state: StudyState) -> int:
    """How many baseline trials come before everything else.

    An exact measurement needs no noise estimate to be accepted; a few trials still show what an
    ordinary start gives, which is the scale for a researcher's credit.
    """
    exact = state.task.metric.noise is Noise.EXACT
    return EXACT_CALIBRATION if exact else state.start.plan.calibration


def next_trial(state: StudyState, *, patient: bool = True) -> Planned | None:
    """Return the trial that the rules ask for, or None when there is room for something new.

    Args:
        state: the study so far.
        patient: whether a contender whose screen showed little waits for better ones. Many of
            those are luck, and a better incumbent makes most of them pointless.
    """
    if state.noise is None:
        return _calibration(state)
    return (
        next_sealed(state)
        or next_stack_trial(state)
        or _race(state, patient=patient)
        or next_rung_trial(state)
        or next_rerun(state)
        or _known_better(state)
    )


def waits_for_noise(state: StudyState) -> bool:
    """Whether nothing may be proposed yet, because the noise is not known, here or at a rung."""
    return state.noise is None or waits_for_rung(state)


def _calibration(state: StudyState) -> Planned | None:
    baseline = state.start.baseline
    under_way = sum(t.purpose is Purpose.CALIBRATE for t in state.pending.values())
    if len(state.record(baseline).counted) + under_way < calibration_trials(state):
        return Planned(baseline, Purpose.CALIBRATE, baseline)
    return None


def _known_better(state: StudyState) -> Planned | None:
    """Another trial of a new incumbent that won so fast that little is known of it.

    Every screen compares with its mean and its noise, and those of its race flatter.
    """
    incumbent, exact = state.incumbent, state.task.metric.noise is Noise.EXACT
    if exact or incumbent == state.start.baseline:
        return None
    under_way = sum(t.candidate == incumbent for t in state.pending.values())
    asked = len(state.arm_trials(incumbent, incumbent, Purpose.SETTLE))  # some may fail
    if max(len(state.newer) + under_way, asked) < FEWEST_NEWER:
        return Planned(incumbent, Purpose.SETTLE, incumbent)
    return None


def raced(state: StudyState, *, patient: bool = True) -> str | None:
    """The contender whose race is on, or the most promising one whose turn it is, or None."""
    best, seen = None, resolution_now(state) if state.contenders else 0.0
    for candidate in state.contenders:
        if state.record(candidate).counted or _under_way(state, candidate, candidate):
            return candidate
        ready = not patient or _ripe(state, candidate, seen)
        if ready and (best is None or _promise(state, candidate) > _promise(state, best)):
            best = candidate
    return best


def _ripe(state: StudyState, candidate: str, seen: float) -> bool:
    """Whether a race is likely to be short, or the contender has waited long enough.

    A small gain costs most of a race and is often part of a larger one that is found later. But
    until something is accepted, every new candidate is compared with the bare baseline.
    """
    number = state.record(candidate).proposal
    waited = len(state.proposals) - number if number else PATIENCE
    first = state.incumbent == state.start.baseline
    worth = WORTH_A_FIRST_RACE if first else WORTH_A_RACE
    asked_for = state.is_removal(candidate)  # a removal has its own share of the trials
    enough = _promise(state, candidate) >= worth * seen
    return waited >= PATIENCE or enough or asked_for


def _promise(state: StudyState, candidate: str) -> float:
    value, against = state.record(candidate).mean, state.value_of(state.incumbent)
    if value is None or against is None:
        return float("-inf")
    return state.task.metric.gain(value, against)


def _race(state: StudyState, *, patient: bool) -> Planned | None:
    candidate = raced(state, patient=patient)
    if candidate is None:
        return None
    incumbent = state.incumbent
    arm = next_arm(
        len(state.raced(candidate, candidate)) + _under_way(state, candidate, candidate),
        len(state.raced(incumbent, candidate)) + _under_way(state, incumbent, candidate),
        plan=state.start.plan,
    )
    if arm is None:
        return None
    chosen = candidate if arm == "candidate" else incumbent
    design = design_for(state, candidate, Purpose.RACE)
    return Planned(chosen, Purpose.RACE, candidate, design=design)


def _under_way(state: StudyState, candidate: str, about: str) -> int:
    return sum(
        t.candidate == candidate and t.about == about and t.purpose is Purpose.RACE
        for t in state.pending.values()
    )
