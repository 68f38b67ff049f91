"""Real studies of short tasks with a researcher that follows a script.

What the A/A bench and the bench with a planted gain share.

Everything runs through `upward.wiring.open_pursuit`: sandbox, ledger, screen and race are those of
`upward run`. Only the researcher is replaced, and the task is a copy with a shorter trial.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from upward import wiring
from upward.core.ids import derive_seed
from upward.core.ports import Activity, Job
from upward.core.records import Draft, Purpose, Trial
from upward.core.seen import Lesson, Seen
from upward.ledger.replay import StudyState
from upward.loop.budget import Budget
from upward.loop.run import Pursuit

REPO = Path(__file__).parents[1]
# a study that goes on beyond this many trials is broken; the script ends it long before
MOST_TRIALS = 400

Edit = Callable[[Seen], Mapping[str, str]]


def copy_task(name: str, folder: Path, cpu_s: float = 0.0) -> Path:
    """Copy a lab or a bench task, with another budget of a trial in CPU-seconds where one is given.

    The task's comments stay, its first ``cpu_s`` below ``[budget]`` is what changes.
    """
    places = [REPO / "bench/tasks" / name, REPO / "src/upward/labs" / name]
    source = next(place for place in places if (place / "task.toml").is_file())
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if cpu_s:
        manifest = folder / "task.toml"
        manifest.write_text(with_budget(manifest.read_text(), cpu_s))
    return folder


def with_budget(manifest: str, cpu_s: float) -> str:
    """Return a manifest whose trials have this many CPU-seconds."""
    before, mark, after = manifest.partition("[budget]")
    changed, times = re.subn(r"(?m)^cpu_s = .*$", f"cpu_s = {cpu_s}", after, count=1)
    if not (mark and times):
        raise SystemExit("the manifest says nothing of cpu_s below [budget]")
    return before + mark + changed


def nothing(path: str) -> Edit:
    """An edit that changes what a file says and nothing that it does.

    Odd proposals write a comment, even ones a constant that nobody reads. Each proposal writes
    another one, so that no two candidates have the same content.
    """

    def edit(seen: Seen) -> Mapping[str, str]:
        n = seen.number
        line = f"# note {n}" if n % 2 else f"unused_{n} = {n}"
        return {path: f"{seen.incumbent.files[path]}\n{line}\n"}

    return edit


@dataclass(frozen=True)
class Scripted:
    """A researcher that proposes the edits of a list, one after the other, and then nothing."""

    script: Sequence[Edit]
    name: str = "scripted"

    def propose(self, seen: Seen) -> Draft | None:
        """The edit whose turn it is, against the incumbent."""
        if seen.number > len(self.script):
            return None
        files = self.script[seen.number - 1](seen)
        return Draft(seen.incumbent.candidate, f"Step {seen.number} of a script.", files, "script")

    def learn(self, lesson: Lesson) -> None:
        """Nothing is learned: a script is fixed beforehand."""


def quiet(pursuit: Pursuit, activities: Sequence[Activity]) -> None:
    """Show nothing while a study runs."""
    del pursuit, activities


def pursue(task: Path, home: Path, name: str, seed: int, script: Sequence[Edit]) -> StudyState:
    """Run one study with one worker until its script and its races are over."""
    with wiring.open_pursuit(
        str(task),
        home=str(home),
        study=name,
        seed=seed,
        workers=1,
        researcher=Scripted(script),
        controls=0.0,
    ) as opened:
        budget = Budget(trials=MOST_TRIALS)
        reason = opened.go(budget, interrupted=lambda: False, watch=quiet)
        state = opened.study.state
    if "nothing new" not in reason or state.noise is None:
        raise SystemExit(f"study {name} did not end as its script does: {reason}")
    return state


def measure(
    task: Path, home: Path, arms: Mapping[str, Mapping[str, str]], trials: int, secret: str
) -> dict[str, list[float]]:
    """Measure variants of a task outside any study, in the sandbox and with the scorer of one.

    Args:
        task: its folder.
        home: of a workspace for this alone.
        arms: name to the changed files of a variant with their whole text.
        trials: of each arm; they alternate, so that a drifting machine slows all arms alike.
        secret: from which seeds are derived.

    Returns:
        Name to measurements, shape (trials,).
    """
    found: dict[str, list[float]] = {name: [] for name in arms}
    with wiring.open_pursuit(str(task), home=str(home), study="arms", seed=0, workers=1) as opened:
        blobs, base = opened.workspace.blobs, opened.study.state.task.files
        trees = {
            arm: {**base, **{path: blobs.put(text.encode()) for path, text in files.items()}}
            for arm, files in arms.items()
        }
        try:
            for i in range(trials):
                for arm in reversed(arms) if i % 2 else arms:
                    seed = derive_seed(secret, arm, i)
                    trial = Trial(i + 1, arm, seed, Purpose.REPLAY, arm)
                    opened.executor.start(Job(trial, trees[arm]))
                    found[arm].append(_value(opened))
        finally:
            opened.executor.close()
    return found


def _value(opened: wiring.Opened) -> float:
    while not (ended := opened.executor.finished(1.0)):
        pass
    outcome = ended[0]
    if outcome.measurement is None:
        why = outcome.failure.reason if outcome.failure else "no reason"
        raise SystemExit(f"a trial failed: {why}")
    return outcome.measurement.value


@contextmanager
def workplace() -> Generator[Path]:
    """A folder for tasks and workspaces, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="upward-bench-") as folder:
        yield Path(folder)


def progress(text: str) -> None:
    """Say on the error stream how far a long run is."""
    print(text, file=sys.stderr, flush=True)
