"""What repeats of the same candidate show: the noise, and what can be seen through it."""

from upward.core.errors import EvidenceError
from upward.core.metric import Noise
from upward.core.records import Purpose
from upward.report import strips, svg
from upward.report.facts import decisions, values_for
from upward.report.markup import Html, el, join
from upward.report.parts.pairs import pairs
from upward.report.text import count, percent, seconds
from upward.report.view import View, facts, section
from upward.stats.noise import recalibrated
from upward.stats.pairing import sees_in_pairs
from upward.stats.sequential import interval

LATER = (Purpose.RACE, Purpose.CERTIFY, Purpose.PUBLISH)
FEWEST_LATER = 3


def noise(view: View) -> Html:
    """Return the calibration: its values, their spread and what that means."""
    state, level = view.state, view.state.noise
    heading = "Noise and resolution"
    if level is None:
        words = "Not known yet. Until the baseline has been repeated, nothing is accepted."
        return section("noise", heading, el("p", words, cls="quiet"))
    values = values_for(state, state.start.baseline, Purpose.CALIBRATE)
    drawn = svg.both_widths(lambda width: strips.noise(values, level.mean, level.sd, width=width))
    return section(
        "noise",
        heading,
        el("div", drawn, cls="chart") if values else None,
        _tiles(view),
        el("p", _sentence(view), " ", _now(view), " ", _drift(view), cls="note"),
        el("p", shared, cls="note") if (shared := pairs(view)) else None,
        intro=f"The unedited baseline was run {count(level.trials, 'time')} before anything else; "
        "each dot is one run, the band is one standard deviation to either side of the mean.",
    )


def _tiles(view: View) -> Html:
    level, write = view.state.noise, view.figures
    if level is None:
        return join(())
    exact = view.state.task.metric.noise is Noise.EXACT
    share = abs(level.sd / level.mean) if level.mean else None
    spread = "How much repeats of the same candidate differ."
    if share is not None:
        spread += f" {percent(share)} of the mean."
    pairs: list[tuple[str, str, str | None]] = [
        ("Mean of the baseline", write.unit(level.mean), None),
        ("Standard deviation", write.unit(level.sd), spread),
    ]
    if not exact:
        seen = "The smallest gain that a full race finds in 80 of 100 cases."
        pairs.append(("Resolution", write.unit(level.resolution), seen))
    pairs.append(("One trial", f"{seconds(level.trial_cpu_s)} CPU", "With its scoring."))
    decided = sum(decisions(view.state).values())
    if decided:
        each = f"{view.state.cpu_s / decided:,.0f} CPU-s"
        pairs.append(("Cost per verdict", each, "All trials of the study over all decided."))
    return facts(*pairs)


def _drift(view: View) -> str:
    """What the baseline's later trials say of a machine that may have changed."""
    state, write, metric = view.state, view.figures, view.state.task.metric
    first = values_for(state, state.start.baseline, Purpose.CALIBRATE)
    later = [v for kind in LATER for v in values_for(state, state.start.baseline, kind)]
    if metric.noise is Noise.EXACT or len(later) < FEWEST_LATER:
        return ""
    try:
        change = interval(later, first, metric=metric)
    except EvidenceError:
        return ""
    span = f"{write.gain(change.low)} to {write.gain(change.high)}"
    words = f"The baseline's {count(len(later), 'later trial')} differ from these by "
    words += f"{write.gain(change.estimate)} (95 % interval {span}; positive is better): "
    if change.low <= 0.0 <= change.high:
        return f"{words}no drift of the machine is visible."
    return (
        f"{words}the machine, or what the trials share it with, has changed. Verdicts compare only "
        "what ran in turn, so they do not depend on it; figures from different hours do."
    )


def _now(view: View) -> str:
    """What the best candidate's own trials say of the noise, where they overrule the baseline's."""
    state, level = view.state, view.state.noise
    if level is None:
        return ""
    sd = recalibrated(level.sd, state.newer)
    if sd == level.sd:
        return ""
    unit, trials = state.task.metric.unit, count(len(state.newer), "trial")
    seen = level.seen_at(sd) * sees_in_pairs(state.races_in_pairs(), level.break_even)
    return (
        f"The best candidate varies {'less' if sd < level.sd else 'more'} than the baseline did: "
        f"its own {trials} put the standard deviation at {sd:.2g} {unit}, so a gain over it is "
        f"visible from about {seen:.2g} {unit} on."
    )


def _sentence(view: View) -> str:
    level, write = view.state.noise, view.figures
    if level is None:
        return ""
    if view.state.task.metric.noise is Noise.EXACT:
        return (
            "This metric is exact: the measurement is a proof in itself, so one better trial is "
            "enough. The spread above only shows what an ordinary start gives."
        )
    return (
        f"This study cannot see gains of less than about {write.unit(level.resolution)}. To see "
        "less, make trials longer or the evaluation larger; a laxer rule would only see luck."
    )
