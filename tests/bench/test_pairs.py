"""Races on shared seeds by simulation: as they are judged, within their error, and worth it."""

import math

import numpy as np
import pytest
from pairs import CAP, DESIGNS, Values, choice, draw, looks, race

from upward.core.design import Design
from upward.core.metric import Direction, Metric
from upward.core.plan import Plan
from upward.core.records import Decision
from upward.stats import verdict
from upward.stats.shared import Layout

SCORE = Metric("score", "sd", Direction.MAXIMIZE)
LAYOUT = {"own": Layout(), "mixed": Layout(Design.MIXED), "paired": Layout(Design.PAIRED)}
NULLS, RACES = 4000, 1500


def won(design: str, rho: float, gain: float, races: int) -> float:
    values = draw(np.random.default_rng(3), races, rho, gain)
    return float(np.mean(race(values, np.full(races, DESIGNS[design]))[0]))


def one_by_one(values: Values, layout: Layout) -> tuple[Decision | None, int]:
    """What the rule itself says of one race, and after how many trials."""
    for k, n in looks():
        judged = verdict.race(
            values.candidate[0, :k].tolist(),
            values.incumbent[0, :n].tolist(),
            metric=SCORE,
            plan=Plan(),
            earlier=values.earlier[0].tolist(),
            layout=layout,
        )
        if judged.decision is not None:
            return judged.decision, k + n
    return None, 0


@pytest.mark.slow
@pytest.mark.parametrize("design", sorted(LAYOUT))
def test_the_simulation_decides_as_the_rule_does(design: str) -> None:
    values = draw(np.random.default_rng(1), 30, 0.7, 1.0)
    fast, used = race(values, np.full(30, DESIGNS[design]))
    for row in range(30):
        decision, trials = one_by_one(values.of(np.array([row])), LAYOUT[design])
        assert (decision is Decision.ACCEPTED) == fast[row]
        assert trials == used[row]


@pytest.mark.slow
@pytest.mark.parametrize("design", ["mixed", "paired"])
@pytest.mark.parametrize("rho", [-0.5, -0.3, 0.0, 0.3, 0.6, 0.9, 0.99])
def test_looked_at_after_every_trial_the_error_stays_below_one_in_twenty(
    design: str, rho: float
) -> None:
    share = won(design, rho, 0.0, NULLS)
    assert share + 4.0 * math.sqrt(max(share, 0.01) * (1.0 - share) / NULLS) < 0.05


def test_shared_luck_shows_gains_that_nothing_else_would() -> None:
    assert won("own", 0.0, 0.5, RACES) < 0.15
    assert won("mixed", 0.9, 0.5, RACES) > 0.4
    assert won("paired", 0.9, 0.5, RACES) > won("mixed", 0.9, 0.5, RACES) + 0.03
    assert won("mixed", 0.99, 0.5, RACES) > 0.98


@pytest.mark.parametrize("gain", [1.0, 2.0, 4.0])
def test_without_shared_luck_a_mixed_race_finds_as_much_as_one_without_pairs(gain: float) -> None:
    assert won("mixed", 0.0, gain, RACES) > won("own", 0.0, gain, RACES) - 0.03


@pytest.mark.slow
def test_earlier_races_choose_pairs_where_they_pay_and_hardly_ever_where_not() -> None:
    pays, not_so = choice(0.9, 0.5, 20, 7, 1), choice(0.0, 0.5, 20, 7, 1)
    assert pays["paired"] > 0.8
    assert not_so["paired"] < 0.1


def test_a_race_has_both_arms_in_turn() -> None:
    seen = list(looks())
    assert seen[:8] == [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3), (3, 3), (4, 3), (4, 4)]
    assert seen[-1] == (CAP, CAP)
