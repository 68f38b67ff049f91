"""How good is the built-in researcher? Against random search, random edits and TPE.

Every arm gets the same knobs with the same ranges, the same seeds and the same number of trials,
and is driven through the real port by one rule: a candidate that beats the incumbent's mean by
half a standard deviation in its screening trial runs again on fresh seeds, and becomes the
incumbent if their mean is better. All of these trials count. What is reported is the true value
of the incumbent, measured afterwards on other seeds that no arm saw.

    python bench/search.py --quick
    python bench/search.py --tasks rugged ridge digits --trials 100 --repeats 10

The last line is one JSON object.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402
from searchlib import Bench, load, run_trial  # noqa: E402

from upward.core.ids import blob_id, derive_seed  # noqa: E402
from upward.core.ports import Researcher  # noqa: E402
from upward.core.records import Decision, Draft, Level, Proposal  # noqa: E402
from upward.core.seen import Kept, Lesson, Seen  # noqa: E402
from upward.research.memory import candidate_of  # noqa: E402
from upward.research.random_search import RandomEdits, RandomResearcher  # noqa: E402
from upward.research.search import SearchResearcher  # noqa: E402
from upward.research.tpe import TpeResearcher  # noqa: E402

HERE = Path(__file__).parent
ARMS: dict[str, Callable[[int], Researcher]] = {
    "search": lambda seed: SearchResearcher(),
    "random": lambda seed: RandomResearcher(),
    "random-edits": lambda seed: RandomEdits(),
    "tpe": lambda seed: TpeResearcher(seed=seed),
}
CALIBRATION, RACE, TRUTH = 8, 3, 3
SCREEN_SD = 0.5
ARCHIVE = 16


@dataclass
class Study:
    """One short study of one arm."""

    bench: Bench
    researcher: Researcher
    secret: str
    baseline: Kept
    incumbent: Kept
    sd: float
    archive: list[Kept] = field(default_factory=list)
    spent: int = 0
    number: int = 0
    steps: list[tuple[int, Kept]] = field(default_factory=list)

    def trial(self, files: dict[str, str], candidate: str) -> float | None:
        """Run one trial that counts."""
        self.spent += 1
        return run_trial(self.bench, files, derive_seed(self.secret, candidate, self.spent))

    def gain_sd(self, value: float, parent: Kept) -> float:
        """Gain over the parent in standard deviations."""
        return self.bench.task.metric.gain(value, parent.mean) / self.sd


def main() -> None:
    """Run the arms and print the figures."""
    args = parse()
    begun = time.monotonic()
    starts = [(task, repeat, args.cpu_s) for repeat in range(args.repeats) for task in args.tasks]
    with ProcessPoolExecutor(args.workers, get_context("fork")) as pool:
        known = dict(zip(starts, pool.map(calibrate, starts), strict=True))
        jobs = [
            (task, arm, repeat, args.trials, args.cpu_s, *known[task, repeat, args.cpu_s])
            for task, repeat, _ in starts
            for arm in args.arms
        ]
        curves: list[list[float]] = []
        for job, curve in zip(jobs, pool.map(one, jobs), strict=True):
            curves.append(curve)
            print(f"{job[0]} {job[1]} {job[2]}: {curve[-1]:.2f}", file=sys.stderr, flush=True)
    report = {task: figures(task, jobs, curves, args.arms) for task in args.tasks}
    report["settings"] = {"trials": args.trials, "repeats": args.repeats}
    report["wall_s"] = round(time.monotonic() - begun, 1)
    print(json.dumps(report))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", default=["rugged", "ridge", "digits"])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--trials", type=int, default=80)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--cpu-s", type=float, default=0.0, help="of a trial; 0: the task's own")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    args = parser.parse_args()
    if args.quick:
        args.tasks, args.trials, args.repeats = ["rugged", "ridge"], 30, 5
    return args


def find(task: str) -> Path:
    """A bench task, a lab, or a folder."""
    import upward  # noqa: PLC0415

    places = [HERE / "tasks" / task, Path(upward.__file__).parent / "labs" / task, Path(task)]
    return next(place for place in places if (place / "task.toml").is_file())


def calibrate(start: tuple[str, int, float]) -> tuple[list[float], float]:
    """Measure the baseline's noise and true value once: not counted, and the same for every arm."""
    task, repeat, cpu_s = start
    warm(task)
    secret = f"{task}-{repeat}"
    with tempfile.TemporaryDirectory() as folder:
        bench = load(find(task), Path(folder) / "work", cpu_s)
        values = [run_trial(bench, {}, derive_seed(secret, "noise", i)) for i in range(CALIBRATION)]
        known = [value for value in values if value is not None]
        if len(known) < CALIBRATION:
            raise SystemExit(f"{task}: the baseline fails")
        return known, truth(bench, secret, {}, float(np.mean(known)))


def one(job: tuple[str, str, int, int, float, list[float], float]) -> list[float]:
    """Run one study; return the true value of the incumbent after each trial."""
    task, arm, repeat, trials, cpu_s, noise, base = job
    warm(task)
    with tempfile.TemporaryDirectory() as folder:
        bench = load(find(task), Path(folder) / "work", cpu_s)
        study = begin(bench, ARMS[arm](repeat), f"{task}-{repeat}", noise)
        while study.spent < trials and turn(study):
            pass
        return curve_of(study, trials, base)


def warm(task: str) -> None:
    """Import what trials need before they fork."""
    if "torch" in "".join(path.read_text() for path in find(task).glob("*.py")):
        import safetensors.torch  # noqa: F401, PLC0415
        import torch  # noqa: PLC0415

        torch.set_num_threads(1)
        # the first optimiser of a process imports more than torch itself does
        torch.optim.AdamW([torch.zeros(1, requires_grad=True)], fused=True).step()


def begin(bench: Bench, researcher: Researcher, secret: str, noise: list[float]) -> Study:
    """A study whose baseline is calibrated already."""
    texts = {path: bench.texts[path] for path in bench.task.edit}
    draft = Draft("", "", {}, "")
    empty = Kept("", None, 0.0, 0, texts)
    seen = Seen(bench.task, 0, 0, empty, empty, (), 1.0, 1.0)
    candidate = candidate_of(draft, empty, seen)
    baseline = Kept(candidate, None, float(np.mean(noise)), len(noise), texts)
    sd = max(float(np.std(noise, ddof=1)), 1e-9)
    study = Study(bench, researcher, secret, baseline, baseline, sd)
    study.steps.append((0, baseline))
    return study


def turn(study: Study) -> bool:
    """One proposal with its trials and its lesson."""
    study.number += 1
    seen = Seen(
        study.bench.task,
        study.number,
        derive_seed(study.secret, "proposal", study.number),
        study.baseline,
        study.incumbent,
        tuple(study.archive),
        study.sd,
        1.0,
    )
    draft = study.researcher.propose(seen)
    if draft is None:
        return False
    known = [study.baseline, study.incumbent, *study.archive]
    parent = next(kept for kept in known if kept.candidate == draft.parent)
    decide(study, draft, parent, candidate_of(draft, parent, seen))
    return True


def decide(study: Study, draft: Draft, parent: Kept, candidate: str) -> None:
    """Screen, race, keep or not."""
    proposal = Proposal(
        study.number,
        study.researcher.name,
        candidate,
        draft.parent,
        draft.hypothesis,
        draft.operator,
        {path: blob_id(text.encode()) for path, text in draft.files.items()},
        draft.changes,
        draft.parents,
    )
    files = {**parent.files, **draft.files}
    value = study.trial(files, candidate)
    if value is None:
        study.researcher.learn(Lesson(proposal, Decision.INVALID, None, None, "candidate"))
        return
    if study.gain_sd(value, study.incumbent) < SCREEN_SD:
        lesson = Lesson(proposal, Decision.REJECTED, None, study.gain_sd(value, parent))
        study.researcher.learn(lesson)
        return
    fresh = [study.trial(files, candidate) for _ in range(RACE)]
    known = [value for value in fresh if value is not None]
    mean = float(np.mean(known)) if len(known) == RACE else math.nan
    won = study.gain_sd(mean, study.incumbent) > 0.25
    gain = study.gain_sd(mean, parent) if known else None
    kept = Kept(
        candidate, Level.PROVISIONAL, mean, len(known), files, parent.changes + draft.changes
    )
    if won:
        study.incumbent = kept
        study.steps.append((study.spent, kept))
    if len(known) == RACE:
        gain_of = study.bench.task.metric.gain
        study.archive.append(kept)
        study.archive.sort(key=lambda k: -gain_of(k.mean, study.baseline.mean))
        del study.archive[ARCHIVE:]
    decision = Decision.ACCEPTED if won else Decision.REJECTED
    study.researcher.learn(Lesson(proposal, decision, Level.VERIFIED if won else None, gain))


def curve_of(study: Study, trials: int, base: float) -> list[float]:
    """True gain over the baseline, in its standard deviations, after 1, 2, … trials."""
    true = [(0, base)] + [
        (at, truth(study.bench, study.secret, dict(kept.files), study.baseline.mean))
        for at, kept in study.steps[1:]
    ]
    gains = [(at, study.bench.task.metric.gain(value, base) / study.sd) for at, value in true]
    return [[gain for at, gain in gains if at <= trial][-1] for trial in range(1, trials + 1)]


def truth(bench: Bench, secret: str, files: dict[str, str], otherwise: float) -> float:
    """Mean on seeds that no arm saw."""
    values = [run_trial(bench, files, derive_seed(secret, "truth", i)) for i in range(TRUTH)]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else otherwise


def figures(task: str, jobs: list, curves: list, arms: list[str]) -> dict:
    """Print a table of one task; return its figures."""
    table = {
        arm: np.array([c for j, c in zip(jobs, curves, strict=True) if j[:2] == (task, arm)])
        for arm in arms
    }
    print(f"\n{task}: gain over the baseline in standard deviations of one trial")
    found = {}
    for arm, rows in table.items():
        found[arm] = {
            "final": interval(rows[:, -1]),
            "area": interval(rows.mean(axis=1)),
        }
        if arm != arms[0]:
            first = table[arms[0]]
            found[arm]["lead_final"] = interval(first[:, -1] - rows[:, -1])
            found[arm]["lead_area"] = interval(first.mean(axis=1) - rows.mean(axis=1))
        print(f"  {arm:13}", *(f"{key} {show(value)}" for key, value in found[arm].items()))
    return found


def interval(values: np.ndarray, draws: int = 2000) -> list[float]:
    """Mean with a 95 % bootstrap interval over the repeats."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return [round(float(x), 3) for x in (values.mean(), low, high)]


def show(value: list[float]) -> str:
    """Mean and interval for people."""
    return f"{value[0]:8.2f} [{value[1]:.2f}, {value[2]:.2f}]"


if __name__ == "__main__":
    sys.exit(main())
