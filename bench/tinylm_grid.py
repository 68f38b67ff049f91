"""Is the lab `tinylm` started from a fair baseline? A grid over learning rate, batch and width.

Runs the lab's own files as plain subprocesses, with other constants, and scores them as a study
would, but without its sandbox. The last line is one JSON object: every measurement, the best
corner, and by how much the lab's own constants are worse than it (`baseline_excess`, a ratio).

    python bench/tinylm_grid.py            # 27 runs, about 20 minutes on two cores
    python bench/tinylm_grid.py --quick    # about 9 runs at a quarter of the budget: does it work?
"""

import argparse
import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

lab = Path(__file__).parents[1] / "src/upward/labs/tinylm"
candidate_files = ("train.py", "model.py", "counts.py")
grids = {
    "full": {
        "LEARNING_RATE": (0.001, 0.002, 0.004),
        "BATCH_SIZE": (4, 8, 16),
        "D_MODEL": (48, 64, 96),
    },
    "quick": {"LEARNING_RATE": (0.002, 0.004), "BATCH_SIZE": (4, 8), "D_MODEL": (48, 64)},
}
environment = {
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def with_constants(text: str, constants: dict[str, float]) -> str:
    """Return the source with module constants set, where it has them."""
    for name, value in constants.items():
        text = re.sub(rf"(?m)^{name} = [^\s#]+", f"{name} = {value!r}", text)
    return text


def own_constants(names: tuple[str, ...]) -> dict[str, float]:
    """Return what the lab itself says for these constants."""
    text = "\n".join((lab / name).read_text() for name in candidate_files)
    found = {name: re.search(rf"(?m)^{name} = ([^\s#]+)", text) for name in names}
    return {name: ast.literal_eval(match[1]) for name, match in found.items() if match}


def prepare(folder: Path) -> None:
    """Make the texts in `folder`."""
    command = [sys.executable, lab / "scorer/prepare.py"]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def measure(texts: Path, constants: dict[str, float], cpu_s: float, seed: int) -> float:
    """Train and score one corner of the grid; return bits per byte."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in candidate_files:
            (folder / file).write_text(with_constants((lab / file).read_text(), constants))
        shutil.copytree(texts / "public", folder / "data")
        shutil.copytree(texts / "hidden", folder / "hidden")
        orders = json.dumps({"seed": seed, "cpu_s": cpu_s, "wall_s": 600.0}) + "\n"
        subprocess.run(
            [sys.executable, "train.py"],
            cwd=folder,
            env=environment,
            input=orders,
            text=True,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (folder / "outputs").symlink_to(folder)
        return score(folder, seed)


def score(folder: Path, seed: int) -> float:
    """Join scorer and predictor by two pipes in `folder` and return the measurement."""
    ask_out, ask_in = os.pipe()
    answer_out, answer_in = os.pipe()
    predictor = subprocess.Popen(
        [sys.executable, lab / "predictor/predict.py"],
        cwd=folder,
        env=environment,
        stdin=ask_out,
        stdout=answer_in,
    )
    os.close(ask_out)
    os.close(answer_in)
    names = {"UPWARD_PEER_READ": str(answer_out), "UPWARD_PEER_WRITE": str(ask_in)}
    scorer = subprocess.run(
        [sys.executable, lab / "scorer/score.py"],
        cwd=folder,
        env=environment | names,
        pass_fds=(ask_in, answer_out),
        input=json.dumps({"seed": seed}) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    os.close(ask_in)
    os.close(answer_out)
    predictor.wait()
    return float(json.loads(scorer.stdout)["val_bpb"])


def run(*, quick: bool, workers: int, seed: int) -> dict[str, object]:
    """Measure every corner and the lab's own constants; return the report."""
    grid = grids["quick" if quick else "full"]
    cpu_s = float(tomllib.loads((lab / "task.toml").read_text())["budget"]["cpu_s"])
    cpu_s = 5.0 if quick else cpu_s
    corners = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    own = own_constants(tuple(grid))
    corners += [] if own in corners else [own]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(workers) as pool:
        prepare(Path(name))
        jobs = [pool.submit(measure, Path(name), corner, cpu_s, seed) for corner in corners]
        rows = []
        for corner, job in zip(corners, jobs, strict=True):
            rows.append(corner | {"val_bpb": round(job.result(), 4)})
            print(rows[-1], flush=True)
    best = min(rows, key=lambda row: row["val_bpb"])
    mine = next(row for row in rows if all(row[key] == own[key] for key in own))
    excess = mine["val_bpb"] / best["val_bpb"] - 1
    return {"cpu_s": cpu_s, "rows": rows, "best": best, "baseline_excess": round(excess, 4)}


def main() -> None:
    """Print the rows as they come, then the report as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="8 short runs")
    parser.add_argument("--workers", type=int, default=2, help="runs at a time")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(run(quick=options.quick, workers=options.workers, seed=options.seed)))


if __name__ == "__main__":
    main()
