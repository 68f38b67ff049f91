"""The boxes of a trial: which command sees what (trial protocol 1).

candidate   /work: its editable files (writable copies), the rest of its tree read-only, data/
predictor   /work: outputs/ read-only;  /predictor read-only
scorer      /work: outputs/, data/, hidden/ read-only;  /scorer read-only
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from upward.core.codec import plain
from upward.core.ids import derive_seed, record_id
from upward.core.ports import Blobs, Box, Mount
from upward.core.task import Limits, Task

WORK = "/trial"
SCORER = "/scorer"
PREDICTOR = "/predictor"


class Places:
    """The read-only files of a task, written to disk once and mounted into every trial.

    Args:
        task: whose files.
        blobs: where their bytes are.
        prepared: ``public`` and ``hidden`` to path to blob id.
        folder: a fresh folder on this machine.
    """

    def __init__(
        self, task: Task, blobs: Blobs, prepared: Mapping[str, Mapping[str, str]], folder: Path
    ) -> None:
        self.task = task
        self._blobs = blobs
        fixed = {path: blob for path, blob in task.files.items() if path not in task.edit}
        self.fixed = self._write(folder / "fixed", fixed)
        self.scorer = self._write(folder / "scorer", task.scorer_files)
        self.predictor = self._write(folder / "predictor", task.predictor_files)
        self.public = self._write(folder / "public", prepared.get("public", {}))
        self.hidden = self._write(folder / "hidden", prepared.get("hidden", {}))
        self._salt = record_id("scorer", [dict(task.scorer_files), plain(prepared)])
        self._has_public = bool(prepared.get("public"))
        self._has_hidden = bool(prepared.get("hidden"))

    def _write(self, folder: Path, files: Mapping[str, str]) -> Path:
        folder.mkdir(parents=True)
        for path, blob in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._blobs.get(blob))
        return folder

    def write_editable(self, files: Mapping[str, str], work: Path) -> None:
        """Write the editable part of a candidate's tree into its working folder."""
        for path in self.task.edit:
            target = work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self._blobs.get(files[path]))

    def given(self, name: str) -> bytes | None:
        """The bytes of a declared output that a candidate cannot change; None for all others."""
        task = self.task
        if name in task.edit or name not in task.files:
            return None
        return self._blobs.get(task.files[name])

    def scorer_seed(self, seed: int) -> int:
        """The scorer's randomness for a trial.

        It must not follow from what a candidate is told, so the seed of the trial is mixed with
        what a candidate cannot see, and a candidate is told another one.
        """
        return derive_seed(self._salt, seed, "scorer")

    def candidate(self, work: Path, seed: int, share: float = 1.0) -> Box:
        """The candidate's own run, on its own share of the trial's randomness.

        Args:
            work: folder that it writes to.
            seed: of the trial.
            share: of the task's CPU and wall time that it is told and may use, in (0, 1].
        """
        task = self.task
        budget = replace(
            task.budget, cpu_s=share * task.budget.cpu_s, wall_s=share * task.budget.wall_s
        )
        told = {
            "seed": derive_seed(str(seed), "candidate"),
            "cpu_s": budget.cpu_s,
            "wall_s": budget.wall_s,
        }
        mounts = [Mount(str(work), WORK, writable=True)]
        for name in sorted(path.name for path in self.fixed.iterdir()):
            mounts += self._fixed_mounts(name)
        if self._has_public:
            mounts.append(Mount(str(self.public), f"{WORK}/data"))
        return Box(task.run, tuple(mounts), WORK, budget, _line(told), task.hide, watch=str(work))

    def _fixed_mounts(self, name: str) -> list[Mount]:
        """One mount for a whole folder, unless editable files lie in it too."""
        if not any(PurePosixPath(path).parts[0] == name for path in self.task.edit):
            return [Mount(str(self.fixed / name), f"{WORK}/{name}")]
        paths = [p for p in self.task.files if PurePosixPath(p).parts[0] == name]
        return [
            Mount(str(self.fixed / path), f"{WORK}/{path}")
            for path in sorted(paths)
            if path not in self.task.edit
        ]

    def score(
        self, work: Path, outputs: Path, seed: int, run: tuple[str, ...] | None = None
    ) -> Box:
        """The scorer's run; another command than the usual one scores on other hidden data."""
        task = self.task
        mounts = [
            Mount(str(work), WORK, writable=True),
            Mount(str(outputs), f"{WORK}/outputs"),
            Mount(str(self.scorer), SCORER),
        ]
        if self._has_public:
            mounts.append(Mount(str(self.public), f"{WORK}/data"))
        if self._has_hidden:
            mounts.append(Mount(str(self.hidden), f"{WORK}/hidden"))
        argv = command(run or task.scorer_run, SCORER, task.scorer_files)
        line = _line({"seed": seed})
        return Box(argv, tuple(mounts), WORK, task.scorer_budget, line, watch=str(work))

    def predict(self, work: Path, outputs: Path) -> Box | None:
        """The predictor's run beside the scorer, or None where the task has none."""
        task = self.task
        if not task.predictor_run:
            return None
        mounts = (
            Mount(str(work), WORK, writable=True),
            Mount(str(outputs), f"{WORK}/outputs"),
            Mount(str(self.predictor), PREDICTOR),
        )
        argv = command(task.predictor_run, PREDICTOR, task.predictor_files)
        return Box(argv, mounts, WORK, task.scorer_budget, hide=task.hide, watch=str(work))


def prepare_box(task: Task, scorer: Path, work: Path) -> Box:
    """The prepare command's run."""
    argv = command(task.prepare_run, SCORER, task.scorer_files)
    mounts = (Mount(str(work), WORK, writable=True), Mount(str(scorer), SCORER))
    limits = Limits(600.0, 1200.0, 8192, 4096)
    return Box(argv, mounts, WORK, limits, watch=str(work))


def command(argv: tuple[str, ...], place: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """A command in which words that name a file of a folder point to where it is mounted."""
    return tuple(f"{place}/{word}" if word in files else word for word in argv)


def _line(told: Mapping[str, float]) -> bytes:
    return json.dumps(told).encode() + b"\n"
