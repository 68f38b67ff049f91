"""What a check found, for a reader who knows machine learning and no statistics of this field.

Every term is explained where it appears, in one sentence; nothing is wider than 80 columns.
"""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from upward.cli.common import clean
from upward.cli.format import duration, number
from upward.core.metric import Noise
from upward.loop.checked import Answer, Checked, NullFound, Price, Sight, Spread, Unknown
from upward.stats.drift import Drift
from upward.stats.pairing import Pairing
from upward.stats.say import amount, count, percent

WIDTH = 80
LABEL = 9


def say(checked: Checked) -> str:
    """The whole report as text."""
    lines = wrapped("", f"Check of {checked.task}: {clean(checked.goal, 200)}", indent=0)
    for label, words, table in _blocks(checked):
        lines += ["", *wrapped(label, words), *(" " * LABEL + row for row in table)]
    return "\n".join(lines)


def wrapped(label: str, words: str, *, indent: int = LABEL) -> list[str]:
    """Words beside a label, broken into lines; a line break in the words is kept."""
    lines = list[str]()
    for paragraph in words.split("\n"):
        lines += textwrap.wrap(paragraph, WIDTH - indent, break_on_hyphens=False) or [""]
    left = [label.ljust(indent), *[" " * indent] * (len(lines) - 1)]
    return [(a + b).rstrip() for a, b in zip(left, lines, strict=True)]


def _blocks(checked: Checked) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Label, words and table of each part that has something to say."""
    yield "Cost", _cost(checked), ()
    if checked.values:
        yield "Noise", _noise(checked) if checked.races else _exact(checked), ()
    if isinstance(checked.sight, Sight) and isinstance(checked.spread, Spread):
        rows = _table(checked.sight.prices, checked, checked.spread)
        yield "Sees", _sees(checked, checked.sight, checked.spread), rows
    if checked.races and len(checked.values) > 1:
        if isinstance(checked.spread, Spread) and checked.spread.sd > 0.0:
            yield "Pairing", _pairing(checked), ()
        yield "Drift", _drift(checked), ()
    if checked.nulls:
        yield "Nulls", _nulls(checked), ()
    yield "Verdict", _verdict(checked), ()


def _cost(checked: Checked) -> str:
    trials = (
        f"{count(checked.trials, 'trial')} ran in {duration(checked.elapsed_s)}; of "
        f"{checked.baseline_trials} of the unedited task {checked.failed or 'none'} failed."
    )
    if isinstance(checked.cost, Unknown):
        return trials
    at_once = "one at a time" if checked.workers == 1 else f"{checked.workers} at once"
    return (
        f"A trial takes {_seconds(checked.cost.cpu_s)} of CPU, {_seconds(checked.cost.wall_s)} of "
        f"wall time with its scoring, {at_once}. {trials}"
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 10.0 else duration(seconds + 0.5)


# -- noise -------------------------------------------------------------------------------------


def _noise(checked: Checked) -> str:
    spread = checked.spread
    if isinstance(spread, Unknown):
        return f"It cannot be told: {spread.why}"
    mean = f"{amount(spread.mean, spread.sd)} {checked.metric.unit}".rstrip()
    if spread.sd == 0.0:
        return f"The baseline measures {number(spread.mean)} {checked.metric.unit}".rstrip() + (
            f" on each of {spread.n} seeds: no noise is visible."
        )
    share = "" if spread.relative is None else f", {percent(spread.relative)} of it"
    return (
        f"The baseline measures {mean} on average over {spread.n} seeds. The standard deviation "
        f"(sd: two of three trials lie within one sd of the average) is "
        f"{amount(spread.sd, spread.sd)}{share}; from so few trials, the true one may be "
        f"{amount(spread.low, spread.low)} to {amount(spread.high, spread.high)}.\n"
        f"{_sources(checked)}"
    )


def _sources(checked: Checked) -> str:
    found = checked.sources
    if isinstance(found, Unknown):
        return f"Where it comes from cannot be told: {found.why}"
    again = f"({count(found.repeats, 'repeat')})"
    if found.within == 0.0:
        return (
            f"All of it comes from the seed: on the same one, trials agree to the last digit "
            f"{again}. {_seed(checked)}"
        )
    if found.between == 0.0:
        return (
            f"It comes from the machine: the same seed again {again} differs as much as another "
            "seed, and what the seed adds is not visible."
        )
    share = 100.0 * (found.seed_share or 0.0)
    seed, machine = _sd(found.between, checked), _sd(found.within, checked)
    return (
        f"It comes from the seed (sd {seed}, about {share:.0f} % of the variance) and from the "
        f"machine (sd {machine}: what still differs in {count(found.repeats, 'repeat')} on the "
        f"same seed, for example because a time limit cuts them off elsewhere). {_seed(checked)}"
    )


def _seed(checked: Checked) -> str:
    if checked.sameness.same_outputs:
        return "All trials left the same bytes, so it is the scorer's own draw that differs."
    return (
        "The seed stands for start values, data order and the scorer's draw together: they can "
        "be told apart only if a task gives each a seed of its own."
    )


def _sd(value: float, checked: Checked) -> str:
    if checked.metric.noise is Noise.TIMING:
        return percent(value)
    return amount(value, value)


def _exact(checked: Checked) -> str:
    same, unit = checked.sameness, checked.metric.unit
    low, high = min(checked.values), max(checked.values)
    found = (
        f"found {number(low, 9)} {unit}".rstrip() + f" on each of {len(checked.values)} seeds"
        if low == high
        else f"found {number(low, 9)} to {number(high, 9)} {unit}".rstrip()
        + f" on {len(checked.values)} seeds"
    )
    return (
        f"None in the measurement: the metric is exact, a proof of what was found. The baseline "
        f"{found}; run again on the same seed, {same.agree} of {same.repeats} agree to the last "
        "digit."
    )


# -- what can be seen --------------------------------------------------------------------------


def _sees(checked: Checked, sight: Sight, spread: Spread) -> str:
    timing = checked.metric.noise is Noise.TIMING
    how = "pairs side by side" if timing else "fresh seeds that both share"
    seen = f"{amount(sight.resolution, sight.resolution)} {checked.metric.unit}".rstrip()
    screen, race = _seconds(60 * sight.screen_minutes), _seconds(60 * sight.race_minutes)
    return (
        f"A race (candidate against baseline on {how} until the evidence suffices, at most "
        f"{sight.cap} trials each) finds a gain of {seen}{_share(sight.resolution, spread)} in 4 "
        f"of 5 cases, smaller ones less often. A verdict costs {screen} where one trial shows no "
        f"gain, else up to {race} more. To find other gains as often:"
    )


def _share(gain: float, spread: Spread) -> str:
    return f" ({percent(gain / spread.mean)})" if spread.mean else ""


def _table(prices: Sequence[Price], checked: Checked, spread: Spread) -> Iterator[str]:
    head = clean(f"gain, {checked.metric.unit}" if checked.metric.unit else "gain", 29)
    yield f"{head:<30}{'in sd':>6}{'trials each':>13}{'minutes':>10}"
    for price in prices:
        size = amount(price.gain, price.gain) + _share(price.gain, spread)
        trials = "over 64" if price.trials is None else str(price.trials)
        minutes = "-" if price.minutes is None else f"{price.minutes:.2g}"
        if price.minutes is not None and price.minutes >= 100:
            minutes = f"{price.minutes:.0f}"
        yield f"{size:<30}{price.in_sd:>6g}{trials:>13}{minutes:>10}"


# -- pairing, drift, nulls ---------------------------------------------------------------------


def _pairing(checked: Checked) -> str:
    found = checked.pairing
    what = "Pairing (both candidates on the same seeds, so that shared luck cancels)"
    if checked.metric.noise is Noise.TIMING:
        what = "Running in pairs side by side, so that a slow moment hits both,"
    if isinstance(found, Unknown):
        return f"Whether it pays cannot be told: {found.why}"
    says = "pays for small edits" if found.pays else "does not visibly pay"
    keeps = (
        f"{100 * found.ratio:.0f} % ({100 * found.ratio_low:.0f} to "
        f"{100 * found.ratio_high:.0f} %) of its variance"
    )
    words = (
        f"{what} {says}: over {found.n} pairs of baseline and near copy "
        f"({clean(checked.near_words, 60)}) the correlation is {found.correlation:.2f} "
        f"({found.low:.2f} to {found.high:.2f}), and the difference keeps {keeps}; surely under "
        f"{100 * found.break_even:.0f} % would pay."
    )
    return words if checked.metric.noise is Noise.TIMING else f"{words} {_design(found)}"


def _design(found: Pairing) -> str:
    """Which design the races of a study use, and why."""
    if found.pays:
        return (
            "A study's races share their seeds: luck that both candidates have in common cancels. "
            "Half of their evidence is on the pairs, more as soon as its own races confirm this."
        )
    return (
        "A study's races share their seeds all the same, which costs nothing: half of their "
        "evidence stays on the two groups of trials as a whole, and its own races show if more "
        "should be on the pairs."
    )


def _drift(checked: Checked) -> str:
    found, speed = checked.drift, checked.speed
    words = [_moved("Measurements", found, _steps(checked, found))]
    if isinstance(speed, Drift):
        change = f"{100.0 * math.expm1(speed.shift):+.0f} %"
        words.append(_moved("Seconds per trial", speed, change))
    if isinstance(found, Drift) or isinstance(speed, Drift):
        words.append(
            "(CUSUM: the running sum of distances from the average, which wanders off where early "
            "trials differ from late ones; on a steady machine each alarm is false in 1 of 100.)"
        )
    return " ".join(words)


def _steps(checked: Checked, found: Drift | Unknown) -> str:
    if isinstance(found, Unknown):
        return ""
    if checked.metric.noise is Noise.TIMING:
        return f"{100.0 * math.expm1(found.shift):+.2g} %"
    return f"{found.shift:+.2g} {checked.metric.unit}".rstrip()


def _moved(what: str, found: Drift | Unknown, change: str) -> str:
    if isinstance(found, Unknown):
        if "no repeat differs" in found.why:
            return f"{what}: none, the same seed gives the same digits early and late."
        return f"{what}: cannot be told. {found.why}"
    figures = f"CUSUM {found.cusum:.2f}, alarm at {found.cusum_limit:.2f}"
    if found.shifted:
        return f"{what}: shifted by {change} after {found.at} of {found.n} trials ({figures})."
    if found.dependent:
        return (
            f"{what}: neighbours in time are alike (autocorrelation {found.autocorrelation:.2f}, "
            f"alarm at {found.autocorrelation_limit:.2f})."
        )
    return f"{what}: none visible ({figures})."


def _nulls(checked: Checked) -> str:
    won = any(null.won for null in checked.nulls)
    intro = "Programs that cannot be better" + (
        " must not win, and one does:" if won else " than the baseline do not win:"
    )
    return "\n".join([intro, *(_null(null, checked) for null in checked.nulls)])


def _null(null: NullFound, checked: Checked) -> str:
    if null.skipped:
        return f"- {null.kind}: skipped, because {null.skipped}."
    if null.value is None:
        return f"- {null.kind}: {clean(null.words, 130)}"
    value = f"{number(null.value)} {checked.metric.unit}".rstrip()
    side = "better" if (null.gain or 0.0) > 0.0 else "worse"
    than = f"{abs(null.gain):.2g} {side}" if null.gain else "no different"
    won = "WINS: " if null.won else ""
    return f"- {null.kind}: {won}{value}, {than}, after {count(null.trials, 'trial')}."


def _verdict(checked: Checked) -> str:
    found = checked.conclusion
    words = [clean(found.summary)]
    if found.answer is not Answer.MEASURABLE:
        words = [f"{str(found.answer).capitalize()}. {clean(found.summary)}"]
    words += [f"- {clean(text)}" for text in found.findings]
    words += [f"> {clean(text)}" for text in found.advice]
    return "\n".join(words)
