"""Drawing: the few shapes of which every chart of the page is made.

Shapes carry classes, never colours: the style sheet knows both themes. Every kind of mark differs
in shape or line as well as in colour.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from upward.report.markup import Html, coordinate, el, join
from upward.report.scale import Scale, Tick

WIDE = 960.0
NARROW = 400.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of a chart in which data are drawn, pixels."""

    left: float
    top: float
    right: float
    bottom: float


def drawing(width: float, height: float, *parts: str, label: str, **attributes: str) -> Html:
    """Return a drawing that scales with its box."""
    box = Html(f"0 0 {coordinate(width)} {coordinate(height)}")
    return el("svg", *parts, viewBox=box, role="img", aria_label=label, **attributes)


def both_widths(draw: Callable[[float], Html]) -> Html:
    """Draw once for a desk and once for a phone; the style sheet shows the one that fits."""
    return join(
        (
            el("div", draw(WIDE), cls="wide"),
            el("div", draw(NARROW), cls="narrow"),
        )
    )


def text(x: float, y: float, content: str, cls: str = "", anchor: str | None = None) -> Html:
    """Return a line of text; `anchor` is start, middle or end."""
    return el("text", content, x=x, y=y, cls=cls or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, cls: str) -> Html:
    """Return a straight line."""
    return el("line", x1=x1, y1=y1, x2=x2, y2=y2, cls=cls)


def rect(x: float, y: float, width: float, height: float, cls: str) -> Html:
    """Return a rectangle, at least half a pixel large."""
    return el("rect", x=x, y=y, width=max(width, 0.5), height=max(height, 0.5), cls=cls)


def circle(x: float, y: float, radius: float, cls: str, tip: str = "") -> Html:
    """Return a circle, with words that appear on hover."""
    return el("circle", title(tip), cx=x, cy=y, r=radius, cls=cls)


def diamond(x: float, y: float, radius: float, cls: str, tip: str = "") -> Html:
    """Return a square on its corner."""
    r = coordinate(radius)
    path = f"M{coordinate(x)} {coordinate(y - radius)}l{r} {r}l-{r} {r}l-{r}-{r}z"
    return el("path", title(tip), d=Html(path), cls=cls)


def title(tip: str) -> Html | None:
    """Return what appears on hover, if anything."""
    return el("title", tip) if tip else None


def dots(points: Iterable[Point], cls: str) -> Html | None:
    """Return many equal round dots as one path: a stroke without length and with round ends."""
    path = "".join(f"M{coordinate(x)} {coordinate(y)}h0" for x, y in points)
    return el("path", d=Html(path), cls=cls) if path else None


def crosses(points: Iterable[Point], radius: float, cls: str) -> Html | None:
    """Return many crosses as one path."""
    r, d = coordinate(radius), coordinate(2 * radius)
    path = "".join(
        f"M{coordinate(x - radius)} {coordinate(y - radius)}l{d} {d}m-{d} 0l{d}-{d}"
        for x, y in points
    )
    return el("path", d=Html(path), cls=cls, data_r=r) if path else None


def arrows(points: Iterable[tuple[float, float, bool]], cls: str) -> Html | None:
    """Return many small arrowheads: marks whose place is beyond the edge; True points up."""
    path = "".join(
        f"M{coordinate(x - 3)} {coordinate(y)}h6l-3 {'-5' if up else '5'}z" for x, y, up in points
    )
    return el("path", d=Html(path), cls=cls) if path else None


def stairs(points: Sequence[Point], cls: str) -> Html | None:
    """Return a line that stays level until the next point."""
    if len(points) < 2:
        return None
    x, y = points[0]
    path = f"M{coordinate(x)} {coordinate(y)}"
    path += "".join(f"H{coordinate(x)}V{coordinate(y)}" for x, y in points[1:])
    return el("path", d=Html(path), cls=cls)


def bar(x: float, low: float, high: float, cls: str, cap: float = 4.0) -> Html:
    """Return an upright interval with caps."""
    x1, width = coordinate(x - cap), coordinate(2 * cap)
    path = f"M{x1} {coordinate(low)}h{width}M{x1} {coordinate(high)}h{width}"
    path += f"M{coordinate(x)} {coordinate(low)}V{coordinate(high)}"
    return el("path", d=Html(path), cls=cls)


def lying_bar(y: float, low: float, high: float, cls: str, cap: float = 4.0) -> Html:
    """Return a lying interval with caps."""
    y1, height = coordinate(y - cap), coordinate(2 * cap)
    path = f"M{coordinate(low)} {y1}v{height}M{coordinate(high)} {y1}v{height}"
    path += f"M{coordinate(low)} {coordinate(y)}H{coordinate(high)}"
    return el("path", d=Html(path), cls=cls)


def x_axis(frame: Frame, scale: Scale, marks: Sequence[Tick], words: str) -> Html:
    """Return the lower axis with ticks, labels and what it shows."""
    parts = [line(frame.left, frame.bottom, frame.right, frame.bottom, "axis")]
    for mark in marks:
        x = scale.at(mark.value)
        parts.append(line(x, frame.bottom, x, frame.bottom + 4, "axis"))
        parts.append(text(x, frame.bottom + 18, mark.label, "tick", "middle"))
    if words:
        parts.append(text(frame.right, frame.bottom + 36, words, "words", "end"))
    return join(parts)


def y_axis(frame: Frame, scale: Scale, marks: Sequence[Tick], words: str) -> Html:
    """Return the left axis: faint lines across, labels, and above them what it shows."""
    parts = [text(2, frame.top - 12, words, "words")]
    for mark in marks:
        y = scale.at(mark.value)
        parts.append(line(frame.left, y, frame.right, y, "grid"))
        parts.append(text(frame.left - 8, y + 4, mark.label, "tick", "end"))
    return join(parts)
