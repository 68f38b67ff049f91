"""The sealed holdout: whether what was accepted also holds on data that no decision has seen.

Every accepted candidate asks one question: better than the best answer so far by a clear step, yes
or no. The outputs of trials that ran anyway are scored once more, so a question costs no training.
Nothing of the answer reaches a researcher or a verdict; it is for the people who read the report.
"""

from collections.abc import Sequence

from upward.core.codec import plain
from upward.core.errors import BadEntry
from upward.core.metric import Metric, Noise
from upward.core.ports import Rescore
from upward.core.records import UNSELECTED, Outcome, Purpose, Trial
from upward.core.task import Holdout
from upward.ledger.facts import Answer
from upward.ledger.replay import StudyState
from upward.loop.spread import spread_now
from upward.loop.study import Item, Planned
from upward.stats.holdout import WORN, Ladder, deviation, step_of

OUTPUTS = 2  # how many trials of a candidate are scored on the holdout


def next_sealed(state: StudyState) -> Planned | None:
    """Return the next scoring on the holdout, or None where nothing is to be asked."""
    candidate = _asking(state)
    if candidate is None:
        return None
    begun = {trial.of for trial in _scorings(state, candidate)}
    for trial in _sources(state, candidate):
        if trial.number not in begun:
            return Planned(candidate, Purpose.HOLDOUT, candidate, of=trial.number)
    return None


def scorings_owed(state: StudyState) -> int:
    """Return how many scorings are still to begin before the best candidate is answered."""
    waiting = _waiting(state)
    wanted = sum(len(_sources(state, candidate)) for candidate in waiting)
    return max(0, wanted - sum(len(_scorings(state, candidate)) for candidate in waiting))


def sealed_job(state: StudyState, trial: Trial) -> Rescore:
    """Return what is scored in a trial on the holdout.

    Raises:
        BadEntry: the trial whose outputs are scored left none, or there is no such holdout.
    """
    source, at = state.outcomes.get(trial.of), _holdout_of(state, trial)
    if at is None or source is None or not source.kept or source.usage is None:
        raise BadEntry("trial", f"t{trial.number} scores outputs of t{trial.of}, which left none")
    return Rescore(state.task.holdouts[at].run, source.outputs, source.usage)


def answered(state: StudyState, outcome: Outcome) -> list[Item]:
    """Return the answer that this outcome completes, if it does."""
    trial = state.trials[outcome.trial]
    candidate, at = trial.candidate, holdout_now(state)
    late = at != _holdout_of(state, trial)  # its holdout was used up while it ran
    if at is None or late or _answer(state, candidate, at) is not None:
        return []
    scorings = _scorings(state, candidate)
    ended = [state.outcomes[t.number] for t in scorings if t.number in state.outcomes]
    if len(ended) < len(scorings) or len(scorings) < len(_sources(state, candidate)):
        return []
    values = tuple(o.measurement.value for o in ended if o.measurement)
    whole = len(values) == len(ended)  # a candidate that fails on hidden data is not better on it
    return [("holdout", plain(_asked(state, at, candidate, values if whole else ())))]


def holdout_now(state: StudyState) -> int | None:
    """Return which of the task's holdouts is asked now; None where all are used up or none is."""
    return _holdout_after(state, state.answers)


def used_up(at: int, holdout: Holdout, answers: Sequence[Answer]) -> bool:
    """Whether so much was asked of a holdout that its answers mean too little."""
    found = [answer for answer in answers if answer.holdout == at]
    if not found:
        return False
    asked, yes, n = found[-1].asked, found[-1].confirmed, holdout.examples
    return deviation(asked, yes, n) > WORN * deviation(0, 0, n)


def _holdout_after(state: StudyState, answers: Sequence[Answer]) -> int | None:
    if state.task.metric.noise is Noise.EXACT:
        return None
    holdouts = enumerate(state.task.holdouts)
    return next((at for at, one in holdouts if not used_up(at, one, answers)), None)


def _holdout_of(state: StudyState, trial: Trial) -> int | None:
    """The holdout that a scoring was begun for, whatever was answered while it ran."""
    return _holdout_after(state, [a for a in state.answers if a.trials < trial.number])


def _asking(state: StudyState) -> str | None:
    """Who must be scored now: the baseline before anybody else, then each new incumbent."""
    return next(iter(_waiting(state)), None)


def _waiting(state: StudyState) -> list[str]:
    """Who has no answer yet, of the baseline and the incumbent."""
    incumbent, baseline = state.incumbent, state.start.baseline
    if not state.start.plan.holdout or incumbent == baseline or not state.task.holdouts:
        return []
    at = holdout_now(state)
    if at is None:
        return []
    return [c for c in (baseline, incumbent) if _answer(state, c, at) is None]


def _answer(state: StudyState, candidate: str, at: int) -> Answer | None:
    return next((a for a in state.answers if (a.candidate, a.holdout) == (candidate, at)), None)


def _scorings(state: StudyState, candidate: str) -> list[Trial]:
    """The scorings of a candidate on the holdout of now."""
    at = holdout_now(state)
    before = [answer.trials for answer in state.answers if answer.holdout != at]
    since = max(before, default=0)
    found = state.arm_trials(candidate, candidate, Purpose.HOLDOUT)
    return [trial for trial in found if trial.number > since]


def _sources(state: StudyState, candidate: str) -> list[Trial]:
    """The trials whose outputs are scored: the first whose outputs are kept."""
    found = list[Trial]()
    for number in state.record(candidate).trials:
        trial, outcome = state.trials[number], state.outcomes.get(number)
        if outcome and outcome.kept and outcome.measurement and trial.purpose in UNSELECTED:
            found.append(trial)
    return found[:OUTPUTS]


def _asked(state: StudyState, at: int, candidate: str, values: tuple[float, ...]) -> Answer:
    """The answer as it is recorded; the baseline's own value begins the ladder."""
    earlier = [answer for answer in state.answers if answer.holdout == at]
    mean = sum(values) / len(values) if values else None
    if not earlier:
        best = mean if candidate == state.start.baseline else None
        return Answer(candidate, at, values, None, best, 0, 0, 0.0, len(state.trials))
    last, holdout = earlier[-1], state.task.holdouts[at]
    step = step_of(spread_now(state), holdout.examples, width=holdout.width)
    better, best = False, last.best
    if mean is not None and last.best is not None:
        better, best = _climbed(last.best, step, mean, state.task.metric)
    return Answer(
        candidate=candidate,
        holdout=at,
        values=values,
        better=better if last.best is not None else None,
        best=best,
        asked=last.asked + 1,
        confirmed=last.confirmed + better,
        step=step,
        trials=len(state.trials),
    )


def _climbed(best: float, step: float, mean: float, metric: Metric) -> tuple[bool, float]:
    """Whether a value is a new best, and the best after it."""
    if step <= 0.0:  # repeats never differ and no width was given: any gain is one
        better = metric.gain(mean, best) > 0.0
        return better, mean if better else best
    better, ladder = Ladder(best, step).ask(mean, metric)
    return better, ladder.best
