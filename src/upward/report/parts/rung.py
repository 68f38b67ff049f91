"""What the short trials saved, and how often they were wrong."""

from upward.core.records import Purpose, Verdict
from upward.ledger.replay import SCREEN, StudyState
from upward.report.markup import Html, el
from upward.report.text import count, percent, seconds
from upward.report.view import View, section
from upward.stats.shares import share_range

WHAT = (
    "Before its first whole trial every candidate gets a short one. What is clearly behind there "
    "is stopped. A random part of those goes on all the same: what they show says how often a "
    "good candidate is stopped."
)


def rung(view: View) -> Html | None:
    """Return what the rung did; nothing for a task without one."""
    state = view.state
    if state.task.rung is None:
        return None
    stopped = [r for r in state.rungs.values() if not r.passed and not r.survivor]
    begun, share = count(len(state.rungs), "candidate"), percent(state.task.rung)
    words = (
        f"{begun} began with a short trial of {share} of the budget; {len(stopped):,} were "
        f"stopped there. {_saved(state, len(stopped))}"
    )
    return section("rung", "Short trials first", el("p", words), el("p", wrong(state)), intro=WHAT)


def wrong(state: StudyState) -> str:
    """Return how often a stopped candidate would have passed its screen, as one sentence."""
    survivors = {one.candidate for one in state.rungs.values() if one.survivor}
    first: dict[str, Verdict] = {}
    for verdict in state.verdicts:
        if verdict.candidate in survivors and verdict.rule == SCREEN:
            first.setdefault(verdict.candidate, verdict)
    if not first:
        return "How often it is wrong is not known yet: no stopped candidate was let through."
    good = sum(verdict.level is not None for verdict in first.values())
    low, high = share_range(good, len(first))
    return (
        f"{count(len(first), 'candidate')} that would have been stopped went on, and {good:,} "
        f"passed the screen: between {percent(low)} and {percent(high)} of what is stopped is "
        "stopped wrongly (95 % interval)."
    )


def _saved(state: StudyState, stopped: int) -> str:
    whole, short = _cost(state, Purpose.SCREEN), _cost(state, Purpose.RUNG)
    spent = sum(t.purpose is Purpose.RUNG for t in state.trials.values())
    if whole is None or short is None:
        return ""
    saved = stopped * whole - spent * short
    sign = "saved" if saved >= 0 else "cost"
    return f"That {sign} {seconds(abs(saved))} of CPU beside whole trials for all."


def _cost(state: StudyState, purpose: Purpose) -> float | None:
    costs = [
        sum(use.cpu_s for use in (outcome.usage, outcome.scoring) if use)
        for number, outcome in state.outcomes.items()
        if state.trials[number].purpose is purpose and outcome.measurement
    ]
    return sum(costs) / len(costs) if costs else None
