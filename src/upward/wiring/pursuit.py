"""From what a user asked for to a running study with its control arms."""

import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from upward.archive.archive import Archive
from upward.core.errors import BadStudyName, MissingTool, TaskChanged
from upward.core.ids import derive_seed, record_id, tree_id
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.ports import Activity, Researcher
from upward.core.records import Isolation
from upward.core.task import Task
from upward.execute.local import LocalExecutor
from upward.execute.prepare import prepare
from upward.ledger.facts import Genesis
from upward.ledger.replay import StudyState
from upward.loop.again import Replayed, run_again
from upward.loop.budget import Budget
from upward.loop.controls import ControlArms
from upward.loop.run import Pursuit
from upward.loop.side import Side
from upward.loop.study import Study
from upward.research.leave_out import LeaveOut
from upward.research.no_op import NoOpResearcher
from upward.research.random_search import RandomResearcher
from upward.research.search import SearchResearcher
from upward.research.tpe import TpeResearcher
from upward.sandbox.choose import best_sandbox
from upward.store.blobs import FolderBlobs
from upward.store.clock import SystemClock
from upward.store.home import Home
from upward.store.lock import StudyLock
from upward.store.sqlite import SqliteLedger
from upward.tasks.load import FolderTasks, changed_files, labs_folder
from upward.wiring.machine import software, unisolated, workers_for
from upward.wiring.workspace import ARM, Workspace

ARMS: dict[str, Callable[[int], Researcher]] = {
    "no-op": lambda seed: NoOpResearcher(),
    "random": lambda seed: RandomResearcher(),
    "tpe": TpeResearcher,
}


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
            remover=LeaveOut(),
        )
        try:
            return pursuit.go()
        finally:
            for name in (self.study.name, *self.workspace.arm_names(self.study.name)):
                self.workspace.ledger.save_checkpoint(name)

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
            plan=replace(start.plan, publish=0, controls=0.0, holdout=False),
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

    A plan is fixed before the first trial. Where it is another one now (another version of the
    rule, another share for control arms), a new study begins that is linked to the old one.

    Args:
        task: a lab's name or a folder.
        home: folder of the workspace; made if it does not exist.
        study: name of the study; default the task's name, with the seed if one is given.
        seed: makes everything that is drawn repeatable.
        workers: trials at a time; default one per core.
        researcher: who proposes; default the built-in search.
        controls: share of the trials that control arms get; default as the study
            began, at first 15 %.

    Raises:
        BadStudyName: the name of the study is one of a control arm.
        TaskChanged: a study of this name measures another version of the task.
        StudyBusy: another process works on it.
    """
    place = Home(Path(home).resolve())
    place.create()
    blobs = FolderBlobs(place.blobs)
    loaded = FolderTasks(labs_folder()).load(task, blobs)
    name = study or (loaded.name if seed is None else f"{loaded.name}-s{seed}")
    if ARM in name:
        raise BadStudyName(
            f"A study's name has no {ARM!r}: it marks control arms. Take another name."
        )
    ledger = SqliteLedger(place.database, SystemClock())
    workspace = Workspace(place, ledger, blobs)
    name, plan, linked = _planned(workspace, name, controls)
    with StudyLock(place.locks, name, SystemClock()):
        taken = _taken(workspace, loaded, name, seed, (plan, linked))
        opened = _with_executor(workspace, taken, workers, researcher)
        if linked and not taken.state.trials:
            opened.warnings.append(
                f"The plan is another one than that of {linked}, so {name} begins, linked to it."
            )
        yield opened


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


def _planned(workspace: Workspace, name: str, controls: float | None) -> tuple[str, Plan, str]:
    """The study to work on, its plan, and the study that it is linked to.

    The studies of one name with one plan after the other are NAME, NAME.2, NAME.3, …
    """
    last, number = "", 1
    while workspace.ledger.head(found := name if number == 1 else f"{name}.{number}") is not None:
        last, number = found, number + 1
    if not last:
        return name, Plan() if controls is None else Plan(controls=controls), ""
    start = workspace.genesis(last)
    wanted = Plan(controls=start.plan.controls if controls is None else controls)
    return (last, wanted, start.linked) if wanted == start.plan else (found, wanted, last)


def _taken(
    workspace: Workspace, task: Task, name: str, seed: int | None, rule: tuple[Plan, str]
) -> Study:
    if workspace.ledger.head(name) is None:
        return _begin(workspace, task, name, seed, rule)
    study = Study.resume(name, workspace.ledger, workspace.blobs)
    if study.state.task.id != task.id:
        raise TaskChanged(name, changed_files(study.state.task, task))
    return study


def _begin(
    workspace: Workspace, task: Task, name: str, seed: int | None, rule: tuple[Plan, str]
) -> Study:
    sandbox = best_sandbox()
    prepared = prepare(task, sandbox, workspace.blobs, workspace.home.tmp / name)
    plan, linked = rule
    genesis = _genesis(task, seed, prepared, sandbox.probe(), plan)
    genesis = replace(genesis, linked=linked)
    return Study.begin(name, genesis, workspace.ledger, workspace.blobs)


def _with_executor(
    workspace: Workspace, study: Study, workers: int | None, researcher: Researcher | None
) -> Opened:
    sandbox, task = best_sandbox(), study.state.task
    isolation = sandbox.probe()
    count = workers_for(task, workers)
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
    return found + unisolated(isolation)


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
