"""What accepted candidates show on data that no decision of the study has seen."""

from upward.core.errors import EvidenceError
from upward.core.metric import Noise
from upward.ledger.facts import Answer
from upward.ledger.replay import StudyState
from upward.report.markup import Html, el
from upward.report.text import clean, count
from upward.report.view import View, section, table
from upward.stats.holdout import WORN, deviation
from upward.stats.sequential import Gain, interval

WHAT = (
    "A part of the data was sealed: no trial, no verdict and no researcher has seen a number from "
    "it. Each accepted candidate asked it one question: better than the best so far by a clear "
    "step, yes or no? Every question wears such data out a little, so they are counted."
)
NONE = (
    "This task has no sealed holdout, so nothing here says whether the gain carries over to data "
    "that the study did not choose by. [[holdout]] in task.toml adds one."
)


def holdout(view: View) -> Html:
    """Return the questions that were asked of the holdout, or why there are none."""
    state, heading = view.state, "Sealed holdout"
    if state.task.metric.noise is Noise.EXACT:
        words = "An exact metric proves each result by itself; there is nothing to hold out."
        return section("holdout", heading, el("p", words, cls="quiet"))
    if not state.task.holdouts:
        return section("holdout", heading, el("p", NONE, cls="quiet"))
    asked = [a for a in state.answers if a.candidate != state.start.baseline]
    if not asked:
        words = "Not asked yet: only accepted candidates ask."
        return section("holdout", heading, el("p", words, cls="quiet"))
    rows = [_row(view, answer) for answer in asked]
    head = ("Accepted", "On data that decided#", "On the holdout#", "Answer")
    parts = el("p", summary(view), cls="verdict"), table(head, rows, "data")
    return section("holdout", heading, *parts, el("p", _wear(state), cls="note"), intro=WHAT)


def summary(view: View) -> str:
    """Return whether the gain of the best candidate carries over, as one sentence."""
    state, write = view.state, view.figures
    answer = answer_of(state)
    if answer is None:
        return "The best candidate has not been asked about."
    sealed = sealed_gain(state, answer)
    if sealed is None:
        return "The best candidate could not be measured on the holdout: it is not confirmed."
    span = f"{write.gain(sealed.low)} to {write.gain(sealed.high)}"
    found = f"{write.gain(sealed.estimate)} {state.task.metric.unit}".rstrip()
    carried = (
        f"On the holdout the best candidate gains {found} over the baseline (95 % interval {span})"
    )
    if answer.better:
        return f"{carried}, and it was confirmed as a new best."
    return (
        f"{carried}. It was not confirmed as a new best: over the last confirmed one it is not "
        f"better by the step of {answer.step:.2g}, which is what this holdout can tell."
    )


def answer_of(state: StudyState) -> Answer | None:
    """The last answer about the incumbent."""
    found = (a for a in reversed(state.answers) if a.candidate == state.incumbent)
    return next(found, None)


def sealed_gain(state: StudyState, answer: Answer) -> Gain | None:
    """The gain over the baseline on the holdout; None without two values of either."""
    baseline = state.start.baseline
    same = (a for a in state.answers if a.holdout == answer.holdout and a.candidate == baseline)
    first = next(same, None)
    if first is None:
        return None
    try:
        return interval(answer.values, first.values, metric=state.task.metric)
    except EvidenceError:
        return None


def _row(view: View, answer: Answer) -> Html:
    state, write = view.state, view.figures
    proposal = state.proposal_of(answer.candidate)
    name = f"p{proposal.number}" if proposal else "baseline"
    value, first = state.value_of(answer.candidate), state.value_of(state.start.baseline)
    here = (
        "" if value is None or first is None else write.gain(state.task.metric.gain(value, first))
    )
    sealed = sealed_gain(state, answer)
    there = write.gain(sealed.estimate) if sealed else "no measurement"
    words = {True: "yes, a new best", False: "no", None: "unknown"}[answer.better]
    what = clean(proposal.hypothesis, 100) if proposal else ""
    return el(
        "tr",
        el("td", el("strong", name), " ", what),
        el("td", here, cls="n"),
        el("td", there, cls="n"),
        el("td", words),
    )


def _wear(state: StudyState) -> str:
    last = state.answers[-1]
    n = state.task.holdouts[last.holdout].examples
    ratio = deviation(last.asked, last.confirmed, n) / deviation(0, 0, n)
    words = (
        f"{count(last.asked, 'question')}, {last.confirmed:,} answered with yes. By the length of "
        f"the shortest account of these answers, the holdout may mislead {ratio:.2f} times as much "
        f"as at a single look; at {WORN:g} times it counts as used up"
    )
    if last.holdout + 1 < len(state.task.holdouts):
        return f"{words}, and the next of the task's holdouts takes its place."
    return f"{words}, and the task needs a new one before more can be learned from it."
