"""Comparisons on shared seeds: the i-th trials of both arms ran on the same one.

The luck that both arms have from a seed cancels in their difference. How much that is depends on
the task and on the edit, and nobody knows it when a race begins. So the bet against "no gain" is
split: one part on the differences, the rest on the arms as if their seeds had nothing in common.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upward.core.errors import BadMeasurement
from upward.core.metric import Metric
from upward.core.plan import Plan
from upward.core.records import Design
from upward.stats.arrays import TIE, Array, checked
from upward.stats.sequential import MOST, Gain, evidence, interval, interval_paired
from upward.stats.sign_flip import MOST_GAINS, sign_flip
from upward.stats.sums import FUTILE_FROM, SCALES, Pairs, sum_arms, sum_pairs

# Share of the bet that is on the pairs. With a half, neither kind of race can lose more than a
# factor of two to the better one. Nine parts of ten where earlier pairs share their luck; the
# tenth keeps large gains as fast as without pairs, which cannot win before the fifth of them.
WEIGHTS = {Design.MIXED: 0.5, Design.PAIRED: 0.9}

# both intervals together miss the true gain in at most 5 of 100 cases
_MISS = 0.05


@dataclass(frozen=True, slots=True)
class Shared:
    """A comparison on shared seeds as it stands.

    Args:
        n: pairs.
        estimate: mean gain of the pairs, metric unit.
        gain: the same with its 95 % interval, None with fewer than two pairs.
        evidence: the e-value of "the candidate is better".
        hopeless: whether nothing can be hoped for any more within the cap.
    """

    n: int
    estimate: float
    gain: Gain | None
    evidence: float
    hopeless: bool


def compare(
    candidate: Sequence[float],
    incumbent: Sequence[float],
    *,
    metric: Metric,
    plan: Plan,
    design: Design,
    earlier: Sequence[float] = (),
) -> Shared:
    """Compare two arms that ran on the same seeds, after any of the pairs.

    The evidence is the average of two e-values, weighted beforehand: that of the pairs, which
    holds whatever the arms share, and that of the two arms (`sequential.evidence`), which errs
    less the more they share. The e-value of the pairs counts for more than 1 only while the exact
    sign-flip test agrees, so never before the fifth pair: it is then not the bell curve alone
    that speaks. The interval is the narrower one of both, each taken at a level at which both
    together miss the true gain in at most 5 of 100 cases.

    What is not covered: with all shared luck gone, what is left may have any shape. A candidate
    that is a little better on nine seeds of ten and much worse on the tenth looks better in ten
    pairs more often than not; and arms that share *opposite* luck are accepted more easily (by
    simulation 3 of 100 without a gain at a correlation of -0.5, still below 5).

    Args:
        candidate: shape (n,), metric unit.
        incumbent: shape (n,), the same seeds in the same order.
        metric: says which way is better; not for timings.
        plan: alpha and the cap.
        design: mixed or paired.
        earlier: shape (m,), of the incumbent from before; only their spread counts.

    Returns:
        Evidence of at most 1 where the two agree in every pair, however many there are: such a
        candidate changed nothing.

    Raises:
        TooFewTrials: no pair.
        BadMeasurement: a value that is no measurement of this metric, or arms of two lengths.

    Source: the mean of e-values is one: Vovk and Wang (2021), doi:10.1214/20-AOS2020.
    """
    arms = _arms(candidate, incumbent, earlier, metric, WEIGHTS[design])
    n, enough = arms.new.size, arms.new.size > 1
    return Shared(
        n=n,
        estimate=float(np.mean(arms.gains)),
        gain=_interval(arms) if enough else None,
        evidence=_evidence(arms, plan) if enough else 1.0,
        hopeless=n >= FUTILE_FROM and not (arms.differ and _hope(arms, plan)),
    )


@dataclass(frozen=True, slots=True)
class _Arms:
    """Two arms of one length that were checked, and the gains of their pairs.

    `weight` is the share of the bet on the pairs; gains that differ by up to `tie` are equal.
    """

    new: Array
    old: Array
    past: Array
    gains: Array
    tie: float
    metric: Metric
    weight: float

    @property
    def differ(self) -> bool:
        return bool(np.any(self.gains))


def _arms(
    candidate: Sequence[float],
    incumbent: Sequence[float],
    earlier: Sequence[float],
    metric: Metric,
    weight: float,
) -> _Arms:
    new = checked(candidate, metric, what="a race", needed=1)
    old = checked(incumbent, metric, what="a race", needed=1)
    past = checked(earlier, metric, what="a race", needed=0)
    if new.shape != old.shape:
        raise BadMeasurement("a race", f"{new.size} and {old.size} values make no pairs")
    gains = np.array([metric.gain(float(a), float(b)) for a, b in zip(new, old, strict=True)])
    tie = TIE * float(np.max(np.abs(np.concatenate([new, old]))))
    return _Arms(new, old, past, np.where(np.abs(gains) > tie, gains, 0.0), tie, metric, weight)


def _evidence(arms: _Arms, plan: Plan) -> float:
    """The weighted average of both e-values, in [0, 1e12]."""
    apart = evidence(_list(arms.new), _list(arms.old), metric=arms.metric, earlier=_list(arms.past))
    pairs = _bounded(_pairs(arms).log_evidence(SCALES)) if arms.differ else 1.0
    if pairs > 1.0 and sign_flip(_list(arms.gains[:MOST_GAINS])) > plan.alpha:
        pairs = 1.0
    return arms.weight * pairs + (1.0 - arms.weight) * apart


def _hope(arms: _Arms, plan: Plan) -> bool:
    """Whether the bar can still be reached by arms that go on as they are, with a little luck."""
    if float(np.mean(arms.gains)) <= 0.0:
        return False
    ahead = _pairs(arms).ahead(plan.race_cap).log_evidence()
    apart = sum_arms(arms.new, arms.old, arms.metric, arms.past)
    other = apart.ahead(plan.race_cap).log_evidence()
    together = np.logaddexp(math.log(arms.weight) + ahead, math.log1p(-arms.weight) + other)
    return bool(together >= -math.log(plan.alpha))


def _interval(arms: _Arms) -> Gain:
    """The narrower interval, each at the level that its share of the bet leaves it."""
    own = interval_paired(_list(arms.gains), level=1.0 - _MISS * arms.weight)
    apart = interval(
        _list(arms.new),
        _list(arms.old),
        metric=arms.metric,
        earlier=_list(arms.past),
        level=1.0 - _MISS * (1.0 - arms.weight),
    )
    return own if own.high - own.low <= apart.high - apart.low else apart


def _pairs(arms: _Arms) -> Pairs:
    return sum_pairs(arms.gains, arms.tie)


def _list(values: Array) -> list[float]:
    return [float(value) for value in values]


def _bounded(logarithm: Array) -> float:
    return min(MOST, math.exp(min(float(logarithm), 100.0)))
