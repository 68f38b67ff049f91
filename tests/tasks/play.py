"""Plays one trial of a task folder as plain processes, without a sandbox."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

SEED = 5


def run(folder: Path, script: Path, stdin: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(script)]
    text = json.dumps(stdin) + "\n"
    return subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False
    )


def play(task: Path, place: Path, *, seed: int = SEED) -> "subprocess.CompletedProcess[str]":
    """Prepare, run train.py and score; returns how the scorer ended."""
    made, trial, scoring = (place / name for name in ("made", "trial", "scoring"))
    for folder in (made, trial, scoring):
        folder.mkdir(parents=True)
    if (task / "scorer/prepare.py").exists():
        prepared = run(made, task / "scorer/prepare.py", {})
        assert prepared.returncode == 0, prepared.stderr
        shutil.copytree(made / "public", trial / "data")
        shutil.copytree(made / "hidden", scoring / "hidden")
    shutil.copy(task / "train.py", trial)
    ran = run(trial, trial / "train.py", {"seed": seed, "cpu_s": 5.0, "wall_s": 60.0})
    assert ran.returncode == 0, ran.stderr
    shutil.copytree(trial, scoring / "outputs")
    return run(scoring, task / "scorer/score.py", {"seed": 9})
