"""Plain trials of a task folder, without sandbox: fast enough for hundreds of short studies.

A worker imports the heavy libraries once and then forks for every trial, so that a trial costs
milliseconds instead of an interpreter's start. Only for tasks that are trusted.
"""

import contextlib
import json
import os
import resource
import runpy
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upward.core.ids import blob_id, tree_id
from upward.core.metric import Direction, Metric, Noise
from upward.core.task import Limits, Task

SKIPPED = {"task.toml", "scorer", "predictor", "__pycache__"}


@dataclass(frozen=True)
class Bench:
    """A task with what its plain trials need."""

    task: Task
    root: Path
    work: Path
    texts: dict[str, str]
    cpu_s: float
    predictor: str = ""


def load(root: Path, work: Path, cpu_s: float = 0.0) -> Bench:
    """Load a task folder and run its prepare command once.

    Args:
        root: the task's folder.
        work: a folder that does not exist yet.
        cpu_s: budget of a trial; the task's own by default.
    """
    spec = tomllib.loads((root / "task.toml").read_text())
    texts = {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not SKIPPED & set(path.relative_to(root).parts)
    }
    metric, limits = spec["metric"], spec["budget"]
    files = {path: blob_id(text.encode()) for path, text in texts.items()}
    task = Task(
        id=tree_id(files),
        name=spec["name"],
        goal=spec["goal"],
        root=str(root),
        files=files,
        edit=tuple(spec["candidate"]["edit"]),
        run=tuple(spec["candidate"]["run"]),
        outputs=tuple(spec["candidate"]["outputs"]),
        metric=Metric(
            metric["name"], metric["unit"], Direction(metric["direction"]), Noise(metric["noise"])
        ),
        budget=Limits(limits["cpu_s"], limits["wall_s"], limits["memory_mb"]),
        scorer_files={},
        scorer_run=tuple(spec["scorer"]["run"]),
        scorer_budget=Limits(60.0, 120.0),
    )
    work.mkdir(parents=True)
    if "prepare" in spec["scorer"]:
        done = _forked(lambda: _script(root / "scorer" / spec["scorer"]["prepare"][1], work, ""))
        if done is None:
            raise SystemExit(f"{root}: prepare failed")
    predictor = spec.get("predictor", {}).get("run", ["", ""])[1]
    return Bench(task, root, work, texts, cpu_s or limits["cpu_s"], predictor)


def run_trial(bench: Bench, files: dict[str, str], seed: int) -> float | None:
    """Run a candidate and its scorer once.

    Returns:
        The measurement, or None when either of them failed; the error goes to stderr with
        ``UPWARD_BENCH_LOUD=1``.
    """
    folder = Path(tempfile.mkdtemp(dir=bench.work))
    try:
        for path, text in {**bench.texts, **files}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        if (bench.work / "public").exists():
            (folder / "data").symlink_to(bench.work / "public")
        budget = {"seed": seed, "cpu_s": bench.cpu_s, "wall_s": bench.task.budget.wall_s}
        if (
            _forked(
                lambda: _script(folder / bench.task.run[1], folder, json.dumps(budget)), bench.cpu_s
            )
            is None
        ):
            return None
        return _scored(bench, folder, seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _scored(bench: Bench, folder: Path, seed: int) -> float | None:
    scoring = folder / "scoring"
    (scoring / "outputs").mkdir(parents=True)
    for name in bench.task.outputs:
        if not (folder / name).is_file():
            return None
        shutil.copy(folder / name, scoring / "outputs" / name)
    for name, inside in (("public", "data"), ("hidden", "hidden")):
        if (bench.work / name).exists():
            (scoring / inside).symlink_to(bench.work / name)
    line = json.dumps({"seed": seed + 1})
    script = bench.root / "scorer" / bench.task.scorer_run[1]
    text = _with_peer(bench, scoring, lambda: _script(script, scoring, line))
    if text is None:
        return None
    value = json.loads(text)[bench.task.metric.name]
    return bench.task.metric.check(value)


def _with_peer(bench: Bench, scoring: Path, act: Callable[[], None]) -> str | None:
    """Run the scorer, with the predictor at its pipes where the task has one."""
    if not bench.predictor:
        return _forked(act)
    (asked, ask), (answered, answer) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.close(ask)
            os.close(answered)
            _become(answer, 0.0)
            os.chdir(scoring)
            os.dup2(asked, 0)
            sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
            runpy.run_path(str(bench.root / "predictor" / bench.predictor), run_name="__main__")
        os._exit(0)
    os.close(asked)
    os.close(answer)
    os.environ |= {"UPWARD_PEER_READ": str(answered), "UPWARD_PEER_WRITE": str(ask)}
    text = _forked(act)
    os.close(ask)
    os.close(answered)
    os.waitpid(child, 0)
    return text


def _script(script: Path, cwd: Path, line: str) -> None:
    os.chdir(cwd)
    feed = os.memfd_create("stdin")
    os.write(feed, line.encode() + b"\n")
    os.lseek(feed, 0, os.SEEK_SET)
    os.dup2(feed, 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")


def _forked(act: Callable[[], None], cpu_s: float = 0.0) -> str | None:
    """Do something in a fork; return what it printed, or None when it failed."""
    out = os.memfd_create("stdout")
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            _become(out, cpu_s)
            code = _ended(act)
        os._exit(code)
    _, status = os.waitpid(child, 0)
    os.lseek(out, 0, os.SEEK_SET)
    with os.fdopen(out, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return text if status == 0 else None


def _become(out: int, cpu_s: float) -> None:
    if cpu_s:
        limit = int(cpu_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    os.dup2(out, 1)
    if not os.environ.get("UPWARD_BENCH_LOUD"):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _ended(act: Callable[[], None]) -> int:
    try:
        act()
    except SystemExit as end:
        return 1 if end.code else 0
    finally:
        sys.stdout.flush()
    return 0
