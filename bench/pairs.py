"""What do shared seeds change in a race? Error, gains found and trials, by how much is shared.

    python bench/pairs.py            4,000 races a cell, 20,000 where there is no gain
    python bench/pairs.py --quick    500 and 2,000
    python bench/pairs.py --choice   also whole studies, in which earlier races choose the design

A race is simulated as `upward.stats` judges it: A B B A, at most ten trials of each arm, a look
after every trial, given up where nothing can be hoped for. The
incumbent brings eight earlier trials. `rho` is the correlation of both arms on one seed. Designs:

    own       every trial on a seed of its own, the arms compared as two samples
    mixed     shared seeds, half of the bet on the pairs
    paired    shared seeds, three quarters on them: where earlier pairs show that it pays
    only      shared seeds, all of it on the pairs

With --choice, 200 studies of twelve races each: the share of races from the fourth on that run
paired, and what all of them find beside races that stay mixed.

The last line is one JSON object.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upward.core.design import Design
from upward.core.plan import Plan
from upward.stats.pairing import break_even_ratio, pairing_so_far
from upward.stats.shared import WEIGHTS
from upward.stats.sums import FUTILE_FROM, Arms, Pairs

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PLAN = Plan()
CAP, BAR = PLAN.race_cap, -math.log(PLAN.alpha)
HELD = PLAN.calibration
RHOS = (-0.5, -0.3, 0.0, 0.3, 0.6, 0.9, 0.99)
GAINS = (0.0, 0.5, 1.0, 2.0, 4.0)
DESIGNS = {
    "own": 0.0,
    "mixed": WEIGHTS[Design.MIXED],
    "paired": WEIGHTS[Design.PAIRED],
    "only": 1.0,
}


@dataclass(frozen=True)
class Values:
    """What every trial of many races would measure, in sd: candidates are better by their gain.

    Args:
        candidate: shape (races, CAP).
        incumbent: the same shape, the same seeds.
        earlier: shape (races, HELD).
    """

    candidate: Array
    incumbent: Array
    earlier: Array

    def of(self, rows: NDArray[np.intp]) -> "Values":
        """Some of the races."""
        return Values(self.candidate[rows], self.incumbent[rows], self.earlier[rows])


def draw(rng: np.random.Generator, races: int, rho: float, gain: float) -> Values:
    """Draw Gaussian luck, of which both arms share a part, or opposite parts."""
    seed, mine, theirs = rng.standard_normal((3, races, CAP))
    part, own = math.sqrt(abs(rho)), math.sqrt(1.0 - abs(rho))
    candidate = part * seed + own * mine + gain
    incumbent = math.copysign(part, rho) * seed + own * theirs
    return Values(candidate, incumbent, rng.standard_normal((races, HELD)))


def looks() -> Iterator[tuple[int, int]]:
    """How many trials both arms have at each look, in the order A B B A."""
    k = n = 0
    while min(k, n) < CAP:
        mine = k < n if k != n else k % 2 == 1
        k, n = k + mine, n + (not mine)
        yield k, n


def race(values: Values, weight: Array) -> tuple[Mask, Array]:
    """Run races to their end.

    Args:
        values: of all of them.
        weight: shape (races,), share of the bet on the pairs; 0 for seeds of their own.

    Returns:
        Which were won, and how many trials of both arms each took.
    """
    races = weight.size
    live, won, used = np.ones(races, bool), np.zeros(races, bool), np.full(races, 2.0 * CAP)
    for k, n in looks():
        rows = np.flatnonzero(live)
        if min(k, n - 1) < 1 or not rows.size:
            continue
        wins, over = _look(values.of(rows), weight[rows], k, n)
        won[rows], ended = wins, rows[wins | over]
        used[ended], live[ended] = k + n, False
    return won, used


def _look(values: Values, weight: Array, k: int, n: int) -> tuple[Mask, Mask]:
    arms, both = _arms(values, k, n), min(k, n)
    if both < 2:
        return _average(weight, np.zeros(weight.size), arms.log_evidence()) >= BAR, weight < 0.0
    pairs = _pairs(values, both)
    evidence = _average(weight, pairs.log_evidence(), arms.log_evidence())
    ahead = _average(weight, pairs.ahead(CAP).log_evidence(), arms.ahead(CAP).log_evidence())
    gain = np.where(weight == 0.0, arms.gain, pairs.gain)
    return evidence >= BAR, ((gain <= 0.0) | (ahead < BAR)) & (both >= FUTILE_FROM)


def _average(weight: Array, pairs: Array, arms: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log(weight) + pairs, np.log1p(-weight) + arms)


def _arms(values: Values, k: int, n: int) -> Arms:
    mine, theirs, earlier = values.candidate[:, :k], values.incumbent[:, :n], values.earlier
    return Arms(
        gain=mine.mean(axis=1) - theirs.mean(axis=1),
        candidate_n=k,
        candidate_ss=mine.var(axis=1) * k,
        incumbent_n=n,
        incumbent_ss=theirs.var(axis=1) * n + earlier.var(axis=1) * HELD,
        earlier_df=HELD - 1,
    )


def _pairs(values: Values, n: int) -> Pairs:
    gains = (values.candidate - values.incumbent)[:, :n]
    return Pairs(gains.mean(axis=1), n, np.maximum(gains.var(axis=1) * n, 1e-300))


# -- cells ---------------------------------------------------------------------------------------


def cells(races: int, nulls: int, seed: int) -> list[dict]:
    """Every correlation, gain and design, as rows of rounded figures."""
    rows = list[dict]()
    for rho in RHOS:
        for gain in GAINS:
            count = races if gain else nulls
            values = draw(np.random.default_rng([seed, RHOS.index(rho)]), count, rho, gain)
            apart = draw(np.random.default_rng([seed, 99]), count, 0.0, gain)
            row = {"rho": rho, "gain": gain}
            for name, weight in DESIGNS.items():
                won, used = race(apart if name == "own" else values, np.full(count, weight))
                row[name] = {"won": round(float(won.mean()), 4), "trials": round(used.mean(), 2)}
            rows.append(row)
    return rows


def show(rows: list[dict]) -> None:
    """Print the table for people."""
    print(f"{'rho':>6}{'gain':>6}" + "".join(f"{name:>16}" for name in DESIGNS))
    for row in rows:
        found = (row[name] for name in DESIGNS)
        parts = "".join(f"{100 * one['won']:9.1f} %{one['trials']:5.1f}" for one in found)
        print(f"{row['rho']:6.2f}{row['gain']:6.1f}{parts}")


# -- chosen by earlier races -----------------------------------------------------------------------


def choice(rho: float, gain: float, studies: int, races: int, seed: int) -> dict[str, float]:
    """Studies in which earlier races choose the design of the next, beside some that never do."""
    rng = np.random.default_rng([seed, 7])
    even = break_even_ratio(PLAN, incumbent_trials=HELD)
    known: list[list[tuple[list[float], list[float]]]] = [[] for _ in range(studies)]
    tally = {"paired": [], "won": [], "won_mixed": [], "trials": [], "trials_mixed": []}
    for number in range(races):
        values = draw(rng, studies, rho, gain)
        weight = np.array([_weight(one, even) for one in known])
        won, used = race(values, weight)
        plain, took = race(values, np.full(studies, WEIGHTS[Design.MIXED]))
        for one, value, trials in zip(known, range(studies), used, strict=True):
            half = int(trials) // 2
            arms = values.candidate[value, :half], values.incumbent[value, :half]
            one.insert(0, (arms[0].tolist(), arms[1].tolist()))
        if number >= 3:
            found = (weight == WEIGHTS[Design.PAIRED], won, plain, used, took)
            for name, part in zip(tally, found, strict=True):
                tally[name].append(float(part.mean()))
    return {"rho": rho, "gain": gain} | {k: round(float(np.mean(v)), 4) for k, v in tally.items()}


def _weight(races: list[tuple[list[float], list[float]]], even: float) -> float:
    found = pairing_so_far(races[:10], even)
    return WEIGHTS[Design.PAIRED if found and found.pays else Design.MIXED]


def main() -> None:
    """Simulate every cell, print tables and one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="under 20 s")
    parser.add_argument("--choice", action="store_true", help="also studies that choose")
    parser.add_argument("--races", type=int, default=4000)
    parser.add_argument("--nulls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.quick:
        args.races, args.nulls = 500, 2000
    began = time.monotonic()
    rows = cells(args.races, args.nulls, args.seed)
    show(rows)
    chosen = list[dict[str, float]]()
    if args.choice:
        asked = [(rho, gain) for rho in RHOS[2:] for gain in (0.0, 0.5, 2.0)]
        chosen = [choice(rho, gain, 200, 12, args.seed) for rho, gain in asked]
        for row in chosen:
            print(row)
    settings = {"races": args.races, "nulls": args.nulls, "seed": args.seed}
    wall = {"wall_s": round(time.monotonic() - began, 1)}
    print(json.dumps({"bench": "pairs", "rows": rows, "choice": chosen} | settings | wall))


if __name__ == "__main__":
    main()
