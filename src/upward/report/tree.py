"""The lineage of what was kept: which candidate came from which, as a drawing with one row each."""

from collections.abc import Iterable
from dataclasses import dataclass

from upward.core.records import Level
from upward.ledger.facts import Record
from upward.ledger.replay import StudyState
from upward.report import svg
from upward.report.curve import short_change
from upward.report.facts import Figures
from upward.report.markup import Html, coordinate, el, join
from upward.report.text import clean, count

MOST_ROWS = 120
ROW = 26.0
LANE = 20.0
LANES = 10
LEFT = 16.0


@dataclass(frozen=True, slots=True)
class Node:
    """One row of the drawing.

    Args:
        candidate: content id.
        parent: row of the parent, None for the baseline.
        lane: how far it stands from the main line.
        kind: baseline, verified, provisional or dropped.
        main: whether it lies on the way from the baseline to the incumbent.
    """

    candidate: str
    parent: int | None
    lane: int
    kind: str
    main: bool


def kept(state: StudyState) -> list[str]:
    """Return the candidates that may become parents, with all their ancestors, oldest first."""
    wanted = {state.start.baseline}
    for candidate, record in state.records.items():
        if record.level is not None:
            wanted |= {candidate, *_ancestors(state, candidate)}
    return [candidate for candidate in state.records if candidate in wanted]


def _ancestors(state: StudyState, candidate: str) -> set[str]:
    return {proposal.candidate for proposal in state.lineage(candidate)}


def chosen(state: StudyState, most: int = MOST_ROWS) -> list[str]:
    """Return about `most` kept candidates: the main line and the most trusted, with ancestors."""
    every = kept(state)
    if len(every) <= most:
        return every
    worth = sorted(every, key=lambda c: _worth(state, c), reverse=True)
    wanted = {state.start.baseline, state.incumbent, *_ancestors(state, state.incumbent)}
    for candidate in worth:
        if len(wanted) >= most:
            break
        wanted |= {candidate, *_ancestors(state, candidate)}
    return [candidate for candidate in every if candidate in wanted]


def _worth(state: StudyState, candidate: str) -> tuple[int, float]:
    record = state.record(candidate)
    base = state.record(state.start.baseline).mean
    level = -1 if record.level is None else record.level.rank
    gain = state.task.metric.gain
    known = record.mean is not None and base is not None
    return level, gain(record.mean or 0.0, base or 0.0) if known else float("-inf")


def nodes(state: StudyState, candidates: Iterable[str]) -> list[Node]:
    """Lay the candidates out: the main line straight down, everything else in lanes beside it.

    Branches of a candidate stand before the main line goes on, so no two lines cross.
    """
    included = list(candidates)
    children: dict[str, list[str]] = {candidate: [] for candidate in included}
    for candidate in included:
        proposal = state.proposal_of(candidate)
        if proposal is not None:
            children[proposal.parent].append(candidate)
    main = {state.start.baseline, *(p.candidate for p in state.lineage(state.incumbent))}
    rows = list[Node]()
    waiting: list[tuple[str, int | None, int]] = [(state.start.baseline, None, 0)]
    while waiting:
        candidate, parent, lane = waiting.pop()
        row = len(rows)
        kind = _kind(state, state.record(candidate))
        rows.append(Node(candidate, parent, lane, kind, candidate in main))
        order = sorted(children[candidate], key=lambda c: c in main)
        beside = min(lane + 1, LANES)
        waiting += [(c, row, 0 if c in main else beside) for c in reversed(order)]
    return rows


def _kind(state: StudyState, record: Record) -> str:
    if record.candidate == state.start.baseline:
        return "base"
    if record.level is None:
        return "dropped"
    return "provisional" if record.level is Level.PROVISIONAL else "verified"


def draw(state: StudyState, figures: Figures) -> Html:
    """Return the drawing in a box, with a note where rows are left out."""
    rows = nodes(state, chosen(state))
    missing = len(kept(state)) - len(rows)
    drawing = svg.both_widths(lambda width: _draw_one(state, rows, figures, width))
    parts = [el("div", drawing, cls="box tree")]
    if missing > 0:
        note = (
            f"{count(missing, 'further kept candidate')} are not drawn; the main line is complete."
        )
        parts.append(el("p", note, cls="note"))
    return join(parts)


def _draw_one(state: StudyState, rows: list[Node], figures: Figures, width: float) -> Html:
    shapes = [
        *(_edge(rows, row) for row, node in enumerate(rows) if node.parent is not None),
        *(_row(state, node, row, figures, width) for row, node in enumerate(rows)),
    ]
    height = ROW * len(rows) + 10
    label = f"Lineage of {count(len(rows), 'candidate')} from the baseline"
    return svg.drawing(width, height, *shapes, label=label)


def _place(node: Node, row: int) -> svg.Point:
    return LEFT + LANE * node.lane, 5 + ROW * (row + 0.5)


def _edge(rows: list[Node], row: int) -> Html:
    node = rows[row]
    above = node.parent or 0
    x1, y1 = _place(rows[above], above)
    x2, y2 = _place(node, row)
    cls = "edge main" if node.main else "edge"
    if x1 == x2:
        return svg.line(x1, y1, x2, y2, cls)
    a, b, y = coordinate(x1), coordinate(x2), coordinate(y2)
    path = f"M{a} {coordinate(y1)}V{coordinate(y2 - 9)}Q{a} {y} {coordinate(x1 + 9)} {y}H{b}"
    return el("path", d=Html(path), cls=cls)


def _row(state: StudyState, node: Node, row: int, figures: Figures, width: float) -> Html:
    x, y = _place(node, row)
    record, proposal = state.record(node.candidate), state.proposal_of(node.candidate)
    incumbent = node.candidate == state.incumbent
    value = state.value_of(node.candidate)
    shown = "no value" if value is None else figures.value(value)
    room = int((width - x - 150) / 7.1)
    label = short_change(proposal, max(8, room)) if proposal else "baseline"
    words = [
        el("tspan", f"p{proposal.number} ", cls="id") if proposal else None,
        el("tspan", label),
        el("tspan", " \u25c2 incumbent", cls="here") if incumbent and width >= svg.WIDE else None,
    ]
    tip = _tip(state, node, record)
    return el(
        "g",
        svg.title(tip),
        svg.rect(0, y - ROW / 2, width, ROW, "hit"),
        _shape(node.kind, x, y),
        el("text", *words, x=x + 13, y=y + 4.5, cls=f"label {node.kind}"),
        svg.text(width - 8, y + 4.5, shown, f"value {node.kind}", "end"),
        cls="node here" if incumbent else "node",
    )


def _shape(kind: str, x: float, y: float) -> Html:
    if kind == "base":
        return svg.rect(x - 5, y - 5, 10, 10, "mark base")
    if kind == "provisional":
        return svg.diamond(x, y, 5, "mark provisional")
    return svg.circle(x, y, 5.5 if kind == "verified" else 4, f"mark {kind}")


def _tip(state: StudyState, node: Node, record: Record) -> str:
    proposal = state.proposal_of(node.candidate)
    if proposal is None:
        return f"The unedited candidate, {count(len(record.values), 'trial')}"
    level = record.level.value if record.level else "no longer kept, but a parent"
    idea = clean(proposal.hypothesis, 240)
    return f"p{proposal.number}, {level}, {count(len(record.values), 'trial')}. {idea}"
