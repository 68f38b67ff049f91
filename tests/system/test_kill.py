"""`kill -9` of everything at any moment: nothing that was completed is lost or run twice."""

import json
import os
import signal
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from tests.system.tiny import command, make_task, upward


def entries(cwd: Path, study: str) -> list[dict[str, Any]]:
    done = upward("log", "--all", "--json", "--study", study, cwd=cwd)
    return [json.loads(line) for line in done.stdout.splitlines()]


def studies(cwd: Path) -> list[str]:
    """The study and its control arms."""
    database = cwd / ".upward" / "upward.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        return [name for (name,) in db.execute("SELECT DISTINCT study FROM entries")]


def completed(cwd: Path) -> Counter[tuple[str, int]]:
    """How often each trial ended, by study; what an arm copied is no trial of its own."""
    found = Counter[tuple[str, int]]()
    for study in studies(cwd):
        chain = entries(cwd, study)
        copied = chain[0]["body"].get("inherited", 0)
        ended = [entry["body"]["trial"] for entry in chain if entry["kind"] == "outcome"]
        found.update((study, trial) for trial in ended if trial > copied)
    return found


def survivors(folder: Path) -> list[psutil.Process]:
    found = list[psutil.Process]()
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(folder) in word for word in words) and process.pid != os.getpid():
            found.append(process)
    return found


def kill_in_the_middle(words: tuple[str, ...], cwd: Path, more: int, delay_s: float) -> None:
    """Start the command, and kill its whole group a moment after `more` further trials."""
    database = cwd / ".upward" / "upward.db"
    start = outcomes(database) if database.exists() else 0
    process = subprocess.Popen(
        command(*words), cwd=cwd, start_new_session=True, stdout=subprocess.DEVNULL
    )
    while not database.exists() or outcomes(database) < start + more:
        assert process.poll() is None, "it ended before it could be killed"
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=delay_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def outcomes(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as db:
        try:
            return db.execute("SELECT count(*) FROM entries WHERE kind = 'outcome'").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # the tables are just being made


@pytest.mark.slow
def test_kill_9_five_times_in_a_row_loses_nothing(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    words = ("run", "./task", "--workers", "2", "--seed", "1")
    rng = np.random.default_rng()  # a random moment, truly: this law has no exceptions
    before = Counter[tuple[str, int]]()
    for _ in range(5):
        kill_in_the_middle(words, tmp_path, int(rng.integers(1, 9)), float(rng.uniform(0, 0.1)))
        now = completed(tmp_path)
        assert all(now[trial] == count for trial, count in before.items())
        before = now
    # a slow observer may see many trials at once, so how many there are is known only now
    upward(*words, "--trials", str(sum(before.values()) + 15), cwd=tmp_path)
    after = completed(tmp_path)
    for study in studies(tmp_path):
        mine = sorted(trial for name, trial in after if name == study)
        assert mine == list(range(mine[0], mine[0] + len(mine))) if mine else study != "tiny-s1"
    assert set(after.values()) == {1}
    assert len(after) >= sum(before.values()) + 15
    assert upward("verify", cwd=tmp_path).stdout.startswith("Study tiny-s1 is intact")
    assert not survivors(tmp_path)
    assert not list((tmp_path / ".upward" / "tmp").rglob("out.json"))


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    words = ("run", "./task", "--trials", "40", "--seed", "1")
    process = subprocess.Popen(
        command(*words), cwd=tmp_path, start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()  # the noise is measured: it is in the middle of its work
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped: interrupted" in said
    assert not survivors(tmp_path)
    assert json.loads(upward("status", "--json", cwd=tmp_path).stdout)["stopped"] == "interrupted"
    done = upward(*words, cwd=tmp_path)
    assert "40 trials are done" in done.stdout
    upward("verify", cwd=tmp_path)
