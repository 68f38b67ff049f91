"""How often a removal is accepted that loses something: the race itself, simulated."""

from dataclasses import replace

import numpy as np
import pytest

from upward.core.metric import Direction, Metric
from upward.core.plan import Plan
from upward.core.records import Decision
from upward.loop.ease import plainly
from upward.stats.noise import resolution
from upward.stats.verdict import Arm, next_arm, race

PLAN = Plan()
LOSS = Metric("loss", "nats", Direction.MINIMIZE)
MARGIN = resolution(1.0, plan=PLAN, incumbent_trials=8)
RACES = 100


def accepted(lost: float, seed: int) -> bool:
    """Race a removal that loses so much, noise 1, as the loop does."""
    rng = np.random.default_rng(seed)
    earlier = list(rng.standard_normal(8))
    mine, theirs = list[float](), list[float]()
    while (arm := next_arm(len(mine), len(theirs), plan=PLAN)) is not None:
        own = arm is Arm.CANDIDATE
        (mine if own else theirs).append(float(rng.standard_normal()) + lost * own)
        eased = [LOSS.worsened(value, MARGIN) for value in theirs]
        judged = race(mine, eased, metric=LOSS, plan=PLAN, earlier=earlier)
        if judged.decision is not None:
            return judged.decision is Decision.ACCEPTED
    return False


def share(lost: float) -> float:
    return sum(accepted(lost, seed) for seed in range(RACES)) / RACES


@pytest.mark.slow
def test_a_loss_of_the_whole_margin_is_accepted_at_most_as_often_as_the_plan_allows() -> None:
    # at 5 % each, 11 or more of 100 races are won by luck in 1 of 100 cases
    assert share(MARGIN) <= 10 / RACES


@pytest.mark.slow
def test_a_loss_of_two_margins_is_not_accepted_and_none_at_all_mostly_is() -> None:
    half, whole = share(0.5 * MARGIN), share(0.0)
    assert share(2.0 * MARGIN) <= 1 / RACES
    assert share(MARGIN) < half < whole
    assert whole > 0.7


def test_what_is_said_of_a_removal_is_its_true_gain() -> None:
    judged = race([10.0, 10.1, 9.9], [10.5, 10.6, 10.4], metric=LOSS, plan=PLAN)
    said = plainly(judged, LOSS, 0.5, 3)
    assert judged.gain is not None
    assert said.gain == pytest.approx(judged.gain - 0.5)
    assert said.evidence == judged.evidence
    assert plainly(judged, LOSS, 0.0, 3) == judged
    assert plainly(replace(judged, gain=None), LOSS, 0.5, 3).reason == judged.reason
