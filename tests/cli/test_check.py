"""`upward check` on real small tasks, as a user and as a program would call it."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest
from tests.system.tiny import MANIFEST, SCORER, TRAIN, command, make_task, upward

SLOW = "import time; time.sleep(0.2)\n"
# the answer is the file itself: nothing but the scorer could refuse an empty one
ANSWER = """import shutil
shutil.copy("settings.json", "out.json")
"""
LENGTH = """import json
print(json.dumps({"loss": float(len(open("outputs/out.json").read()))}))
"""


def checked(cwd: Path, *words: str, code: int = 0) -> dict[str, object]:
    done = upward("check", "./task", "--seed", "1", "--json", *words, cwd=cwd, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def answer(found: dict[str, object]) -> str:
    conclusion = found["conclusion"]
    assert isinstance(conclusion, dict)
    return str(conclusion["answer"])


def test_a_sound_task_is_measurable_in_eighty_columns(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    done = upward("check", "./task", "--seed", "1", cwd=tmp_path)
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    labels = re.findall(r"^(\w+) {2,}", done.stdout, re.MULTILINE)
    assert labels == ["Cost", "Noise", "Sees", "Pairing", "Drift", "Nulls", "Verdict"]
    assert "Measurable, for gains of" in done.stdout
    # each term with its one sentence
    for term in ("(sd: ", "A race (", "Pairing (", "(CUSUM: "):
        assert term in " ".join(done.stdout.split())
    assert "e-value" not in done.stdout
    assert "A study's races share their seeds: luck" in " ".join(done.stdout.split())
    assert "[1 of " in done.stderr


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    checked(tmp_path, "--trials", "4")
    assert not [
        path
        for path in (tmp_path / ".upward").rglob("*")
        if path.name != ".gitignore" and path.is_file()
    ]
    assert not list((tmp_path / ".upward" / "tmp").iterdir())
    assert upward("status", cwd=tmp_path, check=False).returncode == 2


def test_the_same_seed_gives_the_same_measurements(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    one, other = checked(tmp_path, "--trials", "4"), checked(tmp_path, "--trials", "4")
    assert one["values"] == other["values"]
    assert len(str(one["values"]).split(",")) == 4


def test_a_scorer_that_rewards_nothing_is_found(tmp_path: Path) -> None:
    make_task(tmp_path / "task", train=ANSWER, scorer=LENGTH)
    found = checked(tmp_path, "--trials", "4", code=1)
    assert answer(found) == "not measurable"
    assert "an empty candidate" in str(found["conclusion"])


def test_a_task_that_fails_says_why_in_one_block(tmp_path: Path) -> None:
    make_task(tmp_path / "task", train="raise SystemExit('boom')\n")
    done = upward("check", "./task", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "boom" in done.stdout
    assert "Noise" not in done.stdout


def test_a_number_that_never_changes_is_not_measurable(tmp_path: Path) -> None:
    make_task(tmp_path / "task", scorer="print('{\"loss\": 3.25}')\n")
    found = checked(tmp_path, "--trials", "4", code=1)
    assert "3.25 nats in every trial" in str(found["conclusion"])


def test_noise_beyond_all_gains_is_not_measurable(tmp_path: Path) -> None:
    loud = TRAIN.replace("gauss(0, 0.02)", "gauss(0, 50)")
    make_task(tmp_path / "task", train=loud)
    done = upward("check", "./task", "--seed", "1", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "hides every gain" in " ".join(done.stdout.split())
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_noise_of_the_scorer_alone_is_called_so(tmp_path: Path) -> None:
    still = TRAIN.replace("+ luck", "")
    draws = SCORER.replace("print", "seed = json.loads(sys.stdin.readline())['seed']\nprint")
    draws = "import random\n" + draws.replace("+ 1.0", "+ random.Random(seed).random()")
    make_task(tmp_path / "task", train=still, scorer=draws)
    done = upward("check", "./task", "--trials", "4", "--seed", "1", cwd=tmp_path, check=False)
    assert "scorer's own draw" in " ".join(done.stdout.split())


@pytest.mark.parametrize("noise", ["exact", "timing"])
def test_other_metrics_are_checked_in_their_own_way(tmp_path: Path, noise: str) -> None:
    task = make_task(tmp_path / "task")
    unit = 'unit = "nats"\n'
    (task / "task.toml").write_text(MANIFEST.replace(unit, unit + f'noise = "{noise}"\n'))
    done = upward("check", "./task", "--trials", "4", cwd=tmp_path)
    assert ("proof" in done.stdout) == (noise == "exact")
    assert ("one at a time" in " ".join(done.stdout.split())) == (noise == "timing")


def test_wrong_words_end_in_one_sentence(tmp_path: Path) -> None:
    make_task(tmp_path / "task")
    for words in (("./tusk",), ("./task", "--trials", "2"), ("./task", "--home", "task/train.py")):
        done = upward("check", *words, cwd=tmp_path, check=False)
        assert done.returncode == 2, words
        assert len(done.stderr.strip().splitlines()) <= 4


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    make_task(tmp_path / "task", train=SLOW + TRAIN)
    words = command("check", "./task", "--workers", "1")
    running = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr
    assert running.stderr.readline().startswith("[1 of ")
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.startswith("Interrupted after ")
    assert not list((tmp_path / ".upward" / "tmp").iterdir())
