"""What was accepted, each with the evidence of both arms and its diff."""

from collections.abc import Sequence

from upward.core.records import Change, Proposal, Purpose, Verdict
from upward.ledger.replay import StudyState
from upward.report import strips
from upward.report.diffs import diff
from upward.report.facts import Figures, values_for
from upward.report.markup import Html, el, join
from upward.report.text import clean, count, day_and_time, number, odds
from upward.report.view import View, section

MOST_CARDS = 60
MOST_CHANGES = 12

EXPLAINED = (
    "Odds are what a fair bet against \u201cno gain\u201d has made of a stake of 1: without a gain "
    "it reaches 20 in at most 1 of 20 races, however long one looks. The 95 % interval holds the "
    "true gain in 95 of 100 such comparisons; positive is better. One race errs seldom, many "
    "races err somewhere: a step is certified when its odds, with those of its re-runs, stand "
    "against the count of all races (of the certified ones, at most {false:g} % are expected to "
    "be false); until then it is verified, which counts its own race alone."
)


def accepted(view: View) -> Html:
    """Return a card for each acceptance, newest first."""
    positions = view.state.acceptances[::-1]
    if not positions:
        words = "Nothing was accepted: no candidate won its race on fresh trials."
        return section("accepted", "Accepted changes", el("p", words, cls="quiet"))
    reach = _reach([view.state.verdicts[i] for i in positions])
    cards = [_card(view, position, reach) for position in positions[:MOST_CARDS]]
    parts = [el("div", *cards, cls="cards")]
    if len(positions) > MOST_CARDS:
        missing = count(len(positions) - MOST_CARDS, "older acceptance")
        note = f"{missing} of {len(positions):,} are not shown; `upward log` shows all."
        parts.append(el("p", note, cls="note"))
    explained = EXPLAINED.format(false=100 * view.state.start.plan.certify_alpha)
    raced = any(verdict.evidence is not None for verdict in view.state.accepted)
    return section("accepted", "Accepted changes", *parts, intro=explained if raced else None)


def _reach(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """The axis that all gains share; zero lies on it."""
    ends = [v for verdict in verdicts for v in (verdict.low, verdict.high, 0.0) if v is not None]
    low, high = min(ends), max(ends)
    return low, high if high > low else low + 1.0


def _card(view: View, position: int, reach: tuple[float, float]) -> Html:
    state, verdict = view.state, view.state.verdicts[position]
    proposal = state.proposal_of(verdict.candidate)
    name = f"p{proposal.number}" if proposal else "baseline"
    now = state.record(verdict.candidate).level
    level = now.value if now else "no level"
    tone = "good" if now and now.rank > 0 else "warn"
    head = el(
        "header",
        el("span", name, cls="id"),
        el("span", level, cls=f"badge {tone}"),
        el("span", "simpler", cls="badge plain") if _leaves_out(proposal) else None,
        el("time", day_and_time(state.verdict_at[position])),
    )
    return el(
        "article",
        head,
        el("div", *_idea(proposal), cls="idea"),
        el("div", *_evidence(view, verdict, reach), _certified(view, verdict), cls="evidence"),
        _replays(state, verdict.candidate, view.figures),
        _details(view, proposal),
        cls="card",
        id=f"a{position}",
    )


def _leaves_out(proposal: Proposal | None) -> bool:
    return proposal is not None and proposal.margin is not None


def _idea(proposal: Proposal | None) -> list[Html]:
    if proposal is None:
        return [el("p", "The unedited candidate, run again.", cls="hypothesis")]
    who = clean(proposal.researcher, 40)
    return [
        el("p", clean(proposal.hypothesis, 400), cls="hypothesis"),
        changes(proposal.changes),
        el("p", f"Proposed by {who}, kind of edit: {clean(proposal.operator, 40)}.", cls="quiet"),
    ]


def changes(found: Sequence[Change]) -> Html:
    """Return typed changes as knob, old and new."""
    items = [
        el(
            "li",
            el("span", clean(change.knob, 120), cls="knob"),
            " ",
            el("del", clean(change.old, 80)),
            " \u2192 ",
            el("ins", clean(change.new, 80)),
        )
        for change in found[:MOST_CHANGES]
    ]
    if len(found) > MOST_CHANGES:
        items.append(el("li", f"and {len(found) - MOST_CHANGES} more"))
    return el("ul", *items, cls="changes") if items else Html("")


def _evidence(view: View, verdict: Verdict, reach: tuple[float, float]) -> list[Html]:
    write = view.figures
    parts = list[Html]()
    if verdict.gain is not None:
        parts.append(el("p", *_gain(verdict, write), cls="gain"))
    spread = verdict.low is not None and verdict.high is not None and verdict.low < verdict.high
    if verdict.gain is not None and spread:
        low, high = verdict.low or 0.0, verdict.high or 0.0
        parts.append(strips.gain_bar(verdict.gain, low, high, reach, width=300))
    parts.append(el("p", *_odds(view, verdict), cls="odds"))
    if verdict.candidate_values and verdict.incumbent_values and spread:
        parts.append(_arms(verdict))
    return parts


def _gain(verdict: Verdict, write: Figures) -> list[str]:
    gain = verdict.gain or 0.0
    words: list[str] = [el("strong", write.gain(gain)), f" {write.metric.unit}".rstrip()]
    if verdict.low is None or verdict.high is None or verdict.low == verdict.high:
        return words
    interval = f"95 % interval {write.gain(verdict.low)} to {write.gain(verdict.high)}"
    return [*words, " ", el("span", interval, cls="quiet")]


def _claim(view: View, verdict: Verdict) -> str:
    """What the odds are about, where it is not a gain."""
    margin = view.state.margin_of(verdict.candidate)
    unit = view.state.task.metric.unit
    return f" that leaving it out loses less than {margin:.2g} {unit}".rstrip() if margin else ""


def _odds(view: View, verdict: Verdict) -> list[str]:
    if verdict.evidence is None:
        return [clean(verdict.reason, 300)]
    needed = number(1.0 / view.state.start.plan.alpha, 0)
    fresh = count(len(verdict.candidate_values), "fresh trial")
    against = f"{len(verdict.incumbent_values):,}"
    return [
        el("strong", f"odds {odds(verdict.evidence)}"),
        f"{_claim(view, verdict)}; {needed} needed. {fresh} against the incumbent's {against}.",
    ]


def _certified(view: View, verdict: Verdict) -> Html | None:
    """What its re-runs and the count of all races say of an accepted step."""
    state, certificate = view.state, view.state.certificate
    held = certificate.evidence.get(verdict.candidate) if certificate else None
    again = len(values_for(state, verdict.candidate, Purpose.CERTIFY))
    ran = f" It ran again {count(again, 'time')}." if again else ""
    if held is not None:
        races = count(certificate.raced if certificate else 0, "race")
        return el("p", f"Certified among {races}: odds {odds(held)} in all.{ran}", cls="odds")
    if verdict.evidence is None or not verdict.level or verdict.level.rank < 1:
        return None
    races = count(len(state.races), "race")
    return el("p", f"Not certified: too little evidence among {races}.{ran}", cls="odds")


def _arms(verdict: Verdict) -> Html:
    rows = (
        ("incumbent", verdict.incumbent_values, "base"),
        ("candidate", verdict.candidate_values, "verified"),
    )
    return strips.arms(rows, width=400, label="Measurements of both arms", left=74)


def _replays(state: StudyState, candidate: str, write: Figures) -> Html | None:
    values = values_for(state, candidate, Purpose.REPLAY)
    if not values:
        return None
    mean = write.unit(sum(values) / len(values))
    shown = ", ".join(write.value(value) for value in values[:12])
    more = ", \u2026" if len(values) > 12 else ""
    words = f"Run again from the ledger: mean {mean} over {count(len(values), 'trial')} "
    return el("p", words, f"({shown}{more}).", cls="replayed")


def _details(view: View, proposal: Proposal | None) -> Html | None:
    if proposal is None:
        return None
    body = diff(view.state, proposal, view.read, view.room)
    files = ", ".join(clean(path, 60) for path in sorted(proposal.files)[:6])
    summary = el("summary", "Diff against its parent ", el("span", files, cls="quiet"))
    return el("details", summary, join((body,)))
