"""The stack check: a long row of accepted steps against what it was built on."""

from collections.abc import Callable, Mapping

import numpy as np
from tests.loop.studies import Killed, Script, World, rate_of

from upward.core.ids import blob_id, derive_seed, tree_id
from upward.core.plan import Plan
from upward.core.records import Decision, Level, Purpose
from upward.ledger.replay import STACK, StudyState

PLAN = Plan(stack_every=3, publish=0, controls=0.0)
SD = 0.02
Measure = Callable[[Mapping[str, str], int], float]


def seeds_of_checks(world: World, files: Mapping[str, str]) -> set[int]:
    """Every seed that a candidate can get in a stack check."""
    tree = {**world.task.files, "train.py": blob_id(files["train.py"].encode())}
    return {derive_seed("secret", tree_id(tree), Purpose.STACK, "pair", i) for i in range(60)}


def world_of(lies: Mapping[float, float]) -> tuple[World, Measure]:
    """A world in which some rates look good until they are checked, and what they are then."""
    world = World()

    def measure(files: Mapping[str, str], seed: int) -> float:
        rate = rate_of(files)
        luck = np.random.default_rng([seed, round(1000 * rate)]).normal(0, SD)
        if rate in lies and seed in seeds_of_checks(world, files):
            rate = lies[rate]
        return 10.0 + rate + float(luck)

    return world, measure


def pursued(lies: Mapping[float, float], rates: list[float]) -> StudyState:
    world, measure = world_of(lies)
    study = world.begin(PLAN)
    world.pursuit(study, Script(rates), measure, trials=300).go()
    return study.state


def named(state: StudyState, number: int) -> str:
    return state.proposals[number].candidate


def test_a_row_that_is_really_better_stands() -> None:
    state = pursued({}, [0.8, 0.6, 0.4])
    [check] = state.stack_checks
    assert check.stands == check.tip == state.incumbent == named(state, 3)
    assert check.against == state.start.baseline
    assert check.compared == (named(state, 3),)
    assert check.low is not None
    assert check.high is not None
    assert check.low < 0.6 < check.high
    assert [v.rule for v in state.verdicts].count(STACK) == 0


def test_two_steps_are_too_few_to_check() -> None:
    assert pursued({}, [0.8, 0.6]).stack_checks == []


def test_a_row_that_is_not_better_is_halved_to_the_last_step_that_is() -> None:
    state = pursued({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4])
    [check] = state.stack_checks
    assert check.stands == state.incumbent == named(state, 1)
    assert check.compared == (named(state, 3), named(state, 1), named(state, 2))
    assert [v.candidate for v in state.ascent()] == [named(state, 1)]
    fell = [v for v in state.verdicts if v.rule == STACK]
    assert [v.candidate for v in fell] == [named(state, 2), named(state, 3)]
    assert all(v.decision is Decision.REJECTED and v.level is None for v in fell)


def test_where_nothing_is_better_the_baseline_stands_again() -> None:
    state = pursued({0.8: 1.0, 0.6: 1.1, 0.4: 1.2}, [0.8, 0.6, 0.4])
    assert state.incumbent == state.start.baseline
    assert state.accepted == []
    assert state.stack_checks[0].gain is None
    assert state.steps[-1].candidate == state.start.baseline


def test_what_fell_has_no_level_and_no_certificate() -> None:
    state = pursued({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4])
    held = state.certificate.evidence if state.certificate else {}
    for number in (2, 3):
        assert named(state, number) not in held
        assert state.record(named(state, number)).level is None
    assert state.record(named(state, 1)).level in (Level.VERIFIED, Level.CERTIFIED)


def test_the_study_goes_on_from_what_stands() -> None:
    state = pursued({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4, 0.7])
    assert state.incumbent == named(state, 4)
    assert state.proposals[4].parent == named(state, 1)


def test_a_trial_that_fails_in_the_check_counts_against_its_step() -> None:
    world, honest = world_of({})

    def fails(files: Mapping[str, str], seed: int) -> float | None:
        checked = rate_of(files) == 0.4 and seed in seeds_of_checks(world, files)
        return None if checked else honest(files, seed)

    study = world.begin(PLAN)
    world.pursuit(study, Script([0.8, 0.6, 0.4]), fails, trials=300).go()
    assert study.state.incumbent == named(study.state, 2)


def test_a_study_killed_anywhere_in_a_check_ends_the_same() -> None:
    lies, rates = {0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4, 0.7]
    whole, when, died = pursued(lies, rates), 0, True
    checked = [check.stands for check in whole.stack_checks]
    while died:
        when += 3
        world, measure = world_of(lies)
        world.ledger.die_after = when
        study = world.begin(PLAN)
        try:
            world.pursuit(study, Script(rates), measure, trials=300).go()
            died = False
        except Killed:
            world.ledger.die_after = None
            study = world.resume()
            world.pursuit(study, Script(rates), measure, trials=300).go()
        state = study.state
        assert [check.stands for check in state.stack_checks] == checked
        assert state.incumbent == whole.incumbent
        assert not state.pending
    assert when > 60
