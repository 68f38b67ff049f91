"""Trials on this machine: a few long-lived threads, each running one trial at a time."""

import contextlib
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from upward.core.codec import plain
from upward.core.errors import (
    CandidateFailed,
    CannotWrite,
    LimitExceeded,
    TrialError,
)
from upward.core.ids import blob_id, record_id, short
from upward.core.ports import Activity, Blobs, Job, Ran, Sandbox
from upward.core.records import Failure, Measurement, Outcome, TrialState, Usage
from upward.core.task import Limits, Task
from upward.execute.boxes import Places
from upward.execute.measure import ending, last_line, measurement, readable, used_up
from upward.execute.outputs import collect
from upward.execute.scratch import remove

DETAIL = 4000
STOP_AGAIN_S = 0.05


class LocalExecutor:
    """Adapter of the port `Executor` for one task on this machine.

    Args:
        task: whose trials run.
        sandbox: in which they run.
        blobs: sources are read from it, kept outputs are put into it.
        prepared: what the task's prepare command made.
        folder: for scratch; emptied at the beginning and at the end.
        workers: trials at a time.

    Raises:
        CannotWrite: the scratch folder cannot be used.
    """

    def __init__(
        self,
        task: Task,
        sandbox: Sandbox,
        blobs: Blobs,
        prepared: Mapping[str, Mapping[str, str]],
        folder: Path,
        workers: int,
    ) -> None:
        self._task, self._sandbox, self._blobs = task, sandbox, blobs
        self._folder, self._workers = folder, workers
        self._isolation = short(record_id("isolation", plain(sandbox.probe())))
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
        self._now: dict[int, tuple[Job, str, float]] = {}
        self._closed = False
        self._failed: Exception | None = None
        try:
            remove(folder)
            self._places = Places(task, blobs, prepared, folder / "task")
        except OSError as error:
            raise CannotWrite(str(folder), error.strerror or str(error)) from error
        self._threads = [
            threading.Thread(target=self._work, args=(n,), name=f"worker-{n}", daemon=True)
            for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def workers(self) -> int:
        """How many trials run at the same time."""
        return self._workers

    def start(self, job: Job) -> None:
        """Begin a trial as soon as a worker is free."""
        self._jobs.put(job)

    def finished(self, timeout_s: float) -> list[Outcome]:
        """Wait for at least one trial to end, at most this long, and return what ended.

        Raises:
            UpwardError: this machine failed, not the trial (a full disk, a changed blob).
        """
        found = list[Outcome]()
        with contextlib.suppress(queue.Empty):
            item = self._failed or self._done.get(timeout=timeout_s)
            while isinstance(item, Outcome):
                found.append(item)
                item = self._done.get_nowait()
            self._failed = item
        # what has ended well is handed over first
        if self._failed is not None and not found:
            raise self._failed
        return found

    def active(self) -> list[Activity]:
        """What every worker does now."""
        now_s = time.monotonic()
        return [
            Activity(worker, job.trial, phase, now_s - since_s)
            for worker, (job, phase, since_s) in sorted(self._now.copy().items())
        ]

    def close(self) -> None:
        """End all running trials without an outcome, and remove the scratch folder."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            # a run may begin between two stops, so stop until the worker is gone
            while thread.is_alive():
                self._sandbox.stop()
                thread.join(STOP_AGAIN_S)
        remove(self._folder)

    # -- a worker's thread -----------------------------------------------------------------

    def _work(self, worker: int) -> None:
        while (job := self._jobs.get()) is not None and not self._closed:
            try:
                self._done.put(self._trial(job, worker))
            except Exception as error:  # noqa: BLE001 - a thread that dies silently would hang the loop
                self._done.put(error)
            finally:
                self._now.pop(worker, None)

    def _phase(self, worker: int, job: Job, phase: str) -> None:
        self._now[worker] = (job, phase, time.monotonic())

    def _trial(self, job: Job, worker: int) -> Outcome:
        """Run one trial; the boundary at which a trial's error becomes a record."""
        place = self._folder / f"t{job.trial.number}"
        run = _Run(job, place)
        try:
            return self._in_place(run, worker)
        except TrialError as error:
            detail = readable(error.detail)[-DETAIL:]
            return run.failed(Failure(error.boundary, str(error), detail), self._isolation)
        except OSError as error:
            raise CannotWrite(str(place), error.strerror or str(error)) from error

    def _in_place(self, run: "_Run", worker: int) -> Outcome:
        try:
            for name in ("work", "score", "predict"):
                (run.place / name).mkdir(parents=True)
            return self._complete(run, worker)
        finally:
            remove(run.place)

    def _complete(self, run: "_Run", worker: int) -> Outcome:
        job, again = run.job, run.job.rescore
        if again is None:
            outputs, used = self._made(run, worker)
        else:
            outputs = {name: self._blobs.get(blob) for name, blob in again.outputs.items()}
            used = again.usage
        found = self._score(run, worker, outputs, used)
        keep = self._blobs.put if job.keep else blob_id
        return Outcome(
            trial=job.trial.number,
            state=TrialState.COMPLETE,
            measurement=found,
            usage=run.usage,
            scoring=run.scoring,
            outputs={} if again else {name: keep(data) for name, data in outputs.items()},
            kept=job.keep,
            isolation=self._isolation,
        )

    def _made(self, run: "_Run", worker: int) -> tuple[dict[str, bytes], Usage]:
        """Run the candidate; return its outputs and what it used."""
        job, place = run.job, run.place
        self._phase(worker, job, "running")
        self._places.write_editable(job.files, place / "work")
        box = self._places.candidate(place / "work", job.trial.seed, job.share)
        ran = self._sandbox.run(box)
        run.usage = ran.usage
        _check(ran, box.limits)
        return self._collect(place / "work"), ran.usage

    def _score(
        self, run: "_Run", worker: int, outputs: Mapping[str, bytes], used: Usage
    ) -> Measurement:
        """Derive the measurement from outputs."""
        job, place, places = run.job, run.place, self._places
        _write(place / "outputs", outputs)
        self._phase(worker, job, "scoring")
        command = job.rescore.run if job.rescore else None
        scored = self._sandbox.run(
            places.score(
                place / "score", place / "outputs", places.scorer_seed(job.trial.seed), command
            ),
            places.predict(place / "predict", place / "outputs"),
        )
        run.scoring = scored.usage
        return measurement(self._task, scored, used)

    def _collect(self, work: Path) -> dict[str, bytes]:
        """Read the outputs; one that is a fixed file of the task is what the task says it is."""
        task = self._task
        given = {name: self._places.given(name) for name in task.outputs}
        made = tuple(name for name in task.outputs if given[name] is None)
        found = collect(str(work), made, task.budget.disk_mb * 2**20)
        return {name: found[name] if data is None else data for name, data in given.items()}


class _Run:
    """What is known of a trial while it runs."""

    def __init__(self, job: Job, place: Path) -> None:
        self.job, self.place = job, place
        self.usage: Usage | None = None
        self.scoring: Usage | None = None

    def failed(self, failure: Failure, isolation: str) -> Outcome:
        return Outcome(
            trial=self.job.trial.number,
            state=TrialState.FAILED,
            failure=failure,
            usage=self.usage,
            scoring=self.scoring,
            isolation=isolation,
        )


def _check(ran: Ran, limits: Limits) -> None:
    tail = ran.stderr.decode("utf-8", "replace")
    if ran.exceeded:
        raise LimitExceeded(f"it {used_up(ran.exceeded, limits)}", tail)
    if ran.exit_code != 0:
        raise CandidateFailed(f"{ending(ran.exit_code)}{last_line(tail)}", tail)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
