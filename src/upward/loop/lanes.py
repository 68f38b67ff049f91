"""One executor for several studies: a trial's number is unique only within its own study."""

from dataclasses import replace

from upward.core.ports import Activity, Executor, Job
from upward.core.records import Outcome, Trial


class Lanes:
    """Hands out the workers of one executor and sorts what ended by the study it belongs to.

    Args:
        executor: runs the trials; it sees numbers of its own.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._running: dict[int, tuple[str, Trial]] = {}
        self._given = 0

    @property
    def running(self) -> int:
        """How many trials run now."""
        return len(self._running)

    @property
    def free(self) -> bool:
        """Whether a worker waits for a trial."""
        return len(self._running) < self._executor.workers

    def start(self, study: str, job: Job) -> None:
        """Begin a trial of a study."""
        self._given += 1
        self._running[self._given] = study, job.trial
        self._executor.start(replace(job, trial=replace(job.trial, number=self._given)))

    def finished(self, timeout_s: float) -> list[tuple[str, Outcome]]:
        """Wait for a trial to end, at most this long; return what ended with its study."""
        found = list[tuple[str, Outcome]]()
        for outcome in self._executor.finished(timeout_s):
            study, trial = self._running.pop(outcome.trial)
            found.append((study, replace(outcome, trial=trial.number)))
        return found

    def active(self) -> list[Activity]:
        """What every worker does now, with the study that it does it for."""
        found = list[Activity]()
        for activity in self._executor.active():
            if known := self._running.get(activity.trial.number):
                found.append(replace(activity, study=known[0], trial=known[1]))
        return found

    def close(self) -> None:
        """End all running trials without an outcome."""
        self._executor.close()
