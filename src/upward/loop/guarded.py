"""The guards of a candidate, from a study's trials: which readings are compared, what follows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from upward.core.errors import EvidenceError, TooFewTrials
from upward.core.metric import Guard, GuardReading, GuardState
from upward.core.records import Decision, Level, Outcome, Purpose, Trial, Verdict
from upward.ledger.replay import SCREEN, StudyState
from upward.stats.guards import glance_at_guard, judge_guard
from upward.stats.verdict import next_arm

# a screen looks at the incumbent as it is now, not as it was on another day
LATEST = 8


def guard_screen(state: StudyState, verdict: Verdict, outcome: Outcome) -> Verdict:
    """Return the verdict of a screen that was passed, after a look at the guards.

    A guard that is broken beyond doubt rejects. Where the metric alone would already accept, as
    an exact one does, an open guard sends the candidate into a race, which decides the guards.

    Args:
        state: with the outcome in it.
        verdict: on the metric alone.
        outcome: of the screening trial, with a measurement.
    """
    if verdict.level is None or not _guarded(state, verdict.candidate):
        return verdict
    incumbent = _settled(state)

    def glance(guard: Guard) -> GuardReading:
        [reading] = _readings(guard, [outcome])
        old = _readings(guard, incumbent[-LATEST:])
        return glance_at_guard(guard, reading, old, earlier=_of_baseline(state, guard, old))

    return _followed(verdict, _each(state, glance), spent=False) or verdict


def guard_race(state: StudyState, verdict: Verdict) -> Verdict | None:
    """Return the verdict on a candidate that has won its metric, or None while the race goes on.

    Only trials that ran beside each other are compared, as for the metric.

    Args:
        state: the study.
        verdict: accepted on the metric alone.

    Returns:
        Accepted when every guard is shown to hold; rejected with the name of one that is broken;
        None while one is open; inconclusive when it still is as the last trial has ended.
    """
    candidate, incumbent = verdict.candidate, state.incumbent
    if not _guarded(state, candidate):
        return verdict
    mine = _taken(state, candidate, lambda trial: trial.about == candidate)
    theirs = _taken(state, incumbent, lambda trial: trial.about == candidate)
    before = _taken(state, incumbent, lambda trial: trial.about != candidate)
    if not (mine and theirs):
        return None  # the incumbent's first trial is still under way
    plan = state.start.plan
    spent = next_arm(len(mine), len(theirs), plan=plan) is None

    def judge(guard: Guard) -> GuardReading:
        new, old, past = (_readings(guard, outcomes) for outcomes in (mine, theirs, before))
        return judge_guard(guard, new, old, plan=plan, earlier=past, spent=spent)

    return _followed(verdict, _each(state, judge), spent=spent)


def broken_guard(verdict: Verdict) -> str | None:
    """Return the name of the guard that decided against a candidate, if one did."""
    if verdict.decision is not Decision.REJECTED:
        return None
    return next((g.name for g in verdict.guards if g.state is GuardState.BROKEN), None)


def _guarded(state: StudyState, candidate: str) -> bool:
    """Whether there is anything to compare: an incumbent does not guard against itself."""
    return bool(state.task.guards) and candidate != state.incumbent


def _each(
    state: StudyState, judge: Callable[[Guard], GuardReading]
) -> tuple[GuardReading, ...] | str:
    """Every guard as it stands, or the sentence that says why one cannot be judged."""
    try:
        return tuple(judge(guard) for guard in state.task.guards)
    except EvidenceError as error:
        return str(error)


def _followed(
    verdict: Verdict, found: tuple[GuardReading, ...] | str, *, spent: bool
) -> Verdict | None:
    """The verdict that follows from the guards; None while one that matters is still open."""
    won = verdict.decision is Decision.ACCEPTED
    if isinstance(found, str):  # unknown is not fine, and no further trial makes it known
        return _unproved(verdict, (), found) if won else None
    looked = replace(verdict, guards=found)
    for guard in found:
        if guard.state is GuardState.BROKEN:
            reason = guard.reason
            return replace(looked, decision=Decision.REJECTED, level=None, reason=reason)
    unshown = [guard for guard in found if guard.state is GuardState.OPEN]
    if not won:
        return None
    if not unshown:
        return replace(looked, reason=f"{verdict.reason} {' '.join(g.reason for g in found)}")
    if verdict.rule == SCREEN or spent:
        return _unproved(verdict, found, " ".join(guard.reason for guard in unshown))
    return None


def _unproved(verdict: Verdict, found: tuple[GuardReading, ...], why: str) -> Verdict:
    """A gain that is on record without its guards: good enough to search from, no more."""
    then = "A race decides." if verdict.rule == SCREEN and found else "So it is not accepted."
    return replace(
        verdict,
        decision=Decision.INCONCLUSIVE,
        level=Level.PROVISIONAL,
        reason=f"{verdict.reason} But {why} {then}",
        guards=found,
    )


# -- readings ------------------------------------------------------------------------------------


def _taken(state: StudyState, candidate: str, which: Callable[[Trial], bool]) -> list[Outcome]:
    """The complete, unselected outcomes of a candidate, in order, of some of its trials."""
    trials = [state.trials[number] for number in state.record(candidate).trials]
    purposes = (Purpose.CALIBRATE, Purpose.RACE, Purpose.SETTLE)
    counting = [trial for trial in trials if trial.purpose in purposes and which(trial)]
    return _complete(state, counting)


def _settled(state: StudyState) -> list[Outcome]:
    """The incumbent's unselected outcomes, or its screens: all that an exact one may have."""
    found = _taken(state, state.incumbent, lambda _: True)
    numbers = state.record(state.incumbent).trials
    return found or _complete(state, [state.trials[number] for number in numbers])


def _of_baseline(state: StudyState, guard: Guard, old: Sequence[float]) -> list[float]:
    """What tells the spread of a guard where the incumbent has one reading alone."""
    if len(old) > 1:
        return []
    return _readings(guard, _taken(state, state.start.baseline, lambda _: True))


def _complete(state: StudyState, trials: Iterable[Trial]) -> list[Outcome]:
    outcomes = (state.outcomes.get(trial.number) for trial in trials)
    return [outcome for outcome in outcomes if outcome and outcome.measurement]


def _readings(guard: Guard, outcomes: Sequence[Outcome]) -> list[float]:
    """The readings of a guard, one for each of these outcomes.

    Raises:
        TooFewTrials: one of them lacks its reading.
    """
    measured = [outcome.measurement.guards for outcome in outcomes if outcome.measurement]
    found = [guards[guard.name] for guards in measured if guard.name in guards]
    if len(found) < len(outcomes):
        raise TooFewTrials(f"guard {guard.name}", len(outcomes), len(found))
    return found
