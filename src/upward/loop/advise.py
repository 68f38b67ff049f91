"""The verdict on a task in plain words: whether it is measurable, and what to change if not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from upward.core.metric import Noise
from upward.loop.checked import Answer, Checked, Conclusion, NullFound, Sight, Spread, Unknown
from upward.loop.nulls import NullKind
from upward.stats.drift import Drift
from upward.stats.say import amount, percent

COARSE = 0.10
FEWEST = 4
CLEARLY_SD = 2.0
# of the variance from the seed; under it, the machine is worth quieting first
MUCH = 0.6


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check noticed.

    Args:
        words: one sentence.
        advice: what to do about it, one sentence, or empty.
        stops: the answer that it forces, None for a mere remark.
    """

    words: str
    advice: str = ""
    stops: Answer | None = None


NO, UNCLEAR = Answer.NOT_MEASURABLE, Answer.CANNOT_SAY


def conclude(checked: Checked) -> Conclusion:
    """Weigh all findings of a check.

    Args:
        checked: everything but its conclusion.
    """
    findings = list(_findings(checked))
    stops = [found for found in findings if found.stops]
    if not stops:
        answer, summary = Answer.MEASURABLE, _summary(checked)
        findings.append(Finding("", _lever(checked)))
    else:
        firm = [found for found in stops if found.stops is NO]
        answer, summary = (NO, firm[0].words) if firm else (UNCLEAR, stops[0].words)
    ordered = stops + [found for found in findings if not found.stops]
    words = [found.words for found in ordered if found.words and found.words != summary]
    advice = dict.fromkeys(found.advice for found in ordered if found.advice)
    return Conclusion(answer, summary, tuple(words), tuple(advice))


def _findings(checked: Checked) -> Iterator[Finding]:
    if not checked.values:
        yield _all_failed(checked)
        return
    yield from _failures(checked)
    yield from _fooled(checked)
    yield from _scorer(checked)
    if checked.races:
        yield from _noise(checked)
        yield from _drifts(checked)
    yield from _idle(checked)


# -- failures ----------------------------------------------------------------------------------


def _all_failed(checked: Checked) -> Finding:
    reason = checked.failure.reason.rstrip(". ") if checked.failure else "no trial was run"
    mend = "Mend the task so that its unedited files give a measurement, then check again."
    if "ModuleNotFoundError" in reason:
        mend = "Install the missing package beside Upward, then check again."
    words = f"No unedited trial gave a measurement: {reason}."
    return Finding(words, mend, NO)


def _failures(checked: Checked) -> Iterator[Finding]:
    n, failed = checked.baseline_trials, checked.failed
    if failed and checked.failure:
        reason = checked.failure.reason.rstrip(". ")
        words = f"{failed} of {n} unedited trials failed ({checked.failure.boundary}: {reason})."
        advice = (
            "Make the unedited task reliable (larger limits, no unlucky seeds): a candidate one "
            "of whose trials fails in a race is rejected, so real gains would be lost."
        )
        yield Finding(words, advice, NO if 2 * failed >= n else None)
    if checked.races and len(checked.values) < FEWEST:
        words = f"Only {len(checked.values)} trials on distinct seeds gave a measurement."
        yield Finding(words, f"Check again with --trials {max(8, 2 * FEWEST)} or more.", UNCLEAR)


# -- the evaluator -----------------------------------------------------------------------------


def _fooled(checked: Checked) -> Iterator[Finding]:
    for null in checked.nulls:
        if not null.won:
            continue
        if null.kind is NullKind.COPY:
            yield Finding(
                "A copy of the baseline won a race against the baseline. Luck does that in 1 of "
                "200 checks; otherwise trials are not comparable.",
                "Check again; if the copy wins again, look for state that outlives a trial, a "
                "cache, or a machine that drifts.",
                NO,
            )
        else:
            yield Finding(
                f"This evaluator can be fooled: {_a(null.kind)} candidate would be accepted as "
                f"better than the baseline by {_gain(checked, null)}.",
                f"Let the scorer refuse or rank last what {_a(null.kind)} candidate leaves "
                "behind (docs/tasks.md, 'A scorer that is hard to fool'); if that is an honest "
                "answer here, let the baseline begin from it.",
                NO,
            )


def _scorer(checked: Checked) -> Iterator[Finding]:
    exact = not checked.races
    if checked.sameness.scorer_wavers:
        yield Finding(
            "The scorer measured the very same bytes differently on the same seed.",
            "Let the scorer draw everything from the seed that it is given"
            + (", or better nothing at all." if exact else "."),
            NO if exact else None,
        )
    elif exact and checked.sameness.agree < checked.sameness.repeats:
        yield Finding(
            "On one seed the baseline does not find the same thing twice: what it finds depends "
            "on how far it gets in its time. What it finds is still measured exactly."
        )


def _idle(checked: Checked) -> Iterator[Finding]:
    """Null candidates that are no worse than the baseline."""
    for null in checked.nulls:
        if null.won or null.kind is NullKind.COPY or null.gain is None:
            continue
        sd = 0.0 if isinstance(checked.spread, Unknown) else checked.spread.sd
        if null.gain > -CLEARLY_SD * sd or null.gain == 0.0:
            yield Finding(
                f"{_a(null.kind).capitalize()} candidate measures about as well as the baseline.",
                "Either the baseline is no better than nothing yet, or the metric hardly depends "
                "on what a candidate does: find out which before you trust a gain.",
            )


def _a(kind: NullKind) -> str:
    return f"an {kind}" if kind is NullKind.EMPTY else f"a {kind}"


def _gain(checked: Checked, null: NullFound) -> str:
    sd = 0.0 if isinstance(checked.spread, Unknown) else checked.spread.sd
    return f"{amount(null.gain or 0.0, sd)} {checked.metric.unit}".rstrip()


# -- noise -------------------------------------------------------------------------------------


def _noise(checked: Checked) -> Iterator[Finding]:
    spread, sight = checked.spread, checked.sight
    if isinstance(spread, Unknown):
        if len(checked.values) >= FEWEST:
            yield Finding(f"The noise cannot be told: {spread.why}", "", UNCLEAR)
    elif spread.sd == 0.0:
        yield _no_noise(checked)
    elif isinstance(sight, Unknown):
        yield Finding(f"What can be seen cannot be told: {sight.why}", "", UNCLEAR)
    else:
        yield from _visible(checked, spread, sight)


def _no_noise(checked: Checked) -> Finding:
    if checked.metric.noise is Noise.TIMING:
        return Finding(
            "The time is the same in every trial to the last digit: the clock is too coarse, or "
            "this is not a time.",
            "Time more work per trial, or with a finer clock.",
            NO,
        )
    if not _responds(checked):
        return Finding(
            f"Nothing that was tried changes the measurement: it is {checked.values[0]:.6g} "
            f"{checked.metric.unit}".rstrip()
            + " in every trial.",
            "Derive the number from what the candidate leaves behind, and check that a better "
            "output by hand measures better.",
            NO,
        )
    return Finding(
        "Every trial of the baseline gives the same number, whatever its seed.",
        'Let the program use its seed, or say noise = "exact" if the number is a proof in itself; '
        "else a gain may hold on these data only.",
    )


def _responds(checked: Checked) -> bool:
    """Whether anything that was tried measured differently from the baseline."""
    nulls = any(null.gain not in (None, 0.0) for null in checked.nulls)
    return nulls or checked.near_differs


def _visible(checked: Checked, spread: Spread, sight: Sight) -> Iterator[Finding]:
    room = _room(checked, spread)
    if room is not None and sight.resolution >= room:
        yield Finding(
            f"The noise hides every gain: the smallest that a race sees is "
            f"{_unit(checked, sight.resolution)}, and {_room_words(checked, room)}.",
            _lever(checked),
            NO,
        )
        yield Finding("", _how_much(sight.resolution, COARSE * room))
    else:
        yield from _coarse(checked, spread, sight)


def _coarse(checked: Checked, spread: Spread, sight: Sight) -> Iterator[Finding]:
    bound = checked.metric.bound
    room = abs(spread.mean) if bound is None else checked.metric.gain(bound, spread.mean)
    if room > 0.0 and sight.resolution > COARSE * room:
        of = "the baseline" if bound is None else "what the bound leaves possible"
        share = percent(sight.resolution / room)
        yield Finding(f"Only large gains can be seen: {share} of {of} or more.")


def _room(checked: Checked, spread: Spread) -> float | None:
    """The largest gain that is worth looking for, metric unit; None where nobody can say."""
    if checked.metric.noise is Noise.TIMING:
        return 0.5 * spread.mean
    if checked.metric.bound is not None:
        return checked.metric.gain(checked.metric.bound, spread.mean)
    return abs(spread.mean) or None


def _room_words(checked: Checked, room: float) -> str:
    said = f"{room:.3g} {checked.metric.unit}".rstrip()
    if checked.metric.noise is Noise.TIMING:
        return f"half of the baseline is {said}"
    if checked.metric.bound is not None:
        return f"the bound leaves room for {said}"
    return f"the whole baseline is {said}"


def _how_much(seen: float, wanted: float) -> str:
    times = math.ceil((seen / wanted) ** 2) if wanted > 0.0 else 0
    if not 1 < times < 1_000_000:
        return ""
    return (
        f"To see a tenth of that room, one trial must hold about {times:,} times as much of what "
        "is averaged (examples or seeds): noise falls with the square root."
    )


def _lever(checked: Checked) -> str:
    """The most useful way to see smaller gains here."""
    if not checked.races or isinstance(checked.spread, Unknown) or checked.spread.sd == 0.0:
        return ""
    if checked.metric.noise is Noise.TIMING:
        return (
            "To see smaller gains, repeat the timed part within one trial and take the median, "
            "on a machine that does nothing else."
        )
    if checked.sameness.same_outputs:
        return (
            "To see smaller gains, enlarge the evaluation set: all trials left the same bytes, so "
            "all noise is the scorer's own draw; four times as many examples halve it."
        )
    share = None if isinstance(checked.sources, Unknown) else checked.sources.seed_share
    if share is not None and share < MUCH:
        return (
            "To see smaller gains, quiet the machine: much of the noise is there on one and the "
            "same seed. Fewer --workers, a fixed number of steps instead of a time limit, or "
            "deterministic arithmetic help; so does a longer trial."
        )
    return (
        "To see smaller gains, use a longer trial, a larger evaluation set or a quieter metric, "
        "or let one trial average several seeds: four of them halve the noise."
    )


# -- drift -------------------------------------------------------------------------------------


def _drifts(checked: Checked) -> Iterator[Finding]:
    quiet = (
        "Check again on a quiet machine or with fewer --workers. Races run both sides next to "
        "each other, which takes out most of a slow drift."
    )
    found = checked.drift
    if isinstance(found, Drift) and found.shifted:
        yield Finding("The measurements drifted while the check ran.", quiet)
    elif isinstance(found, Drift) and found.dependent:
        yield Finding("Measurements that follow each other are more alike than others.", quiet)
    if isinstance(checked.speed, Drift) and checked.speed.shifted and _speed_matters(checked):
        change = 100.0 * math.expm1(checked.speed.shift)
        slower = "slower" if change > 0.0 else "faster"
        words = f"The machine became {abs(change):.0f} % {slower} while the check ran."
        yield Finding(words, quiet)


def _speed_matters(checked: Checked) -> bool:
    """Whether a slower machine could change the measurement: it does not repeat on one seed."""
    return isinstance(checked.sources, Unknown) or checked.sources.within > 0.0


# -- measurable --------------------------------------------------------------------------------


def _summary(checked: Checked) -> str:
    if not checked.races:
        return "Measurable: one trial that measures better than all before is a proof."
    sight, spread = checked.sight, checked.spread
    if isinstance(sight, Unknown) or isinstance(spread, Unknown):
        return "Measurable: any difference that the metric shows can be found."
    share = f" ({_percent(sight.resolution, spread.mean)})" if spread.mean else ""
    return f"Measurable, for gains of {_unit(checked, sight.resolution)}{share} or more."


def _percent(gain: float, mean: float) -> str:
    return f"{percent(gain / mean)} of the baseline"


def _unit(checked: Checked, value: float) -> str:
    return f"{amount(value, value)} {checked.metric.unit}".rstrip()
