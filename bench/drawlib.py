"""What the drawn figures of benchmarks share: one style for both themes, marks, axes.

A figure is 400 units wide, so that a phone shows it as it is, and brings its own background: the
page around it may be of the other theme. Marks differ in shape as well as in colour.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from upward.report import svg
from upward.report.markup import Html, coordinate, el, join
from upward.report.scale import Scale, Tick

WIDTH = 400.0
LEFT, RIGHT = 112.0, 378.0

_LIGHT = (
    "--card:#fff;--ink:#16191d;--soft:#4d5662;--grid:#e6eaee;--axis:#a5aeb8;--aim:#a5195a;"
    "--good:#00629b;--warn:#a65200;--base:#5b6570;--other:#5c6f2f;--fill:#00629b1f"
)
_DARK = (
    "--card:#15191e;--ink:#e8ebee;--soft:#b3bcc6;--grid:#262d35;--axis:#59636f;--aim:#f288b6;"
    "--good:#63b9ea;--warn:#f0a54a;--base:#a4aeb9;--other:#b4c77b;--fill:#63b9ea26"
)
_RULES = """
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink)}
.soft,.tick{fill:var(--soft)}.head{font-weight:650;font-size:14px}.small{font-size:11px}
.ground{fill:var(--card)}.region{fill:var(--fill)}
.grid{stroke:var(--grid)}.axis{stroke:var(--axis)}
.aim{stroke:var(--aim);stroke-width:1.5;stroke-dasharray:4 3;fill:none}.aimword{fill:var(--aim)}
.m{stroke-width:1.6;fill:var(--card)}.e{stroke-width:1.2;fill:none}.curve{stroke-width:1.6;fill:none}
.good{stroke:var(--good)}.warn{stroke:var(--warn)}.base{stroke:var(--base)}
.other{stroke:var(--other)}.full{stroke:var(--good);fill:var(--good)}
.ring{stroke:var(--ink);stroke-width:2;fill:none}
"""


@dataclass(frozen=True)
class Kind:
    """How one rule or curve is marked: a shape and the class of its colour."""

    words: str
    shape: str
    cls: str

    def at(self, x: float, y: float, tip: str = "") -> Html:
        """The mark at a place, with words on hover."""
        r, d = 4.2, coordinate(8.4)
        left, top = coordinate(x - r), coordinate(y - r)
        paths = {
            "square": f"M{left} {top}h{d}v{d}h-{d}z",
            "triangle": f"M{coordinate(x)} {coordinate(y - 5)}l5 9h-10z",
            "down": f"M{coordinate(x)} {coordinate(y + 5)}l5 -9h-10z",
        }
        if self.shape == "circle":
            return svg.circle(x, y, r, f"m {self.cls}", tip)
        if self.shape == "diamond":
            return svg.diamond(x, y, 5.6, f"m {self.cls}", tip)
        return el("path", svg.title(tip), d=Html(paths[self.shape]), cls=f"m {self.cls}")

    def spread(self, low: float, high: float, y: float) -> Html:
        """A lying error bar."""
        return svg.lying_bar(y, low, high, f"e {self.cls.replace('full', 'good')}", cap=2.5)


@dataclass(frozen=True)
class LogScale:
    """A logarithmic map from numbers above 0 to pixels; what lies outside is put at the edge."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a number."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + min(1.0, share) * (self.end - self.start)


def figure(height: float, label: str, *parts: str) -> str:
    """Return a whole file: background, style of both themes, and the parts."""
    rules = f"svg{{{_LIGHT}}}@media (prefers-color-scheme:dark){{svg{{{_DARK}}}}}{_RULES}"
    ground = svg.rect(0, 0, WIDTH, height, "ground")
    drawn = el(
        "svg",
        el("title", label),
        el("style", Html(rules)),
        ground,
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=height,
        viewBox=Html(f"0 0 {coordinate(WIDTH)} {coordinate(height)}"),
        role="img",
        aria_label=label,
    )
    return f"{drawn}\n"


def words(y: float, heading: str, *below: str) -> Html:
    """A heading with lines of explanation under it."""
    lines = [svg.text(12, y, heading, "head")]
    lines += [svg.text(12, y + 17 + 15 * i, line, "soft small") for i, line in enumerate(below)]
    return join(lines)


def legend(kinds: Sequence[Kind], y: float, columns: int = 2) -> Html:
    """Marks with their words, in columns."""
    parts = list[Html]()
    for i, kind in enumerate(kinds):
        x, row = 18 + (i % columns) * (WIDTH - 24) / columns, y + 19 * (i // columns)
        parts += [kind.at(x, row), svg.text(x + 12, row + 4, kind.words)]
    return join(parts)


def across(
    top: float, bottom: float, scale: Scale | LogScale, marks: Sequence[Tick], *, grid: bool = True
) -> Html:
    """A lower axis with faint upright lines."""
    parts = [svg.line(LEFT, bottom, RIGHT, bottom, "axis")]
    for mark in marks:
        x = scale.at(mark.value)
        if grid:
            parts.append(svg.line(x, top, x, bottom, "grid"))
        parts.append(svg.text(x, bottom + 16, mark.label, "tick small", "middle"))
    return join(parts)


def percent(value: float) -> str:
    """A share in percent, with a digit after the point where it is small.

    Example:
        >>> percent(0.068), percent(0.63), percent(0.003)
        ('6.8 %', '63 %', '0.3 %')
    """
    return f"{100 * value:.1f} %" if value < 0.0995 else f"{100 * value:.0f} %"
