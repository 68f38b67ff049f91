"""The rule of screens and races: from measurements to decisions, fixed before the first trial.

A candidate is screened with one trial, which is selected and therefore never evidence; one that
passes is raced on fresh seeds until the evidence suffices, nothing can be hoped for any more, or
the cap is reached. Pure functions: the loop runs the trials and asks again after each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from upward.core.errors import BadMeasurement, UnknownName
from upward.core.metric import Metric, Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Failure, Level
from upward.stats.arrays import TIE, checked, same
from upward.stats.say import amount, count, odds
from upward.stats.sequential import (
    Gain,
    evidence,
    evidence_paired,
    interval,
    interval_paired,
)
from upward.stats.shared import OWN_SEEDS, Layout, compare
from upward.stats.sums import FUTILE_FROM, Arms, Pairs, hopeless, sum_arms, sum_pairs
from upward.stats.timing import Checks, check_pairs

# how a verdict begins whose estimate is better: what cannot be seen is not said to be nothing
_UNSEEN = "Not visible at this cost"


class Arm(StrEnum):
    """Whose trial runs next in a race."""

    CANDIDATE = "candidate"
    INCUMBENT = "incumbent"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the measurements so far say about a candidate.

    Args:
        decision: None while the race goes on.
        level: what is known of the candidate now, None where nothing can be built on it.
        reason: one sentence for people.
        gain: estimated gain in metric units, None where there is no estimate.
        low: lower end of its 95 % interval, None with fewer than two measurements in an arm.
        high: upper end.
        evidence: the e-value, None where the rule uses none.
    """

    decision: Decision | None
    level: Level | None
    reason: str
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    evidence: float | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    """A race as it stands: what both kinds of race are decided from."""

    k: int
    n: int
    gain: Gain | None
    estimate: float
    evidence: float
    over: bool
    words: str
    extra: str = ""
    checks: Checks | None = None


def screen(
    value: float, incumbent_values: Sequence[float], *, metric: Metric, sd: float, plan: Plan
) -> Judgement:
    """Judge the first trial of a candidate.

    Args:
        value: its measurement, metric unit.
        incumbent_values: shape (n,), n >= 1, measurements that count.
        metric: direction, unit and kind of noise.
        sd: of one measurement, metric unit; not used for exact metrics.
        plan: says by how many sd the incumbent's mean must be beaten.

    Returns:
        Inconclusive and provisional when passed (good enough to search from and to race), else
        rejected. Equal is never passed. An exact metric is decided here: strictly better than
        every measurement of the incumbent, with no tolerance, is accepted and verified.

    Raises:
        TooFewTrials: no measurement of the incumbent.
        BadMeasurement: a value that is no measurement of this metric, or no standard deviation.
    """
    new = metric.check(value)
    old = checked(incumbent_values, metric, what="a screen", needed=1)
    if metric.noise is Noise.EXACT:
        return _exact(new, [float(v) for v in old], metric)
    if not (math.isfinite(sd) and sd >= 0.0):
        raise BadMeasurement("sd", f"{sd} is not a standard deviation")
    gain, needed = metric.gain(new, float(np.mean(old))), plan.screen_sd * sd
    found = (
        f"One trial is {_distance(gain, sd, metric)} than the mean of "
        f"{count(old.size, 'trial')} of the incumbent"
    )
    bar = f"{amount(needed, sd)} better is needed"
    if gain > 0.0 and gain >= needed:
        reason = f"{found} ({bar}): good enough to search from, not yet evidence."
        return Judgement(Decision.INCONCLUSIVE, Level.PROVISIONAL, reason, gain)
    most = gain + 2.0 * sd * math.sqrt(1.0 + 1.0 / old.size)
    reason = f"{found} ({bar}){_hidden(most, sd, metric, 'in one trial')}."
    return Judgement(Decision.REJECTED, None, reason, gain)


def race(
    candidate_values: Sequence[float],
    incumbent_values: Sequence[float],
    *,
    metric: Metric,
    plan: Plan,
    earlier: Sequence[float] = (),
    layout: Layout = OWN_SEEDS,
) -> Judgement:
    """Judge a race after any of its trials.

    Only trials that ran beside each other are compared: a machine that became faster since the
    incumbent was last measured must not look like a better candidate.

    Args:
        candidate_values: shape (k,), fresh trials in order, without the screening trial.
        incumbent_values: shape (n,), those of this race, in order. For a timing metric the i-th
            of both arms make one pair; a trial still without its partner is not looked at.
        metric: timing metrics are compared by the logarithm of their ratio.
        earlier: shape (m,), unselected trials of the incumbent from before this race; only their
            spread counts. Not used for timings.
        plan: alpha, cap and floor.
        layout: fixed before the first trial: which trials of both arms ran on one seed, and what
            follows from that; see `upward.stats.shared`. Timings are always compared in pairs.

    Returns:
        Accepted and verified when the evidence reaches 1 / alpha and the incumbent has enough
        trials; rejected when nothing can be hoped for any more; inconclusive, still provisional,
        when all trials are spent; else no decision yet. Gains of timings are given in metric
        units, as the ratio times the geometric mean of the incumbent. A timing is verified only
        where the pairs also pass the checks of `upward.stats.timing`; with a clock that is not
        steady enough a gain stays inconclusive.

    Raises:
        BadMeasurement: a value that is no measurement of this metric.
    """
    timing = metric.noise is Noise.TIMING
    if timing:
        n = layout.paired(len(candidate_values), len(incumbent_values))
        standing = _side_by_side(candidate_values[:n], incumbent_values[:n], metric, plan)
    elif layout.weight:
        arms = candidate_values, incumbent_values, earlier
        standing = _on_one_seed(arms, metric, plan, layout)
    else:
        standing = _apart(candidate_values, incumbent_values, earlier, metric, plan)
    spent = next_arm(len(candidate_values), len(incumbent_values), plan=plan) is None
    if standing is None:
        reason = "Too few fresh trials yet to compare the candidate with the incumbent."
        return Judgement(Decision.INCONCLUSIVE if spent else None, Level.PROVISIONAL, reason)
    return _decide(standing, metric, plan, spent=spent)


def next_arm(candidate_n: int, incumbent_n: int, *, plan: Plan) -> Arm | None:
    """Say whose trial a race needs next; None when all of its trials are spent.

    The arms alternate A B B A A B B A ..., so that a machine that drifts slows both alike.

    Args:
        candidate_n: fresh trials of the candidate in this race, finished or running.
        incumbent_n: those of the incumbent in this race.
        plan: the cap.
    """
    if candidate_n != incumbent_n:
        return Arm.CANDIDATE if candidate_n < incumbent_n else Arm.INCUMBENT
    if candidate_n >= plan.race_cap:
        return None
    return Arm.INCUMBENT if candidate_n % 2 == 0 else Arm.CANDIDATE


def missing_trial(failure: Failure, *, plan: Plan) -> Judgement:
    """Judge a candidate one of whose trials in a race failed, as the plan said beforehand.

    Raises:
        UnknownName: the plan names no rule for missing trials that this version knows.
    """
    if plan.missing != "reject":
        raise UnknownName("rule for missing trials", plan.missing, ("reject",))
    reason = failure.reason.rstrip(". ")
    return Judgement(
        Decision.REJECTED,
        None,
        f"A trial failed in the race ({failure.boundary}: {reason}); it counts against the "
        "candidate, so that none can win by failing on the hard seeds.",
    )


def _exact(new: float, old: list[float], metric: Metric) -> Judgement:
    gain = min(metric.gain(new, value) for value in old)
    if gain > 0.0:
        reason = f"Better by {gain:.6g} {metric.unit}".rstrip()
        reason += ", measured exactly: a proof of this result, not of the method behind it."
        return Judgement(Decision.ACCEPTED, Level.VERIFIED, reason, gain, gain, gain)
    worse = f"worse by {-gain:.6g} {metric.unit}".rstrip() if gain < 0.0 else "equal"
    reason = f"Not better: {worse}, measured exactly; no tolerance is given."
    return Judgement(Decision.REJECTED, None, reason, gain, gain, gain)


def _apart(
    candidate: Sequence[float],
    incumbent: Sequence[float],
    earlier: Sequence[float],
    metric: Metric,
    plan: Plan,
) -> _Standing | None:
    """The standing of a race on fresh seeds."""
    past = checked(earlier, metric, what="a race", needed=0)
    new = checked(candidate, metric, what="a race", needed=0)
    old = checked(incumbent, metric, what="a race", needed=0)
    if new.size < 1 or old.size < 2:
        return None
    estimate = metric.gain(float(np.mean(new)), float(np.mean(old)))
    differ = not same(np.concatenate([new, old]))
    return _Standing(
        k=new.size,
        n=old.size,
        gain=interval(candidate, incumbent, metric=metric, earlier=earlier)
        if new.size > 1
        else None,
        estimate=estimate if differ else 0.0,
        evidence=evidence(candidate, incumbent, metric=metric, earlier=earlier),
        over=new.size >= FUTILE_FROM
        and not (differ and _hope(sum_arms(new, old, metric, past), plan)),
        words=f"{count(new.size, 'fresh trial')} against {old.size} of the incumbent",
    )


def _on_one_seed(
    arms: tuple[Sequence[float], ...], metric: Metric, plan: Plan, layout: Layout
) -> _Standing | None:
    """The standing of a race on shared seeds: candidate, incumbent, incumbent from before."""
    new, old, past = arms
    if not new or len(old) < 2:
        return None
    now = compare(new, old, metric=metric, plan=plan, layout=layout, earlier=past)
    words = f"{count(now.pairs, 'pair')} on shared seeds"
    if rest := len(new) + len(old) - 2 * now.pairs:
        words += f" and {count(rest, 'further trial')}"
    return _Standing(len(new), len(old), now.gain, now.estimate, now.evidence, now.hopeless, words)


def _side_by_side(
    candidate: Sequence[float], incumbent: Sequence[float], metric: Metric, plan: Plan
) -> _Standing | None:
    """The standing of a race of interleaved pairs, as ratios."""
    n = min(len(candidate), len(incumbent))
    new = np.log(checked(candidate, metric, what="a race", needed=0)[:n])
    old = np.log(checked(incumbent, metric, what="a race", needed=0)[:n])
    if n < 1:
        return None
    differences = [metric.gain(float(a), float(b)) for a, b in zip(new, old, strict=True)]
    gains = [gain if abs(gain) > TIE else 0.0 for gain in differences]
    middle = float(np.mean(old))
    ratio = float(np.mean(gains))
    found = interval_paired(gains) if n > 1 else None
    return _Standing(
        k=n,
        n=n,
        gain=Gain(*(_in_unit(v, middle, metric) for v in (ratio, found.low, found.high)))
        if found
        else None,
        estimate=_in_unit(ratio, middle, metric),
        evidence=evidence_paired(gains),
        over=n >= FUTILE_FROM and not (any(gains) and _hope(sum_pairs(np.array(gains)), plan)),
        words=count(n, "interleaved pair"),
        extra=f", {100.0 * abs(math.expm1(metric.gain(ratio, 0.0))):.2g} %",
        checks=check_pairs(gains, incumbent[:n], plan=plan),
    )


def _in_unit(gain: float, middle: float, metric: Metric) -> float:
    """A gain on the logarithm, from a typical incumbent, in the metric's unit."""
    return metric.gain(math.exp(middle + metric.gain(gain, 0.0)), math.exp(middle))


def _hope(sums: Arms | Pairs, plan: Plan) -> bool:
    return not bool(hopeless(sums, cap=plan.race_cap, bar=-math.log(plan.alpha)))


def _decide(now: _Standing, metric: Metric, plan: Plan, *, spent: bool) -> Judgement:
    needed = 1.0 / plan.alpha
    chance = f"odds {odds(now.evidence)} to 1 against luck"
    size = f"by {_said(now, metric)} in {now.words}"
    enough, doubt, unsteady = now.evidence >= needed, _doubt(now), _unsteady(now)
    if enough and now.n >= _floor(plan) and not (doubt or unsteady):
        reason = f"Better {size}; {chance} ({needed:.3g} needed){_exactly(now)}."
        return _judgement(now, Decision.ACCEPTED, Level.VERIFIED, reason)
    if now.estimate <= 0.0 and (spent or now.over):
        worse = f"worse {size}" if now.estimate < 0.0 else f"no difference in {now.words}"
        reason = f"Not better: {worse}{_unseen(now, metric)}."
        return _judgement(now, Decision.REJECTED, None, reason)
    if unsteady and (spent or now.over):
        return _unproved(now, f"{_UNSEEN}: better {size}, but {unsteady}.")
    if spent:
        short = f"{chance} fall short of the {needed:.3g} needed"
        why = doubt if enough and doubt else short
        ends = f"the race ends at {count(plan.race_cap, 'trial')}"
        return _unproved(now, f"{_UNSEEN}: better {size}, but {why}, and {ends}.")
    if now.over:
        most = count(plan.race_cap, "trial")
        reason = f"{_UNSEEN}: better {size}, too little to be told from luck within {most}."
        return _judgement(now, Decision.REJECTED, None, reason)
    reason = f"So far {chance} ({needed:.3g} needed) in {now.words}."
    return _judgement(now, None, Level.PROVISIONAL, reason)


def _doubt(now: _Standing) -> str:
    return now.checks.doubt if now.checks else ""


def _unsteady(now: _Standing) -> str:
    return now.checks.unsteady if now.checks else ""


def _exactly(now: _Standing) -> str:
    return f", sign-flip p = {now.checks.p:.2g}" if now.checks else ""


def _unproved(now: _Standing, reason: str) -> Judgement:
    return _judgement(now, Decision.INCONCLUSIVE, Level.PROVISIONAL, reason)


def _unseen(now: _Standing, metric: Metric) -> str:
    if now.gain is None:
        return ""
    return _hidden(now.gain.high, now.gain.high - now.gain.low, metric, "at this cost")


def _hidden(most: float, width: float, metric: Metric, where: str) -> str:
    """What a reader must not take for none: gains that the noise would have hidden."""
    if most <= 0.0 or width <= 0.0:
        return ""
    size = f"{amount(most, width)} {metric.unit}".rstrip()
    return f"; a gain of up to {size} would not be visible {where}"


def _judgement(
    now: _Standing, decision: Decision | None, level: Level | None, reason: str
) -> Judgement:
    low, high = (now.gain.low, now.gain.high) if now.gain else (None, None)
    return Judgement(decision, level, reason, now.estimate, low, high, now.evidence)


def _said(now: _Standing, metric: Metric) -> str:
    """The size of a gain or loss with its interval, unit and, for timings, percentage."""
    sign = -1.0 if now.estimate < 0.0 else 1.0
    if now.gain is None:
        return f"{amount(sign * now.estimate, 0.0)} {metric.unit}".rstrip() + now.extra
    ends = sorted((sign * now.gain.low, sign * now.gain.high))
    width = ends[1] - ends[0]
    size = f"{amount(sign * now.estimate, width)} {metric.unit}".rstrip()
    return f"{size} ({amount(ends[0], width)} to {amount(ends[1], width)}){now.extra}"


def _distance(gain: float, sd: float, metric: Metric) -> str:
    if gain == 0.0:
        return "no better"
    size = f"{amount(abs(gain), sd)} {metric.unit}".rstrip()
    return f"{size} {'better' if gain > 0.0 else 'worse'}"


def _floor(plan: Plan) -> int:
    """No spread without two trials, whatever the plan says."""
    return max(2, plan.incumbent_floor)
