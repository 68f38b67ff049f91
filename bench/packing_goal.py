"""From a plain baseline to the best known packing: how long does the built-in search need?

    python bench/packing_goal.py                       one study, at most 30 minutes on two cores
    python bench/packing_goal.py --seeds 1 2 3 --minutes 10

The goal is 2.63598 for 26 circles (best known: 2.6359830849), measured exactly. Beside each study
stands the best of its baseline trials: an exact metric also rewards a lucky seed, and that much is
luck alone. The last line is one JSON object.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence

from upward import wiring
from upward.core.ports import Activity
from upward.core.records import Purpose
from upward.ledger.replay import StudyState
from upward.loop.budget import Budget
from upward.loop.run import Pursuit

GOAL = 2.63598


def best(state: StudyState) -> float:
    """The largest sum of radii that any trial of the study left behind."""
    found = (outcome.measurement for outcome in state.outcomes.values())
    return max((m.value for m in found if m is not None), default=0.0)


def baseline_best(state: StudyState) -> float:
    """The largest sum of radii among the trials of the unchanged baseline."""
    numbers = (n for n, trial in state.trials.items() if trial.purpose is Purpose.CALIBRATE)
    found = (state.outcomes[n].measurement for n in numbers if n in state.outcomes)
    return max((m.value for m in found if m is not None), default=0.0)


def unwatched(pursuit: Pursuit, activities: Sequence[Activity]) -> None:
    """Show nothing while it runs."""
    del pursuit, activities


def pursue(home: str, seed: int, minutes: float, workers: int) -> dict[str, object]:
    """Run one study until the goal is reached or the time is over."""
    with wiring.open_pursuit(
        "packing", home=home, seed=seed, workers=workers, controls=0.0
    ) as opened:
        began = time.perf_counter()
        opened.go(
            Budget(minutes=minutes),
            interrupted=lambda: best(opened.study.state) >= GOAL,
            watch=unwatched,
        )
        state = opened.study.state
    return {
        "seed": seed,
        "workers": workers,
        "reached": best(state) >= GOAL,
        "wall_s": round(time.perf_counter() - began, 1),
        "cpu_s": round(state.cpu_s, 1),
        "trials": len(state.outcomes),
        "proposals": len(state.proposals),
        "baseline_best": baseline_best(state),
        "best": best(state),
    }


def main() -> None:
    """Run all studies and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows = list[dict[str, object]]()
    with tempfile.TemporaryDirectory(prefix="upward-packing-") as home:
        for seed in options.seeds:
            row = pursue(home, seed, options.minutes, options.workers)
            print(row, flush=True)
            rows.append(row)
    print(json.dumps({"bench": "packing_goal", "goal": GOAL, "rows": rows}))


if __name__ == "__main__":
    main()
