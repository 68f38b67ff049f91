"""Comparisons on shared seeds: the i-th trials of both arms ran on the same one.

The luck that both arms have from a seed cancels in their difference. How much that is depends on
the task and on the edit, and nobody knows it when a race begins. So the bet against "no gain" is
split: one part on the differences, the rest on the arms as if their seeds had nothing in common.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upward.core.design import Design
from upward.core.metric import Metric
from upward.core.plan import Plan
from upward.stats.arrays import TIE, Array, checked
from upward.stats.sequential import MOST, Gain, evidence, interval, interval_paired
from upward.stats.sums import FUTILE_FROM, Pairs, sum_arms, sum_pairs

# Share of the bet that is on the pairs. With a half, neither kind of race can lose more than a
# factor of two to the better one. Three quarters where earlier pairs share their luck: three
# pairs give odds of 26 at most, however alike, so even then they never win alone.
WEIGHTS = {Design.MIXED: 0.5, Design.PAIRED: 0.75}

# both intervals together miss the true gain in at most 5 of 100 cases
_MISS = 0.05


@dataclass(frozen=True, slots=True)
class Layout:
    """How the trials of a race lie, fixed before its first.

    Args:
        design: how both arms are laid out.
        pairs: for how many seeds both arms have a trial; these come first in both, in the same
            order. None: as many as the shorter arm has. Of no use where no seed is shared.
    """

    design: Design = Design.POOLED
    pairs: int | None = None

    @property
    def weight(self) -> float:
        """Share of the bet on the pairs, 0 where they are not compared apart from the arms."""
        return WEIGHTS.get(self.design, 0.0)

    def paired(self, candidate_n: int, incumbent_n: int) -> int:
        """How many pairs there are."""
        most = min(candidate_n, incumbent_n)
        return most if self.pairs is None else min(self.pairs, most)


OWN_SEEDS = Layout()


@dataclass(frozen=True, slots=True)
class Shared:
    """A comparison on shared seeds as it stands.

    Args:
        pairs: how many there are.
        estimate: by how much the candidate is better, metric unit.
        gain: the same with its 95 % interval, None where neither arms nor pairs give one.
        evidence: the e-value of "the candidate is better".
        hopeless: whether nothing can be hoped for any more within the cap.
    """

    pairs: int
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
    layout: Layout,
    earlier: Sequence[float] = (),
) -> Shared:
    """Compare two arms that ran on the same seeds, after any trial.

    The evidence is the average of two e-values, weighted beforehand: that of the pairs
    (`sequential.evidence_paired`), which holds whatever the arms share, and that of the two arms
    (`sequential.evidence`), which errs less the more they share. The interval is the narrower one
    of both, each taken at a level at which both together miss the true gain in at most 5 of 100
    cases; the estimate is its middle.

    What is not covered. With all shared luck gone, what is left may have any shape: a candidate
    that is a little better on nine seeds of ten and much worse on the tenth wins more often than
    not, because ten pairs rarely show the tenth twice. Arms that share *opposite* luck are
    accepted more easily (by simulation 3 of 100 without a gain at a correlation of -0.5).

    Args:
        candidate: shape (k,), k >= 1, metric unit; first those that have a partner.
        incumbent: shape (n,), n >= 2, likewise, in the same order of seeds.
        metric: says which way is better; not for timings.
        plan: alpha and the cap.
        layout: mixed or paired.
        earlier: shape (m,), of the incumbent from before; only their spread counts.

    Returns:
        Evidence of at most 1 where the two agree in every pair, however many there are: such a
        candidate changed nothing. Two measurements whose difference is in the last digits of a
        double agree.

    Raises:
        TooFewTrials: no trial of the candidate, or fewer than two of the incumbent.
        BadMeasurement: a value that is no measurement of this metric.

    Cost: a millisecond; no randomness.

    Source: the mean of e-values is one: Vovk and Wang (2021), doi:10.1214/20-AOS2020.
    """
    arms = _arms(candidate, incumbent, earlier, metric, layout)
    found = _interval(arms)
    pairs = arms.gains.size
    estimate = float(np.mean(arms.gains)) if pairs else arms.apart
    return Shared(
        pairs=pairs,
        estimate=found.estimate if found else estimate,
        gain=found,
        evidence=_evidence(arms),
        hopeless=pairs >= FUTILE_FROM and not (arms.differ and _hope(arms, plan)),
    )


@dataclass(frozen=True, slots=True)
class _Arms:
    """Two arms that were checked, and the gains of their pairs.

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

    @property
    def apart(self) -> float:
        return self.metric.gain(float(np.mean(self.new)), float(np.mean(self.old)))


def _arms(
    candidate: Sequence[float],
    incumbent: Sequence[float],
    earlier: Sequence[float],
    metric: Metric,
    layout: Layout,
) -> _Arms:
    new = checked(candidate, metric, what="a race", needed=1)
    old = checked(incumbent, metric, what="a race", needed=2)
    past = checked(earlier, metric, what="a race", needed=0)
    n = layout.paired(new.size, old.size)
    both = zip(new[:n], old[:n], strict=True)
    gains = np.array([metric.gain(float(a), float(b)) for a, b in both], np.float64)
    tie = TIE * float(np.max(np.abs(np.concatenate([new, old]))))
    gains = np.where(np.abs(gains) > tie, gains, 0.0)
    return _Arms(new, old, past, gains, tie, metric, layout.weight)


def _evidence(arms: _Arms) -> float:
    """The weighted average of both e-values, in [0, 1e12]."""
    new, old, past = (_list(arm) for arm in (arms.new, arms.old, arms.past))
    apart = evidence(new, old, metric=arms.metric, earlier=past)
    pairs = 1.0
    if arms.gains.size > 1 and arms.differ:
        pairs = min(MOST, math.exp(min(100.0, float(_pairs(arms).log_evidence()))))
    return arms.weight * pairs + (1.0 - arms.weight) * apart


def _hope(arms: _Arms, plan: Plan) -> bool:
    """Whether the bar can still be reached by arms that go on as they are, with a little luck."""
    if float(np.mean(arms.gains)) <= 0.0:
        return False
    pairs = _pairs(arms).ahead(plan.race_cap).log_evidence()
    apart = sum_arms(arms.new, arms.old, arms.metric, arms.past)
    other = apart.ahead(plan.race_cap).log_evidence()
    together = np.logaddexp(math.log(arms.weight) + pairs, math.log1p(-arms.weight) + other)
    return bool(together >= -math.log(plan.alpha))


def _interval(arms: _Arms) -> Gain | None:
    """The narrower interval, each at the level that its share of the bet leaves it."""
    found, missed = list[Gain](), _MISS * arms.weight
    if arms.gains.size > 1:
        found.append(interval_paired(_list(arms.gains), level=1.0 - missed))
    if arms.new.size > 1:
        new, old, past = (_list(arm) for arm in (arms.new, arms.old, arms.past))
        level = 1.0 - (_MISS - missed)
        found.append(interval(new, old, metric=arms.metric, earlier=past, level=level))
    return min(found, key=lambda gain: gain.high - gain.low, default=None)


def _pairs(arms: _Arms) -> Pairs:
    return sum_pairs(arms.gains, arms.tie)


def _list(values: Array) -> list[float]:
    return [float(value) for value in values]
