"""The metric against one guard: what each candidate gains and what it pays, with the Pareto front.

Only unselected trials make the front, whatever became of the candidate: what a broken guard would
have bought is worth seeing. A provisional candidate is drawn where its screening trial fell, which
was selected for looking good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from upward.core.metric import Direction, Guard, GuardState, Metric, Noise
from upward.core.records import UNSELECTED, Decision, Level, Measurement, Purpose, Verdict
from upward.ledger.replay import StudyState
from upward.report import svg
from upward.report.curve import short_change
from upward.report.facts import Figures
from upward.report.markup import Html, el, join
from upward.report.scale import Scale, apart, spread_domain, ticks
from upward.report.text import clean, count, number

MOST_SPOTS = 400


class Kind(StrEnum):
    """How far a candidate came."""

    BASE = "base"
    ACCEPTED = "accepted"
    RACED = "raced"  # has unselected trials, and was not accepted
    PROVISIONAL = "provisional"  # was screened alone
    BROKEN = "broken"  # rejected for a guard


@dataclass(frozen=True, slots=True)
class Spot:
    """One candidate on the plane of metric and guard.

    Args:
        candidate: content id.
        kind: how far it came.
        value: mean of the metric.
        reading: mean of the guard in the same trials.
        words: what appears on hover.
        counts: whether its place is evidence: its trials were not chosen for looking good, or the
            metric is exact, so that a lucky trial is a proof too.
    """

    candidate: str
    kind: Kind
    value: float
    reading: float
    words: str
    counts: bool


def readings(state: StudyState, guard: str, candidate: str, *, screens: bool) -> list[float]:
    """Return the readings of a guard in a candidate's unselected trials, or in its screens."""
    return [m.guards[guard] for m in _measured(state, guard, candidate, screens=screens)]


def spots(state: StudyState, guard: Guard, figures: Figures) -> list[Spot]:
    """Return the candidates that say something about a guard, the baseline first.

    These are the baseline, those with unselected trials, provisional ones, and those that were
    rejected because they broke a guard; of many, the latest.
    """
    found = [_spot(state, guard, candidate, figures) for candidate in state.records]
    kept = [spot for spot in found if spot is not None]
    return kept[:1] + kept[1:][-MOST_SPOTS:]


def front(found: Sequence[Spot], metric: Metric, guard: Guard) -> list[Spot]:
    """Return the spots that none beats in one of metric and guard without losing in the other.

    Args:
        found: only those that count are looked at.
        metric: says which value is better.
        guard: says which reading is better.

    Returns:
        From the best reading of the guard to the best value of the metric; of equal spots one.
    """
    toward = 1.0 if metric.direction is Direction.MAXIMIZE else -1.0
    order = sorted(
        (spot for spot in found if spot.counts),
        key=lambda spot: (guard.loss(spot.reading, 0.0), -toward * spot.value),
    )
    kept = list[Spot]()
    for spot in order:
        if not kept or metric.gain(spot.value, kept[-1].value) > 0.0:
            kept.append(spot)
    return kept


def draw(state: StudyState, guard: Guard, figures: Figures) -> Html | None:
    """Return the plane of metric and guard with its legend; None where nothing was measured."""
    found = spots(state, guard, figures)
    if not found or found[0].kind is not Kind.BASE:
        return None
    plane = _Plane(state, guard, figures, found, front(found, figures.metric, guard))
    drawn = svg.both_widths(lambda width: _draw_one(plane, width))
    return el("div", drawn, _legend(plane), cls="chart pareto")


# -- reading -------------------------------------------------------------------------------------


def _measured(state: StudyState, guard: str, candidate: str, *, screens: bool) -> list[Measurement]:
    wanted = (Purpose.SCREEN,) if screens else UNSELECTED
    found = list[Measurement]()
    for trial in state.record(candidate).trials:
        outcome = state.outcomes.get(trial)
        measurement = outcome.measurement if outcome else None
        read = measurement is not None and guard in measurement.guards
        if measurement and read and state.trials[trial].purpose in wanted:
            found.append(measurement)
    return found


def _spot(state: StudyState, guard: Guard, candidate: str, figures: Figures) -> Spot | None:
    fresh = _measured(state, guard.name, candidate, screens=False)
    screened = [] if fresh else _measured(state, guard.name, candidate, screens=True)
    kind = _kind(state, candidate, fresh=bool(fresh))
    if kind is None or not (fresh or screened):
        return None
    exact = figures.metric.noise is Noise.EXACT
    best = state.value_of(candidate) if exact else None
    found = fresh or screened
    value = fmean(m.value for m in found) if best is None else best
    reading = fmean(m.guards[guard.name] for m in found)
    words = _words(state, candidate, kind, value, figures)
    return Spot(candidate, kind, value, reading, words, counts=exact or bool(fresh))


def _kind(state: StudyState, candidate: str, *, fresh: bool) -> Kind | None:
    record = state.record(candidate)
    if candidate == state.start.baseline:
        return Kind.BASE
    verdict = None if record.verdict is None else state.verdicts[record.verdict]
    if any(won.candidate == candidate for won in state.accepted):
        return Kind.ACCEPTED
    if verdict is not None and _broke(verdict):
        return Kind.BROKEN
    if fresh:
        return Kind.RACED
    return Kind.PROVISIONAL if record.level is Level.PROVISIONAL else None


def _broke(verdict: Verdict) -> bool:
    """Whether it was a guard that decided against a candidate."""
    broken = any(guard.state is GuardState.BROKEN for guard in verdict.guards)
    return broken and verdict.decision is Decision.REJECTED


def _words(state: StudyState, candidate: str, kind: Kind, value: float, figures: Figures) -> str:
    proposal = state.proposal_of(candidate)
    who = f"p{proposal.number} ({short_change(proposal)})" if proposal else "baseline"
    return f"{who}: {figures.unit(value)}, {LEGEND[kind].partition(':')[0]}"


# -- drawing -------------------------------------------------------------------------------------

LEGEND = {
    Kind.BASE: "baseline",
    Kind.ACCEPTED: "accepted: mean of its fresh trials",
    Kind.RACED: "raced, not accepted so far: mean of its fresh trials",
    Kind.PROVISIONAL: "provisional: one screening trial, selected and therefore lucky",
    Kind.BROKEN: "rejected because it broke a guard",
}


@dataclass(frozen=True, slots=True)
class _Plane:
    """What one drawing shows."""

    state: StudyState
    guard: Guard
    figures: Figures
    found: list[Spot]
    best: list[Spot]

    @property
    def tip(self) -> Spot | None:
        """The incumbent."""
        return next((s for s in self.found if s.candidate == self.state.incumbent), None)

    @property
    def limit(self) -> float | None:
        """The reading that the next candidate may have at most."""
        worse = -1.0 if self.guard.direction is Direction.MAXIMIZE else 1.0
        return None if self.tip is None else self.tip.reading + worse * self.guard.tolerance

    def domains(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """What is shown of the guard and of the metric: all that counts, and what is near."""
        core = [spot for spot in self.found if spot.counts]
        others = [spot for spot in self.found if not spot.counts]
        limit = [] if self.limit is None else [self.limit]
        across = spread_domain([s.reading for s in core] + limit, [s.reading for s in others])
        up = spread_domain([s.value for s in core], [s.value for s in others])
        return across, up

    def shown(self) -> list[Spot]:
        """The spots that lie within what is shown."""
        (left, right), (low, high) = self.domains()
        return [s for s in self.found if left <= s.reading <= right and low <= s.value <= high]


def _draw_one(plane: _Plane, width: float) -> Html:
    wide = width >= svg.WIDE
    frame = svg.Frame(62, 34, width - (24 if wide else 14), 340 if wide else 290)
    across, up = plane.domains()
    x = Scale(*across, frame.left, frame.right)
    y = Scale(*up, frame.bottom, frame.top)
    metric, better = plane.figures.metric, plane.figures.better
    unit = f", {metric.unit}" if metric.unit else ""
    way = "higher" if plane.guard.direction is Direction.MAXIMIZE else "lower"
    name = clean(plane.guard.name, 40)
    steps = [(x.at(s.reading), y.at(s.value)) for s in plane.best]
    parts = [
        svg.y_axis(frame, y, ticks(*up, 6), f"{metric.name}{unit} ({better} is better)"),
        svg.x_axis(frame, x, ticks(*across, 8 if wide else 4), f"{name} ({way} is better)"),
        *_limit(plane, frame, x),
        svg.stairs(steps, "front"),
        *_names(plane, frame, x, y),
        *_marks(plane, x, y),
    ]
    label = f"{metric.name} against {name}, with the Pareto front"
    return svg.drawing(width, frame.bottom + 46, *(p for p in parts if p), label=label)


def _limit(plane: _Plane, frame: svg.Frame, x: Scale) -> list[Html]:
    if plane.limit is None:
        return []
    at = x.at(plane.limit)
    # the name stands where only beaten candidates are, and beyond the limit where there is room
    low = plane.figures.metric.direction is Direction.MAXIMIZE
    right = at < frame.right - 100
    if plane.guard.direction is Direction.MAXIMIZE:
        right = at < frame.left + 100
    anchor, gap = ("start", 6.0) if right else ("end", -6.0)
    height = frame.bottom - 8 if low else frame.top + 12
    return [
        svg.line(at, frame.top, at, frame.bottom, "limit"),
        svg.text(at + gap, height, "allowed now", "name limit", anchor),
    ]


def _marks(plane: _Plane, x: Scale, y: Scale) -> list[Html | None]:
    """What counts is drawn last and lies on top."""
    shown = plane.shown()
    crossed = [(x.at(s.reading), y.at(s.value)) for s in shown if s.kind is Kind.BROKEN]
    marks = list[Html | None]([svg.crosses(crossed, 4.0, "failed")])
    for kind in (Kind.PROVISIONAL, Kind.RACED, Kind.ACCEPTED, Kind.BASE):
        for spot in shown:
            if spot.kind is kind:
                marks.append(_mark(kind, x.at(spot.reading), y.at(spot.value), spot.words))
    return marks


def _mark(kind: Kind, x: float, y: float, words: str = "") -> Html | None:
    match kind:
        case Kind.BASE:
            return svg.circle(x, y, 5.5, "mark base", words)
        case Kind.ACCEPTED:
            return svg.circle(x, y, 5.5, "mark verified", words)
        case Kind.RACED:
            return svg.circle(x, y, 4.5, "mark dropped", words)
        case Kind.PROVISIONAL:
            return svg.diamond(x, y, 4.5, "mark provisional", words)
        case Kind.BROKEN:
            return svg.crosses([(x, y)], 4.0, "failed")


def _names(plane: _Plane, frame: svg.Frame, x: Scale, y: Scale) -> list[Html]:
    """Name the two ends; a name near the right edge stands left of its mark."""
    named = [(plane.found[0], "baseline", "base")]
    if plane.tip is not None and plane.tip.kind is not Kind.BASE:
        proposal = plane.state.proposal_of(plane.tip.candidate)
        named.append((plane.tip, f"incumbent p{proposal.number if proposal else 0}", "verified"))
    heights = apart([y.at(s.value) - 9 for s, _, _ in named], 16, frame.top - 2, frame.bottom - 24)
    labels = list[Html]()
    for (spot, words, cls), height in zip(named, heights, strict=True):
        at = x.at(spot.reading)
        anchor, gap = ("end", -9.0) if at > frame.right - 130 else ("start", 9.0)
        labels.append(svg.text(at + gap, height, words, f"name {cls}", anchor))
    return labels


def _legend(plane: _Plane) -> Html:
    kinds = {spot.kind for spot in plane.found}
    items = [(_swatch(_mark(kind, 14, 8)), LEGEND[kind]) for kind in Kind if kind in kinds]
    line = svg.stairs([(2, 4), (14, 4), (26, 12)], "front")
    if len(plane.best) > 1:
        items.append((_swatch(line), "Pareto front: none is better in both"))
    if plane.limit is not None:
        words = f"the incumbent and the tolerance of {number(plane.guard.tolerance)}"
        items.append((_swatch(svg.line(14, 1, 14, 15, "limit")), words))
    outside = len(plane.found) - len(plane.shown())
    if outside:
        items.append((join(()), f"{count(outside, 'candidate')} outside of the plot"))
    return el("ul", *(el("li", drawn, words) for drawn, words in items), cls="legend")


def _swatch(drawn: Html | None) -> Html:
    return el("svg", drawn, viewBox="0 0 28 16", cls="swatch", aria_hidden="true")
