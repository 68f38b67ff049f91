"""What the loop costs: a task whose trial does nothing, with the sandbox on.

    python bench/overhead.py            100, 1,000 and 10,000 trials, one and two workers
    python bench/overhead.py --quick    100 and 300 trials

Beside each figure stands its control, measured in the same run: the same two commands (trial and
scorer) as bare subprocesses, without sandbox, ledger, verdict or researcher. The difference is
what Upward adds. The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # as `upward run` does, before NumPy is imported

import psutil  # noqa: E402

from upward import wiring  # noqa: E402
from upward.core.ports import Activity  # noqa: E402
from upward.loop.budget import Budget  # noqa: E402
from upward.loop.run import Pursuit  # noqa: E402

MANIFEST = """
name = "nothing"
goal = "Do nothing, as fast as possible."
[candidate]
edit = ["settings.json"]
run = ["cp", "settings.json", "out.json"]
outputs = ["out.json"]
[scorer]
run = ["python", "score.py"]
[metric]
name = "loss"
unit = "nats"
direction = "minimize"
[budget]
cpu_s = 5.0
wall_s = 30.0
"""
# the seed is the measurement: pure noise, so that screens and races happen as in a real study
SCORER = """import json, sys
seed = json.loads(sys.stdin.readline())["seed"]
print(json.dumps({"loss": 1.0 + (seed % 10007) / 10007}))
"""
SETTINGS = {f"knob_{i}": 0.1 * (i + 1) for i in range(12)}
WINDOW = 100


def make_task(folder: Path) -> Path:
    """Write the task that does nothing."""
    (folder / "scorer").mkdir(parents=True)
    (folder / "task.toml").write_text(MANIFEST)
    (folder / "settings.json").write_text(json.dumps(SETTINGS, indent=1))
    (folder / "scorer" / "score.py").write_text(SCORER)
    return folder


def bare(folder: Path, repeats: int) -> float:
    """Median wall seconds of the two commands as bare subprocesses."""
    times = list[float]()
    for seed in range(repeats):
        began = time.perf_counter()
        subprocess.run(["cp", "settings.json", "../out.json"], cwd=folder, check=True)
        line = json.dumps({"seed": seed}).encode()
        command = [sys.executable, str(folder / "scorer" / "score.py")]
        subprocess.run(command, input=line, capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    return median(times)


class Marks:
    """Wall time and memory after every `WINDOW` trials."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.memory_mb: list[float] = []
        self._process = psutil.Process()

    def watch(self, pursuit: Pursuit, activities: Sequence[Activity]) -> None:
        """Take a mark when the next window is full."""
        del activities
        while len(pursuit.state.outcomes) >= WINDOW * len(self.times):
            self.times.append(time.perf_counter())
            self.memory_mb.append(self._process.memory_info().rss / 2**20)


def measure(task: Path, home: Path, trials: int, workers: int) -> dict[str, object]:
    """Run one study and return its figures."""
    marks = Marks()
    name = f"w{workers}-{trials}"
    with wiring.open_pursuit(
        str(task), home=str(home), study=name, seed=workers, workers=workers, controls=0.0
    ) as opened:
        began = time.perf_counter()
        opened.go(Budget(trials=trials), interrupted=lambda: False, watch=marks.watch)
        wall = time.perf_counter() - began
        done = len(opened.study.state.outcomes)
        failed, entries = opened.study.state.failed, opened.study.state.seq
    windows = [b - a for a, b in zip(marks.times, marks.times[1:], strict=False)]
    return {
        "workers": workers,
        "trials": done,
        "failed": failed,
        "entries": entries,
        "trials_per_s": round(done / wall, 2),
        "ms_per_trial": round(1000 * wall * workers / done, 1),
        "ms_first_100": round(1000 * windows[0] * workers / WINDOW, 1) if windows else None,
        "ms_last_100": round(1000 * windows[-1] * workers / WINDOW, 1) if windows else None,
        "engine_mb": round(max(marks.memory_mb), 1),
    }


def main() -> None:
    """Run all sizes and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--trials", type=int, nargs="*", help="sizes of the studies")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    sizes = options.trials or ([100, 300] if options.quick else [100, 1000, 10_000])
    rows = list[dict[str, object]]()
    with tempfile.TemporaryDirectory(prefix="upward-overhead-") as temporary:
        task = make_task(Path(temporary) / "task")
        for trials in sizes:
            for workers in options.workers:
                before = bare(task, 40)
                row = measure(task, Path(temporary) / "home", trials, workers)
                control = 1000 * (before + bare(task, 40)) / 2
                row["bare_ms"] = round(control, 1)
                row["added_ms"] = round(float(str(row["ms_per_trial"])) - control, 1)
                print(row, flush=True)
                rows.append(row)
    print(json.dumps({"bench": "overhead", "rows": rows}))


if __name__ == "__main__":
    main()
