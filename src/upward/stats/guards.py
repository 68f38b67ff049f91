"""Guards by non-inferiority: a guard holds when it is shown to hold, not when nothing is seen.

A difference that cannot be seen may still be there, so the burden lies on the candidate: the upper
bound on its loss must lie within the tolerance. In between, the guard is open.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from upward.core.errors import EvidenceError
from upward.core.metric import Guard, GuardReading, GuardState, Metric
from upward.core.plan import Plan
from upward.stats.arrays import TIE, finite, same, spread
from upward.stats.noise import noise, resolution
from upward.stats.say import amount
from upward.stats.sequential import MOST
from upward.stats.student import quantile
from upward.stats.sums import FUTILE_FROM, Arms, sum_arms

Array = NDArray[np.float64]

# One reading rejects a candidate only when as large a loss beyond the tolerance would be seen in
# less than 1 of 100 harmless ones; a race costs more than a screen, but a lost gain costs most.
SURE = 0.99

# A bound beyond 4^9 ranges of all readings says nothing; within that, it is found to 12 digits.
_STEPS = 10
_POINTS, _ROUNDS = 65, 7


def judge_guard(
    guard: Guard,
    candidate: Sequence[float],
    incumbent: Sequence[float],
    *,
    plan: Plan,
    earlier: Sequence[float] = (),
    spent: bool = False,
) -> GuardReading:
    """Judge one guard in a race, after any of its trials.

    **Held** is non-inferiority by the evidence of a race: the candidate, credited with the
    tolerance, is better than the incumbent at odds of 1 / alpha, which is the same as "the upper
    bound on the loss is at most the tolerance". It may be looked at after every trial: a guard
    that is really broken is ever called held with probability at most alpha. A tolerance of zero
    on readings that differ is therefore held only by a candidate that is shown to be better in the
    guard as well. **Broken** is a loss beyond the tolerance at the same odds, or a mean loss
    beyond it that cannot be hoped to be shown harmless within the cap. Readings without any
    spread, such as an exact count of bytes, are compared directly: the tolerance itself holds.

    What is not covered: each tolerance is against the incumbent of its time, so that many
    accepted steps may add up to a loss of several tolerances.

    Args:
        guard: its direction and tolerance.
        candidate: shape (k,), k >= 1, fresh readings in the guard's unit.
        incumbent: shape (n,), n >= 1, those beside them.
        plan: alpha and the cap.
        earlier: shape (m,), the incumbent's from before; only their spread counts.
        spent: whether no further trial is coming.

    Returns:
        The guard with its bound. Open, without a bound, with fewer than two readings in an arm:
        one reading is no evidence.

    Raises:
        TooFewTrials: no reading in an arm; unknown is not fine.
        BadMeasurement: a reading is NaN, infinite or above 1e150.

    Cost: about 4 ms; no randomness.

    Source: the confidence sequence that inverts the e-values of `upward.stats.sequential`; for
        non-inferiority Wellek (2010), Testing Statistical Hypotheses of Equivalence, chapter 2.
    """
    new, old, past = _arrays(guard, candidate, incumbent, earlier)
    found = _means(guard, new, old)
    if new.size < 2 or old.size < 2:
        return _open(found, "too few readings yet to compare")
    if same(new) and same(old) and not spread(past):
        return _direct(found)
    return _compare(guard, (new, old, past), found, plan, spent=spent)


def glance_at_guard(
    guard: Guard, reading: float, incumbent: Sequence[float], *, earlier: Sequence[float] = ()
) -> GuardReading:
    """Judge one guard by the first trial of a candidate, for ONE look.

    Args:
        guard: its direction and tolerance.
        reading: of the candidate, in the guard's unit.
        incumbent: shape (n,), n >= 1, as it is now.
        earlier: shape (m,), of the same noise with a mean of its own; only their spread counts.

    Returns:
        Broken when the loss is beyond the tolerance by more than 99 of 100 harmless readings
        would be, taking the candidate to vary as the incumbent does. Where no reading of the
        incumbent differs from another, held or broken at once. Else open: one reading never shows
        that a noisy guard holds.

    Raises:
        TooFewTrials: no reading of the incumbent.
        BadMeasurement: a reading is NaN, infinite or above 1e150.

    Source: the one-sided Student prediction interval for one further reading.
    """
    new, old, past = _arrays(guard, (reading,), incumbent, earlier)
    found, df = _means(guard, new, old), old.size - 1 + max(0, past.size - 1)
    if df < 1:
        return _open(found, "too few readings yet to compare")
    sd = math.sqrt((spread(old) + spread(past)) / df)
    if sd <= 0.0:
        return _direct(found)
    reach = quantile(SURE, df) * sd * math.sqrt(1.0 + 1.0 / old.size)
    if found.loss - found.tolerance > reach:
        return _broken(found, reach)
    return _open(found, "one reading is not enough to show it")


def smallest_tolerance(readings: Sequence[float], *, plan: Plan) -> float:
    """Return the smallest tolerance that a race can show to hold, for the author of a task.

    Args:
        readings: shape (n,), n >= 2, repeated readings of one candidate.
        plan: alpha, cap and floor.

    Returns:
        In the guard's unit: at this tolerance, 80 % of the candidates that lose nothing are shown
        to hold within the cap. 0 where the readings never differ.

    Raises:
        TooFewTrials: fewer than two readings, or no tolerance can be shown within the cap.
        BadMeasurement: a reading is NaN or infinite.
    """
    sd = noise(readings)[1]
    return resolution(sd, plan=plan, incumbent_trials=len(readings)) if sd > 0.0 else 0.0


def _arrays(
    guard: Guard, candidate: Sequence[float], incumbent: Sequence[float], earlier: Sequence[float]
) -> tuple[Array, Array, Array]:
    what = f"guard {guard.name}"
    return (
        finite(candidate, what=f"{what} of the candidate", needed=1),
        finite(incumbent, what=f"{what} of the incumbent", needed=1),
        finite(earlier, what=f"{what} from before", needed=0),
    )


def _means(guard: Guard, new: Array, old: Array) -> GuardReading:
    mine, theirs = float(np.mean(new)), float(np.mean(old))
    # the last digits of a double are no loss
    loss = 0.0 if abs(mine - theirs) <= TIE * max(abs(mine), abs(theirs)) else mine - theirs
    return GuardReading(
        name=guard.name,
        state=GuardState.OPEN,
        tolerance=guard.tolerance,
        candidate=mine,
        incumbent=theirs,
        loss=guard.loss(loss, 0.0),
        reason="",
    )


def _direct(found: GuardReading) -> GuardReading:
    """Two arms without any spread: nothing has to be estimated."""
    slack = TIE * max(abs(found.candidate), abs(found.incumbent))
    sure = replace(found, upper=found.loss, confidence=1.0)
    if found.loss > found.tolerance + slack:
        return _broken(sure, 0.0)
    return replace(
        sure,
        state=GuardState.HELD,
        reason=f"{found.name} holds: {_change(found, 0.0)} in every reading "
        f"({found.tolerance:.4g} allowed).",
    )


def _compare(
    guard: Guard, arms: tuple[Array, Array, Array], found: GuardReading, plan: Plan, *, spent: bool
) -> GuardReading:
    new, old, past = arms
    unit = float(np.ptp(np.concatenate(arms)))
    sums = sum_arms(new, old, Metric(guard.name, "", guard.direction), past)
    shifted = _credited(sums, guard.tolerance / unit)
    bar = -math.log(plan.alpha)
    evidence, bound = float(_log_e(shifted)), _bound(sums, bar)
    known = replace(
        found,
        evidence=min(MOST, math.exp(min(evidence, 100.0))),
        upper=None if bound is None else bound * unit + 0.0,
        confidence=None if bound is None else 1.0 - plan.alpha,
    )
    width = abs(known.loss) / 10.0 if known.upper is None else known.upper - known.loss
    if evidence >= bar:
        return replace(known, state=GuardState.HELD, reason=f"{_bounded(known, 'holds', width)}.")
    if _clearly_broken(shifted, bar):
        return _broken(known, width)
    if _beyond_hope(shifted, plan, bar, spent=spent):
        allowed = f"({guard.tolerance:.4g} allowed)"
        said = f"{guard.name} is {_change(found, width)} on average {allowed}"
        reason = f"{said}, too much to be shown harmless within {plan.race_cap} trials."
        return replace(known, state=GuardState.BROKEN, reason=reason)
    hint = _hint(guard, old, past, plan) if spent else ""
    return replace(known, reason=f"{_bounded(known, 'is not shown to hold', width)}{hint}.")


def _log_e(sums: Arms) -> Array:
    return np.asarray(sums.log_evidence())


def _credited(sums: Arms, credit: float | Array) -> Arms:
    """The sums of a candidate that were better by a credit, in the sums' own unit."""
    return replace(sums, gain=np.asarray(sums.gain) + credit)


def _clearly_broken(shifted: Arms, bar: float) -> bool:
    """Whether the evidence for a loss beyond the tolerance reaches the bar."""
    return float(_log_e(replace(shifted, gain=-np.asarray(shifted.gain)))) >= bar


def _beyond_hope(shifted: Arms, plan: Plan, bar: float, *, spent: bool) -> bool:
    """Whether the mean loss is beyond the tolerance, and no trial to come can help."""
    if float(np.asarray(shifted.gain)) >= 0.0:
        return False
    enough = float(np.asarray(shifted.candidate_n)) >= FUTILE_FROM
    return spent or (enough and float(_log_e(shifted.ahead(plan.race_cap))) < bar)


def _bound(sums: Arms, bar: float) -> float | None:
    """The smallest credit at which the evidence reaches the bar, in the sums' own unit.

    The evidence grows with the credit: both factors are likelihood ratios of a t that is larger
    the larger the gain, mixed over gains above zero.
    """
    low = -float(np.asarray(sums.gain))
    wide = np.asarray(low + 4.0 ** np.arange(_STEPS), np.float64)
    reached = wide[_log_e(_credited(sums, wide)) >= bar]
    if not reached.size:
        return None
    high = float(reached[0])
    for _ in range(_ROUNDS):
        grid = np.linspace(low, high, _POINTS)
        first = max(1, int(np.argmax(_log_e(_credited(sums, grid)) >= bar)))
        low, high = float(grid[first - 1]), float(grid[first])
    return high


# -- sentences -----------------------------------------------------------------------------------


def _change(found: GuardReading, width: float) -> str:
    if found.loss == 0.0:
        return "no change"
    way = "worse" if found.loss > 0.0 else "better"
    return f"{way} by {_size(abs(found.loss), width)}"


def _size(value: float, width: float) -> str:
    """A number with the digits that its width leaves meaningful; all of them where it is exact."""
    return amount(value, width) if width > 0.0 else f"{value:.8g}"


def _bounded(found: GuardReading, what: str, width: float) -> str:
    said = f"{found.name} {what}: {_change(found, width)} on average"
    if found.upper is None or found.confidence is None:
        return f"{said} ({found.tolerance:.4g} allowed)"
    most = f"{'' if found.loss > 0.0 else 'worse '}by at most {amount(found.upper, width)}"
    if found.upper < 0.0:
        most = f"better by at least {amount(-found.upper, width)}"
    at = f"at {100.0 * found.confidence:.3g} % confidence"
    return f"{said}, {most} {at} ({found.tolerance:.4g} allowed)"


def _broken(found: GuardReading, width: float) -> GuardReading:
    new, old = (_size(v, width) for v in (found.candidate, found.incumbent))
    reason = (
        f"{found.name} got worse by {_size(found.loss, width)} ({found.tolerance:.4g} allowed): "
        f"{new} against {old} of the incumbent."
    )
    return replace(found, state=GuardState.BROKEN, reason=reason)


def _open(found: GuardReading, why: str) -> GuardReading:
    reason = f"{found.name} is not shown to hold: {why} ({found.tolerance:.4g} allowed)."
    return replace(found, reason=reason)


def _hint(guard: Guard, old: Array, past: Array, plan: Plan) -> str:
    """What an author can do about a guard that stayed open."""
    seen = past if past.size > old.size else old
    try:
        least = smallest_tolerance([float(v) for v in seen], plan=plan)
    except EvidenceError:
        return ""
    if least <= guard.tolerance:
        return ""
    cap = plan.race_cap
    return f"; with this noise, {cap} trials can show a tolerance of about {least:.2g} or more"
