"""How often is a keep not a gain? Simulated studies under four rules and four kinds of noise.

    python bench/verdicts.py            1,000 studies of 200 proposals a cell
    python bench/verdicts.py --quick    60 studies of 60 proposals
    python bench/verdicts.py --figure docs/figures/verdicts.svg    also draw it

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
sd, after as many trials as `--budget` says. `errors` are two Monte-Carlo standard errors, over
studies. The loop's patience (small contenders wait for better ones) is left out: every contender
is raced. `verdicts_sweep.py` turns the plan.

The last line is one JSON object.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from verdicts_figure import draw
from verdicts_lab import DEFAULT, NOISES, Array, Incumbents, Lab, Mask, Race, Rule

from upward.stats import sums
from upward.stats.several import e_bh
from upward.stats.student import quantile

CERTIFY = 0.10
EFFECTS = (0.0, 1.0, 2.0, 4.0)

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
    kept = mine.mean(axis=1) - theirs.mean(axis=1) > quantile(0.95, 8.0) * error
    old.become(kept, value, mine)
    return kept, np.zeros((lab.studies, 0))


def upward(lab: Lab, old: Incumbents, value: Array, sd: Array) -> tuple[Mask, Array]:
    """Screen and race."""
    screened = lab.trial(value, np.ones(lab.studies, bool))
    plan = lab.rule.plan
    live = screened >= old.now + plan.screen_sd * sd
    race = Race(lab, old, value, live)
    for _ in range(plan.race_cap):
        race.turn()
    old.become(race.won, value, race.mine)
    return race.won, np.where(live, np.exp(np.minimum(race.evidence, 600.0)), np.nan)[:, None]


RULES: dict[str, Decide] = {
    "naive": naive,
    "2-sigma": two_sigma,
    "fixed-5": fixed,
    "upward": upward,
}


@dataclass(frozen=True)
class Cell:
    """One kind of noise and size of gains under one rule, with the size of the simulation."""

    rule: str
    noise: str
    effect: float
    studies: int
    proposals: int
    budget: int
    seed: int
    turned: Rule = DEFAULT


@dataclass
class Tally:
    """What happened in each study, every array of shape (studies,)."""

    keeps: Array
    false: Array
    offered: Array
    reached: Array
    spent: Array
    certified: Mask
    at_budget: Array


def simulate(cell: Cell) -> dict[str, float | dict[str, float]]:
    """Run all studies of one cell."""
    return figures(tally(cell), cell)


def tally(cell: Cell) -> Tally:
    """Run all studies of one cell and count."""
    # how early a race is given up is a constant of `upward.stats`, so it is turned there
    before, sums.LUCK = sums.LUCK, cell.turned.luck
    try:
        return _tally(cell)
    finally:
        sums.LUCK = before


def _tally(cell: Cell) -> Tally:
    lab = Lab(cell.studies, cell.noise, cell.effect, cell.seed, cell.turned)
    old, decide = Incumbents.calibrated(lab), RULES[cell.rule]
    sd, began = old.sd.copy(), lab.used.copy()
    keeps, false, offered, at_budget = (np.zeros(cell.studies) for _ in range(4))
    races = list[Array]()
    for _ in range(cell.proposals):
        at_budget = np.where(lab.used < cell.budget, old.value, at_budget)
        effects = lab.proposals()
        kept, evidence = decide(lab, old, old.value + effects, sd)
        keeps += kept
        false += kept & (effects <= 0.0)
        offered += np.maximum(effects, 0.0)
        races.append(evidence)
    spent, reached = lab.used - began, old.value.copy()
    while bool(np.any(lab.used < cell.budget)):
        at_budget = np.where(lab.used < cell.budget, old.value, at_budget)
        decide(lab, old, old.value + lab.proposals(), sd)
    certified = named(np.concatenate(races, axis=1))
    return Tally(keeps, false, offered, reached, spent.astype(float), certified, at_budget)


def figures(found: Tally, cell: Cell) -> dict[str, float | dict[str, float]]:
    """Averages over studies, each with two Monte-Carlo standard errors under `errors`."""
    each = {
        "keeps": mean(found.keeps),
        "false_share": ratio(found.false, found.keeps),
        "studies_with_keep": share(found.keeps > 0),
        "studies_with_certified": share(found.certified),
        "oracle_gain_share": ratio(found.reached, found.offered),
        "trials_per_decision": mean(found.spent / cell.proposals),
        "gain_at_equal_trials": mean(found.at_budget),
    }
    values = {name: value for name, (value, _) in each.items()}
    return {**values, "errors": {name: error for name, (_, error) in each.items()}}


def mean(values: Array) -> tuple[float, float]:
    """Mean over studies and two standard errors."""
    return float(values.mean()), 2.0 * float(values.std(ddof=1)) / math.sqrt(values.size)


def ratio(part: Array, whole: Array) -> tuple[float, float]:
    """Sum over sum, and two standard errors with studies as clusters; NaN where the whole is 0.

    Source: the linearised variance of a ratio estimator; Cochran (1977), Sampling Techniques, 6.
    """
    total = float(whole.sum())
    if total == 0.0:
        return math.nan, math.nan
    found = float(part.sum()) / total
    left = part - found * whole
    return found, 2.0 * math.sqrt(left.size / (left.size - 1.0) * float(left @ left)) / total


def share(which: Mask) -> tuple[float, float]:
    """Share of studies and two standard errors, which are not 0 where none or all are counted.

    Source: Agresti and Coull (1998), doi:10.1080/00031305.1998.10480550.
    """
    n, count = which.size, int(which.sum())
    middle = (count + 2.0) / (n + 4.0)
    return count / n, 2.0 * math.sqrt(middle * (1.0 - middle) / (n + 4.0))


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
    parser.add_argument("--figure", type=Path, help="where to draw the figures, as SVG")
    args = parser.parse_args()
    if args.quick:
        args.studies, args.proposals, args.budget = 60, 60, 200
    size = (args.studies, args.proposals, args.budget, args.seed)
    cells = [
        Cell(rule, noise, effect, *size) for noise in NOISES for effect in EFFECTS for rule in RULES
    ]
    began = time.monotonic()
    rows = run(cells, args.workers)
    show(rows)
    if args.figure:
        args.figure.parent.mkdir(parents=True, exist_ok=True)
        args.figure.write_text(draw(rows, studies=args.studies, proposals=args.proposals))
    settings = {"studies": args.studies, "proposals": args.proposals, "seed": args.seed}
    wall = {"workers": args.workers, "wall_s": round(time.monotonic() - began, 1)}
    print(json.dumps(summary(rows) | settings | wall))


def run(cells: Sequence[Cell], workers: int) -> list[dict]:
    """Simulate cells in several processes; rows in their order, rounded."""
    with ProcessPoolExecutor(workers) as pool:
        found = list(pool.map(simulate, cells))
    return [
        {"rule": cell.rule, "noise": cell.noise, "effect": cell.effect} | rounded(row)
        for cell, row in zip(cells, found, strict=True)
    ]


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
        cells = "".join(f"{'-' if row[c] is None else format(row[c], '.3f'):>20}" for c in COLUMNS)
        print(f"{row['noise']:9}{row['effect']:7.1f} {row['rule']:9}{cells}")


def summary(rows: list[dict]) -> dict[str, object]:
    """The figures of the rule that studies use, by noise and effect, and all rows."""
    ours = [row for row in rows if row["rule"] == "upward"]

    def of(key: str, *, null: bool) -> dict[str, float]:
        chosen = [row for row in ours if (row["effect"] == 0.0) == null]
        name = "{noise}" if null else "{noise}-{effect:g}sd"
        return {name.format(**row): row[key] for row in chosen}

    return {
        "bench": "verdicts",
        "false_share_verified": of("false_share", null=False),
        "null_studies_with_verified": of("studies_with_keep", null=True),
        "null_studies_with_certified": of("studies_with_certified", null=True),
        "oracle_gain_share": of("oracle_gain_share", null=False),
        "trials_per_decision": of("trials_per_decision", null=False)
        | {f"{k}-null": v for k, v in of("trials_per_decision", null=True).items()},
        "rows": rows,
    }


def rounded(row: dict) -> dict:
    """Four digits; None for what has no value, such as the share of no gain at all."""
    return {
        name: rounded(value)
        if isinstance(value, dict)
        else None
        if math.isnan(value)
        else round(value, 4)
        for name, value in row.items()
    }


if __name__ == "__main__":
    main()
