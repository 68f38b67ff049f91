"""Holdout and rung in the real sandbox: another command on other data, and a smaller budget."""

import json
from pathlib import Path

from tests.system.tiny import SCORER, make_task, upward

from upward import wiring
from upward.core.records import Purpose
from upward.ledger.replay import RUNG, StudyState

SECTIONS = """[[holdout]]
run = ["python", "score.py", "--sealed"]
examples = 400
width = 1.0
[rung]
share = 0.2
[metric]"""
# on the sealed data everything costs 10 more; nothing of that may reach the study
SEALED = SCORER.replace("+ 1.0", "+ (11.0 if '--sealed' in sys.argv else 1.0)")
TRAIN = """import json, random, sys
trial = json.loads(sys.stdin.readline())
settings = json.load(open("settings.json"))
luck = random.Random(trial["seed"]).gauss(0, 0.02)
short = 0.0 if trial["cpu_s"] > 2.0 else 100.0
json.dump({"x": settings["rate"] + luck - short}, open("out.json", "w"))
"""


def state_of(home: Path) -> StudyState:
    workspace = wiring.open_workspace(str(home))
    return workspace.state("tiny-s1")


def test_a_study_asks_its_holdout_and_begins_with_short_trials(tmp_path: Path) -> None:
    task = make_task(tmp_path / "task", scorer=SEALED, train=TRAIN)
    manifest = task / "task.toml"
    manifest.write_text(manifest.read_text().replace("[metric]", SECTIONS))
    words = ("--seed", "1", "--trials", "60", "--controls", "0", "--workers", "2")
    upward("run", str(task), *words, cwd=tmp_path)
    state = state_of(tmp_path / ".upward")
    by_purpose = {p: [t for t in state.trials.values() if t.purpose is p] for p in Purpose}
    assert len(by_purpose[Purpose.RUNG]) >= 4
    short = [state.outcomes[t.number] for t in by_purpose[Purpose.RUNG]]
    assert all(o.measurement and o.measurement.value > 50 for o in short)
    assert any(v.rule == RUNG for v in state.verdicts)
    assert state.accepted
    first, *asked = state.answers
    assert first.candidate == state.start.baseline
    assert all(value > 11.0 for answer in state.answers for value in answer.values)
    assert [len(answer.values) for answer in asked] == [2] * len(asked)
    assert asked[0].better is not None
    assert all(max(r.counted + r.screened, default=1.0) < 50 for r in state.records.values())
    for trial in by_purpose[Purpose.HOLDOUT]:
        assert state.outcomes[trial.number].usage is None  # nothing ran but the scorer
    assert json.loads(upward("verify", "--json", cwd=tmp_path).stdout)
