"""The noise of now: what was accepted may vary far less than the baseline did."""

from collections.abc import Mapping

import numpy as np
import pytest
from tests.loop.studies import Script, World, rate_of

from upward.core.errors import TooFewTrials
from upward.core.plan import Plan
from upward.core.records import Decision
from upward.ledger.replay import SCREEN
from upward.loop.spread import resolution_now, spread_now

PLAN = Plan(controls=0.0, publish=0)


def calmer(files: Mapping[str, str], seed: int) -> float:
    """A loss whose noise goes away together with the first half of it."""
    rate = rate_of(files)
    sd = 0.1 if rate > 0.5 else 0.002
    return 10.0 + rate + float(np.random.default_rng(seed).normal(0, sd))


def as_before(files: Mapping[str, str], seed: int) -> float:
    return 10.0 + rate_of(files) + float(np.random.default_rng(seed).normal(0, 0.1))


def test_the_noise_is_unknown_before_calibration() -> None:
    study = World().begin(PLAN)
    with pytest.raises(TooFewTrials):
        spread_now(study.state)


def test_the_baseline_has_the_noise_of_its_calibration() -> None:
    world = World()
    study = world.begin(PLAN)
    world.pursuit(study, Script([]), as_before).go()
    assert study.state.noise is not None
    assert spread_now(study.state) == study.state.noise.sd
    assert resolution_now(study.state) == study.state.noise.resolution


def test_a_gain_that_calibration_could_not_see_is_found_over_a_calmer_incumbent() -> None:
    world = World()
    study = world.begin(PLAN)
    # the gain from 0.10 to 0.08 is a fifth of the baseline's sd and ten of the incumbent's
    world.pursuit(study, Script([0.1, 3.0, 3.1, 0.08]), calmer).go()
    state = study.state
    assert state.noise is not None
    assert spread_now(state) < 0.1 * state.noise.sd
    assert resolution_now(state) < 0.1 * state.noise.resolution
    assert state.proposals[4].candidate == state.incumbent


def test_the_same_gain_stays_unseen_where_the_noise_stays() -> None:
    world = World()
    study = world.begin(PLAN)
    world.pursuit(study, Script([0.1, 3.0, 3.1, 0.08]), as_before).go()
    last = [v for v in study.state.verdicts if v.candidate == study.state.proposals[4].candidate]
    assert last[-1].decision is not Decision.ACCEPTED
    assert last[0].rule == SCREEN
