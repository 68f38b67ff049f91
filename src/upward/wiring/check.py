"""A task, ready to be checked before it is pursued."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from upward.core.ids import record_id
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.ports import Blobs
from upward.core.task import Task
from upward.execute.local import LocalExecutor
from upward.execute.prepare import prepare
from upward.execute.scratch import remove
from upward.loop.check import SEEDS, SEEDS_EXACT, Check
from upward.research.near import near_tree
from upward.sandbox.choose import best_sandbox
from upward.store.blobs import FolderBlobs
from upward.store.clock import SystemClock
from upward.store.home import Home
from upward.tasks.load import FolderTasks, labs_folder
from upward.wiring.machine import unisolated, workers_for


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
            loaded, sandbox, blobs, prepared, scratch / "trials", workers_for(loaded, workers)
        )
        try:
            yield _check(loaded, executor, blobs, trials, seed), unisolated(sandbox.probe())
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
