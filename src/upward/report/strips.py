"""Strip plots: every measurement as a dot on one line, with its mean; and intervals of gains."""

import statistics
from collections.abc import Sequence

from upward.report import svg
from upward.report.markup import Html
from upward.report.scale import Scale, spread_domain, ticks
from upward.report.text import count

ROW = 24.0


def arms(
    rows: Sequence[tuple[str, Sequence[float], str]], *, width: float, label: str, left: float
) -> Html:
    """Return one row of dots per arm over a common axis.

    Args:
        rows: words, values and class of each arm; one of them has values.
        width: pixels.
        label: what the drawing shows, for those who cannot see it.
        left: room for the words, pixels.
    """
    everything = [value for _, values, _ in rows for value in values]
    low, high = spread_domain(everything, ())
    frame = svg.Frame(left, 4, width - 12, 4 + ROW * len(rows))
    x = Scale(low, high, frame.left, frame.right)
    parts = [svg.x_axis(frame, x, ticks(low, high, max(2, int(width / 130))), "")]
    for i, (words, values, cls) in enumerate(rows):
        y = frame.top + ROW * (i + 0.5)
        parts.append(svg.text(0, y + 4, words, "tick"))
        if values:
            parts += _row(x, y, values, cls)
    return svg.drawing(width, frame.bottom + 24, *parts, label=label)


def _row(x: Scale, y: float, values: Sequence[float], cls: str) -> list[Html]:
    mean = statistics.fmean(values)
    spots = svg.dots(((x.at(v), y) for v in values), f"spots {cls}")
    return [
        svg.line(x.at(mean), y - 8, x.at(mean), y + 8, f"mean {cls}"),
        *([spots] if spots else []),
    ]


def noise(values: Sequence[float], mean: float, sd: float, *, width: float) -> Html:
    """Return the baseline's measurements with the band of one standard deviation."""
    low, high = spread_domain([*values, mean - 1.6 * sd, mean + 1.6 * sd], ())
    frame = svg.Frame(12, 8, width - 12, 64)
    x = Scale(low, high, frame.left, frame.right)
    left, right = x.at(mean - sd), x.at(mean + sd)
    middle = (frame.top + frame.bottom) / 2
    spots = svg.dots(((x.at(v), middle) for v in values), "spots base")
    parts = [
        svg.rect(left, frame.top, right - left, frame.bottom - frame.top, "noise"),
        svg.line(x.at(mean), frame.top, x.at(mean), frame.bottom, "mean base"),
        svg.x_axis(frame, x, ticks(low, high, max(3, int(width / 110))), ""),
        *([spots] if spots else []),
    ]
    label = f"{count(len(values), 'measurement')} of the baseline"
    return svg.drawing(width, frame.bottom + 26, *parts, label=label)


def gain_bar(
    gain: float, low: float, high: float, reach: tuple[float, float], *, width: float
) -> Html:
    """Return the interval of a gain on an axis that all gains of the page share; zero is marked."""
    x = Scale(reach[0], reach[1], 6, width - 6)
    return svg.drawing(
        width,
        22,
        svg.line(x.at(0.0), 1, x.at(0.0), 21, "zero"),
        svg.line(6, 11, width - 6, 11, "grid"),
        svg.lying_bar(11, x.at(low), x.at(high), "interval", 4),
        svg.circle(x.at(gain), 11, 4, "mark verified"),
        label="The gain and its interval",
    )
