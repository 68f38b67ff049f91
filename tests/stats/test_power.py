import pytest

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.plan import Plan
from upward.stats.noise import resolution
from upward.stats.power import trials_needed

PLAN = Plan()


def test_what_is_planned_is_what_a_race_then_sees() -> None:
    seen = resolution(0.1, plan=PLAN, incumbent_trials=8)
    assert trials_needed(seen, 0.1, plan=PLAN, incumbent_trials=8) == PLAN.race_cap


def test_a_smaller_gain_needs_more_trials_and_a_quieter_metric_fewer() -> None:
    few = trials_needed(0.3, 0.1, plan=PLAN, incumbent_trials=8)
    more = trials_needed(0.1, 0.1, plan=PLAN, incumbent_trials=8)
    assert few < more == trials_needed(0.2, 0.2, plan=PLAN, incumbent_trials=8)


def test_a_gain_that_nothing_affordable_sees_is_said_to_be_one() -> None:
    with pytest.raises(TooFewTrials, match="sees a gain of"):
        trials_needed(0.001, 0.1, plan=PLAN, incumbent_trials=8)
    with pytest.raises(BadMeasurement):
        trials_needed(0.0, 0.1, plan=PLAN, incumbent_trials=8)


def test_pairs_need_no_fewer_trials_than_an_incumbent_that_is_known() -> None:
    apart = trials_needed(2.0, 1.0, plan=PLAN, incumbent_trials=8)
    side_by_side = trials_needed(2.0, 1.0, plan=PLAN, incumbent_trials=0, paired=True)
    assert apart <= side_by_side <= 2 * apart
