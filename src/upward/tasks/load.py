"""Tasks by the name of a lab or the path of a folder."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path, PurePosixPath

from upward.core.codec import plain
from upward.core.errors import ManifestError, UnknownName
from upward.core.ids import record_id
from upward.core.ports import Blobs
from upward.core.task import Task
from upward.tasks.folder import TaskFiles, read_files
from upward.tasks.manifest import MANIFEST, PREDICTOR, SCORER, Manifest, read_manifest


def labs_folder() -> Path:
    """Return the folder of the tasks that ship with Upward."""
    return Path(str(files("upward").joinpath("labs")))


class FolderTasks:
    """The tasks of a folder of labs, and of any folder that a user names."""

    def __init__(self, labs: Path) -> None:
        """Take the folder that holds one folder per lab."""
        self._labs = labs

    def names(self) -> list[str]:
        """Return the names of the labs in alphabetical order."""
        return sorted(path.parent.name for path in self._labs.glob(f"*/{MANIFEST}"))

    def load(self, name: str, blobs: Blobs) -> Task:
        """Return the task with its files put into the blob store.

        A bare name is a lab's; with a slash, or where there is no such lab, it is a folder.

        Raises:
            UnknownName: no lab and no folder of this name.
            ManifestError: the folder does not describe a task.
            UnreadableSource: its ``task.toml`` is not TOML.
        """
        return load_folder(self._find(name), blobs)

    def _find(self, name: str) -> Path:
        labs = self.names()
        if name in labs:
            return self._labs / name
        folder = Path(name)
        if name and folder.is_dir():
            return folder
        hint = "Name a lab or a folder with a task.toml; `upward init FOLDER` makes one."
        raise UnknownName("task", name, labs, hint)


def load_folder(folder: Path, blobs: Blobs) -> Task:
    """Read one task folder.

    Args:
        folder: holds ``task.toml``, the candidate's files and ``scorer/``.
        blobs: gets the bytes of every file.

    Returns:
        The task. Its id covers the settings and every file's content, but not where the folder
        lies, nor comments in ``task.toml``.

    Raises:
        ManifestError: the folder does not describe a task.
        UnreadableSource: its ``task.toml`` is not TOML.
    """
    root = folder.resolve()
    manifest = read_manifest(root)
    found = read_files(root, blobs)
    _check_files(root, manifest, found)
    task = Task(
        id="",
        name=manifest.name,
        goal=manifest.goal,
        root="",
        files=found.candidate,
        edit=manifest.candidate.edit,
        run=manifest.candidate.run,
        outputs=manifest.candidate.outputs,
        metric=manifest.metric,
        budget=manifest.budget,
        scorer_files=found.scorer,
        scorer_run=manifest.scorer.run,
        scorer_budget=manifest.scorer.budget,
        guards=manifest.guards,
        hide=manifest.candidate.hide,
        prepare_run=manifest.scorer.prepare,
        predictor_files=found.predictor,
        predictor_run=manifest.predictor,
        holdouts=manifest.holdouts,
        rung=manifest.rung,
    )
    return replace(task, id=record_id("task", plain(task)), root=str(root))


def changed_files(old: Task, new: Task) -> list[str]:
    """Name the files of the task folder by which two tasks differ; `task.toml` for settings."""
    changed = [] if _settings(old) == _settings(new) else [MANIFEST]
    before, after = _all_files(old), _all_files(new)
    paths = sorted(before.keys() | after.keys())
    return changed + [path for path in paths if before.get(path) != after.get(path)]


def _settings(task: Task) -> Task:
    return replace(task, id="", root="", files={}, scorer_files={}, predictor_files={})


def _all_files(task: Task) -> dict[str, str]:
    return {
        **task.files,
        **{f"{SCORER}/{path}": blob for path, blob in task.scorer_files.items()},
        **{f"{PREDICTOR}/{path}": blob for path, blob in task.predictor_files.items()},
    }


def _check_files(root: Path, manifest: Manifest, found: TaskFiles) -> None:
    """Hold the manifest to the files that are really there."""
    _check_candidate(root, manifest, found)
    if not found.scorer:
        problem = "the task has no scorer, so nothing could be measured"
        fix = f"Put {_script(manifest.scorer.run)} in {root / SCORER}; `upward init` writes one."
        raise ManifestError(str(root), problem, fix)
    _check_script(root, SCORER, "run", manifest.scorer.run, found.scorer)
    if manifest.scorer.prepare:
        _check_script(root, SCORER, "prepare", manifest.scorer.prepare, found.scorer)
    for holdout in manifest.holdouts:
        _check_script(root, SCORER, "run", holdout.run, found.scorer)
    if manifest.predictor:
        _check_script(root, PREDICTOR, "run", manifest.predictor, found.predictor)
    elif found.predictor:
        problem = "there is a folder predictor/ and no [predictor] section"
        fix = 'Add [predictor] with run = ["python", "predict.py"], or remove the folder.'
        raise ManifestError(str(root / MANIFEST), problem, fix)


def _check_candidate(root: Path, manifest: Manifest, found: TaskFiles) -> None:
    path = str(root / MANIFEST)
    for name in manifest.candidate.edit:
        if name not in found.candidate:
            raise ManifestError(path, f"'edit' names {name!r}: {_absence(name)}", _EDIT)
    for name in manifest.candidate.run[1:]:
        if name.endswith(".py") and PurePosixPath(name).as_posix() not in found.candidate:
            problem = f"'run' in [candidate] names {name!r}: {_absence(name)}"
            raise ManifestError(path, problem, "Name a script of the task folder.")
    for name in manifest.candidate.outputs:
        if name in found.candidate and name not in manifest.candidate.edit:
            problem = f"'outputs' names {name!r}, a file of the task that is read-only in a trial"
            raise ManifestError(path, problem, "Let the candidate write under another name.")
    data = [name for name in found.candidate if name == "data" or name.startswith("data/")]
    if manifest.scorer.prepare and data:
        problem = f"{data[0]!r} would hide what 'prepare' leaves in data/"
        raise ManifestError(path, problem, "Move or rename it.")


_EDIT = "List files of the task folder that a proposal may change."


def _absence(name: str) -> str:
    first = PurePosixPath(name).parts[0]
    if first in (SCORER, PREDICTOR) or name == MANIFEST:
        return "a candidate never sees that file"
    return "there is no such file in the task folder"


def _check_script(
    root: Path, part: str, key: str, command: tuple[str, ...], present: dict[str, str]
) -> None:
    if _script(command) in present:
        return
    problem = f"'{key}' in [{part}] names {_script(command)!r}, which is not in {part}/"
    fix = f'Write {key} = ["python", "FILE.py"] and put FILE.py into {root / part}.'
    raise ManifestError(str(root / MANIFEST), problem, fix)


def _script(command: tuple[str, ...]) -> str:
    return command[:2][-1]
