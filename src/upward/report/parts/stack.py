"""What the accepted steps are worth together, and which parts of them are needed."""

from upward.core.records import Decision, Proposal, Verdict
from upward.ledger.facts import StackCheck
from upward.ledger.replay import SCREEN, StudyState
from upward.report.markup import Html, el
from upward.report.text import clean, count
from upward.report.view import View, section, table

MOST_ROWS = 30
LEFT_OUT = (
    "Each row is a question: the best candidate of that time without one of its parts. What is "
    "shown to lose less than the allowed loss, which is the smallest gain that the study could "
    "see, is left out for good: what remains is simpler and says more about why it works."
)
CHECKED = (
    "Steps are accepted one by one, so small errors could add up. After every {every} of them the "
    "last one runs beside what the first was built on; what is not shown better is given up."
)


def stack(view: View) -> Html | None:
    """Return stack checks and removals; nothing where there was neither."""
    if not has_stack(view.state):
        return None
    checks, removals = view.state.stack_checks, _removals(view)
    every = CHECKED.format(every=view.state.start.plan.stack_every)
    parts = [
        el("p", every, cls="intro") if checks else None,
        el("ul", *(el("li", _check_words(view, check)) for check in checks)) if checks else None,
        el("p", LEFT_OUT, cls="intro") if removals else None,
        _table(view, removals) if removals else None,
    ]
    return section("stack", "The steps together", *parts)


def has_stack(state: StudyState) -> bool:
    """Whether there is anything to show."""
    return bool(state.stack_checks) or any(
        proposal.margin is not None for proposal in state.proposals.values()
    )


def _removals(view: View) -> list[tuple[Proposal, Verdict]]:
    state = view.state
    found = list[tuple[Proposal, Verdict]]()
    for proposal in reversed(state.proposals.values()):
        position = state.record(proposal.candidate).verdict
        if proposal.margin is not None and position is not None:
            found.append((proposal, state.verdicts[position]))
    return found[:MOST_ROWS]


def _name(view: View, candidate: str) -> str:
    proposal = view.state.proposal_of(candidate)
    return f"p{proposal.number}" if proposal else "the baseline"


def _check_words(view: View, check: StackCheck) -> str:
    tip, against = _name(view, check.tip), _name(view, check.against)
    size = ""
    if check.gain is not None and check.low is not None and check.high is not None:
        write = view.figures
        size = f" by {write.gain(check.gain)} ({write.gain(check.low)} to {write.gain(check.high)})"
    if check.stands == check.tip:
        return f"All steps up to {tip} together are better than {against}{size}: they stand."
    stands = _name(view, check.stands)
    halved = count(len(check.compared), "comparison")
    kept = f"better than {against}{size}" if check.gain is not None else "all that stands"
    return (
        f"All steps up to {tip} together were not shown to be better than {against}. After "
        f"{halved} the study went back to {stands}, which is {kept}."
    )


def _table(view: View, removals: list[tuple[Proposal, Verdict]]) -> Html:
    rows = [_row(view, proposal, verdict) for proposal, verdict in removals]
    return table(("Left out", "What came of it", "Gain#", "Allowed loss#"), rows, "data")


def _row(view: View, proposal: Proposal, verdict: Verdict) -> Html:
    write = view.figures
    gain = "" if verdict.gain is None else write.gain(verdict.gain)
    if verdict.low is not None and verdict.high is not None:
        gain += f" ({write.gain(verdict.low)} to {write.gain(verdict.high)})"
    return el(
        "tr",
        el("td", el("strong", f"p{proposal.number}"), " ", _what(proposal)),
        el("td", _outcome(verdict)),
        el("td", gain, cls="n"),
        el("td", f"{proposal.margin:.2g}", cls="n"),
    )


def _what(proposal: Proposal) -> str:
    if not proposal.changes:
        return clean(proposal.hypothesis, 160)
    return clean(", ".join(f"{c.knob.partition(':')[2]} {c.old}" for c in proposal.changes), 200)


def _outcome(verdict: Verdict) -> str:
    if verdict.decision is Decision.ACCEPTED:
        return "dead weight: left out"
    if verdict.decision is Decision.INVALID:
        return "fails without it"
    if verdict.rule != SCREEN and verdict.high is not None and verdict.high < 0.0:
        return "needed"
    if verdict.decision is Decision.REJECTED and verdict.rule == SCREEN:
        return "needed, by one trial"
    return "waits for its race" if verdict.rule == SCREEN else "not shown to be dispensable"
