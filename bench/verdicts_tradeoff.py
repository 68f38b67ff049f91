"""The figure of `verdicts_sweep.py`: what each setting of the plan buys, and what it costs."""

from collections.abc import Mapping, Sequence

from drawlib import RIGHT, Kind, LogScale, figure, legend, percent, words

from upward.report import svg
from upward.report.markup import Html, coordinate, el, join
from upward.report.scale import Scale

KINDS = {
    "alpha": Kind("alpha", "circle", "good"),
    "screen_sd": Kind("screen, sd", "square", "other"),
    "race_cap": Kind("cap of a race", "triangle", "base"),
    "luck": Kind("patience with a race", "down", "warn"),
    "together": Kind("several together", "diamond", "full"),
}
NOISE = {"gaussian": "Gaussian noise", "drift": "Drifting machine"}
EFFECT = 2.0
FALSE_AIM, GAIN_AIM = 0.05, 0.80
LEFT, HEIGHT = 46.0, 270.0
TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


def worst_false(point: Mapping, noise: str) -> float:
    """The largest share of false keeps over the mixed cells of one kind of noise."""
    return max(v or 0.0 for name, v in point["false_share"].items() if name.startswith(noise))


def gain(point: Mapping, noise: str) -> float:
    """The share of the gain that is found where gains have two standard deviations."""
    return float(point["gain_share"][f"{noise}-{EFFECT:g}sd"])


def draw(curves: Mapping[str, Sequence[Mapping]], *, studies: int) -> str:
    """Return the figure as the text of an SVG file.

    Args:
        curves: of the bench: name to points in order.
        studies: simulated in each cell.
    """
    intro = words(
        26,
        "What the plan can trade",
        f"{studies:,} simulated studies a cell; one point is one plan.",
        "Up: more keeps are no gains (the worst of 1, 2, 4 sd).",
        "Right: more of the gains of 2 sd are found.",
        "Shaded: both aims. Ring: the plan as it is.",
    )
    kinds = [kind for name, kind in KINDS.items() if name in curves]
    parts, y = [intro, legend(kinds, 112)], 190.0
    for noise in NOISE:
        parts.append(_panel(curves, noise, y))
        y += HEIGHT + 82
    listed = _listed(curves.get("together", ()), y)
    return figure(
        y + 15 * len(curves.get("together", ())) + 24, "What the plan can trade", *parts, listed
    )


def _listed(points: Sequence[Mapping], y: float) -> Html:
    """What the letters stand for."""
    if not points:
        return join(())
    lines = [svg.text(12, y, "Letters: alpha, screen in sd, cap, patience", "soft small")]
    for i, point in enumerate(points):
        lines.append(
            svg.text(12, y + 15 * (i + 1), f"{_letter(i)}: {point['label']}", "soft small")
        )
    return join(lines)


def _letter(i: int) -> str:
    return chr(ord("a") + i)


def _panel(curves: Mapping[str, Sequence[Mapping]], noise: str, y: float) -> Html:
    top, bottom = y + 14, y + 14 + HEIGHT
    least = min(gain(p, noise) for points in curves.values() for p in points)
    right = Scale(min(0.6, 0.05 * int(20 * least)), 1.0, LEFT, RIGHT)
    up = LogScale(TICKS[0], TICKS[-1], bottom, top)
    parts = [svg.text(12, y, NOISE[noise], "head"), _region(right, up)]
    parts += [*_axes(right, up, top, bottom), _aims(right, up, top)]
    for name, points in curves.items():
        at = [(right.at(gain(p, noise)), up.at(worst_false(p, noise))) for p in points]
        parts.append(_curve(name, points, at, noise))
    default = [p for p in curves["alpha"] if p["label"] == "0.05"]
    ring = (
        svg.circle(right.at(gain(p, noise)), up.at(worst_false(p, noise)), 8.5, "ring")
        for p in default
    )
    return join([*parts, *ring])


def _region(right: Scale, up: LogScale) -> Html:
    """Where both aims are met."""
    x, y = right.at(GAIN_AIM), up.at(FALSE_AIM)
    return svg.rect(x, y, RIGHT - x, up.start - y, "region")


def _aims(right: Scale, up: LogScale, top: float) -> Html:
    x, y = right.at(GAIN_AIM), up.at(FALSE_AIM)
    across, upright = svg.line(LEFT, y, RIGHT, y, "aim"), svg.line(x, top, x, up.start, "aim")
    return join((across, upright))


def _axes(right: Scale, up: LogScale, top: float, bottom: float) -> list[Html]:
    parts = [svg.line(LEFT, bottom, RIGHT, bottom, "axis")]
    for value in TICKS:
        y = up.at(value)
        parts.append(svg.line(LEFT, y, RIGHT, y, "grid"))
        parts.append(svg.text(LEFT - 6, y + 4, f"{100 * value:g}%", "tick small", "end"))
    steps = range(round(20 * right.low), 21)
    for value in (0.05 * step for step in steps if step % 2 == 0):
        x = right.at(value)
        parts.append(svg.line(x, top, x, bottom, "grid"))
        parts.append(svg.text(x, bottom + 16, f"{100 * value:.0f}%", "tick small", "middle"))
    parts.append(svg.text(RIGHT, bottom + 32, "share of the gain at 2 sd", "soft small", "end"))
    return parts


def _curve(
    name: str, points: Sequence[Mapping], at: Sequence[tuple[float, float]], noise: str
) -> Html:
    kind, parts = KINDS[name], list[Html]()
    if name != "together":
        path = "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in at)
        parts.append(el("path", d=Html(path), cls=f"curve {kind.cls}"))
    for i, (point, (x, y)) in enumerate(zip(points, at, strict=True)):
        false, found = percent(worst_false(point, noise)), percent(gain(point, noise))
        tip = f"{kind.words} {point['label']}: {false} false, {found} of the gain"
        parts.append(kind.at(x, y, tip))
        if name == "together":
            parts.append(svg.text(x + 8, y + 4, _letter(i), "small"))
        elif i in (0, len(points) - 1):
            parts.append(svg.text(x, y - 8, point["label"], "small", "middle"))
    return join(parts)
