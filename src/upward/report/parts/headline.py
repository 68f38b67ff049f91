"""The headline: what was found, how far it can be trusted, and what luck alone would show."""

from upward.core.records import Decision
from upward.ledger.replay import StudyState
from upward.report.facts import Finding, Headline, decisions
from upward.report.markup import Html, el, join
from upward.report.text import clean, count, number, seconds
from upward.report.view import View, facts
from upward.stats.noise import recalibrated
from upward.stats.pairing import sees_in_pairs

NOTHING = "Nothing was found that this study can prove."
BEGUN = "This study has only begun: its noise is not known yet, so nothing can be claimed."
BADGES = {
    Finding.BEGUN: ("just begun", "plain"),
    Finding.NOTHING: ("nothing proved", "plain"),
    Finding.UNPROVEN: ("provisional only", "warn"),
    Finding.VERIFIED: ("verified", "good"),
    Finding.CERTIFIED: ("certified", "good"),
}


def masthead(view: View) -> Html:
    """Return the name of the study and its goal."""
    state = view.state
    return el(
        "header",
        el("p", f"Upward study {clean(state.name, 80)}", cls="eyebrow"),
        el("h1", clean(state.task.name, 80)),
        el("p", clean(state.task.goal, 400), cls="goal"),
    )


def headline(view: View) -> Html:
    """Return the claim with everything that belongs beside it."""
    words, tone = BADGES[view.headline.finding]
    badges = [el("span", words, cls=f"badge {tone}"), *_warnings(view.state)]
    claim = _claim(view) if view.headline.after is not None else _no_claim(view)
    return el("section", el("p", *badges, cls="badges"), claim, _tiles(view), cls="hero", id="top")


def _warnings(state: StudyState) -> list[Html]:
    found = list[Html]()
    if not state.isolation.isolated:
        found.append(el("span", "unisolated", cls="badge bad"))
    elif _partly(state):
        found.append(el("span", "partly unisolated", cls="badge bad"))
    if state.task.self_reported:
        found.append(el("span", "self-reported", cls="badge bad"))
    return found


def _partly(state: StudyState) -> bool:
    """Whether the sandbox holds now, but did not always."""
    return state.isolation.isolated and any(not s.isolation.isolated for s in state.sessions)


def _claim(view: View) -> Html:
    head, write = view.headline, view.figures
    after = head.after if head.after is not None else 0.0
    before = write.value(head.before) if head.before is not None else "unknown"
    arrow = el("span", "\u2192", cls="arrow")
    return join(
        (
            el(
                "p",
                el("span", before, cls="before"),
                arrow,
                el("span", write.value(after), cls="after"),
                el("span", write.metric.unit, cls="unit"),
                cls="big",
            ),
            el("p", *_gain(view), cls="gain"),
            *_distrust(view.state),
            el("p", _basis(view), cls="basis"),
        )
    )


def _gain(view: View) -> list[str]:
    head, write = view.headline, view.figures
    gain = head.gain
    if gain is None:
        return ["There are too few fresh trials for an interval, so no gain is stated."]
    share, unit = head.share(gain.estimate), f" {write.metric.unit}".rstrip()
    absolute = f"{write.value(gain.estimate)}{unit}"
    unproven = head.finding is Finding.UNPROVEN
    than = " than the baseline, not proved" if unproven else " than the baseline"
    words = [el("strong", f"{share or absolute} better"), than]
    if gain.low == gain.high:
        return [*words, f" ({absolute})." if share else "."]
    low, high = head.share(gain.low), head.share(gain.high)
    inner = f"95 % interval {low} to {high}; " if low and high else ""
    inner += f"{absolute}, {write.value(gain.low)} to {write.value(gain.high)}"
    return [*words, f" ({inner})."]


def _distrust(state: StudyState) -> list[Html]:
    found = list[Html]()
    if not state.isolation.isolated:
        words = (
            "Unisolated: the candidate could reach what judged it. Nothing here can be more than "
            "provisional, whatever the numbers say. "
        )
        found.append(el("p", words, clean(state.isolation.advice, 300), cls="alarm"))
    elif _partly(state):
        words = (
            "Partly unisolated: the sandbox did not hold in every session, see Budget. Replay what "
            "was accepted then."
        )
        found.append(el("p", words, cls="alarm"))
    if state.task.self_reported:
        words = (
            "Self-reported: the scorer ran in the candidate's own process, so the candidate wrote "
            "its own measurement. These gains cannot be verified."
        )
        found.append(el("p", words, cls="alarm"))
    return found


def _basis(view: View) -> Html:
    head, state = view.headline, view.state
    proposal = state.proposal_of(state.incumbent)
    if head.gain is not None and head.gain.low == head.gain.high:
        words = "The scorer derived the value from the bytes that the candidate left behind; "
        return join((words, "an exact measurement is a proof in itself."))
    if head.published:
        return join(
            (
                f"The best candidate and the baseline ran {count(head.trials_after, 'time')} more, "
                "in turn and on fresh seeds, after everything was decided: nothing in these "
                "figures was selected. ",
                *_steps(view),
            )
        )
    again = f"upward replay p{proposal.number}" if proposal else "upward replay best"
    fresh, base = count(head.trials_after, "fresh trial"), count(head.trials_before, "trial")
    return join(
        (
            f"From {fresh} of the best candidate and {base} of the baseline. ",
            *_apart(view),
            "Screening trials chose the candidates, so they are lucky and do not count here. "
            "Some of the fresh trials ended a race by winning it, which flatters a little: ",
            el("code", again),
            " measures the gain anew.",
        )
    )


def _apart(view: View) -> list[str]:
    """Say that the two ends did not run side by side, and what the steps between them add up to."""
    words = "These did not run side by side, as each accepted change below did, so a machine that "
    words += "became slower or faster is in this figure. "
    return [words, *_steps(view)]


def _steps(view: View) -> list[str]:
    """What the accepted steps add up to, each measured beside the incumbent of its time."""
    steps = view.state.stepped_gain()
    if steps is None:
        return []
    share = view.headline.share(steps)
    absolute = view.figures.unit(steps)
    return [f"The accepted steps alone add up to {absolute}{f' ({share})' if share else ''}. "]


def _no_claim(view: View) -> Html:
    state = view.state
    if view.headline.finding is Finding.BEGUN:
        return join((el("p", BEGUN, cls="plainly"), *_distrust(state)))
    waiting = sum(
        r.level is not None for c, r in state.records.items() if c != state.start.baseline
    )
    words = f"{count(view.headline.tries, 'candidate')} tried, none accepted. "
    if waiting:
        one = "looks" if waiting == 1 else "look"
        words += (
            f"{waiting:,} {one} better on trials that also selected them, "
            "which is not evidence: they stay provisional. "
        )
    return join((el("p", NOTHING, cls="plainly"), el("p", words, cls="gain"), *_distrust(state)))


def _tiles(view: View) -> Html:
    head, state, write = view.headline, view.state, view.figures
    won = decisions(state)[Decision.ACCEPTED]
    pairs: list[tuple[str, str, str | None]] = [
        (
            "Attempts",
            count(head.tries, "candidate"),
            "The more are tried, the better the best looks by luck alone.",
        )
    ]
    if head.luck is not None:
        pairs.append(("Luck alone would show", write.unit(head.luck), _luck(head)))
    pairs.append(("Accepted", f"{won:,}", _rule(state, won)))
    if state.noise is not None and state.noise.resolution > 0:
        now = state.noise.seen_at(recalibrated(state.noise.sd, state.newer))
        now *= sees_in_pairs(state.races_in_pairs(), state.noise.break_even)
        seen = f"{now:.2g} {state.task.metric.unit}".rstrip()
        pairs.append(("Smallest visible gain", seen, _smallest(state, now)))
    trials = count(len(state.outcomes), "trial")
    pairs.append(("Spent", f"{seconds(state.cpu_s)} CPU", f"In {trials}, with their scoring."))
    return facts(*pairs)


def _smallest(state: StudyState, now: float) -> str:
    words = "A smaller one is mostly missed here."
    if state.noise is not None and now != state.noise.resolution:
        words += f" At the start it was {state.noise.resolution:.2g}."
    return words


def _rule(state: StudyState, won: int) -> str:
    if not won:
        return "None won its race."
    words = "Each won against the best before it, by a fixed rule."
    if all(verdict.evidence is None for verdict in state.accepted):
        return words
    held = len(state.certificate.evidence) if state.certificate else 0
    which = "all" if held == won else f"{held:,}"
    return f"{words} Certified, counting {count(len(state.races), 'race')}: {which}."


def _luck(head: Headline) -> str:
    what = "the best of 1 try" if head.tries == 1 else f"the best of {head.tries:,} tries"
    words = f"Of pure noise, {what} would show this on average."
    if head.gain is not None and head.luck and head.gain.estimate > 0:
        times = head.gain.estimate / head.luck
        words += f" The gain above is {number(times, 1 if times < 10 else 0)} times that."
    return words
