"""The guards: what must not get worse, what was shown of it, and what a gain costs."""

from collections import Counter
from statistics import fmean

from upward.core.errors import EvidenceError
from upward.core.metric import Direction, Guard, GuardReading, GuardState
from upward.ledger.replay import StudyState
from upward.report import pareto
from upward.report.markup import Html, el
from upward.report.text import clean, count, number
from upward.report.view import View, section, table
from upward.stats.guards import smallest_tolerance
from upward.stats.say import amount

MOST_GUARDS = 8
HEAD = (
    "Guard",
    "What was shown",
    "Tolerance#",
    "Can be shown#",
    "Baseline#",
    "Incumbent#",
    "Loss at most#",
    "Rejected for it#",
)


def guards(view: View) -> Html | None:
    """Return the table of guards and the Pareto view; None for a task without guards."""
    state = view.state
    if not state.task.guards:
        return None
    shown = state.task.guards[:MOST_GUARDS]
    rejected = _rejections(state)
    rows = [_row(view, guard, rejected) for guard in shown]
    planes = [pareto.draw(state, guard, view.figures) for guard in shown]
    left = len(state.task.guards) - len(shown)
    notes = [*_crept(state), *([f"{count(left, 'more guard')} not shown."] if left else [])]
    return section(
        "guards",
        "Guards",
        table(HEAD, rows, "guarded"),
        *(el("p", note, cls="note") for note in notes),
        *planes,
        intro="A guard must not get worse by more than its tolerance. It holds only when the upper "
        "bound on the loss is within that; a difference that noise hides is no proof of none. What "
        "can be shown is the smallest tolerance that a race settles for 80 of 100 candidates that "
        "lose nothing.",
    )


def _row(view: View, guard: Guard, rejected: Counter[str]) -> Html:
    state = view.state
    before, after = _mean(state, guard, state.start.baseline), _mean(state, guard, state.incumbent)
    reading = _reading(state, guard)
    upper = "" if reading is None or reading.upper is None else _amount(reading.upper, reading)
    at = None
    if reading is not None and reading.confidence is not None:
        sure = "exact" if reading.confidence == 1.0 else f"at {100 * reading.confidence:.3g} %"
        at = el("span", sure, cls="quiet")
    return el(
        "tr",
        el("td", el("code", clean(guard.name, 60)), el("span", _way(guard), cls="quiet")),
        el("td", *_shown(state, reading), cls="state"),
        el("td", number(guard.tolerance), cls="n"),
        el("td", _least(state, guard), cls="n"),
        el("td", before, cls="n"),
        el("td", after, cls="n"),
        el("td", upper, at, cls="n"),
        el("td", f"{rejected[guard.name]:,}", cls="n"),
    )


def _way(guard: Guard) -> str:
    better = "higher" if guard.direction is Direction.MAXIMIZE else "lower"
    return f"{better} is better"


def _mean(state: StudyState, guard: Guard, candidate: str) -> str:
    """Mean reading of a candidate's unselected trials, or of its screens where there are none."""
    found = pareto.readings(state, guard.name, candidate, screens=False)
    found = found or pareto.readings(state, guard.name, candidate, screens=True)
    return amount(fmean(found), max(found) - min(found)) if found else "unknown"


def _reading(state: StudyState, guard: Guard) -> GuardReading | None:
    """The guard as it stood when the incumbent was accepted."""
    if not state.acceptances:
        return None
    return next((g for g in state.accepted[-1].guards if g.name == guard.name), None)


def _amount(value: float, reading: GuardReading) -> str:
    return amount(value, abs((reading.upper or 0.0) - reading.loss))


def _shown(state: StudyState, reading: GuardReading | None) -> list[Html | str]:
    if not state.acceptances:
        return ["Nothing was accepted yet."]
    if reading is None:
        return ["Not recorded with the last acceptance."]
    word = {GuardState.HELD: "holds", GuardState.BROKEN: "broken", GuardState.OPEN: "not shown"}
    last = state.proposal_of(state.accepted[-1].candidate)
    who = f"the step to p{last.number}" if last else "the last step"
    change = "no change" if reading.loss == 0.0 else "better" if reading.loss < 0.0 else "worse"
    size = "" if reading.loss == 0.0 else f" by {_amount(abs(reading.loss), reading)}"
    return [
        el("span", word[reading.state], cls=reading.state.value),
        el("span", f"{who}: {change}{size} against the one before", cls="quiet"),
    ]


def _least(state: StudyState, guard: Guard) -> str:
    """The smallest tolerance that a race can show with the baseline's noise."""
    found = pareto.readings(state, guard.name, state.start.baseline, screens=False)
    try:
        least = smallest_tolerance(found, plan=state.start.plan)
    except EvidenceError:
        return "unknown"
    return f"from {least:.2g}" if least > 0.0 else "any"


def _rejections(state: StudyState) -> Counter[str]:
    """How many verdicts a guard decided, by its name; the first broken one is the reason."""
    found = Counter[str]()
    for verdict in state.verdicts:
        broken = [g.name for g in verdict.guards if g.state is GuardState.BROKEN]
        found.update(broken[:1])
    return found


def _crept(state: StudyState) -> list[str]:
    """Say where steps that were each within the tolerance add up to more than it."""
    notes = list[str]()
    for guard in state.task.guards[:MOST_GUARDS]:
        ends = (state.incumbent, state.start.baseline)
        found = [pareto.readings(state, guard.name, end, screens=False) for end in ends]
        if not all(found):
            continue
        loss = guard.loss(fmean(found[0]), fmean(found[1]))
        if loss > guard.tolerance:
            notes.append(
                f"{clean(guard.name, 60)} is worse than the baseline's by {loss:.3g}, more than "
                "one tolerance: each step was within it, but steps add up."
            )
    return notes
