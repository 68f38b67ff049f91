"""The only module that joins concrete classes: from what a user asked for to a running study."""

import os
import platform
import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from upward.archive.archive import Archive
from upward.core.errors import CannotWrite, TaskChanged, UnknownName
from upward.core.ids import record_id, tree_id
from upward.core.metric import Noise
from upward.core.ports import Activity, Blobs, Researcher
from upward.core.records import Isolation, Plan, Task
from upward.execute.local import LocalExecutor
from upward.execute.prepare import prepare
from upward.execute.scratch import remove
from upward.ledger.audit import Audit
from upward.ledger.audit import audit as check
from upward.ledger.chain import check as check_chain
from upward.ledger.checkpoint import Checkpoint
from upward.ledger.facts import Genesis
from upward.ledger.replay import StudyState, replay
from upward.loop.again import Replayed, run_again
from upward.loop.budget import Budget
from upward.loop.check import SEEDS, SEEDS_EXACT, Check
from upward.loop.run import Pursuit
from upward.loop.study import Study
from upward.report.page import render
from upward.research.near import near_tree
from upward.research.search import SearchResearcher
from upward.sandbox.choose import best_sandbox
from upward.store.blobs import FolderBlobs
from upward.store.clock import SystemClock
from upward.store.home import Home
from upward.store.lock import StudyLock, holder
from upward.store.sqlite import SqliteLedger
from upward.tasks.load import FolderTasks, changed_files, labs_folder

VERSIONED = ("upward", "numpy", "scipy", "torch", "scikit-learn", "libcst")


@dataclass(slots=True)
class Workspace:
    """The ledger and artifacts of one folder, opened for reading or for writing."""

    home: Home
    ledger: SqliteLedger
    blobs: FolderBlobs

    def studies(self) -> list[str]:
        """Names of all studies, most recently written first."""
        return self.ledger.studies()

    def pick(self, study: str | None) -> str:
        """The named study, or the one last worked on.

        Raises:
            UnknownName: there is none.
        """
        known = self.studies()
        if study is None and known:
            return known[0]
        if study not in known:
            hint = "Begin one with `upward run TASK`, or name its folder with --home."
            raise UnknownName("study", study or "(any)", known, hint)
        return study

    def state(self, study: str | None) -> StudyState:
        """The state of a study, folded from its entries."""
        name = self.pick(study)
        return replay(name, self.ledger.entries(name))

    def text(self, blob: str | None) -> str:
        """A kept file as text; nothing for a file that does not exist.

        Raises:
            UnicodeDecodeError: it is no text.
        """
        return "" if blob is None else self.blobs.get(blob).decode("utf-8")

    def holder(self, study: str) -> str | None:
        """Who works on a study now, or None."""
        found = holder(self.home.locks, study)
        return str(found) if found else None


def open_workspace(home: str) -> Workspace:
    """Open a workspace for reading; a study may be running in it."""
    place = Home(Path(home).resolve())
    ledger = SqliteLedger(place.database, SystemClock(), read_only=True)
    return Workspace(place, ledger, FolderBlobs(place.blobs))


@dataclass(slots=True)
class Opened:
    """A study that this process has the right to write to."""

    workspace: Workspace
    study: Study
    executor: LocalExecutor
    isolation: Isolation
    researcher: Researcher
    warnings: list[str]

    def go(
        self,
        budget: Budget,
        *,
        interrupted: Callable[[], bool],
        watch: Callable[[Pursuit, Sequence[Activity]], None],
    ) -> str:
        """Pursue the study; see `Pursuit.go`."""
        pursuit = Pursuit(
            study=self.study,
            executor=self.executor,
            researcher=self.researcher,
            archive=Archive(),
            budget=budget,
            clock=SystemClock(),
            isolation=self.isolation,
            interrupted=interrupted,
            watch=watch,
        )
        try:
            return pursuit.go()
        finally:
            self.workspace.ledger.save_checkpoint(self.study.name)

    def replay(self, candidate: str, trials: int, watch: Callable[[int, int], None]) -> Replayed:
        """Run a candidate again; see `run_again`."""
        try:
            return run_again(self.study, self.executor, candidate, trials, watch)
        finally:
            self.executor.close()


@contextmanager
def open_pursuit(
    task: str,
    *,
    home: str,
    study: str | None = None,
    seed: int | None = None,
    workers: int | None = None,
    researcher: Researcher | None = None,
) -> Generator[Opened]:
    """Begin a study of a task, or take it up where it stopped.

    Args:
        task: a lab's name or a folder.
        home: folder of the workspace; made if it does not exist.
        study: name of the study; default the task's name, with the seed if one is given.
        seed: makes everything that is drawn repeatable.
        workers: trials at a time; default one per core.
        researcher: who proposes; default the built-in search.

    Raises:
        TaskChanged: a study of this name measures another version of the task.
        StudyBusy: another process works on it.
    """
    place = Home(Path(home).resolve())
    place.create()
    blobs = FolderBlobs(place.blobs)
    loaded = FolderTasks(labs_folder()).load(task, blobs)
    name = study or (loaded.name if seed is None else f"{loaded.name}-s{seed}")
    ledger = SqliteLedger(place.database, SystemClock())
    workspace = Workspace(place, ledger, blobs)
    with StudyLock(place.locks, name, SystemClock()):
        yield _opened(workspace, loaded, name, seed, workers, researcher)


@contextmanager
def reopen(study: str, *, home: str, workers: int | None = None) -> Generator[Opened]:
    """Take up a study from its ledger alone, also when the task's folder is gone or changed.

    Raises:
        UnknownName: there is no such study.
        StudyBusy: another process works on it.
    """
    place = Home(Path(home).resolve())
    blobs = FolderBlobs(place.blobs)
    ledger = SqliteLedger(place.database, SystemClock())
    workspace = Workspace(place, ledger, blobs)
    with StudyLock(place.locks, study, SystemClock()):
        taken = Study.resume(study, ledger, blobs)
        yield _with_executor(workspace, taken, workers, None)


@contextmanager
def open_check(
    task: str,
    *,
    home: str,
    trials: int | None = None,
    seed: int | None = None,
    workers: int | None = None,
) -> Generator[tuple[Check, list[str]]]:
    """Make a task ready to be checked; yields the check with its warnings.

    Nothing of it stays in the workspace.

    Args:
        task: a lab's name or a folder.
        home: folder of the workspace, in which the check has its scratch.
        trials: seeds of the baseline; default 8, for exact metrics 4.
        seed: makes everything that is drawn repeatable.
        workers: trials at a time; default one per core, for timings always 1.

    Raises:
        UnknownName: there is no such task.
        ManifestError: the folder does not describe a task.
        ScorerFailed: the prepare command failed.
    """
    place = Home(Path(home).resolve())
    place.create()
    scratch = place.tmp / f"check-{secrets.token_hex(8)}"
    blobs = FolderBlobs(scratch / "blobs")
    try:
        loaded = FolderTasks(labs_folder()).load(task, blobs)
        sandbox = best_sandbox()
        prepared = prepare(loaded, sandbox, blobs, scratch)
        executor = LocalExecutor(
            loaded, sandbox, blobs, prepared, scratch / "trials", _workers(loaded, workers)
        )
        try:
            yield _check(loaded, executor, blobs, trials, seed), _unisolated(sandbox.probe())
        finally:
            executor.close()
    finally:
        remove(scratch)


def _check(
    task: Task, executor: LocalExecutor, blobs: Blobs, trials: int | None, seed: int | None
) -> Check:
    near = near_tree(task, blobs)
    usual = SEEDS_EXACT if task.metric.noise is Noise.EXACT else SEEDS
    return Check(
        task=task,
        executor=executor,
        blobs=blobs,
        clock=SystemClock(),
        secret=secrets.token_hex(16) if seed is None else record_id("check", [seed, task.id]),
        seeds=trials or usual,
        near=near.files,
        near_words=near.words,
        plan=Plan(),
    )


def _workers(task: Task, wanted: int | None) -> int:
    """Trials at a time; beside another trial a timing would measure that one too."""
    return 1 if task.metric.noise is Noise.TIMING else wanted or cores()


def _opened(
    workspace: Workspace,
    task: Task,
    name: str,
    seed: int | None,
    workers: int | None,
    researcher: Researcher | None,
) -> Opened:
    if workspace.ledger.head(name) is None:
        study = _begin(workspace, task, name, seed)
    else:
        study = Study.resume(name, workspace.ledger, workspace.blobs)
        if study.state.task.id != task.id:
            raise TaskChanged(name, changed_files(study.state.task, task))
    return _with_executor(workspace, study, workers, researcher)


def _begin(workspace: Workspace, task: Task, name: str, seed: int | None) -> Study:
    sandbox = best_sandbox()
    prepared = prepare(task, sandbox, workspace.blobs, workspace.home.tmp / name)
    genesis = _genesis(task, seed, prepared, sandbox.probe())
    return Study.begin(name, genesis, workspace.ledger, workspace.blobs)


def _with_executor(
    workspace: Workspace, study: Study, workers: int | None, researcher: Researcher | None
) -> Opened:
    sandbox, task = best_sandbox(), study.state.task
    isolation = sandbox.probe()
    count = _workers(task, workers)
    executor = LocalExecutor(
        task,
        sandbox,
        workspace.blobs,
        study.state.start.prepared,
        workspace.home.tmp / study.name,
        count,
    )
    warnings = _warnings(workspace.ledger, isolation)
    chosen = researcher or SearchResearcher()
    return Opened(workspace, study, executor, isolation, chosen, warnings)


def _warnings(ledger: SqliteLedger, isolation: Isolation) -> list[str]:
    found = [ledger.warning] if ledger.warning else []
    return found + _unisolated(isolation)


def _unisolated(isolation: Isolation) -> list[str]:
    if isolation.isolated:
        return []
    return [f"Trials are not isolated here, so nothing can be verified. {isolation.advice}"]


def _genesis(
    task: Task, seed: int | None, prepared: dict[str, dict[str, str]], isolation: Isolation
) -> Genesis:
    chosen = secrets.randbits(31) if seed is None else seed
    secret = secrets.token_hex(16) if seed is None else record_id("secret", [seed, task.id])
    return Genesis(
        task=task,
        plan=Plan(),
        seed=chosen,
        secret=secret,
        baseline=tree_id(task.files),
        prepared=prepared,
        isolation=isolation,
        software=software(),
    )


def software() -> dict[str, str]:
    """Versions of what a trial may depend on; packages that are not installed are left out."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def audit(workspace: Workspace, study: str, saved: Checkpoint | None) -> Audit:
    """Check a study against a checkpoint kept elsewhere, or else the newest kept beside it."""
    pinned = saved or workspace.ledger.checkpoint(study)
    return check(study, workspace.ledger.entries(study), pinned, workspace.blobs.get)


def write_report(workspace: Workspace, state: StudyState, path: str | None = None) -> Path:
    """Write a study's report and return its path.

    Raises:
        CannotWrite: the place cannot be written to.
    """
    target = Path(path) if path else workspace.home.reports / f"{state.name}.html"
    broken = check_chain(workspace.ledger.entries(state.name))
    text = render(
        state,
        workspace.text,
        generated_at=SystemClock().now(),
        head_checked=None if broken else state.head,
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(str(target), error.strerror or str(error)) from None
    return target
