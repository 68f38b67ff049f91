"""The drawing of the best-so-far curve, over trials and over time, for a desk and for a phone."""

from collections.abc import Sequence
from dataclasses import dataclass

from upward.report import svg
from upward.report.curve import Curve, Mark, Stair, beyond, domain
from upward.report.facts import Figures
from upward.report.markup import Html, el, join, json_attribute
from upward.report.scale import Scale, Tick, apart, ticks, time_unit, whole_ticks
from upward.report.text import clean

MANY = 300


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
    parts = (*_switch(), *views, legend(found))
    return el("div", *parts, cls="switched curve", data_tips=json_attribute(tips))


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
    frame = svg.Frame(62, 34, width - (140 if wide else 72), 380 if wide else 300)
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
    many = " many" if len(found.screened) > MANY else ""
    inside = [m for m in found.screened if m.value is not None and y.shows(m.value)]
    outside = [m for m in found.screened if m.value is not None and not y.shows(m.value)]
    return [
        svg.dots((chart.place(m) for m in inside), f"screened{many}"),
        svg.arrows(((*chart.place(m), (m.value or 0) > y.high) for m in outside), "beyond"),
        svg.crosses((chart.place(m) for m in found.failed), 3.5, f"failed{many}"),
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
        if len(points) > 1:
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
    """Name the lines where they end; on a phone the value stands below the name."""
    found = chart.curve
    named = [(found.baseline or 0.0, "baseline", "base")]
    named += [(v, clean(name, 14), "reference") for name, v in found.references.items()]
    proved = [step for step in found.steps if step.level.rank > 0]
    if proved:
        named.append((proved[-1].value or 0.0, "verified", "verified"))
    if found.steps and found.steps[-1].level.rank == 0:
        named.append((found.steps[-1].value or 0.0, "provisional", "provisional"))
    named = [item for item in named if chart.y.shows(item[0])]
    frame, x = chart.frame, chart.frame.right + 8
    gap = 16 if wide else 29
    at = apart([chart.y.at(v) for v, _, _ in named], gap, frame.top, frame.bottom)
    labels = list[Html]()
    for (value, name, cls), y in zip(named, at, strict=True):
        shown = chart.figures.value(value)
        if wide:
            labels.append(svg.text(x, y + 4, f"{name} {shown}", f"name {cls}"))
        else:
            labels.append(svg.text(x, y - 2, name, f"name {cls}"))
            labels.append(svg.text(x, y + 11, shown, f"name {cls}"))
    return labels


def legend(found: Curve) -> Html:
    """Return what each mark means, with its drawing."""
    levels = {step.level.rank > 0 for step in found.steps}
    band = ", with one standard deviation of noise" if found.sd else ""
    items = [
        ("verified", "verified: proved against the best before it", True in levels),
        ("provisional", "provisional: good enough to search from, not proved", False in levels),
        ("screened", "one screening trial of one candidate", bool(found.screened)),
        ("base", f"baseline{band}", True),
        ("interval", "95 % interval at an acceptance", any(s.interval for s in found.steps)),
        ("failed", f"failed trial ({len(found.failed)})", bool(found.failed)),
        ("beyond", f"outside of the plot ({beyond(found)})", beyond(found) > 0),
        ("reference", "what the scorer measured for comparison", _references_shown(found)),
    ]
    kept = [(kind, words) for kind, words, shown in items if shown]
    return el("ul", *(el("li", swatch(kind), words) for kind, words in kept), cls="legend")


def _references_shown(found: Curve) -> bool:
    low, high = domain(found)
    return any(low <= value <= high for value in found.references.values())


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
