"""How often is a keep not a gain? Simulated studies under four rules and four kinds of noise.

    python bench/verdicts.py            1,000 studies of 200 proposals a cell
    python bench/verdicts.py --quick    60 studies of 60 proposals

A cell is one kind of noise and one size of true gains, in standard deviations of one trial. Of the
proposals 8 % are gains of that size, 45 % change nothing and 47 % harm; in a null study none
changes anything. Effects add up. The rules:

    naive     one trial; kept if better than the trial that the incumbent was kept for
    2-sigma   one trial; kept if better than the incumbent's mean by two standard deviations
    fixed-5   five trials of each arm, kept if Student's t test says so at 5 %
    upward    the rule that studies use: a screen, then a race, with `upward.stats` itself

`false_share` is the share of keeps that are no gains; `studies_with_keep` the share of studies
with any keep, `studies_with_certified` with one that e-BH over all races names at 10 % (from the
evidence at which races stopped, without re-runs); `oracle_gain_share` what is gained of all there
is; `trials_per_decision` all trials over all proposals; `gain_at_equal_trials` the true gain, in
sd, after as many trials as `--budget` says. `error` bounds two Monte-Carlo standard errors of a
share of studies. The loop's patience (small contenders wait for better ones) is left out: every
contender is raced.

The last line is one JSON object.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upward.core.records import Plan
from upward.stats.several import e_bh
from upward.stats.student import quantile
from upward.stats.sums import FUTILE_FROM, Arms, hopeless

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PLAN = Plan()
BAR = -math.log(PLAN.alpha)
CERTIFY = 0.10
GAINS, NULLS = 0.08, 0.45
WORST = 4.0
LATEST = 8
EFFECTS = (0.0, 1.0, 2.0, 4.0)
NOISES = ("gaussian", "t3", "drift", "ar1")
# the machine's slow wave: as large as the noise itself, over two hundred trials
WAVE_SD, WAVE_TRIALS, AR = 1.0, 200.0, 0.3


class Lab:
    """Many studies at once: what each trial measures, and how many trials each has used."""

    def __init__(self, studies: int, noise: str, effect: float, seed: int) -> None:
        self.rng = np.random.default_rng([seed, NOISES.index(noise), int(effect * 10)])
        self.noise, self.effect, self.studies = noise, effect, studies
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
        for _ in range(PLAN.calibration):
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


Decide = Callable[[Lab, Incumbents, Array, Array], tuple[Mask, Array]]


def naive(lab: Lab, old: Incumbents, value: Array, _: Array) -> tuple[Mask, Array]:
    """Keep what was better once."""
    found = lab.trial(value, np.ones(lab.studies, bool))
    kept = found > old.latest[:, -1]
    old.become(kept, value, found[:, None])
    return kept, np.zeros((lab.studies, 0))


def two_sigma(lab: Lab, old: Incumbents, value: Array, sd: Array) -> tuple[Mask, Array]:
    """Keep what was better once by two standard deviations, as calibrated."""
    found = lab.trial(value, np.ones(lab.studies, bool))
    kept = found > old.now + 2.0 * sd
    old.become(kept, value, found[:, None])
    return kept, np.zeros((lab.studies, 0))


def fixed(lab: Lab, old: Incumbents, value: Array, _: Array) -> tuple[Mask, Array]:
    """Five trials of both arms side by side, then one t test."""
    everyone = np.ones(lab.studies, bool)
    pairs = [(lab.trial(value, everyone), lab.trial(old.value, everyone)) for _ in range(5)]
    mine, theirs = (np.column_stack(arm) for arm in zip(*pairs, strict=True))
    error = np.sqrt((mine.var(axis=1, ddof=1) + theirs.var(axis=1, ddof=1)) / 5.0)
    kept = mine.mean(axis=1) - theirs.mean(axis=1) > quantile(1.0 - PLAN.alpha, 8.0) * error
    old.become(kept, value, mine)
    return kept, np.zeros((lab.studies, 0))


def upward(lab: Lab, old: Incumbents, value: Array, sd: Array) -> tuple[Mask, Array]:
    """Screen and race."""
    screened = lab.trial(value, np.ones(lab.studies, bool))
    live = screened >= old.now + PLAN.screen_sd * sd
    race = Race(lab, old, value, live)
    for _ in range(PLAN.race_cap):
        race.turn()
    old.become(race.won, value, race.mine)
    return race.won, np.where(live, np.exp(np.minimum(race.evidence, 600.0)), np.nan)[:, None]


class Race:
    """The races that are on in many studies, in the order A B B A."""

    def __init__(self, lab: Lab, old: Incumbents, value: Array, live: Mask) -> None:
        self.lab, self.old, self.value = lab, old, value
        self.live, self.won = live.copy(), np.zeros(lab.studies, bool)
        self.evidence = np.zeros(lab.studies)
        self.mine = np.full((lab.studies, PLAN.race_cap), np.nan)
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
        if self.k >= max(2, PLAN.incumbent_floor):
            self._look()

    def _look(self) -> None:
        at = np.flatnonzero(self.live)
        if not at.size:
            return
        sums = self._sums(at)
        self.evidence[at] = sums.log_evidence()
        won = self.evidence[at] >= BAR
        lost = hopeless(sums, cap=PLAN.race_cap, bar=BAR) & (self.k >= FUTILE_FROM)
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


RULES: dict[str, Decide] = {
    "naive": naive,
    "2-sigma": two_sigma,
    "fixed-5": fixed,
    "upward": upward,
}


def simulate(job: tuple[str, str, float, int, int, int, int]) -> dict[str, float]:
    """Run all studies of one cell under one rule."""
    rule, noise, effect, studies, proposals, budget, seed = job
    lab = Lab(studies, noise, effect, seed)
    old = Incumbents.calibrated(lab)
    sd = old.sd.copy()
    began = lab.used.copy()
    keeps, false, offered = (np.zeros(studies) for _ in range(3))
    at_budget, races = np.zeros(studies), list[Array]()
    most = proposals
    while most > 0 or bool(np.any(lab.used < budget)):
        counted = most > 0
        most -= 1
        at_budget = np.where(lab.used < budget, old.value, at_budget)
        if not counted:
            RULES[rule](lab, old, old.value + lab.proposals(), sd)
            continue
        effects = lab.proposals()
        kept, evidence = RULES[rule](lab, old, old.value + effects, sd)
        keeps += kept
        false += kept & (effects <= 0.0)
        offered += np.maximum(effects, 0.0)
        races.append(evidence)
        spent, reached = lab.used - began, old.value.copy()
    at_budget = np.where(lab.used < budget, old.value, at_budget)
    certified = named(np.concatenate(races, axis=1))
    return {
        "keeps": float(keeps.mean()),
        "false_share": float(false.sum() / max(1.0, keeps.sum())),
        "studies_with_keep": float(np.mean(keeps > 0)),
        "studies_with_certified": float(np.mean(certified)),
        "oracle_gain_share": float(reached.sum() / offered.sum()) if effect else math.nan,
        "trials_per_decision": float(spent.mean() / proposals),
        "gain_at_equal_trials": float(at_budget.mean()),
        "error": 2.0 * math.sqrt(0.25 / studies),
    }


def named(evidence: Array) -> Mask:
    """Whether e-BH over all races of a study names any, shape (studies,)."""
    rows = [row[np.isfinite(row)].tolist() for row in evidence]
    return np.array([bool(e_bh(row, alpha=CERTIFY)) for row in rows])


def main() -> None:
    """Simulate every cell, print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 50 s")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--proposals", type=int, default=200)
    parser.add_argument("--budget", type=int, default=600, help="trials, for the equal comparison")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.quick:
        args.studies, args.proposals, args.budget = 60, 60, 200
    size = (args.studies, args.proposals, args.budget, args.seed)
    cells = [(rule, noise, effect) for noise in NOISES for effect in EFFECTS for rule in RULES]
    began = time.monotonic()
    with ProcessPoolExecutor(args.workers) as pool:
        found = list(pool.map(simulate, [(*cell, *size) for cell in cells]))
    rows = [
        dict(zip(("rule", "noise", "effect"), cell, strict=True)) | row
        for cell, row in zip(cells, found, strict=True)
    ]
    show(rows)
    print(json.dumps(summary(rows) | {"wall_s": round(time.monotonic() - began, 1)}))


COLUMNS = (
    "keeps",
    "false_share",
    "studies_with_keep",
    "studies_with_certified",
    "oracle_gain_share",
    "trials_per_decision",
    "gain_at_equal_trials",
)


def show(rows: list[dict]) -> None:
    """Print the table for people."""
    print(f"{'noise':9}{'effect':>7} {'rule':9}" + "".join(f"{c[:18]:>20}" for c in COLUMNS))
    for row in rows:
        cells = "".join(f"{row[c]:20.3f}" for c in COLUMNS)
        print(f"{row['noise']:9}{row['effect']:7.1f} {row['rule']:9}{cells}")


def summary(rows: list[dict]) -> dict[str, object]:
    """The figures of the rule that studies use, by noise and effect, and all rows."""
    ours = [row for row in rows if row["rule"] == "upward"]

    def of(key: str, *, null: bool) -> dict[str, float]:
        chosen = [row for row in ours if (row["effect"] == 0.0) == null]
        name = "{noise}" if null else "{noise}-{effect:g}sd"
        return {name.format(**row): round(row[key], 4) for row in chosen}

    return {
        "bench": "verdicts",
        "false_share_verified": of("false_share", null=False),
        "null_studies_with_verified": of("studies_with_keep", null=True),
        "null_studies_with_certified": of("studies_with_certified", null=True),
        "oracle_gain_share": of("oracle_gain_share", null=False),
        "trials_per_decision": of("trials_per_decision", null=False),
        "rows": [
            {k: rounded(v) if isinstance(v, float) else v for k, v in row.items()} for row in rows
        ],
    }


def rounded(value: float) -> float | None:
    """Four digits; None for what has no value, such as the share of no gain at all."""
    return None if math.isnan(value) else round(value, 4)


if __name__ == "__main__":
    main()
