"""The best-so-far curve: what was tried, what looked better, and what was proved."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from upward.core.records import Decision, Level, Proposal, Purpose, Verdict
from upward.ledger.replay import StudyState
from upward.report import svg
from upward.report.facts import Figures, elapsed_s, order_of_end, reference_lines
from upward.report.markup import Html, el, join, json_attribute
from upward.report.scale import Scale, Tick, apart, spread_domain, ticks, time_unit, whole_ticks
from upward.report.text import clean

MOST_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One trial or step on the curve, before it has a place.

    Args:
        trials: trials that had ended by then.
        time_s: wall time by then, from the study's first entry.
        value: None for a failed trial.
        words: what appears on hover.
    """

    trials: int
    time_s: float
    value: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Stair(Mark):
    """A step of the best so far.

    Args:
        level: what was known of the candidate then.
        interval: where the candidate's value lies by the 95 % interval of its gain, or None.
    """

    level: Level = Level.PROVISIONAL
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything that the chart shows, in metric units.

    Args:
        screened: first looks at candidates.
        failed: trials without a measurement.
        steps: the best so far, provisional or verified.
        baseline: its mean, None before any measurement.
        sd: of one measurement, None before calibration.
        begins: trials and time at which calibration was done.
        ends: trials and time of the last trial.
        references: further lines.
        left_out: points that are not drawn, because there are too many.
    """

    screened: list[Mark]
    failed: list[Mark]
    steps: list[Stair]
    baseline: float | None
    sd: float | None
    begins: tuple[int, float]
    ends: tuple[int, float]
    references: dict[str, float] = field(default_factory=dict[str, float])
    left_out: int = 0


def curve(state: StudyState, figures: Figures) -> Curve:
    """Read the curve from the state of a study."""
    places = order_of_end(state)
    screened, failed = list[Mark](), list[Mark]()
    calibrated = (0, 0.0)
    for number, outcome in list(state.outcomes.items())[-MOST_POINTS:]:
        trial = state.trials[number]
        at = (places[number], elapsed_s(state, state.ended_at[number]))
        if outcome.failure is not None:
            failed.append(Mark(*at, None, _failed_words(state, number, outcome.failure.reason)))
        elif outcome.measurement and trial.purpose is Purpose.SCREEN:
            value = outcome.measurement.value
            screened.append(Mark(*at, value, _screened_words(state, number, value, figures)))
        elif trial.purpose is Purpose.CALIBRATE and not state.proposals.get(2):
            calibrated = at
    last = max(places.values(), default=0)
    ends = max((elapsed_s(state, at) for at in state.ended_at.values()), default=0.0)
    return Curve(
        screened=screened,
        failed=failed,
        steps=[_stair(state, i, figures) for i in range(len(state.steps))],
        baseline=state.record(state.start.baseline).mean,
        sd=state.noise.sd if state.noise else None,
        begins=_calibrated(state) or calibrated,
        ends=(last, ends),
        references=reference_lines(state),
        left_out=max(0, len(state.outcomes) - MOST_POINTS),
    )


def _calibrated(state: StudyState) -> tuple[int, float] | None:
    """Where calibration ended: the first baseline trials before anything else ended."""
    found: tuple[int, float] | None = None
    for place, number in enumerate(state.outcomes, start=1):
        if state.trials[number].purpose is not Purpose.CALIBRATE:
            break
        found = (place, elapsed_s(state, state.ended_at[number]))
    return found


def _stair(state: StudyState, position: int, figures: Figures) -> Stair:
    step = state.steps[position]
    verdict = state.verdicts[step.verdict]
    who = _who(state, step.candidate)
    level = "accepted" if verdict.decision is Decision.ACCEPTED else step.level.value
    words = f"{who}: {level}, {figures.unit(step.value)}"
    return Stair(
        trials=step.trials,
        time_s=elapsed_s(state, step.at),
        value=step.value,
        words=words,
        level=step.level,
        interval=_where(verdict, figures) if verdict.decision is Decision.ACCEPTED else None,
    )


def _where(verdict: Verdict, figures: Figures) -> tuple[float, float] | None:
    """The interval of the gain, put at the incumbent's mean at that time."""
    against = verdict.incumbent_values
    if verdict.low is None or verdict.high is None or not against or verdict.low == verdict.high:
        return None
    mean = sum(against) / len(against)
    towards = figures.metric.gain(1.0, 0.0)
    first, second = mean + towards * verdict.low, mean + towards * verdict.high
    return min(first, second), max(first, second)


def _screened_words(state: StudyState, number: int, value: float, figures: Figures) -> str:
    trial = state.trials[number]
    return f"t{number}, {_who(state, trial.candidate)}: {figures.unit(value)} on its screen"


def _failed_words(state: StudyState, number: int, reason: str) -> str:
    who = _who(state, state.trials[number].candidate)
    return f"t{number}, {who}: failed, {clean(reason, 80)}"


def _who(state: StudyState, candidate: str) -> str:
    proposal = state.proposal_of(candidate)
    return f"p{proposal.number} ({short_change(proposal)})" if proposal else "baseline"


def short_change(proposal: Proposal, limit: int = 48) -> str:
    """Say in a few words what a proposal changes."""
    parts = [f"{c.knob.rsplit(':', 1)[-1]} {c.old} \u2192 {c.new}" for c in proposal.changes[:3]]
    more = f" and {len(proposal.changes) - 3} more" if len(proposal.changes) > 3 else ""
    return clean((", ".join(parts) + more) or proposal.hypothesis or proposal.operator, limit)


# -- drawing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Chart:
    """One drawing of a curve: its scales and how marks find their place."""

    curve: Curve
    figures: Figures
    frame: svg.Frame
    x: Scale
    y: Scale
    by_time: bool

    def place(self, mark: Mark) -> svg.Point:
        """Where a mark stands; failed trials stand on the axis."""
        along = self.x.at(mark.time_s if self.by_time else mark.trials)
        return along, self.frame.bottom if mark.value is None else self.y.at(mark.value)

    def start(self) -> float:
        """Pixel at which calibration was done."""
        return self.x.at(self.curve.begins[1] if self.by_time else self.curve.begins[0])


def draw(found: Curve, figures: Figures) -> Html:
    """Return the chart over trials and over time, each for a desk and for a phone."""
    if found.baseline is None:
        return el("p", "No trial has given a measurement yet.", cls="quiet")
    tips = [mark.words for mark in _hoverable(found)]
    views = [
        el("div", _both(found, figures, by_time=by_time), cls=f"view {name}")
        for name, by_time in (("by-trials", False), ("by-time", True))
    ]
    return el("div", *_switch(), *views, cls="switched curve", data_tips=json_attribute(tips))


def _switch() -> list[Html]:
    parts = list[Html]()
    for name, words in (("by-trials", "trials"), ("by-time", "time")):
        chosen = name == "by-trials"
        parts.append(el("input", type="radio", name="axis", id=name, checked=chosen))
        parts.append(el("label", f"by {words}", for_=name))
    return parts


def _both(found: Curve, figures: Figures, *, by_time: bool) -> Html:
    return svg.both_widths(lambda width: _draw_one(found, figures, width, by_time=by_time))


def _hoverable(found: Curve) -> list[Mark]:
    return [*found.steps, *found.screened, *found.failed]


def _draw_one(found: Curve, figures: Figures, width: float, *, by_time: bool) -> Html:
    wide = width >= svg.WIDE
    frame = svg.Frame(62, 34, width - (168 if wide else 10), 380 if wide else 300)
    low, high = domain(found)
    y = Scale(low, high, frame.bottom, frame.top)
    scale, marks, words = _x(found, frame, by_time=by_time, about=8 if wide else 4)
    chart = _Chart(found, figures, frame, scale, y, by_time)
    unit = f", {figures.metric.unit}" if figures.metric.unit else ""
    title = f"{figures.metric.name}{unit} ({figures.better} is better)"
    parts = [
        svg.y_axis(frame, y, ticks(low, high, 6), title),
        svg.x_axis(frame, scale, marks, words),
        *_background(chart),
        *_marks(chart),
        *_labels(chart, wide=wide),
    ]
    places = [[round(v, 1) for v in chart.place(mark)] for mark in _hoverable(found)]
    return svg.drawing(
        width,
        frame.bottom + 46,
        *(part for part in parts if part),
        label=f"Best so far of {figures.metric.name} over {words}",
        data_points=json_attribute(places),
    )


def domain(found: Curve) -> tuple[float, float]:
    """Return the range of values to show: the steps and the noise band, and what is near them."""
    baseline, sd = found.baseline or 0.0, found.sd or 0.0
    core = [baseline - 2.5 * sd, baseline + 2.5 * sd]
    core += [step.value for step in found.steps if step.value is not None]
    for step in found.steps:
        core += step.interval or ()
    others = [mark.value for mark in found.screened if mark.value is not None]
    return spread_domain(core, [*others, *found.references.values()], reach=0.45)


def beyond(found: Curve) -> int:
    """How many screened trials lie outside of the range that is shown."""
    low, high = domain(found)
    return sum(1 for m in found.screened if m.value is not None and not low <= m.value <= high)


def _x(
    found: Curve, frame: svg.Frame, *, by_time: bool, about: int
) -> tuple[Scale, Sequence[Tick], str]:
    if not by_time:
        last = max(1, found.ends[0])
        return (
            Scale(0, last, frame.left, frame.right),
            whole_ticks(last, about),
            "trials that have ended",
        )
    last_s = max(1.0, found.ends[1])
    unit, size = time_unit(last_s)
    marks = [Tick(t.value * size, t.label) for t in ticks(0.0, last_s / size, about)]
    return Scale(0.0, last_s, frame.left, frame.right), marks, f"wall time since the start, {unit}"


def _background(chart: _Chart) -> list[Html]:
    """The baseline with its noise, and the reference lines."""
    found, frame, y = chart.curve, chart.frame, chart.y
    baseline, sd = found.baseline or 0.0, found.sd or 0.0
    parts = list[Html]()
    if sd > 0:
        top, bottom = y.at(baseline + sd), y.at(baseline - sd)
        parts.append(svg.rect(frame.left, top, frame.right - frame.left, bottom - top, "noise"))
    parts.append(svg.line(frame.left, y.at(baseline), frame.right, y.at(baseline), "base"))
    for value in found.references.values():
        if y.shows(value):
            parts.append(svg.line(frame.left, y.at(value), frame.right, y.at(value), "reference"))
    return parts


def _marks(chart: _Chart) -> list[Html | None]:
    found, y = chart.curve, chart.y
    inside = [m for m in found.screened if m.value is not None and y.shows(m.value)]
    outside = [m for m in found.screened if m.value is not None and not y.shows(m.value)]
    return [
        svg.dots((chart.place(m) for m in inside), "screened"),
        svg.arrows(((*chart.place(m), (m.value or 0) > y.high) for m in outside), "beyond"),
        svg.crosses((chart.place(m) for m in found.failed), 3.5, "failed"),
        *_lines(chart),
        *(_bar(chart, step) for step in found.steps),
        *(_step_mark(chart, step) for step in found.steps),
        svg.circle(-20, -20, 8, "ring"),
    ]


def _lines(chart: _Chart) -> list[Html | None]:
    """The dashed line of everything and, over it, the solid line of what was proved."""
    found, y = chart.curve, chart.y
    begin = (chart.start(), y.at(found.baseline or 0.0))
    every = [begin, *(chart.place(step) for step in found.steps)]
    proved = [begin, *(chart.place(step) for step in found.steps if step.level.rank > 0)]
    parts = list[Html | None]()
    for points, cls in ((every, "provisional"), (proved, "verified")):
        points.append((chart.frame.right, points[-1][1]))
        parts.append(svg.stairs(points, f"best {cls}"))
    return parts


def _bar(chart: _Chart, step: Stair) -> Html | None:
    if step.interval is None:
        return None
    x, _ = chart.place(step)
    return svg.bar(x, chart.y.at(step.interval[0]), chart.y.at(step.interval[1]), "interval", 3.0)


def _step_mark(chart: _Chart, step: Stair) -> Html:
    x, y = chart.place(step)
    if step.level.rank > 0:
        return svg.circle(x, y, 4.5, "mark verified")
    return svg.diamond(x, y, 4.5, "mark provisional")


def _labels(chart: _Chart, *, wide: bool) -> list[Html]:
    """Name the lines where they end: beside the plot, or in it where there is no room."""
    found = chart.curve
    named = [(found.baseline or 0.0, "baseline", "base")]
    named += [(v, clean(name, 14), "reference") for name, v in found.references.items()]
    proved = [step for step in found.steps if step.level.rank > 0]
    if proved:
        named.append((proved[-1].value or 0.0, "verified", "verified"))
    if found.steps and found.steps[-1].level.rank == 0:
        named.append((found.steps[-1].value or 0.0, "provisional", "provisional"))
    named = [item for item in named if chart.y.shows(item[0])]
    frame = chart.frame
    at = apart([chart.y.at(v) for v, _, _ in named], 16, frame.top, frame.bottom)
    x, anchor, lift = (frame.right + 8, "start", 4) if wide else (frame.right - 2, "end", -5)
    return [
        svg.text(x, y + lift, f"{name} {chart.figures.value(value)}", f"name {cls}", anchor)
        for (value, name, cls), y in zip(named, at, strict=True)
    ]


def legend(found: Curve) -> Html:
    """Return what each mark means, with its drawing."""
    items = [
        ("verified", "verified: won a race on fresh trials"),
        ("provisional", "provisional: looked better once, good enough to search from"),
        ("screened", "one screening trial of one candidate"),
        ("base", "baseline, with one standard deviation of noise"),
    ]
    if any(step.interval for step in found.steps):
        items.append(("interval", "95 % interval at an acceptance"))
    if found.failed:
        items.append(("failed", f"failed trial ({len(found.failed)})"))
    if beyond(found):
        items.append(("beyond", f"outside of the plot ({beyond(found)})"))
    if found.references:
        items.append(("reference", "what the scorer measured for comparison"))
    return el("ul", *(el("li", swatch(kind), words) for kind, words in items), cls="legend")


def swatch(kind: str) -> Html:
    """Return a tiny drawing of one kind of mark."""
    level = [(0.0, 8.0), (28.0, 8.0)]
    drawn: dict[str, list[Html | None]] = {
        "verified": [svg.stairs(level, "best verified"), svg.circle(14, 8, 4.5, "mark verified")],
        "provisional": [
            svg.stairs(level, "best provisional"),
            svg.diamond(14, 8, 4.5, "mark provisional"),
        ],
        "screened": [svg.dots([(7, 8), (14, 5), (21, 10)], "screened")],
        "base": [svg.rect(0, 3, 28, 10, "noise"), svg.line(0, 8, 28, 8, "base")],
        "interval": [svg.bar(14, 1, 15, "interval")],
        "failed": [svg.crosses([(14, 8)], 3.5, "failed")],
        "beyond": [svg.arrows([(14, 10, True)], "beyond")],
        "reference": [svg.line(0, 8, 28, 8, "reference")],
    }
    parts = join(part for part in drawn[kind] if part)
    return el("svg", parts, viewBox="0 0 28 16", cls="swatch", aria_hidden="true")
