"""Wrong input of every kind: one clear sentence, the right exit code, no traceback."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.system.tiny import SCORER, TRAIN, command, make_task, upward

RUN = ("run", "./task", "--trials", "3", "--workers", "1")


def refused(cwd: Path, *words: str) -> str:
    done = upward(*words, cwd=cwd, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4
    return done.stderr


def test_an_unknown_command_names_the_nearest(tmp_path: Path) -> None:
    assert "Did you mean 'status'?" in refused(tmp_path, "statsu")


def test_an_unknown_task_names_the_nearest(tmp_path: Path) -> None:
    assert "Did you mean 'tinylm'?" in refused(tmp_path, "run", "tinylmm")


def test_status_without_a_study_says_how_to_begin(tmp_path: Path) -> None:
    assert "upward run" in refused(tmp_path, "status")


def test_a_misspelt_key_names_the_nearest(tmp_path: Path) -> None:
    manifest = make_task(tmp_path / "task") / "task.toml"
    manifest.write_text(manifest.read_text().replace("outputs", "output"))
    said = refused(tmp_path, *RUN)
    assert "output" in said
    assert "outputs" in said


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    manifest = make_task(tmp_path / "task") / "task.toml"
    manifest.write_text(manifest.read_text().replace('unit = "nats"\n', ""))
    assert "unit" in refused(tmp_path, *RUN)


def test_a_task_without_a_scorer_says_what_to_write(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task")
    (task / "scorer" / "score.py").unlink()
    (task / "scorer").rmdir()
    assert "scorer" in refused(tmp_path, *RUN)


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        ("raise SystemExit('boom')", "boom"),
        ("pass", "nothing"),
        ("print('{\"loss\": NaN}')", "NaN"),
        ("print('{\"loss\": 1.0}'); print('{\"loss\": 2.0}')", "one"),
        ("print('{\"los\": 1.0}')", "loss"),
    ],
)
def test_a_scorer_that_does_not_measure_is_named(tmp_path: Path, scorer: str, said: str) -> None:
    make_task(tmp_path / "task", scorer=scorer)
    text = refused(tmp_path, *RUN)
    assert "scorer" in text.lower()
    assert said in text


def test_a_trial_that_never_ends_is_ended(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task", train="while True: pass\n")
    manifest = task / "task.toml"
    manifest.write_text(manifest.read_text().replace("cpu_s = 5.0", "cpu_s = 0.3"))
    assert "cpu_s" in refused(tmp_path, *RUN)


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    (tmp_path / "file").write_text("not a folder")
    assert "Cannot write" in refused(tmp_path, *RUN, "--home", "file/home")


def test_a_changed_task_is_not_mixed_into_its_old_study(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task")
    upward(*RUN, cwd=tmp_path)
    (task / "train.py").write_text(TRAIN + "# changed\n")
    assert "train.py" in refused(tmp_path, *RUN)
    assert len(json.loads(upward("status", "--json", cwd=tmp_path).stdout)["studies"]) == 1


def test_a_second_run_on_the_same_study_is_told_who_has_it(tmp_path: Path) -> None:
    slow = "import time; time.sleep(60)\n" + TRAIN
    make_task(tmp_path / "task", train=slow)
    first = subprocess.Popen(command(*RUN), cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        lock = tmp_path / ".upward" / "locks" / "tiny.lock"
        while not lock.exists() or not lock.read_text():
            assert first.poll() is None
        assert f"process {first.pid}" in refused(tmp_path, *RUN)
    finally:
        first.terminate()
        first.wait(timeout=30)


@pytest.mark.parametrize("words", [("--minutes", "0"), ("--trials", "-1"), ("--workers", "0")])
def test_a_budget_of_nothing_is_refused(tmp_path: Path, words: tuple[str, str]) -> None:
    make_task(tmp_path / "task")
    refused(tmp_path, "run", "./task", *words)


def test_a_crashing_candidate_does_not_end_the_study(tmp_path: Path) -> None:
    train = TRAIN.replace("luck =", "assert settings['rate'] == 0.1, 'cannot'\nluck =")
    make_task(tmp_path / "task", train=train, scorer=SCORER)
    done = upward("run", "./task", "--trials", "20", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert result["failed"] > 0
    assert result["trials"] + result["control_trials"] >= 20
