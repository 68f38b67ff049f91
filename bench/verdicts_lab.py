"""The world of `verdicts.py`: many simulated studies at once, their noise, their incumbents, races.

Every array has one number for each study; a mask says in which studies something happens.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from upward.core.plan import Plan
from upward.stats import sums
from upward.stats.sums import FUTILE_FROM, Arms, hopeless

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

GAINS, NULLS = 0.08, 0.45
WORST = 4.0
LATEST = 8
NOISES = ("gaussian", "t3", "drift", "ar1")
# the machine's slow wave: as large as the noise itself, over two hundred trials
WAVE_SD, WAVE_TRIALS, AR = 1.0, 200.0, 0.3
LUCK = sums.LUCK


@dataclass(frozen=True)
class Rule:
    """What a study that proves its keeps may turn.

    Args:
        plan: screen, alpha, cap, floor, calibration.
        luck: a race goes on while a mean better by so many standard errors could still win it.
    """

    plan: Plan = field(default_factory=Plan)
    luck: float = LUCK

    @property
    def bar(self) -> float:
        """Logarithm of the evidence that is needed."""
        return -math.log(self.plan.alpha)


DEFAULT = Rule()


class Lab:
    """Many studies at once: what each trial measures, and how many trials each has used."""

    def __init__(
        self, studies: int, noise: str, effect: float, seed: int, rule: Rule = DEFAULT
    ) -> None:
        self.rng = np.random.default_rng([seed, NOISES.index(noise), int(effect * 10)])
        self.noise, self.effect, self.studies, self.rule = noise, effect, studies, rule
        self.used = np.zeros(studies, int)
        self.phase = self.rng.uniform(0.0, 2.0 * np.pi, studies)
        self.last = self.rng.standard_normal(studies)

    def trial(self, value: Array, who: Mask) -> Array:
        """Measure candidates of true worth `value`, shape (studies,), where `who`; else NaN."""
        found = np.where(who, value + self._noise(who), np.nan)
        self.used += who
        return found

    def _noise(self, who: Mask) -> Array:
        fresh = self.rng.standard_normal(self.studies)
        if self.noise == "t3":
            return self.rng.standard_t(3, self.studies) / math.sqrt(3.0)
        if self.noise == "drift":
            return fresh + WAVE_SD * np.sin(self.phase + 2.0 * np.pi * self.used / WAVE_TRIALS)
        if self.noise == "ar1":
            moved = AR * self.last + math.sqrt(1.0 - AR * AR) * fresh
            self.last = np.where(who, moved, self.last)
            return self.last
        return fresh

    def proposals(self) -> Array:
        """True effects of one proposal in every study."""
        if self.effect == 0.0:
            return np.zeros(self.studies)
        kind = self.rng.random(self.studies)
        harm = -self.rng.uniform(0.0, WORST, self.studies)
        return np.where(kind < GAINS, self.effect, np.where(kind < GAINS + NULLS, 0.0, harm))


@dataclass
class Incumbents:
    """What is known of the incumbent of every study.

    Args:
        value: true worth.
        latest: shape (studies, LATEST), its newest measurements, NaN where there are fewer.
        n: how many measurements there are.
        mean: their mean.
        ss: their sum of squared distances from it.
    """

    value: Array
    latest: Array
    n: Array
    mean: Array
    ss: Array

    @classmethod
    def calibrated(cls, lab: Lab) -> "Incumbents":
        """Baselines after their calibration trials."""
        everyone, zero = np.ones(lab.studies, bool), np.zeros(lab.studies)
        made = cls(zero, np.full((lab.studies, LATEST), np.nan), zero, zero, zero)
        for _ in range(lab.rule.plan.calibration):
            made.add(lab.trial(made.value, everyone))
        return made

    def add(self, found: Array) -> None:
        """Take in one more measurement of each, NaN for none."""
        new = np.isfinite(found)
        self.n = self.n + new
        step = np.where(new, found - self.mean, 0.0)
        self.mean = self.mean + step / np.maximum(self.n, 1.0)
        self.ss = self.ss + np.where(new, step * (found - self.mean), 0.0)
        self.latest[new] = np.column_stack([self.latest[new, 1:], found[new]])

    def become(self, who: Mask, value: Array, measured: Array) -> None:
        """Put candidates in the place of incumbents; `measured` has their trials as columns."""
        self.value = np.where(who, value, self.value)
        for name in ("n", "mean", "ss"):
            setattr(self, name, np.where(who, 0.0, getattr(self, name)))
        self.latest[who] = np.nan
        for column in measured.T:
            self.add(np.where(who, column, np.nan))

    @property
    def now(self) -> Array:
        """Mean of the newest measurements."""
        return np.nanmean(self.latest, axis=1)

    @property
    def sd(self) -> Array:
        """Standard deviation of one measurement."""
        return np.sqrt(self.ss / np.maximum(self.n - 1.0, 1.0))


class Race:
    """The races that are on in many studies, in the order A B B A."""

    def __init__(self, lab: Lab, old: Incumbents, value: Array, live: Mask) -> None:
        self.lab, self.old, self.value = lab, old, value
        self.plan, self.bar = lab.rule.plan, lab.rule.bar
        self.live, self.won = live.copy(), np.zeros(lab.studies, bool)
        self.evidence = np.zeros(lab.studies)
        self.mine = np.full((lab.studies, self.plan.race_cap), np.nan)
        self.theirs = self.mine.copy()
        self.before = (old.n.copy(), old.ss.copy())
        self.k = 0

    def turn(self) -> None:
        """One more trial of both arms, and a look after the second."""
        for arm in ("mine", "theirs") if self.k % 2 else ("theirs", "mine"):
            worth = self.value if arm == "mine" else self.old.value
            found = self.lab.trial(worth, self.live)
            getattr(self, arm)[:, self.k] = found
            if arm == "theirs":
                self.old.add(found)
        self.k += 1
        if self.k >= max(2, self.plan.incumbent_floor):
            self._look()

    def _look(self) -> None:
        at = np.flatnonzero(self.live)
        if not at.size:
            return
        sums = self._sums(at)
        self.evidence[at] = sums.log_evidence()
        won = self.evidence[at] >= self.bar
        lost = hopeless(sums, cap=self.plan.race_cap, bar=self.bar) & (self.k >= FUTILE_FROM)
        self.won[at] = won
        self.live[at] = ~(won | lost)

    def _sums(self, at: NDArray[np.intp]) -> Arms:
        mine, theirs = self.mine[at, : self.k], self.theirs[at, : self.k]
        n, ss = (part[at] for part in self.before)
        return Arms(
            gain=mine.mean(axis=1) - theirs.mean(axis=1),
            candidate_n=self.k,
            candidate_ss=mine.var(axis=1) * self.k,
            incumbent_n=self.k,
            incumbent_ss=theirs.var(axis=1) * self.k + ss,
            earlier_df=np.maximum(n - 1.0, 0.0),
        )
