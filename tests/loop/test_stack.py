"""The stack check: a long row of accepted steps against what it was built on."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.loop.studies import Killed, Script, World, moments_around, rate_of
from tests.loop.test_run import work

from upward.core.ids import blob_id, derive_seed, tree_id
from upward.core.plan import Plan
from upward.core.records import Decision, Level, Purpose
from upward.ledger.replay import STACK, StudyState
from upward.loop.run import Pursuit
from upward.loop.study import Study

PLAN = Plan(stack_every=3, publish=0, controls=0.0)
SD = 0.02
Measure = Callable[[Mapping[str, str], int], float]


def seeds_of_checks(world: World, files: Mapping[str, str]) -> frozenset[int]:
    """Every seed that a candidate can get in a stack check."""
    tree = {**world.task.files, "train.py": blob_id(files["train.py"].encode())}
    return _seeds(tree_id(tree))


@cache
def _seeds(candidate: str) -> frozenset[int]:
    return frozenset(derive_seed("secret", candidate, Purpose.STACK, "pair", i) for i in range(90))


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


def taught(lies: Mapping[float, float], rates: list[float]) -> tuple[StudyState, Script, Pursuit]:
    world, measure = world_of(lies)
    study, script = world.begin(PLAN), Script(rates)
    pursuit = world.pursuit(study, script, measure, trials=300)
    pursuit.go()
    return study.state, script, pursuit


def test_what_fell_is_taught_with_what_it_showed_in_the_check_not_as_a_failure() -> None:
    state, script, _ = taught({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4])
    fell = [lesson for lesson in script.lessons if lesson.failure == "stack"]
    assert [lesson.proposal.number for lesson in fell] == [2, 3]
    assert state.noise is not None
    worse = [(lesson.gain_sd or 0.0) * state.noise.sd for lesson in fell]
    assert worse == pytest.approx([0.8 - 1.4, 1.4 - 1.5], abs=3 * SD)


def test_a_step_that_fell_untested_counts_as_what_the_study_went_back_to() -> None:
    rates = [0.9, 0.8, 0.7, 0.6]
    world, measure = world_of({0.8: 1.4, 0.7: 1.5, 0.6: 1.6})
    study, script = world.begin(replace(PLAN, stack_every=4)), Script(rates)
    world.pursuit(study, script, measure, trials=300).go()
    [check] = study.state.stack_checks
    third = named(study.state, 3)
    assert third not in check.compared
    [untested] = [v for v in study.state.verdicts if v.rule == STACK and v.candidate == third]
    assert untested.gain is None
    assert untested.incumbent == check.stands
    assert "p1 was the last shown to be better" in untested.reason
    [lesson] = [x for x in script.lessons if x.failure == "stack" and x.proposal.number == 3]
    assert lesson.gain_sd is not None


def test_what_fell_is_no_parent_any_more() -> None:
    state, _, pursuit = taught({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4])
    kept = pursuit.archive.best(100)
    assert named(state, 1) in kept
    assert not {named(state, 2), named(state, 3)} & set(kept)


def test_a_verdict_says_what_a_step_showed_in_the_check() -> None:
    state = pursued({0.6: 1.4, 0.4: 1.5}, [0.8, 0.6, 0.4])
    [_, last] = [v for v in state.verdicts if v.rule == STACK]
    assert last.incumbent == state.start.baseline
    assert last.gain == pytest.approx(-0.5, abs=3 * SD)
    assert "ran beside the baseline" in last.reason
    assert "of the incumbent" not in last.reason
    assert last.evidence is None  # no evidence about its own step, so none for a certificate


def pursue(world: World, study: Study, measure: Measure) -> None:
    rates = [0.8, 0.6, 0.4, 0.7]
    world.pursuit(study, Script(rates), measure, trials=300).go()


def test_killed_anywhere_in_a_check_the_ledger_is_the_same() -> None:
    lies = {0.6: 1.4, 0.4: 1.5}
    whole, measure = world_of(lies)
    pursue(whole, whole.begin(PLAN), measure)
    kinds = [kind for kind, _ in work(whole)]
    assert kinds.count("stack") == 1
    for after in moments_around(whole.ledger, lambda body: "stands" in body):
        world, measure = world_of(lies)
        world.ledger.die_after = after
        with pytest.raises(Killed):
            pursue(world, world.begin(PLAN), measure)
        world.ledger.die_after = None
        pursue(world, world.resume(), measure)
        assert work(world) == work(whole), after
