"""A/A on a real task: studies whose proposals change nothing must accept nothing.

    python bench/null_studies.py            ten studies of `tinylm`, 30 minutes or more
    python bench/null_studies.py --quick    six studies of a cheap task, under a minute

The researcher writes comments and constants that nobody reads; everything else is a study as
`upward run` makes it: sandbox, calibration, screens, races, ledger. Every candidate is the
baseline under another name, so every acceptance is an error. Each study has 8 calibration trials,
8 proposals with one screen each, and a race for every proposal whose screen looked good.

Printed are the screens that passed, the races, the acceptances, and for acceptances per candidate,
per race and per study an upper bound at 95 % confidence (Clopper and Pearson). The last line is
one JSON object.
"""

import argparse
import json
import math
import time
from pathlib import Path

from studylib import copy_task, nothing, progress, pursue, workplace

from upward.core.records import Decision, Purpose
from upward.ledger.replay import SCREEN, StudyState

PROPOSALS = 8
FILES = {"tinylm": "train.py", "rugged": "point.py", "ridge": "fit.py"}


def upper_bound(errors: int, tries: int, confidence: float = 0.95) -> float | None:
    """Return the largest error rate that this few errors do not speak against.

    One-sided, exact: the rate at which so few errors or fewer have a chance of 1 - confidence.

    Returns:
        In [0, 1]; None without a single try.

    Source: Clopper and Pearson (1934).
    """
    if tries < 1:
        return None
    low, high = errors / tries, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (
            (middle, high) if at_most(errors, tries, middle) > 1.0 - confidence else (low, middle)
        )
    return high


def at_most(errors: int, tries: int, rate: float) -> float:
    """Chance of at most so many errors, binomial."""
    return math.fsum(
        math.comb(tries, k) * rate**k * (1.0 - rate) ** (tries - k) for k in range(errors + 1)
    )


def counts(state: StudyState) -> dict[str, float]:
    """Count what happened in one study."""
    noise = state.noise
    assert noise is not None
    screens = [v for v in state.verdicts if v.rule == SCREEN]
    raced = {t.about for t in state.trials.values() if t.purpose is Purpose.RACE}
    return {
        "trials": len(state.outcomes),
        "failed": state.failed,
        "proposals": len(state.proposals),
        "screens_passed": sum(v.level is not None for v in screens),
        "races": len(raced),
        "accepted": sum(v.decision is Decision.ACCEPTED for v in state.verdicts),
        "most_evidence": round(max((v.evidence or 0.0 for v in state.verdicts), default=0.0), 2),
        "sd": float(f"{noise.sd:.4g}"),
        "resolution": float(f"{noise.resolution:.4g}"),
        "trial_cpu_s": round(noise.trial_cpu_s, 2),
    }


def totals(rows: list[dict[str, float]]) -> dict[str, object]:
    """Add studies up, with bounds of the error rates."""
    added = {
        key: int(sum(row[key] for row in rows))
        for key in ("trials", "failed", "proposals", "screens_passed", "races", "accepted")
    }
    wrong_studies = sum(row["accepted"] > 0 for row in rows)
    return {
        "studies": len(rows),
        **added,
        "most_evidence": max(row["most_evidence"] for row in rows),
        "studies_with_accepted": wrong_studies,
        "error_per_candidate_upper": _short(upper_bound(added["accepted"], added["proposals"])),
        "error_per_race_upper": _short(upper_bound(added["accepted"], added["races"])),
        "error_per_study_upper": _short(upper_bound(wrong_studies, len(rows))),
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def run(task: str, studies: int, cpu_s: float, seed: int) -> list[dict[str, float]]:
    """Run the studies one after the other."""
    rows = list[dict[str, float]]()
    with workplace() as place:
        folder = copy_task(task, place / task, cpu_s)
        script = [nothing(FILES[task])] * PROPOSALS
        for i in range(studies):
            state = pursue(folder, Path(place) / "home", f"null-{i}", seed + i, script)
            rows.append(counts(state))
            progress(f"study {i + 1} of {studies}: {rows[-1]}")
    return rows


def main() -> None:
    """Run all studies and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a cheap task, under a minute")
    parser.add_argument("--task", default="tinylm", choices=sorted(FILES))
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--cpu-s", type=float, default=4.0, help="of a trial; 0: the task's own")
    parser.add_argument("--workers", type=int, default=1, choices=[1], help="one trial at a time")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.quick:
        args.task, args.studies, args.cpu_s = "rugged", 6, 0.0
    began = time.monotonic()
    rows = run(args.task, args.studies, args.cpu_s, args.seed)
    settings = {"task": args.task, "cpu_s": args.cpu_s, "seed": args.seed, "workers": 1}
    report = {"bench": "null_studies", **settings, **totals(rows), "rows": rows}
    print(json.dumps(report | {"wall_s": round(time.monotonic() - began, 1)}))


if __name__ == "__main__":
    main()
