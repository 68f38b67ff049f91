"""An executor that runs a Python function instead of a process; for tests of the loop."""

from collections import deque
from collections.abc import Callable, Mapping

from upward.core.ids import blob_id
from upward.core.ports import Activity, Blobs, Job
from upward.core.records import Failure, Measurement, Outcome, TrialState, Usage

Measure = Callable[[Mapping[str, str], int], float | Measurement | None]


class FakeExecutor:
    """Measures a candidate by calling a function with its files and the seed.

    Args:
        blobs: where the files are.
        measure: returns the metric's value, a whole measurement with its guards, or None for a
            failed trial.
        workers: trials at a time.
        cpu_s: what each trial claims to have used.

    `ran` lists the candidate and the seed of what was measured, one a trial. Set `break_next`
    to let that many trials fail as if the sandbox could not start.
    """

    def __init__(
        self, blobs: Blobs, measure: Measure, *, workers: int = 1, cpu_s: float = 1.0
    ) -> None:
        self._blobs, self._measure, self._workers, self._cpu_s = blobs, measure, workers, cpu_s
        self._jobs: deque[Job] = deque()
        self.ran: list[tuple[str, int]] = []
        self.break_next = 0
        self.closed = False

    @property
    def workers(self) -> int:
        """Trials at a time."""
        return self._workers

    def start(self, job: Job) -> None:
        """Put a trial into the queue."""
        if len(self._jobs) >= self._workers:
            raise ValueError("more trials than workers")
        self._jobs.append(job)

    def finished(self, timeout_s: float) -> list[Outcome]:
        """Measure the oldest trial; never waits."""
        del timeout_s
        if not self._jobs:
            return []
        job = self._jobs.popleft()
        self.ran.append((job.trial.candidate, job.trial.seed))
        return [self._outcome(job)]

    def active(self) -> list[Activity]:
        """What is in the queue."""
        return [Activity(i, job.trial, "candidate", 0.0) for i, job in enumerate(self._jobs)]

    def close(self) -> None:
        """Forget what is in the queue."""
        self._jobs.clear()
        self.closed = True

    def _outcome(self, job: Job) -> Outcome:
        if self.break_next:
            self.break_next -= 1
            failure = Failure("sandbox", "no more processes")
            return Outcome(job.trial.number, TrialState.FAILED, failure=failure)
        texts = {path: self._blobs.get(blob).decode() for path, blob in job.files.items()}
        value, usage = self._measure(texts, job.trial.seed), Usage(self._cpu_s, self._cpu_s, 1.0)
        if value is None:
            failure = Failure("candidate", "exit code 1: it crashed")
            return Outcome(job.trial.number, TrialState.FAILED, failure=failure, usage=usage)
        keep = self._blobs.put if job.keep else blob_id
        return Outcome(
            job.trial.number,
            TrialState.COMPLETE,
            value if isinstance(value, Measurement) else Measurement(value),
            usage=usage,
            outputs={"out.txt": keep(str(value).encode())},
            kept=job.keep,
        )
