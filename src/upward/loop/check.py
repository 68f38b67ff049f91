"""Checks a task before it is pursued: the trials that tell whether it can be measured at all.

The schedule mixes what is compared, so that a machine that drifts hits all alike; then the null
candidates go the same way as any proposal: one screen, and a race if they pass it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from upward.core.errors import SandboxFailed
from upward.core.ids import derive_seed, tree_id
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.ports import Blobs, Clock, Executor, Job
from upward.core.records import Outcome, Purpose, Trial
from upward.core.task import Task
from upward.loop.checked import Arm, NullFound, Ran, Tried
from upward.loop.nulling import NullTry, Turn
from upward.loop.nulls import Null, NullKind, constant, copy, empty

TICK_S = 0.25
START_AGAIN = 5
HOPELESS = 3
KEPT_SEEDS = 2

SEEDS = 8
SEEDS_EXACT = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """A trial that is to run: what, and on which seed of the check."""

    arm: Arm
    seed: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What a watcher is told after each trial.

    Args:
        done: trials that ended.
        planned: trials that are planned now; null candidates may add some.
        label: what ran, in a few words.
        outcome: how it ended.
        elapsed_s: since the check began.
    """

    done: int
    planned: int
    label: str
    outcome: Outcome
    elapsed_s: float


def schedule(seeds: int, noise: Noise, *, near: bool) -> list[Slot]:
    """Plan the trials of baseline, near copy, and baseline on the same seed again.

    The near copy runs half a schedule away from the baseline's trial on the same seed, and the two
    take turns in being first: what all early trials share can then be told from what a seed is.

    Args:
        seeds: how many the baseline runs on; half of them are run again.
        noise: exact metrics have no near copy.
        near: whether there is one.

    Example:
        >>> [f"{s.arm} {s.seed}" for s in schedule(2, Noise.EXACT, near=True)]
        ['baseline 0', 'baseline 1', 'baseline again 0']
    """
    again = max(1, seeds // 2)
    slots = list[Slot]()
    for k in range(seeds):
        pair = [Slot(Arm.BASELINE, k)]
        if near and noise is not Noise.EXACT:
            pair.append(Slot(Arm.NEAR, (k + seeds // 2) % seeds))
        slots += pair if k % 2 == 0 else pair[::-1]
        repeated = k - (seeds - again)
        if repeated >= 0:
            slots.append(Slot(Arm.AGAIN, repeated))
    return slots


@dataclass(slots=True)
class Check:
    """One check of one task.

    Args:
        task: what is checked.
        executor: runs the trials.
        blobs: the task's files, and outputs that are kept.
        clock: tells how long it has been.
        secret: seeds are derived from it.
        seeds: how many the baseline runs on, 2 or more.
        near: path to blob id of the near copy's whole tree; empty for none.
        near_words: what the near copy changes.
        plan: the rule by which a study would judge.
    """

    task: Task
    executor: Executor
    blobs: Blobs
    clock: Clock
    secret: str
    seeds: int
    near: Mapping[str, str]
    near_words: str
    plan: Plan
    _interrupted: Callable[[], bool] = lambda: False
    _watch: Callable[[Progress], None] = lambda _: None
    _ran: list[Ran] = field(default_factory=list[Ran])
    _extra: list[Outcome] = field(default_factory=list[Outcome])
    _number: int = 0
    _planned: int = 0
    _broken: int = 0
    _began_s: float = 0.0

    def go(self, *, interrupted: Callable[[], bool], watch: Callable[[Progress], None]) -> Tried:
        """Run all trials.

        Where the first trials of the unedited task all fail, the rest is not run.

        Args:
            interrupted: asked at every step; true ends the check at once.
            watch: told after every trial.

        Raises:
            SandboxFailed: trials cannot be started on this machine.
        """
        self._interrupted, self._watch = interrupted, watch
        self._began_s = self.clock.monotonic_s()
        slots = schedule(self.seeds, self.task.metric.noise, near=bool(self.near))
        self._planned = len(slots)
        nulls = tuple[NullFound, ...]()
        try:
            whole = self._run_schedule(slots)
            if whole and self._values():
                nulls = self._run_nulls()
        finally:
            self.executor.close()
        return Tried(
            ran=tuple(sorted(self._ran, key=lambda ran: ran.position)),
            nulls=nulls,
            extra=tuple(self._extra),
            elapsed_s=self.clock.monotonic_s() - self._began_s,
            workers=self.executor.workers,
            near_words=self.near_words if self.near else "",
            interrupted=interrupted(),
        )

    # -- the schedule ----------------------------------------------------------------------

    def _run_schedule(self, slots: Sequence[Slot]) -> bool:
        """Run the slots in order; false where they were given up."""
        waiting, running = list(slots[::-1]), dict[int, tuple[Slot, Job]]()
        while waiting or running:
            if self._interrupted():
                return False
            if self._hopeless():
                waiting.clear()
            while waiting and len(running) < self.executor.workers:
                slot = waiting.pop()
                job = self._job_of(slot)
                running[job.trial.number] = slot, job
                self.executor.start(job)
            for outcome in self._ended({number: job for number, (_, job) in running.items()}):
                slot, _ = running.pop(outcome.trial)
                self._ran.append(Ran(slot.arm, slot.seed, outcome.trial, outcome))
                self._tell(f"{slot.arm}, seed {slot.seed + 1}", outcome)
        return not self._hopeless()

    def _hopeless(self) -> bool:
        baseline = [ran for ran in self._ran if ran.arm is Arm.BASELINE]
        return len(baseline) >= min(HOPELESS, self.seeds) and not self._values()

    def _values(self) -> list[float]:
        """Measurements of the baseline, one per seed."""
        first = [ran for ran in self._ran if ran.arm is Arm.BASELINE]
        return [ran.value for ran in first if ran.value is not None]

    def _job_of(self, slot: Slot) -> Job:
        files = self.near if slot.arm is Arm.NEAR else self.task.files
        keep = slot.arm is Arm.BASELINE and slot.seed < KEPT_SEEDS
        seed = derive_seed(self.secret, "check", slot.seed)
        return self._job(files, seed, Purpose.CALIBRATE, keep=keep)

    def _job(
        self, files: Mapping[str, str], seed: int, purpose: Purpose, *, keep: bool = False
    ) -> Job:
        self._number += 1
        about = tree_id(files)
        return Job(Trial(self._number, about, seed, purpose, about), files, keep)

    # -- null candidates -------------------------------------------------------------------

    def _run_nulls(self) -> tuple[NullFound, ...]:
        tries = [self._try(null) for null in self._nulls()]
        running = dict[int, tuple[NullTry, Turn, Job]]()
        self._planned += sum(not one.over for one in tries)
        while running or not all(one.over for one in tries):
            if self._interrupted():
                return ()
            self._start_nulls(tries, running)
            for outcome in self._ended({n: job for n, (_, _, job) in running.items()}):
                one, turn, _ = running.pop(outcome.trial)
                one.take(outcome, turn)
                self._extra.append(outcome)
                self._tell(one.label(mine=turn.mine), outcome)
        return tuple(one.found() for one in tries)

    def _nulls(self) -> Iterator[Null]:
        yield empty(self.task, self.blobs)
        kept = (ran.outcome for ran in self._ran if ran.outcome.kept)
        outputs = next((outcome.outputs for outcome in kept), {})
        yield constant(self.task, self.blobs, outputs)
        if self.task.metric.noise is Noise.EXACT:
            why = "what it finds on a luckier seed would be a proof, not a cheat"
            yield Null(NullKind.COPY, {}, why)
        else:
            yield copy(self.task, self.blobs)

    def _try(self, null: Null) -> NullTry:
        return NullTry(null, self.task.metric, self.plan, tuple(self._values()))

    def _start_nulls(
        self, tries: list[NullTry], running: dict[int, tuple[NullTry, Turn, Job]]
    ) -> None:
        for one in tries:
            while len(running) < self.executor.workers and (turn := one.next_turn()):
                files = one.null.files if turn.mine else self.task.files
                seed = derive_seed(self.secret, turn.path, turn.index)
                job = self._job(files, seed, turn.purpose)
                running[job.trial.number] = one, turn, job
                self._planned += turn.purpose is Purpose.RACE
                self.executor.start(job)

    # -- the machine -----------------------------------------------------------------------

    def _ended(self, jobs: Mapping[int, Job]) -> Iterator[Outcome]:
        """Outcomes that count; a trial that the machine could not start is started again."""
        for outcome in self.executor.finished(TICK_S):
            failure = outcome.failure
            if failure is None or failure.boundary != SandboxFailed.boundary:
                yield outcome
                continue
            self._broken += 1
            if self._broken > START_AGAIN:
                words = f"Trials cannot be started on this machine: {failure.reason}."
                raise SandboxFailed(words, failure.detail)
            self.executor.start(jobs[outcome.trial])

    def _tell(self, label: str, outcome: Outcome) -> None:
        done = len(self._ran) + len(self._extra)
        elapsed_s = self.clock.monotonic_s() - self._began_s
        self._watch(Progress(done, self._planned, label, outcome, elapsed_s))
