"""Runs a task's prepare command once, and keeps what it made by content."""

import os
from collections.abc import Iterator
from pathlib import Path

from upward.core.errors import CannotWrite, OutputRefused, ScorerFailed
from upward.core.ports import Blobs, Sandbox
from upward.core.task import Task
from upward.execute.boxes import prepare_box
from upward.execute.measure import ending, last_line, readable
from upward.execute.outputs import collect
from upward.execute.scratch import remove

PARTS = ("public", "hidden")
LIMIT_BYTES = 4096 * 2**20


def prepare(task: Task, sandbox: Sandbox, blobs: Blobs, folder: Path) -> dict[str, dict[str, str]]:
    """Make a task's public and hidden data.

    Args:
        task: nothing is done if it has no prepare command.
        sandbox: in which the command runs, without network.
        blobs: where the data is kept.
        folder: for scratch; removed at the end.

    Returns:
        ``public`` and ``hidden`` to path to blob id; empty if there is no prepare command.

    Raises:
        ScorerFailed: the command failed or left no ``public`` or ``hidden`` folder.
        CannotWrite: no room for the data.
    """
    if not task.prepare_run:
        return {}
    place = folder / "prepare"
    try:
        return _run(task, sandbox, blobs, place)
    except OSError as error:
        raise CannotWrite(str(place), error.strerror or str(error)) from error
    finally:
        remove(place)


def _run(task: Task, sandbox: Sandbox, blobs: Blobs, place: Path) -> dict[str, dict[str, str]]:
    work, scorer = place / "work", place / "scorer"
    work.mkdir(parents=True)
    for path, blob in task.scorer_files.items():
        target = scorer / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blobs.get(blob))
    ran = sandbox.run(prepare_box(task, scorer, work))
    tail = ran.stderr.decode("utf-8", "replace")
    if ran.exit_code != 0 or ran.exceeded:
        how = f"its limit {ran.exceeded}" if ran.exceeded else ending(ran.exit_code)
        raise ScorerFailed(f"the prepare command ended with {how}{last_line(tail)}", readable(tail))
    return {part: _keep(work / part, part, blobs) for part in PARTS}


def _keep(folder: Path, part: str, blobs: Blobs) -> dict[str, str]:
    if folder.is_symlink() or not folder.is_dir():
        raise ScorerFailed(f"the prepare command left no folder {part!r}")
    kept, left = dict[str, str](), LIMIT_BYTES
    try:
        for path in _files(folder):
            data = collect(str(folder), (path,), left)[path]
            left -= len(data)
            kept[path] = blobs.put(data)
    except OutputRefused as error:
        raise ScorerFailed(f"{part}: {error}") from None
    return kept


def _files(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        links = [name for name in folders if Path(root, name).is_symlink()]
        for name in sorted([*names, *links]):
            yield Path(root, name).relative_to(folder).as_posix()
