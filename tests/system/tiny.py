"""A tiny real task, and the real command line as a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

MANIFEST = """name = "tiny"
goal = "Lower the loss."
[candidate]
edit = ["settings.json"]
run = ["python", "train.py"]
outputs = ["out.json"]
[scorer]
run = ["python", "score.py"]
[metric]
name = "loss"
unit = "nats"
direction = "minimize"
[budget]
cpu_s = 5.0
wall_s = 30.0
"""
TRAIN = """import json, random, sys
trial = json.loads(sys.stdin.readline())
settings = json.load(open("settings.json"))
luck = random.Random(trial["seed"]).gauss(0, 0.02)
json.dump({"x": settings["rate"] + luck}, open("out.json", "w"))
"""
SCORER = """import json, sys
x = json.load(open("outputs/out.json"))["x"]
print(json.dumps({"loss": abs(x - 0.5) + 1.0}))
"""


def make_task(folder: Path, *, scorer: str = SCORER, train: str = TRAIN) -> Path:
    """Write the task: `rate` is best at 0.5 and begins at 0.1."""
    (folder / "scorer").mkdir(parents=True)
    (folder / "task.toml").write_text(MANIFEST)
    (folder / "settings.json").write_text(json.dumps({"rate": 0.1, "width": 8}, indent=1))
    (folder / "train.py").write_text(train)
    (folder / "scorer" / "score.py").write_text(scorer)
    return folder


def command(*words: str) -> list[str]:
    """The real command as a process would start it."""
    return [sys.executable, "-m", "upward.cli.main", *words]


def upward(
    *words: str, cwd: Path, check: bool = True, timeout_s: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    done = subprocess.run(
        command(*words),
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done
