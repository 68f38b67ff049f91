"""Real studies with a script: what is planted, what is counted, and what may be said of it."""

import ast
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import planted
import pytest
from hypothesis import given
from hypothesis import strategies as st
from null_studies import FILES, totals, upper_bound
from null_studies import run as run_null
from planted import PLANTS, Size, difference, haze, hides, script, too_hot
from scipy import stats
from studylib import Scripted, copy_task, nothing, with_budget

from upward.core.metric import Direction, Metric
from upward.core.records import Decision, Verdict
from upward.core.seen import Kept, Seen
from upward.core.task import Limits, Task

LABS = Path(__file__).parents[2] / "src/upward/labs"


def seen(number: int, files: dict[str, str]) -> Seen:
    kept = Kept("c" * 64, None, 1.0, 8, files)
    limits = Limits(1.0, 1.0)
    metric = Metric("loss", "nats", Direction.MINIMIZE)
    task = Task("t", "t", "", "", {}, tuple(files), (), (), metric, limits, {}, (), limits)
    return Seen(task, number, 0, kept, kept, (), 0.1, 1.0)


# -- scripts ---------------------------------------------------------------------------------


def test_nothing_is_another_text_each_time_and_does_the_same() -> None:
    text = "RATE = 1.0\nprint(RATE)\n"
    made = [nothing("a.py")(seen(n, {"a.py": text}))["a.py"] for n in range(1, 9)]
    assert len({text, *made}) == 9
    for one in made:
        names: dict[str, object] = {}
        exec(one.replace("print(RATE)", "SEEN = RATE"), names)  # noqa: S102
        assert names["SEEN"] == 1.0
        assert {name for name in names if name.isupper()} == {"RATE", "SEEN"}


def test_a_script_ends() -> None:
    researcher = Scripted([nothing("a.py")] * 2)
    drafts = [researcher.propose(seen(n, {"a.py": "A = 1\n"})) for n in (1, 2, 3)]
    assert [draft is not None for draft in drafts] == [True, True, False]


@pytest.mark.parametrize("task", sorted(FILES))
def test_a_copy_differs_only_in_the_budget_of_a_trial(task: str, tmp_path: Path) -> None:
    plain, short = copy_task(task, tmp_path / "a"), copy_task(task, tmp_path / "b", 3.5)
    a, b = (tomllib.loads((f / "task.toml").read_text()) for f in (plain, short))
    assert b["budget"].pop("cpu_s") == 3.5
    a["budget"].pop("cpu_s")
    assert a == b
    assert FILES[task] in a["candidate"]["edit"]


def test_a_manifest_without_a_budget_is_refused() -> None:
    with pytest.raises(SystemExit):
        with_budget("[scorer]\ncpu_s = 1.0\n", 3.0)


# -- bounds and sizes ------------------------------------------------------------------------


@given(st.integers(1, 300), st.data())
def test_the_upper_bound_is_that_of_clopper_and_pearson(tries: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, tries))
    expected = 1.0 if errors == tries else float(stats.beta.ppf(0.95, errors + 1, tries - errors))
    assert upper_bound(errors, tries) == pytest.approx(expected, abs=1e-9)


def test_without_a_try_there_is_no_bound() -> None:
    assert upper_bound(0, 0) is None
    keys = ("trials", "failed", "proposals", "screens_passed", "races", "accepted")
    row = {**dict.fromkeys(keys, 0.0), "most_evidence": 0.0}
    assert totals([row])["error_per_race_upper"] is None
    assert totals([row, {**row, "accepted": 2.0}])["studies_with_accepted"] == 1


finite = st.floats(-100.0, 100.0).map(lambda value: round(value, 3))
arm = st.lists(finite, min_size=3, max_size=20).filter(lambda values: np.std(values) > 1e-3)


@given(arm, arm)
def test_a_true_gain_is_a_welch_interval_whose_sign_follows_the_metric(
    with_it: list[float], without: list[float]
) -> None:
    found = difference(with_it, without, Direction.MINIMIZE)
    answer = stats.ttest_ind(with_it, without, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((answer.low, answer.high), rel=1e-6, abs=1e-6)
    turned = difference(with_it, without, Direction.MAXIMIZE)
    assert (turned.gain, turned.low) == pytest.approx((-found.gain, -found.high))


# -- handicaps -------------------------------------------------------------------------------


@given(st.floats(0.0, 3.0))
def test_a_haze_costs_a_certain_prediction_what_was_asked_for(cost: float) -> None:
    share = ast.literal_eval(haze(cost).split(" = ")[1])
    assert -math.log2(1.0 - share) == pytest.approx(cost, abs=1e-4)


@given(st.floats(0.0, 2.0))
def test_a_temperature_costs_what_was_asked_for(cost: float) -> None:
    hot = ast.literal_eval(too_hot(cost).split(" = ")[1])
    assert 0.1 * math.log(hot / 1.5) ** 2 == pytest.approx(cost, abs=1e-5)


@pytest.mark.parametrize("task", sorted(PLANTS))
def test_a_handicap_can_be_planted_and_removed_again(task: str, tmp_path: Path) -> None:
    plant = PLANTS[task]
    text = plant.prepare((copy_task(task, tmp_path / "task") / plant.path).read_text())
    clean, worse = plant.text(text, 0.0), plant.text(text, 0.3)
    assert clean != worse
    ast.parse(worse)
    edits = script(plant, repeat=6)
    made = [edit(seen(n, {plant.path: worse}))[plant.path] for n, edit in enumerate(edits, 1)]
    assert [text == clean for text in made] == [False, False, True, False]
    assert all(worse in text for text in made if text != clean)


def test_a_file_that_this_bench_does_not_know_is_refused() -> None:
    with pytest.raises(SystemExit):
        planted.hazy("PRIOR_ORDER = 0\n")
    with pytest.raises(SystemExit):
        PLANTS["rugged"].text("RATE = 1\n", 0.1)


@pytest.mark.parametrize(
    ("reason", "interval", "hidden"),
    [
        ("Not better: no difference in 3 fresh trials.", None, True),
        ("Not better: worse by 0.3 (0.2 to 0.4) in 3 fresh trials.", (-0.4, -0.2), True),
        ("Not visible at this cost: better by 0.1.", None, False),
        ("Not better: worse by 0.1 (-0.1 to 0.3) in 3 fresh trials.", (-0.3, 0.1), False),
    ],
)
def test_a_verdict_hides_a_gain_that_it_neither_mentions_nor_leaves_room_for(
    reason: str, interval: tuple[float, float] | None, *, hidden: bool
) -> None:
    low, high = interval or (None, None)
    verdict = Verdict(
        "c", "i", Decision.REJECTED, None, "race", reason, gain=-0.1, low=low, high=high
    )
    assert hides(verdict, Size(0.05, 0.01, 0.09)) is hidden


@pytest.mark.slow
def test_a_study_of_nothing_counts_what_happened() -> None:
    [row] = run_null("rugged", studies=1, cpu_s=0.0, seed=1)
    assert row["proposals"] == 8
    assert row["failed"] == 0
    assert row["races"] >= row["accepted"]
    assert row["trials"] >= 16
    json.dumps(row)
