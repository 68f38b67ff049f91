"""Rows that are not simply better: removals alone, an unsteady machine, checks switched off."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from tests.loop.studies import Script, World
from tests.loop.test_stack import PLAN, SD, seeds_of_checks

from upward.core.codec import plain
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import (
    Decision,
    Draft,
    Level,
    Measurement,
    Outcome,
    Purpose,
    TrialState,
    Usage,
    Verdict,
)
from upward.ledger.replay import RACE, STACK, StudyState
from upward.loop.propose import admit
from upward.loop.study import Planned, Study
from upward.wiring.pursuit import _of_arm

PAIR = replace(PLAN, stack_every=2)
MARGIN = 0.05
Losses = Mapping[int, float]


def losing(losses: Losses) -> Callable[[Mapping[str, str], int], float]:
    """The loss of each width over the baseline's, and the luck of the seed."""

    def measure(files: Mapping[str, str], seed: int) -> float:
        found = re.search(r"WIDTH = (\d+)", files["train.py"])
        assert found
        luck = float(np.random.default_rng(seed).normal(0, SD))
        return 10.0 + losses.get(int(found[1]), 0.0) + luck

    return measure


def step(study: Study, width: int, margin: float | None) -> None:
    """An accepted step to this width, a removal where it has a margin."""
    state, files = study.state, {"train.py": f"RATE = 1.0\nWIDTH = {width}\n"}
    proposal = admit(study, "me", Draft(state.incumbent, f"{width}", files, "set"))
    assert proposal is not None
    verdict = Verdict(
        proposal.candidate,
        state.incumbent,
        Decision.ACCEPTED,
        Level.VERIFIED,
        RACE,
        "It won.",
        0.0,
        evidence=30.0,
    )
    study.record(("proposal", plain(replace(proposal, margin=margin))))
    trial = study.start_trial(Planned(proposal.candidate, Purpose.RACE, proposal.candidate))
    use = Usage(1.0, 1.0, 1.0)
    outcome = Outcome(trial.number, TrialState.COMPLETE, Measurement(9.9), usage=use)
    study.record(("outcome", plain(outcome)), ("verdict", plain(verdict)))


def checked(losses: Losses, margins: Mapping[int, float | None]) -> StudyState:
    world = World()
    study = world.begin(PAIR)
    world.pursuit(study, Script([]), losing(losses)).go()
    for width, margin in margins.items():
        step(study, width, margin)
    world.pursuit(study, Script([]), losing(losses), trials=300).go()
    return study.state


REMOVALS = {9: MARGIN, 10: MARGIN}


def test_a_row_of_removals_that_lose_nothing_stands() -> None:
    state = checked({}, REMOVALS)
    [check] = state.stack_checks
    assert check.stands == check.tip == state.incumbent
    assert check.margin == MARGIN
    assert check.gain == pytest.approx(0.0, abs=MARGIN)
    assert check.evidence is not None
    assert check.evidence >= 20.0


def test_removals_whose_losses_add_up_fall_back_to_those_that_lose_nothing() -> None:
    state = checked({10: 0.08}, REMOVALS)
    [check] = state.stack_checks
    assert check.stands == state.incumbent == state.proposals[1].candidate
    [fell] = [v for v in state.verdicts if v.rule == STACK]
    assert fell.gain == pytest.approx(-0.08, abs=3 * SD)


def test_a_row_with_one_gain_among_removals_must_be_better() -> None:
    state = checked({}, {9: MARGIN, 10: None})
    [check] = state.stack_checks
    assert check.compared[0] == state.proposals[2].candidate
    assert state.incumbent == state.proposals[1].candidate  # the removal stands, the gain does not


@pytest.mark.parametrize("workers", [1, 2, 7, 40])
def test_with_any_number_of_workers_the_same_steps_stand(workers: int) -> None:
    world, losses = World(), {9: -0.2, 10: 0.3, 11: 0.4}
    study = world.begin(replace(PLAN, stack_every=3))
    world.pursuit(study, Script([]), losing(losses)).go()
    for width in losses:
        step(study, width, None)
    ideas = Script([2.0 + 0.1 * n for n in range(40)])
    world.pursuit(study, ideas, losing(losses), trials=200, workers=workers).go()
    state = study.state
    [check] = state.stack_checks
    assert check.stands == state.incumbent == state.proposals[1].candidate
    fell = [v.candidate for v in state.verdicts if v.rule == STACK]
    assert fell == [state.proposals[n].candidate for n in (2, 3)]
    assert not state.pending


def timing(wild: float) -> tuple[World, Callable[[Mapping[str, str], int], float]]:
    """Times that get better step by step; in a check the baseline's own differ by a factor."""
    world = World(Noise.TIMING)

    def measure(files: Mapping[str, str], seed: int) -> float:
        found = re.search(r"RATE = (\S+)", files["train.py"])
        assert found
        rng, rate = np.random.default_rng(seed), float(found[1])
        tips = [{"train.py": files["train.py"].replace("1.0", tip)} for tip in ("0.98", "0.96")]
        shaken = rate == 1.0 and any(seed in seeds_of_checks(world, tip) for tip in tips)
        return rate * float(np.exp(rng.normal(0, wild if shaken else 0.01)))

    return world, measure


@pytest.mark.parametrize(("wild", "undecided"), [(1.0, True), (0.01, False)])
def test_an_unsteady_machine_gives_nothing_up(wild: float, undecided: bool) -> None:
    world, measure = timing(wild)
    study = world.begin(PAIR)
    world.pursuit(study, Script([0.98, 0.96]), measure, trials=300).go()
    [check] = study.state.stack_checks
    assert bool(check.undecided) is undecided
    assert check.stands == check.tip == study.state.incumbent
    assert ("baseline alone differ by" in check.undecided) is undecided


def test_the_next_check_begins_where_an_undecided_one_did() -> None:
    world, measure = timing(1.0)
    study = world.begin(PAIR)
    world.pursuit(study, Script([0.98, 0.96]), measure, trials=300).go()
    calm = timing(0.01)[1]
    world.pursuit(study, Script([0.98, 0.96, 0.9, 0.84]), calm, trials=500).go()
    first, second = study.state.stack_checks
    assert second.against == first.against == study.state.start.baseline
    assert not second.undecided
    assert second.stands == study.state.incumbent


def test_a_study_may_do_without_checks() -> None:
    world = World()
    study = world.begin(replace(PLAN, stack_every=0))
    world.pursuit(study, Script([0.8, 0.6, 0.4]), losing({}), trials=200).go()
    assert not study.state.begun[Purpose.STACK]


def test_a_control_arm_does_without_checks_and_removals() -> None:
    plan = _of_arm(Plan())
    assert (plan.stack_every, plan.simplify_share) == (0, 0.0)
    assert replace(plan, stack_every=10, simplify_share=0.1) == replace(
        Plan(), publish=0, controls=0.0, holdout=False
    )
