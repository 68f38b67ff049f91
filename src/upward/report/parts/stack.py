"""What the accepted steps are worth together, and which parts of them are needed."""

from upward.core.records import Change, Decision, Proposal, Purpose, Verdict
from upward.ledger.facts import StackCheck
from upward.ledger.replay import OVERTAKEN, SCREEN, STACK, StudyState
from upward.report.markup import Html, el, join
from upward.report.text import clean, count
from upward.report.view import View, section, table

MOST_ROWS = 30
MOST_PARTS = 20
UNANSWERED = {
    OVERTAKEN: "open: another candidate became the best first",
    STACK: "left out, and given up later with the steps around it",
}
LEFT_OUT = (
    "Each row is a question: the best candidate of that time without one of its parts. What is "
    "shown to lose less than the allowed loss, which is the smallest gain that the study could "
    "see, is left out for good: what remains is simpler and says more about why it works."
)
CHECKED = (
    "Steps are accepted one by one, so small errors could add up. After every {every} the "
    "last one runs beside what the first was built on; what is not shown better is given up."
)


def stack(view: View) -> Html | None:
    """Return stack checks and removals; nothing where there was neither."""
    if not has_stack(view.state):
        return None
    state, removals = view.state, _removals(view)
    checks = [_check_words(view, check) for check in state.stack_checks]
    if open_check(state):
        checks.append("A check of all steps has begun and is not decided yet.")
    every = CHECKED.format(every=count(state.start.plan.stack_every, "accepted step"))
    parts = [
        el("p", every, cls="intro") if checks else None,
        el("ul", *(el("li", words) for words in checks)) if checks else None,
        el("p", LEFT_OUT, cls="intro") if removals else None,
        _parts(view) if removals else None,
        _table(view, removals) if removals else None,
    ]
    return section("stack", "The steps together", *parts)


def has_stack(state: StudyState) -> bool:
    """Whether there is anything to show."""
    return bool(state.stack_checks or open_check(state)) or any(
        proposal.margin is not None and state.record(proposal.candidate).verdict is not None
        for proposal in state.proposals.values()
    )


def open_check(state: StudyState) -> bool:
    """Whether a check has begun and is not decided yet."""
    since = state.stack_checks[-1].trials if state.stack_checks else 0
    if not state.begun[Purpose.STACK]:
        return False
    numbers = (n for n, trial in state.trials.items() if trial.purpose is Purpose.STACK)
    # of a check that was decided early, some trials may still run: they are older than that
    return max(numbers) > since


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
    if check.undecided:
        return (
            f"Whether all steps up to {tip} together are better than {against} could not be "
            f"told: {check.undecided}. They stand for now, and the next check begins there again."
        )
    if check.stands == check.tip and check.margin:
        return (
            f"All steps up to {tip} together only left something out, and cost less than "
            f"{check.margin:.2g} against {against}: gain{size.removeprefix(' by')}. They stand."
        )
    if check.stands == check.tip:
        return f"All steps up to {tip} together are better than {against}{size}: they stand."
    stands = _name(view, check.stands)
    halved = count(len(check.compared), "comparison")
    kept = f"better than {against}{size}" if check.gain is not None else "all that stands"
    if check.margin:
        kept = f"simpler than {against}: gain{size.removeprefix(' by')}"
    return (
        f"All steps up to {tip} together were not shown to be better than {against}. After "
        f"{halved} the study went back to {stands}, which is {kept}."
    )


def _table(view: View, removals: list[tuple[Proposal, Verdict]]) -> Html:
    rows = [_row(view, proposal, verdict) for proposal, verdict in removals]
    unit = f", {clean(view.state.task.metric.unit, 20)}".rstrip(", ")
    head = ("Left out", "What came of it", f"Gain{unit}#", "Allowed loss#")
    return table(head, rows, "data")


def _row(view: View, proposal: Proposal, verdict: Verdict) -> Html:
    return el(
        "tr",
        el("td", el("strong", f"p{proposal.number}"), " ", _what(proposal)),
        el("td", _outcome(verdict)),
        el("td", _lost(view, verdict), cls="n"),
        el("td", f"{proposal.margin:.2g}", cls="n"),
    )


def _lost(view: View, verdict: Verdict) -> str:
    """The gain without the part, with its interval; a stack check compared something else."""
    write = view.figures
    if verdict.gain is None or verdict.rule == STACK:
        return ""
    if verdict.low is None or verdict.high is None or verdict.low == verdict.high:
        return write.gain(verdict.gain)
    ends = f"{write.gain(verdict.low)} to {write.gain(verdict.high)}"
    return f"{write.gain(verdict.gain)} ({ends})"


def _what(proposal: Proposal) -> str:
    if not proposal.changes:
        return clean(proposal.hypothesis, 160)
    return clean(", ".join(f"{_knob(c)} {c.old}" for c in proposal.changes), 200)


def _knob(change: Change) -> str:
    return change.knob.partition(":")[2]


def _outcome(verdict: Verdict) -> str:
    if verdict.decision is Decision.ACCEPTED:
        return "dead weight: left out"
    if verdict.decision is Decision.INVALID:
        return "fails without it"
    if verdict.rule in UNANSWERED:
        return UNANSWERED[verdict.rule]
    if verdict.rule == SCREEN:
        rejected = verdict.decision is Decision.REJECTED
        return "needed, by one trial" if rejected else "waits for its race"
    needed = verdict.high is not None and verdict.high < 0.0
    return "needed" if needed else "not shown to be dispensable"


# -- the parts of the best candidate -------------------------------------------------------------


def _parts(view: View) -> Html | None:
    """Every setting in which the best candidate differs from the baseline, and what it carries."""
    state = view.state
    parts = _settings(state)
    if not parts:
        return None
    rewritten = sum(not step.changes for step in state.lineage(state.incumbent))
    code = f", and its code was rewritten in {count(rewritten, 'step')}" if rewritten else ""
    differ = "setting differs" if len(parts) == 1 else "settings differ"
    words = f"In the best candidate {len(parts):,} {differ} from the baseline{code}:"
    answers = {_single(p): v for p, v in reversed(_removals(view)) if len(p.changes) == 1}
    items = [
        el("li", el("strong", clean(f"{name} {source}", 80)), ": ", _carries(view, verdict))
        for (knob, source), name in list(parts.items())[:MOST_PARTS]
        for verdict in (answers.get((knob, source)),)
    ]
    more = len(parts) - len(items)
    return join(
        (
            el("p", words),
            el("ul", *items, el("li", f"and {more:,} more") if more else None),
        )
    )


def _settings(state: StudyState) -> dict[tuple[str, str], str]:
    """(knob id, source) of what differs from the baseline, with the knob's name."""
    first, last = dict[str, str](), dict[str, Change]()
    for change in state.changes_of(state.incumbent):
        first.setdefault(change.knob, change.old)
        last[change.knob] = change
    return {
        (knob, change.new): _knob(change)
        for knob, change in last.items()
        if change.new != first[knob]
    }


def _single(removal: Proposal) -> tuple[str, str]:
    [change] = removal.changes
    return change.knob, change.old


def _carries(view: View, verdict: Verdict | None) -> str:
    if verdict is None:
        return "not asked"
    lost = _lost(view, verdict)
    unit = f" {clean(view.state.task.metric.unit, 20)}".rstrip()
    return f"{_outcome(verdict)}{f'; gain without it {lost}{unit}' if lost else ''}"
