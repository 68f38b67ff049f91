"""The simulated studies: what they count, with which errors, and what is drawn of it."""

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import verdicts_figure
import verdicts_tradeoff
from hypothesis import given
from hypothesis import strategies as st
from verdicts import EFFECTS, RULES, Cell, mean, named, ratio, rounded, share, simulate, tally
from verdicts_lab import DEFAULT, NOISES, Rule
from verdicts_sweep import meets, point, turned

from upward.core.plan import Plan
from upward.stats import sums

BENCH = Path(__file__).parents[2] / "bench"
SVG = "{http://www.w3.org/2000/svg}"


def cell(rule: str, effect: float, noise: str = "gaussian", turned: Rule = DEFAULT) -> Cell:
    return Cell(rule, noise, effect, 40, 30, 0, 3, turned)


# -- what is counted -------------------------------------------------------------------------


@pytest.mark.parametrize("noise", NOISES)
def test_where_nothing_can_be_improved_one_run_keeps_something_and_races_hardly_ever(
    noise: str,
) -> None:
    naive, raced = (tally(cell(rule, 0.0, noise)) for rule in ("naive", "upward"))
    assert np.mean(naive.keeps > 0) > 0.8
    assert np.mean(raced.keeps > 0) < 0.4
    for found in (naive, raced):
        assert np.array_equal(found.false, found.keeps)
        assert not found.reached.any()


def test_large_gains_are_found_and_nobody_gains_more_than_there_was() -> None:
    found = tally(cell("upward", 4.0))
    assert float(found.reached.sum()) > 0.9 * float(found.offered.sum())
    assert np.all(found.reached <= found.offered + 1e-9)
    assert np.all(found.false <= found.keeps)


def test_a_cell_is_repeatable_and_the_rule_of_studies_is_the_default_plan() -> None:
    assert DEFAULT.plan == Plan()
    assert DEFAULT.luck == sums.LUCK
    assert json.dumps(simulate(cell("upward", 2.0))) == json.dumps(simulate(cell("upward", 2.0)))


def test_a_stricter_alpha_keeps_less_of_nothing() -> None:
    lax, strict = (tally(cell("upward", 0.0, turned=turned(alpha=a))) for a in (0.5, 0.001))
    assert lax.keeps.sum() > strict.keeps.sum()


def test_turning_the_patience_of_races_costs_trials_and_is_undone_afterwards() -> None:
    before = sums.LUCK
    hasty, patient = (tally(cell("upward", 2.0, turned=turned(k))) for k in (0.0, 3.0))
    assert patient.spent.sum() > hasty.spent.sum()
    assert before == sums.LUCK


def test_certified_is_decided_over_all_races_and_without_any_race_there_is_nothing() -> None:
    one = np.array([[900.0, np.nan, 1.0], [25.0, 1.0, 1.0], [np.nan, np.nan, np.nan]])
    assert named(one).tolist() == [True, False, False]


# -- Monte-Carlo errors ----------------------------------------------------------------------

counts = st.lists(st.integers(0, 20).map(float), min_size=2, max_size=40)


@given(counts)
def test_over_equal_wholes_a_ratio_is_a_mean_with_its_error(values: list[float]) -> None:
    part = np.array(values)
    assert ratio(part, np.ones(part.size)) == pytest.approx(mean(part), abs=1e-9)


@given(counts.filter(any))
def test_a_share_that_is_the_same_in_every_study_has_no_error(values: list[float]) -> None:
    whole = np.array(values)
    assert ratio(0.25 * whole, whole) == pytest.approx((0.25, 0.0), abs=1e-9)


def test_a_share_of_nothing_has_no_value() -> None:
    found, error = ratio(np.zeros(5), np.zeros(5))
    assert math.isnan(found)
    assert math.isnan(error)
    assert rounded({"a": math.nan, "b": {"c": 0.123456}}) == {"a": None, "b": {"c": 0.1235}}


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_a_share_of_studies_is_never_said_to_be_certain(which: list[bool]) -> None:
    found, error = share(np.array(which))
    assert found == pytest.approx(sum(which) / len(which))
    assert 0.0 < error < 1.0


def test_the_error_of_a_ratio_is_what_repeating_the_simulation_shows() -> None:
    rng = np.random.default_rng(0)
    whole = rng.poisson(5.0, (4000, 50)) + 1.0
    part = rng.binomial(whole.astype(int), 0.2).astype(float)
    found = np.array([ratio(p, w) for p, w in zip(part, whole, strict=True)])
    assert float(found[:, 1].mean()) == pytest.approx(2.0 * float(found[:, 0].std()), rel=0.05)


Row = dict[str, Any]

# -- the sweep -------------------------------------------------------------------------------


def row(noise: str, effect: float, false: float, gain: float, certified: float = 0.0) -> Row:
    errors = dict.fromkeys(("false_share", "oracle_gain_share"), 0.01)
    return {
        "noise": noise,
        "effect": effect,
        "false_share": false,
        "oracle_gain_share": gain if effect else None,
        "studies_with_keep": 0.1,
        "studies_with_certified": certified,
        "trials_per_decision": 2.5,
        "gain_at_equal_trials": 10.0,
        "errors": errors,
    }


def test_an_aim_is_met_only_where_every_cell_meets_it() -> None:
    good = {"a": row("gaussian", 1.0, 0.04, 0.2), "b": row("gaussian", 2.0, 0.04, 0.8)}
    null = {"gaussian": row("gaussian", 0.0, 1.0, 0.0, certified=0.02)}
    assert all(meets(good, null).values())
    assert not meets({**good, "c": row("drift", 1.0, 0.06, 0.2)}, null)["false_share"]
    assert not meets({**good, "c": row("drift", 2.0, 0.01, 0.79)}, null)["gain_share"]
    assert not meets({**good, "c": row("drift", 4.0, 0.01, 0.94)}, null)["gain_share"]
    assert not meets(good, {"drift": row("drift", 0.0, 1.0, 0.0, certified=0.2)})["certified"]


# -- figures ---------------------------------------------------------------------------------


def drawn(text: str) -> ET.Element:
    """A figure that a browser would show: well formed, self-contained, for both themes."""
    root = ET.fromstring(text)  # noqa: S314 - our own drawing
    assert root.tag == f"{SVG}svg"
    assert "prefers-color-scheme:dark" in text
    assert "href" not in text
    assert float(root.attrib["width"]) == 400.0
    return root


def test_the_figure_shows_every_rule_in_every_cell() -> None:
    errors = dict.fromkeys(
        (
            "false_share",
            "studies_with_keep",
            "studies_with_certified",
            "oracle_gain_share",
            "trials_per_decision",
        ),
        0.01,
    )
    rows = [
        {"rule": rule, "noise": noise, "effect": effect, "errors": errors}
        | dict.fromkeys(errors, 0.3)
        | {"oracle_gain_share": 0.5 if effect else None}
        for rule in RULES
        for noise in NOISES
        for effect in EFFECTS
    ]
    root = drawn(verdicts_figure.draw(rows, studies=1000, proposals=200))
    tips = [tip for tip in root.itertext() if "±" in tip]
    # three panels of gains or shares by 3, 1, 3 and 4 sizes, and certified beside null studies
    assert len(tips) == 4 * (3 + 1 + 3 + 4) * len(NOISES) + len(NOISES)


def test_the_figure_of_the_sweep_rings_the_plan_as_it_is() -> None:
    cells = [
        row(noise, effect, 0.05, 0.7 + 0.05 * effect)
        for noise in ("gaussian", "drift")
        for effect in EFFECTS
    ]
    found = {"label": "0.05", **point(DEFAULT, cells)}
    other = {"label": "0.01, 0, 24, 2", **found, "false_share": found["false_share"]}
    curves = {"alpha": [found], "screen_sd": [found, other], "together": [other]}
    root = drawn(verdicts_tradeoff.draw(curves, studies=300))
    rings = [e for e in root.iter(f"{SVG}circle") if e.attrib["class"] == "ring"]
    assert len(rings) == 2


@pytest.mark.slow
def test_the_last_line_has_every_figure(tmp_path: Path) -> None:
    figure = tmp_path / "deep" / "figure.svg"
    size = ["--studies", "6", "--proposals", "8", "--budget", "12", "--workers", "1"]
    command = [sys.executable, str(BENCH / "verdicts.py"), *size, "--figure", str(figure)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    mixed = {f"{noise}-{effect:g}sd" for noise in NOISES for effect in EFFECTS[1:]}
    assert set(found["false_share_verified"]) == set(found["oracle_gain_share"]) == mixed
    assert set(found["trials_per_decision"]) == mixed | {f"{noise}-null" for noise in NOISES}
    for key in ("null_studies_with_verified", "null_studies_with_certified"):
        assert set(found[key]) == set(NOISES)
    drawn(figure.read_text())
