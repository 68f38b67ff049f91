"""The stack check: whether a row of accepted steps is really better than what it was built on.

Each step was accepted against the one before it, so errors, and losses too small to be seen, add
up unseen. Every ten steps the last of them therefore runs beside what the row was built on; where
it is not shown better, the row is halved until the last step is found that is, and the study goes
back to that one.

Two things are not asked. A row of nothing but removals is not better and need not be: it stands
where all of it together loses less than the largest of their margins. And where the machine was
too unsteady for a timing to say anything, nothing is given up for that: the row stands for now,
and the next check begins where this one did.
"""

from dataclasses import dataclass, replace

from upward.core.codec import plain
from upward.core.errors import EvidenceError
from upward.core.metric import Noise
from upward.core.records import Decision, Level, Purpose, Trial, TrialState, Verdict
from upward.ledger.facts import StackCheck
from upward.ledger.replay import STACK, StudyState
from upward.loop.design import design_for
from upward.loop.ease import plainly
from upward.loop.study import Item, Planned
from upward.stats.say import percent
from upward.stats.shared import Layout
from upward.stats.timing import variation
from upward.stats.verdict import Arm, Judgement, next_arm, race


@dataclass(frozen=True, slots=True)
class Row:
    """The steps that are checked together.

    Args:
        against: content id of what the first of them was built on.
        steps: content ids, oldest first; the last is the tip. Steps that were accepted since the
            check became due stand on it and fall with it.
    """

    against: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Halving:
    """How far a check has come.

    Args:
        compared: content ids whose comparison is decided, in order.
        stands: position in the row of the last step shown better, -1 for what it began with;
            None while the check goes on.
        open: content id that is compared now; empty when the check is decided.
        best: what the comparison of the step that stands showed.
        undecided: why nothing could be said of the tip; else empty.
    """

    compared: tuple[str, ...]
    stands: int | None
    open: str = ""
    best: Judgement | None = None
    undecided: str = ""


def next_stack_trial(state: StudyState) -> Planned | None:
    """Return the trial that a stack check needs next; None where none is due or all are running."""
    row = _due(state)
    if row is None:
        return None
    tested = _halved(state, row).open
    if not tested:
        return None
    mine, theirs = (_begun(state, c, tested) for c in (tested, row.against))
    arm = next_arm(mine, theirs, plan=state.start.plan)
    if arm is None:
        return None
    chosen = tested if arm is Arm.CANDIDATE else row.against
    return Planned(chosen, Purpose.STACK, tested, design=design_for(state, tested, Purpose.STACK))


def stack_checked(state: StudyState) -> list[Item]:
    """Return the entry of a check that is decided now, and a verdict on every step that fell."""
    row = _due(state)
    found = _halved(state, row) if row else None
    if row is None or found is None or found.stands is None:
        return []
    stands = row.steps[found.stands] if found.stands >= 0 else row.against
    check = StackCheck(
        tip=row.steps[-1],
        against=row.against,
        stands=stands,
        compared=found.compared,
        trials=len(state.trials),
        gain=found.best.gain if found.best else None,
        low=found.best.low if found.best else None,
        high=found.best.high if found.best else None,
        evidence=found.best.evidence if found.best else None,
        margin=_margin(state, row, stands),
        undecided=found.undecided,
    )
    items: list[Item] = [("stack", plain(check))]
    if stands != check.tip:
        ascent = [step.candidate for step in state.ascent()]
        falls = ascent[ascent.index(stands) + 1 if stands in ascent else 0 :]
        items += [("verdict", plain(_fell(state, row, step, check))) for step in falls]
    return items


def _due(state: StudyState) -> Row | None:
    """The row that is to be checked; None before there are enough steps since the last check."""
    every = state.start.plan.stack_every
    ascent = [step.candidate for step in state.ascent()]
    if state.task.metric.noise is Noise.EXACT or every < 1 or not ascent:
        return None
    decided = [check for check in state.stack_checks if not check.undecided]
    last, sure = _after(ascent, state.stack_checks), _after(ascent, decided)
    if len(ascent) - last < every:
        return None
    against = _against(state, ascent[:sure])
    first = ascent.index(against) + 1 if against in ascent else 0
    return Row(against, tuple(ascent[first : last + every]))


def _after(ascent: list[str], checks: list[StackCheck]) -> int:
    """How many steps lie behind the last of some checks."""
    return ascent.index(checks[-1].stands) + 1 if checks and checks[-1].stands in ascent else 0


def _against(state: StudyState, before: list[str]) -> str:
    """The last certified step before the row, or the baseline; it stays so while a check runs."""
    since, kind = _since(state), Purpose.STACK
    for trial in state.trials.values() if state.begun[kind] else ():
        beside = trial.purpose is kind and trial.candidate != trial.about
        if beside and trial.number > since:
            return trial.candidate
    certified = (c for c in reversed(before) if state.record(c).level is Level.CERTIFIED)
    return next(certified, state.start.baseline)


def _halved(state: StudyState, row: Row) -> Halving:
    """Where the bisection stands: the tip first, then midpoints between known and unknown."""
    stands, falls, compared = -1, len(row.steps), list[str]()
    best: Judgement | None = None
    position = len(row.steps) - 1
    while falls - stands > 1:
        candidate = row.steps[position]
        judged = _compared(state, row, candidate)
        if not compared and (why := _unsteady(state, row, judged)):
            return Halving((candidate,), position, undecided=why)
        if judged.decision is None:
            return Halving(tuple(compared), None, candidate)
        compared.append(candidate)
        if judged.decision is Decision.ACCEPTED:
            stands, best = position, judged
        else:
            falls = position
        position = (stands + falls) // 2
    return Halving(tuple(compared), stands, best=best)


def _compared(state: StudyState, row: Row, candidate: str) -> Judgement:
    """A race on fresh seeds; without a decision while its trials are still to come."""
    if _failed(state, candidate):
        return Judgement(Decision.REJECTED, None, "A trial failed in the stack check.")
    metric, margin = state.task.metric, _margin(state, row, candidate)
    beside = state.beside(candidate, row.against, Purpose.STACK, after=_since(state))
    try:
        judged = race(
            beside.mine,
            [metric.worsened(value, margin) for value in beside.theirs],
            metric=metric,
            plan=state.start.plan,
            earlier=state.before_race(candidate, row.against),
            layout=Layout(beside.design, beside.pairs),
        )
        return plainly(judged, metric, margin, len(beside.mine))
    except EvidenceError as error:
        return Judgement(Decision.INCONCLUSIVE, None, str(error))


def _margin(state: StudyState, row: Row, candidate: str) -> float:
    """The loss that all steps up to a candidate may have together, metric units.

    One margin for all of them, however many they are: that losses add up is what is looked for.
    """
    steps = row.steps[: row.steps.index(candidate) + 1] if candidate in row.steps else ()
    margins = [state.margin_of(step) for step in steps]
    return max(margins) if margins and all(margins) else 0.0


def _unsteady(state: StudyState, row: Row, judged: Judgement) -> str:
    """Why a comparison of timings ended without an answer: the machine; else empty."""
    beside, most = _values(state, row.against, row.steps[-1]), state.start.plan.timing_cv
    timed = state.task.metric.noise is Noise.TIMING and len(beside) > 1
    if not timed or judged.decision in (None, Decision.ACCEPTED):
        return ""
    found = variation(beside)
    if found <= most:
        return ""
    return (
        f"trials of {_name(state, row.against)} alone differ by {percent(found)} (coefficient of "
        f"variation, at most {percent(most)} allowed), too much to see anything"
    )


def _fell(state: StudyState, row: Row, candidate: str, check: StackCheck) -> Verdict:
    """What is said of a step that fell: what it showed in the check, if it ran there."""
    base = Verdict(
        candidate=candidate,
        incumbent=check.stands,
        decision=Decision.REJECTED,
        level=None,
        rule=STACK,
        reason=_came_after(state, check),
    )
    if candidate not in check.compared:
        return base
    mine, theirs = (_values(state, c, candidate) for c in (candidate, check.against))
    judged = _compared(state, row, candidate)
    tip, beside = _name(state, check.tip), _name(state, check.against)
    found = judged.reason.replace("of the incumbent", f"of {beside}")  # it ran as one, but is none
    return replace(
        base,
        incumbent=check.against,
        reason=f"Given up: in a check of all steps up to {tip} together this one ran beside "
        f"{beside}, which they were built on. {found}",
        gain=judged.gain,
        low=judged.low,
        high=judged.high,
        candidate_values=tuple(mine),
        incumbent_values=tuple(theirs),
    )


def _came_after(state: StudyState, check: StackCheck) -> str:
    tip, against = _name(state, check.tip), _name(state, check.against)
    begins = f"Given up: in a check of all steps up to {tip} together"
    if check.stands == check.against:
        return f"{begins} none was shown to be better than {against}, which they were built on."
    last = _name(state, check.stands)
    return f"{begins} {last} was the last shown to be better than {against}; this came after it."


def _name(state: StudyState, candidate: str) -> str:
    number = state.record(candidate).proposal
    return "the baseline" if number is None else f"p{number}"


# -- trials of this check ------------------------------------------------------------------------


def _since(state: StudyState) -> int:
    return state.stack_checks[-1].trials if state.stack_checks else 0


def _trials(state: StudyState, candidate: str, about: str) -> list[Trial]:
    since = _since(state)
    return [t for t in state.arm_trials(candidate, about, Purpose.STACK) if t.number > since]


def _begun(state: StudyState, candidate: str, about: str) -> int:
    """Trials that gave a measurement or still may: another takes the place of one that failed."""
    ended = [t for t in _trials(state, candidate, about) if t.number in state.outcomes]
    under_way = len(_trials(state, candidate, about)) - len(ended)
    return len(_values(state, candidate, about)) + under_way


def _values(state: StudyState, candidate: str, about: str) -> list[float]:
    found = (state.outcomes.get(t.number) for t in _trials(state, candidate, about))
    return [o.measurement.value for o in found if o and o.measurement]


def _failed(state: StudyState, candidate: str) -> bool:
    ended = (state.outcomes.get(t.number) for t in _trials(state, candidate, candidate))
    return any(outcome and outcome.state is TrialState.FAILED for outcome in ended)
