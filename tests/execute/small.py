"""Small tasks made on the spot, and one trial of them in the real sandbox."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from upward.core.ids import tree_id
from upward.core.metric import Direction, Guard, Metric
from upward.core.ports import Job, Sandbox
from upward.core.records import Failure, Outcome, Purpose, Trial
from upward.core.task import Limits, Task
from upward.execute.local import LocalExecutor
from upward.execute.prepare import prepare
from upward.sandbox.choose import best_sandbox
from upward.testing.fakes import MemoryBlobs

# what the scorer measures is the number that the candidate left behind
HONEST = """
import json
print(json.dumps({"loss": float(open("outputs/out.txt").read())}))
"""
LIMITS = Limits(cpu_s=5.0, wall_s=20.0, memory_mb=256, disk_mb=8, processes=16)
WAIT_S = 60.0


@dataclass(slots=True)
class Small:
    """A task in the making.

    Args:
        main: the candidate's ``main.py``, the editable file.
        scorer: the scorer's ``score.py``.
        fixed: further files of the candidate that it may not change.
        outputs: what it must leave behind.
        guards: beside the metric.
        hide: packages masked from candidates.
        budget: of one trial.
        scoring: of one scoring.
        prepare: the scorer's ``prepare.py``, or empty for none.
        predictor: ``predict.py``, or empty for none.
        bound: of the metric.
    """

    main: str = "open('out.txt', 'w').write('1.5')"
    scorer: str = HONEST
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    outputs: tuple[str, ...] = ("out.txt",)
    guards: tuple[Guard, ...] = ()
    hide: tuple[str, ...] = ()
    budget: Limits = LIMITS
    scoring: Limits = LIMITS
    prepare: str = ""
    predictor: str = ""
    bound: float | None = None
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)

    def task(self) -> Task:
        """The task, with its files put into the blobs."""
        scorer = {"score.py": self.scorer}
        scorer |= {"prepare.py": self.prepare} if self.prepare else {}
        predictor = {"predict.py": self.predictor} if self.predictor else {}
        return Task(
            id="0" * 64,
            name="small",
            goal="Lower the loss.",
            root="",
            files=self._put({"main.py": self.main, **self.fixed}),
            edit=("main.py",),
            run=("python", "main.py"),
            outputs=self.outputs,
            metric=Metric("loss", "nats", Direction.MINIMIZE, bound=self.bound),
            budget=self.budget,
            scorer_files=self._put(scorer),
            scorer_run=("python", "score.py"),
            scorer_budget=self.scoring,
            guards=self.guards,
            hide=self.hide,
            prepare_run=("python", "prepare.py") if self.prepare else (),
            predictor_files=self._put(predictor),
            predictor_run=("python", "predict.py") if self.predictor else (),
        )

    def _put(self, files: Mapping[str, str]) -> dict[str, str]:
        return {path: self.blobs.put(text.encode()) for path, text in files.items()}

    def prepared(self, folder: Path) -> dict[str, dict[str, str]]:
        """What its prepare command makes."""
        return prepare(self.task(), best_sandbox(), self.blobs, folder)

    @contextmanager
    def executor(
        self, folder: Path, workers: int = 1, sandbox: Sandbox | None = None
    ) -> Generator[LocalExecutor]:
        """An executor of it, closed at the end."""
        prepared = self.prepared(folder / "prepare")
        sandbox = sandbox or best_sandbox()
        executor = LocalExecutor(
            self.task(), sandbox, self.blobs, prepared, folder / "tmp", workers
        )
        try:
            yield executor
        finally:
            executor.close()

    def job(self, number: int = 1, seed: int = 7, *, keep: bool = False) -> Job:
        """A trial of the unedited candidate."""
        files = self.task().files
        candidate = tree_id(files)
        return Job(Trial(number, candidate, seed, Purpose.SCREEN, candidate), files, keep)

    def outcome(self, folder: Path, **job: int) -> Outcome:
        """Run one trial to its end."""
        with self.executor(folder) as executor:
            executor.start(self.job(seed=job.get("seed", 7), keep=bool(job.get("keep"))))
            (outcome,) = executor.finished(WAIT_S)
        return outcome

    def failure(self, folder: Path) -> Failure:
        """Run one trial that must fail, and return how."""
        outcome = self.outcome(folder)
        assert outcome.failure is not None, outcome
        assert outcome.measurement is None
        return outcome.failure

    def value(self, folder: Path) -> float:
        """Run one trial that must be complete, and return its measurement."""
        outcome = self.outcome(folder)
        assert outcome.measurement is not None, outcome
        return outcome.measurement.value
