"""Short trials first: what they save, and how often they stop a real gain.

    python bench/rung.py            under a minute
    python bench/rung.py --quick    seconds

Simulated studies of 200 candidates against one incumbent: 8 % gains of 2 sd, 45 % nothing, 47 %
harm (exponential, mean 6 sd). A short trial of a fifth of the budget shows the same effects with
more noise of its own, so that its value and that of a whole trial correlate as given over all
candidates. The rule is `upward.stats.rung.judge_rung` itself.

Printed for each correlation: the share of harmful, null and better candidates that are stopped,
and the cost of all first looks in whole trials per candidate (1 without a rung). The last line is
one JSON object.
"""

import argparse
import json
import math

import numpy as np

from upward.core.metric import Direction, Metric
from upward.stats.rung import judge_rung

METRIC = Metric("value", "sd", Direction.MAXIMIZE)
CORRELATIONS = (0.3, 0.6, 0.8, 0.9, 0.95, 0.99)
CANDIDATES = 200
SHARE = 0.2
CALIBRATION = 4
KINDS = ("harmful", "null", "better")


def effects(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Kind (0, 1, 2 of `KINDS`) and true effect of every candidate, in sd of a whole trial."""
    kind = rng.choice(3, CANDIDATES, p=[0.47, 0.45, 0.08])
    harm = -rng.exponential(6.0, CANDIDATES)
    return kind, np.select([kind == 0, kind == 1], [harm, 0.0], 2.0)


def noise_for(correlation: float) -> float:
    """Noise of a short trial at which its value correlates so with that of a whole one."""
    variance = 0.47 * 2 * 36.0 + 0.08 * 4.0 - (0.47 * -6.0 + 0.08 * 2.0) ** 2
    return math.sqrt(max(1e-6, variance**2 / (correlation**2 * (variance + 1.0)) - variance))


def study(correlation: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Counts of stopped and of all candidates by kind."""
    kind, effect = effects(rng)
    sd = noise_for(correlation)
    baseline = [float(v) for v in rng.normal(0.0, sd, CALIBRATION)]
    stopped, total, seen = np.zeros(3), np.zeros(3), list[float]()
    for which, true in zip(kind, effect, strict=True):
        value = float(true + rng.normal(0.0, sd))
        total[which] += 1
        stopped[which] += not judge_rung(value, baseline, seen, baseline, metric=METRIC).passed
        seen.append(value)
    return stopped, total


def row(correlation: float, studies: int) -> dict[str, float]:
    """One correlation."""
    rng = np.random.default_rng(7)
    found = [study(correlation, rng) for _ in range(studies)]
    stopped, total = (np.sum([pair[i] for pair in found], axis=0) for i in (0, 1))
    share = stopped.sum() / total.sum()
    by_kind = zip(KINDS, stopped / total, strict=True)
    shares = {f"stopped_{name}": round(float(one), 3) for name, one in by_kind}
    return {"correlation": correlation, **shares, "cost": round(SHARE + 1.0 - float(share), 3)}


def main() -> None:
    """Print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer studies")
    studies = 5 if parser.parse_args().quick else 60
    rows = [row(correlation, studies) for correlation in CORRELATIONS]
    for one in rows:
        print("  ".join(f"{name} {value:g}" for name, value in one.items()))
    print(json.dumps({"bench": "rung", "studies": studies, "share": SHARE, "rows": rows}))


if __name__ == "__main__":
    main()
