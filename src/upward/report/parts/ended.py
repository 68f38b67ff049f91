"""What was not accepted: rejected, inconclusive, invalid, each with its reason."""

from collections import Counter

from upward.core.records import Decision, Failure
from upward.report.facts import Ended, Figures, decisions, not_accepted
from upward.report.markup import Html, el, join, verbatim
from upward.report.parts.accepted import changes
from upward.report.text import clean, count, odds, tail
from upward.report.view import View, section, table

MOST_ROWS = 300
MOST_TAILS = 80
TAIL_CHARS = 700
MARKS = {
    Decision.ACCEPTED: "\u2713",
    Decision.REJECTED: "\u2717",
    Decision.INCONCLUSIVE: "?",
    Decision.INVALID: "!",
}


def ended(view: View) -> Html:
    """Return the table of what was tried and not accepted, newest first."""
    everything = not_accepted(view.state)
    refused = _refused(view)
    if not everything:
        words = "No candidate was decided yet." if not view.state.acceptances else "None."
        return section("tried", "Not accepted", el("p", words, cls="quiet"), *refused)
    tails = _Tails(MOST_TAILS)
    rows = [_row(item, view.figures, tails) for item in everything[:MOST_ROWS]]
    head = ("", "Decision", "Hypothesis and change", "Gain#", "Why")
    parts = [_filter(decisions(view.state)), table(head, rows, "tried")]
    if len(everything) > MOST_ROWS:
        missing = f"The newest {MOST_ROWS:,} of {len(everything):,} are shown"
        words = f"{missing}; the counts above are of all. `upward log` shows the others."
        parts.append(el("p", words, cls="note"))
    return section(
        "tried",
        "Not accepted",
        *parts,
        *refused,
        intro="Negative results are results. A gain from a screening trial is one measurement of "
        "a candidate, without an interval; inconclusive means that the evidence never sufficed. "
        "Not accepted is not the same as no gain: one below the resolution is not visible here.",
    )


class _Tails:
    """How many more logs are quoted."""

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self) -> bool:
        """Whether one more may be quoted."""
        self.left -= 1
        return self.left >= 0


def _filter(counts: Counter[Decision]) -> Html:
    """Buttons that do nothing but hide rows; without a script every row is shown."""
    kinds = [d for d in (Decision.REJECTED, Decision.INCONCLUSIVE, Decision.INVALID) if counts[d]]
    total = sum(counts[d] for d in kinds)
    buttons = [el("button", f"all {total:,}", type="button", data_show="", aria_pressed="true")]
    buttons += [
        el(
            "button",
            f"{kind.value} {counts[kind]:,}",
            type="button",
            data_show=kind.value,
            aria_pressed="false",
        )
        for kind in kinds
    ]
    return el("p", *buttons, cls="filter", role="group", aria_label="Show only")


def _row(item: Ended, write: Figures, tails: _Tails) -> Html:
    proposal, verdict = item.proposal, item.verdict
    decision = verdict.decision
    state = el("span", MARKS[decision], cls="sign", aria_hidden="true")
    level = el("span", f"still {verdict.level.value}", cls="quiet") if verdict.level else None
    return el(
        "tr",
        el("td", f"p{proposal.number}", cls="id"),
        el("td", el("span", state, f" {decision.value}", cls=f"decision {decision.value}"), level),
        el("td", el("p", clean(proposal.hypothesis, 220)), changes(proposal.changes), cls="what"),
        el("td", *_gain(item, write), cls="n"),
        el("td", *_why(item, tails), cls="why"),
        data_decision=decision.value,
    )


def _gain(item: Ended, write: Figures) -> list[Html]:
    verdict = item.verdict
    if verdict.gain is None:
        return []
    parts = [el("span", write.gain(verdict.gain))]
    if verdict.low is not None and verdict.high is not None and verdict.low < verdict.high:
        words = f"{write.gain(verdict.low)} to {write.gain(verdict.high)}"
        parts.append(el("span", words, cls="quiet"))
    if verdict.evidence is not None:
        parts.append(el("span", f"odds {odds(verdict.evidence)}", cls="quiet"))
    return parts


def _why(item: Ended, tails: _Tails) -> list[Html]:
    parts = [el("p", clean(item.verdict.reason, 300))]
    if item.failure is not None:
        parts.append(_failure(item.failure, tails))
    return parts


def _failure(failure: Failure, tails: _Tails) -> Html:
    where = el("span", clean(failure.boundary, 24), cls="boundary")
    words = el("p", "stopped at the boundary: ", where, cls="quiet")
    quoted = tail(failure.detail, TAIL_CHARS)
    if not quoted or not tails.take():
        return words
    summary = el("summary", "last words of its log")
    return join((words, el("details", summary, quote(quoted))))


def quote(cleaned: str) -> Html:
    """Return cleaned text of a log with its line breaks, marked as a quotation."""
    return el("pre", verbatim(cleaned), cls="log", tabindex="0")


def _refused(view: View) -> list[Html]:
    reasons = view.state.refused
    if not reasons:
        return []
    words = f"{count(len(reasons), 'draft')} refused before becoming candidates, the newest: "
    newest = "; ".join(clean(reason, 160) for reason in reasons[-3:][::-1])
    return [el("p", words, newest, cls="note")]
