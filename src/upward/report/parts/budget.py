"""What the study cost, and what failed."""

from collections.abc import Mapping

from upward.core.records import Purpose
from upward.ledger.facts import Session
from upward.ledger.replay import StudyState
from upward.report import svg
from upward.report.facts import failures, purposes, worked_s
from upward.report.markup import Html, el, join
from upward.report.text import clean, count, day_and_time, number, seconds
from upward.report.view import View, facts, section, table

MOST_SESSIONS = 20
WORDS = {
    Purpose.CALIBRATE: "calibration of the baseline",
    Purpose.SETTLE: "further trials of a new best candidate",
    Purpose.RUNG: "short trials at the rung",
    Purpose.SCREEN: "first looks at candidates",
    Purpose.RACE: "races: evidence",
    Purpose.CERTIFY: "accepted steps once more: certificates",
    Purpose.STACK: "all accepted steps together: stack checks",
    Purpose.PUBLISH: "best beside baseline, for the headline",
    Purpose.HOLDOUT: "outputs scored on the sealed holdout",
    Purpose.REPLAY: "replays from the ledger",
}
BOUNDARIES = {
    "candidate": "the candidate's own command ended badly",
    "outputs": "what it left behind was missing or refused",
    "scorer": "no valid measurement could be made of it",
    "limits": "it used more than its budget allows",
    "sandbox": "the sandbox itself did not work",
}


def budget(view: View) -> Html:
    """Return time, trials, sessions and failures."""
    state = view.state
    worked = worked_s(state)
    per_hour = 3600.0 * len(state.outcomes) / worked if worked > 0 else None
    tiles = facts(
        ("CPU time", seconds(state.cpu_s), f"{state.cpu_s:,.0f} CPU-s, trials and their scoring."),
        ("Time at work", seconds(worked), f"In {count(len(state.sessions), 'session')}."),
        ("Trials", f"{len(state.outcomes):,}", _pending(state)),
        ("Pace", "unknown" if per_hour is None else f"{number(per_hour, 0)} trials/h", None),
        ("Failed trials", f"{state.failed:,}", "Without a measurement; never counted as a number."),
    )
    return section(
        "budget",
        "Budget",
        tiles,
        _shares(state),
        _failed(state),
        _sessions(state),
        _stopped(state),
    )


def _pending(state: StudyState) -> str | None:
    return f"{len(state.pending):,} more had begun and not ended." if state.pending else None


def _shares(state: StudyState) -> Html | None:
    """One bar that shows what the trials were for."""
    counts = purposes(state)
    total = sum(counts.values())
    if not total:
        return None
    shapes, keys, at = list[Html](), list[Html](), 0.0
    for i, (purpose, words) in enumerate(WORDS.items()):
        if not counts[purpose]:
            continue
        width = 600.0 * counts[purpose] / total
        shapes.append(svg.rect(at, 0, max(0.5, width - 2), 14, f"share s{i}"))
        at += width
        key = el("svg", svg.rect(0, 2, 12, 12, f"share s{i}"), viewBox="0 0 12 16", cls="key")
        keys.append(el("li", key, f"{words}: {counts[purpose]:,}"))
    drawn = svg.drawing(600, 14, *shapes, label="What trials were for", preserveAspectRatio="none")
    return join((el("h3", "What the trials were for"), el("div", drawn, cls="shares"), _list(keys)))


def _list(keys: list[Html]) -> Html:
    return el("ul", *keys, cls="legend")


def _failed(state: StudyState) -> Html | None:
    found = failures(state)
    if not found:
        return None
    rows = [
        el(
            "tr",
            el("td", clean(name, 24), cls="boundary"),
            el("td", f"{times:,}", cls="n"),
            el("td", BOUNDARIES.get(name, "")),
        )
        for name, times in found.most_common(10)
    ]
    found_table = table(("Boundary", "Trials#", ""), rows, "small", fit=True)
    return join((el("h3", "Failures by boundary"), found_table))


def _sessions(state: StudyState) -> Html | None:
    if not state.sessions:
        return None
    shown = state.sessions[-MOST_SESSIONS:]
    head = ("Session began", "Workers#", "Allowed", "Isolated")
    parts = [el("h3", "Sessions"), table(head, [_session(s) for s in shown], "small", fit=True)]
    if len(shown) < len(state.sessions):
        note = f"The newest {MOST_SESSIONS} of {len(state.sessions):,} sessions are shown."
        parts.append(el("p", note, cls="note"))
    return join(parts)


def _session(session: Session) -> Html:
    return el(
        "tr",
        el("td", day_and_time(session.at)),
        el("td", f"{session.workers}", cls="n"),
        el("td", _allowed(session.budget)),
        el("td", "yes" if session.isolation.isolated else "NO"),
    )


def _allowed(limits: Mapping[str, float]) -> str:
    found = [f"{number(v)} {clean(name, 24).replace('_', '-')}" for name, v in limits.items()]
    return ", ".join(found) or "no limit"


def _stopped(state: StudyState) -> Html:
    if state.stopped is None:
        return el("p", "The last session has not ended, or was ended from outside.", cls="note")
    return el("p", f"The last session ended: {clean(state.stopped, 200)}.", cls="note")
