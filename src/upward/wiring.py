"""The only module that joins concrete classes: from what a user asked for to a running study."""

import os
import platform
import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from upward.archive.archive import Archive
from upward.core.errors import BadPlan, CannotWrite, MissingTool, TaskChanged, UnknownName
from upward.core.ids import derive_seed, record_id, tree_id
from upward.core.metric import Noise
from upward.core.ports import Activity, Researcher
from upward.core.records import Isolation, Plan, Task
from upward.execute.local import LocalExecutor
from upward.execute.prepare import prepare
from upward.ledger.audit import Audit
from upward.ledger.audit import audit as check
from upward.ledger.chain import check as check_chain
from upward.ledger.checkpoint import Checkpoint
from upward.ledger.facts import Genesis
from upward.ledger.replay import StudyState, replay
from upward.loop.again import Replayed, run_again
from upward.loop.budget import Budget
from upward.loop.controls import ControlArms
from upward.loop.run import Pursuit
from upward.loop.side import Side
from upward.loop.study import Study
from upward.report.page import render
from upward.research.no_op import NoOpResearcher
from upward.research.random_search import RandomResearcher
from upward.research.search import SearchResearcher
from upward.research.tpe import TpeResearcher
from upward.sandbox.choose import best_sandbox
from upward.store.blobs import FolderBlobs
from upward.store.clock import SystemClock
from upward.store.home import Home
from upward.store.lock import StudyLock, holder
from upward.store.sqlite import SqliteLedger
from upward.tasks.load import FolderTasks, changed_files, labs_folder

# a study's control arms stand beside it in the ledger, as NAME~ARM
ARM = "~"
ARMS: dict[str, Callable[[int], Researcher]] = {
    "no-op": lambda seed: NoOpResearcher(),
    "random": lambda seed: RandomResearcher(),
    "tpe": TpeResearcher,
}

VERSIONED = ("upward", "numpy", "scipy", "torch", "scikit-learn", "libcst")


@dataclass(slots=True)
class Workspace:
    """The ledger and artifacts of one folder, opened for reading or for writing."""

    home: Home
    ledger: SqliteLedger
    blobs: FolderBlobs

    def studies(self) -> list[str]:
        """Names of all studies, most recently written first, without their control arms."""
        return [name for name in self.ledger.studies() if ARM not in name]

    def arms(self, study: str) -> list[StudyState]:
        """The control arms of a study, in the order of their names."""
        names = sorted(n for n in self.ledger.studies() if n.startswith(study + ARM))
        return [replay(name, self.ledger.entries(name)) for name in names]

    def pick(self, study: str | None) -> str:
        """The named study, or the one last worked on.

        Raises:
            UnknownName: there is none.
        """
        known = self.studies()
        if study is None and known:
            return known[0]
        if study is not None and ARM in study and self.ledger.head(study) is not None:
            return study
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
            controls=ControlArms(self.study.state.start.plan.controls, self._arms),
        )
        try:
            return pursuit.go()
        finally:
            self.workspace.ledger.save_checkpoint(self.study.name)

    def _arms(self, main: StudyState) -> list[Side]:
        """Begin the control arms, or take them up; one whose library is missing is left out."""
        sides = list[Side]()
        for label, make in ARMS.items():
            name, start = f"{main.name}{ARM}{label}", main.start
            if label == "no-op" and start.task.metric.noise is Noise.EXACT:
                continue  # the same program gives the same number: nothing to be fooled by
            try:
                researcher = make(derive_seed(start.secret, "arm", label) % 2**31)
            except MissingTool as missing:
                self.warnings.append(f"No control arm {label!r}: {missing}")
                continue
            sides.append(Side(self._arm(name, label, main), researcher, Archive()))
        return sides

    def _arm(self, name: str, label: str, main: StudyState) -> Study:
        ledger, blobs = self.workspace.ledger, self.workspace.blobs
        if ledger.head(name) is not None:
            return Study.resume(name, ledger, blobs)
        start, known = main.start, self.study.inherited()
        genesis = replace(
            start,
            plan=replace(start.plan, publish=0, controls=0.0),
            secret=record_id("arm", [start.secret, label]),
            linked=main.name,
            inherited=len(known) // 2,
        )
        return Study.begin(name, genesis, ledger, blobs, *known)

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
    controls: float | None = None,
) -> Generator[Opened]:
    """Begin a study of a task, or take it up where it stopped.

    Args:
        task: a lab's name or a folder.
        home: folder of the workspace; made if it does not exist.
        study: name of the study; default the task's name, with the seed if one is given.
        seed: makes everything that is drawn repeatable.
        workers: trials at a time; default one per core.
        researcher: who proposes; default the built-in search.
        controls: share of the trials that control arms get; default as the study began, 15 %.

    Raises:
        BadPlan: a study that has begun gives its control arms another share.
        TaskChanged: a study of this name measures another version of the task.
        StudyBusy: another process works on it.
    """
    place = Home(Path(home).resolve())
    place.create()
    blobs = FolderBlobs(place.blobs)
    loaded = FolderTasks(labs_folder()).load(task, blobs)
    name = study or (loaded.name if seed is None else f"{loaded.name}-s{seed}")
    if ARM in name:
        raise BadPlan(f"A study's name has no {ARM!r}: it marks control arms. Take another name.")
    ledger = SqliteLedger(place.database, SystemClock())
    workspace = Workspace(place, ledger, blobs)
    with StudyLock(place.locks, name, SystemClock()):
        taken = _taken(workspace, loaded, name, seed, controls)
        yield _with_executor(workspace, taken, workers, researcher)


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


def _taken(
    workspace: Workspace, task: Task, name: str, seed: int | None, controls: float | None
) -> Study:
    if workspace.ledger.head(name) is None:
        plan = Plan() if controls is None else Plan(controls=controls)
        return _begin(workspace, task, name, seed, plan)
    study = Study.resume(name, workspace.ledger, workspace.blobs)
    if study.state.task.id != task.id:
        raise TaskChanged(name, changed_files(study.state.task, task))
    planned = study.state.start.plan.controls
    if controls not in (None, planned):
        raise BadPlan(
            f"Study {name} gives {planned:g} of its trials to control arms, fixed before its first "
            f"trial; for {controls:g} begin another one with --study NAME."
        )
    return study


def _begin(workspace: Workspace, task: Task, name: str, seed: int | None, plan: Plan) -> Study:
    sandbox = best_sandbox()
    prepared = prepare(task, sandbox, workspace.blobs, workspace.home.tmp / name)
    genesis = _genesis(task, seed, prepared, sandbox.probe(), plan)
    return Study.begin(name, genesis, workspace.ledger, workspace.blobs)


def _with_executor(
    workspace: Workspace, study: Study, workers: int | None, researcher: Researcher | None
) -> Opened:
    sandbox, task = best_sandbox(), study.state.task
    isolation = sandbox.probe()
    count = 1 if task.metric.noise is Noise.TIMING else workers or cores()
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
    if not isolation.isolated:
        found.append(
            f"Trials are not isolated here, so nothing can be verified. {isolation.advice}"
        )
    return found


def _genesis(
    task: Task,
    seed: int | None,
    prepared: dict[str, dict[str, str]],
    isolation: Isolation,
    plan: Plan,
) -> Genesis:
    chosen = secrets.randbits(31) if seed is None else seed
    secret = secrets.token_hex(16) if seed is None else record_id("secret", [seed, task.id])
    return Genesis(
        task=task,
        plan=plan,
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
        arms=workspace.arms(state.name),
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWrite(str(target), error.strerror or str(error)) from None
    return target
