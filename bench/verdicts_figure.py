"""The figure of `verdicts.py`: four rules, four kinds of noise, with Monte-Carlo errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drawlib import LEFT, RIGHT, Kind, LogScale, across, figure, legend, percent, words

from upward.report import svg
from upward.report.markup import Html, join
from upward.report.scale import Scale, Tick

KINDS = {
    "naive": Kind("one run", "circle", "warn"),
    "2-sigma": Kind("2 sd on one run", "square", "other"),
    "fixed-5": Kind("fixed n = 5", "triangle", "base"),
    "upward": Kind("Upward, verified", "circle", "full"),
}
CERTIFIED = Kind("e-BH over all races", "diamond", "full")
NOISE = {"gaussian": "Gaussian", "t3": "Student t", "drift": "drift", "ar1": "autocorr."}
ROW, GAP = 20.0, 7.0
# marks of one row stand below each other, so that error bars can be told apart
STEP = 3.6


@dataclass(frozen=True)
class Panel:
    """One row of marks for each cell, over a common axis.

    Args:
        heading: what is shown.
        below: lines under the heading.
        key: of the rows.
        effects: which sizes of gains.
        scale: of the axis.
        marks: its ticks.
        write: a value for the words on hover.
        aims: size of gains to the value aimed at; an aim for every size under None.
        certified: also show studies with certified keeps.
    """

    heading: str
    below: tuple[str, ...]
    key: str
    effects: tuple[float, ...]
    scale: Scale | LogScale
    marks: tuple[Tick, ...]
    write: Callable[[float], str]
    aims: dict[float | None, float]
    certified: bool = False


def _percents(*values: float) -> tuple[Tick, ...]:
    return tuple(Tick(v, f"{100 * v:g}%") for v in values)


_SHARES = Scale(0.0, 1.0, LEFT, RIGHT)
PANELS = (
    Panel(
        "Keeps that are no gains",
        (
            "of all keeps in studies with gains of 1, 2 or 4 sd;",
            "dashed: the aim, 5 %; logarithmic axis",
        ),
        "false_share",
        (1.0, 2.0, 4.0),
        LogScale(0.005, 1.0, LEFT, RIGHT),
        _percents(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        percent,
        {None: 0.05},
    ),
    Panel(
        "Null studies that keep something",
        (
            "where nothing can be improved, at least one keep;",
            "dashed: the aim for certified, 10 %",
        ),
        "studies_with_keep",
        (0.0,),
        _SHARES,
        _percents(0.0, 0.25, 0.5, 0.75, 1.0),
        percent,
        {None: 0.10},
        certified=True,
    ),
    Panel(
        "Share of all the gain that there was",
        ("of what an oracle would have kept;", "dashed: the aims, 80 % at 2 sd and 95 % at 4 sd"),
        "oracle_gain_share",
        (1.0, 2.0, 4.0),
        _SHARES,
        _percents(0.0, 0.25, 0.5, 0.75, 1.0),
        percent,
        {2.0: 0.80, 4.0: 0.95},
    ),
    Panel(
        "Trials per decision",
        ("trials of both arms over proposals",),
        "trials_per_decision",
        (0.0, 1.0, 2.0, 4.0),
        Scale(0.0, 11.0, LEFT, RIGHT),
        tuple(Tick(v, f"{v:g}") for v in (0.0, 1.0, 2.0, 3.0, 5.0, 10.0)),
        lambda value: f"{value:.2f}",
        {},
    ),
)


def draw(rows: Sequence[dict], *, studies: int, proposals: int) -> str:
    """Return the figure as the text of an SVG file.

    Args:
        rows: of the bench, one a cell and rule.
        studies: simulated in each cell.
        proposals: of each study.
    """
    cells = {(row["noise"], row["effect"], row["rule"]): row for row in rows}
    noises = [noise for noise in NOISE if any(noise == key[0] for key in cells)]
    intro = words(
        26,
        "When is a keep a gain?",
        f"{studies:,} simulated studies of {proposals} proposals a row.",
        "Bars: two Monte-Carlo standard errors.",
    )
    parts, y = [intro, legend([*KINDS.values(), CERTIFIED], 80)], 150.0
    for panel in PANELS:
        drawn, y = _panel(panel, cells, noises, y)
        parts.append(drawn)
    return figure(y, "When is a keep a gain? Four rules under four kinds of noise.", *parts)


def _panel(panel: Panel, cells: dict, noises: Sequence[str], y: float) -> tuple[Html, float]:
    """One panel that begins at y, and where the next one may begin."""
    top = y + 12 + 15 * len(panel.below)
    group = ROW * len(panel.effects) + GAP
    bottom = top + group * len(noises)
    parts = [words(y, panel.heading, *panel.below), across(top, bottom, panel.scale, panel.marks)]
    for i, noise in enumerate(noises):
        start = top + group * i + GAP / 2
        parts.append(svg.text(12, start + ROW / 2 + 4, NOISE[noise]))
        if i:
            parts.append(svg.line(12, start - GAP / 2, RIGHT, start - GAP / 2, "grid"))
        for j, effect in enumerate(panel.effects):
            middle = start + ROW * (j + 0.5)
            words_of = "null" if effect == 0.0 else f"{effect:g} sd"
            if len(panel.effects) > 1:
                parts.append(svg.text(LEFT - 10, middle + 4, words_of, "tick", "end"))
            parts.append(_aim(panel, effect, middle))
            parts.append(_marks(panel, cells, noise, effect, middle))
    return join(parts), bottom + 56


def _aim(panel: Panel, effect: float, y: float) -> Html:
    aim = panel.aims.get(effect, panel.aims.get(None))
    if aim is None:
        return join(())
    x = panel.scale.at(aim)
    half = ROW / 2 + (GAP / 2 if None in panel.aims else 0)
    return svg.line(x, y - half, x, y + half, "aim")


def _marks(panel: Panel, cells: dict, noise: str, effect: float, y: float) -> Html:
    shown = [(kind, cells[noise, effect, rule], panel.key) for rule, kind in KINDS.items()]
    if panel.certified:
        shown.append((CERTIFIED, cells[noise, effect, "upward"], "studies_with_certified"))
    first = y - STEP * (len(shown) - 1) / 2
    return join(
        part
        for i, (kind, row, key) in enumerate(shown)
        for part in _mark(panel, kind, row, key, first + STEP * i)
    )


def _mark(panel: Panel, kind: Kind, row: dict, key: str, y: float) -> list[Html]:
    value, error = row[key], row["errors"][key] or 0.0
    if value is None:
        return []
    at = panel.scale.at
    tip = f"{kind.words}: {panel.write(value)} ± {panel.write(error)}"
    return [
        kind.spread(at(max(0.0, value - error)), at(value + error), y),
        kind.at(at(value), y, tip),
    ]
