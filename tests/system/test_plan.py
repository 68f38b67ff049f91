"""A plan is fixed before the first trial; another plan is another study."""

import json
import sqlite3
from pathlib import Path

import pytest
from tests.system.tiny import make_task, upward

from upward import wiring
from upward.core.errors import BadStudyName
from upward.core.plan import Plan
from upward.wiring import pursuit


@pytest.fixture
def task(tmp_path: Path) -> str:
    make_task(tmp_path / "task")
    return str(tmp_path / "task")


def opened(task: str, home: Path, **wanted: float) -> tuple[str, str, float, list[str]]:
    with wiring.open_pursuit(task, home=str(home), seed=1, workers=1, **wanted) as found:  # pyright: ignore[reportArgumentType]
        start = found.study.state.start
        found.executor.close()
        return found.study.name, start.linked, start.plan.controls, found.warnings


def test_another_share_for_control_arms_begins_a_linked_study(task: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert opened(task, home)[:3] == ("tiny-s1", "", 0.15)
    name, linked, share, warnings = opened(task, home, controls=0.3)
    assert (name, linked, share) == ("tiny-s1.2", "tiny-s1", 0.3)
    assert any("linked to it" in warning for warning in warnings)
    assert opened(task, home)[:3] == ("tiny-s1.2", "tiny-s1", 0.3)  # the one with the last plan
    assert opened(task, home, controls=0.3)[0] == "tiny-s1.2"
    assert opened(task, home, controls=0.0)[:2] == ("tiny-s1.3", "tiny-s1.2")


def test_another_rule_begins_a_linked_study(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    opened(task, home)

    def stricter(**given: float) -> Plan:
        return Plan(rule="screen-race-next", **given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(pursuit, "Plan", stricter)
    assert opened(task, home)[:2] == ("tiny-s1.2", "tiny-s1")


def test_a_name_of_a_control_arm_is_refused(task: str, tmp_path: Path) -> None:
    with (
        pytest.raises(BadStudyName, match="marks control"),
        wiring.open_pursuit(task, home=str(tmp_path / "home"), study="tiny~random"),
    ):
        pass


def test_arms_are_named_by_their_study_and_listed_with_it(task: str, tmp_path: Path) -> None:
    upward("run", task, "--trials", "24", "--seed", "1", "--controls", "0.4", cwd=tmp_path)
    status = json.loads(upward("status", "--json", cwd=tmp_path).stdout)
    assert status["study"] == "tiny-s1"
    assert status["studies"] == ["tiny-s1"]
    arm = json.loads(upward("status", "--study", "tiny-s1~random", "--json", cwd=tmp_path).stdout)
    assert 0 < arm["trials"] < status["trials"]
    assert upward("verify", "--study", "tiny-s1~random", cwd=tmp_path).returncode == 0
    assert "Control arms:" in upward("status", cwd=tmp_path).stdout


def test_verify_checks_the_arms_with_their_study(task: str, tmp_path: Path) -> None:
    upward("run", task, "--trials", "24", "--seed", "1", "--controls", "0.4", cwd=tmp_path)
    done = json.loads(upward("verify", "--json", cwd=tmp_path).stdout)
    assert done["intact"]
    assert {arm["study"] for arm in done["control_arms"]} >= {"tiny-s1~no-op", "tiny-s1~random"}
    database = sqlite3.connect(tmp_path / ".upward" / "upward.db")
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        database.execute(f"DROP TRIGGER {trigger}")
    database.execute(
        "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'draw', 'drew') AS BLOB) "
        "WHERE study = 'tiny-s1~random'"
    )
    database.commit()
    found = upward("verify", cwd=tmp_path, check=False)
    assert found.returncode == 1
    assert "Study tiny-s1 is intact" in found.stdout
    assert "Study tiny-s1~random is NOT intact" in found.stdout
