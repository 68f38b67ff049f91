"""The rung: short trials first, and how often they are wrong."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from tests.loop.studies import Killed, Script, World, rate_of

from upward.core.ids import blob_id, derive_seed, tree_id
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Purpose
from upward.ledger.replay import RUNG, SCREEN, StudyState

PLAN = Plan(publish=0, controls=0.0, survivors=0.0)
SD = 0.02
Measure = Callable[[Mapping[str, str], int], float | None]


def world_of(
    short: Mapping[float, float | None], share: float | None = 0.2, noise: Noise = Noise.SEEDED
) -> tuple[World, Measure]:
    """A world in which a short trial adds 5 to the loss; some rates show something else there."""
    world = World(noise)
    world.task = replace(world.task, rung=share)

    def measure(files: Mapping[str, str], seed: int) -> float | None:
        rate: float | None = rate_of(files)
        tree = {**world.task.files, "train.py": blob_id(files["train.py"].encode())}
        seeds = {derive_seed("secret", tree_id(tree), Purpose.RUNG, i) for i in range(40)}
        more = 5.0 if seed in seeds else 0.0
        if more and rate in short:
            rate = short[rate]
        luck = float(np.random.default_rng(seed).normal(0, SD))
        return None if rate is None else 10.0 + rate + more + luck

    return world, measure


def pursued(
    rates: list[float],
    short: Mapping[float, float | None] | None = None,
    plan: Plan = PLAN,
    share: float | None = 0.2,
    noise: Noise = Noise.SEEDED,
) -> tuple[StudyState, Script]:
    world, measure = world_of(short or {}, share, noise)
    study, script = world.begin(plan), Script(rates)
    world.pursuit(study, script, measure, trials=150).go()
    return study.state, script


def purposes(state: StudyState, number: int) -> list[Purpose]:
    trials = state.record(state.proposals[number].candidate).trials
    return [state.trials[trial].purpose for trial in trials]


def test_what_is_clearly_behind_costs_a_short_trial_only() -> None:
    state, script = pursued([2.0, 3.0, 0.5])
    assert purposes(state, 1) == purposes(state, 2) == [Purpose.RUNG]
    assert purposes(state, 3)[:2] == [Purpose.RUNG, Purpose.SCREEN]
    assert state.incumbent == state.proposals[3].candidate
    stopped = [v for v in state.verdicts if v.rule == RUNG]
    assert [v.decision for v in stopped] == [Decision.REJECTED] * 2
    assert all("stopped" in v.reason for v in stopped)
    assert [lesson.decision for lesson in script.lessons[:2]] == [Decision.REJECTED] * 2


def test_the_baseline_is_measured_at_the_rung_before_anything_is_judged_there() -> None:
    state, _ = pursued([2.0])
    first = next(t for t in state.trials.values() if t.candidate != state.start.baseline)
    before = [t for t in state.trials.values() if t.number < first.number]
    assert sum(t.purpose is Purpose.RUNG for t in before) == 4


def test_a_short_value_never_counts_as_a_measurement() -> None:
    state, _ = pursued([2.0, 0.5])
    for record in state.records.values():
        assert max(record.counted + record.screened, default=0.0) < 14.0


def test_a_random_share_of_the_stopped_goes_on_and_is_told_apart() -> None:
    state, _ = pursued([2.0, 2.1, 2.2], plan=replace(PLAN, survivors=1.0))
    assert [(r.passed, r.survivor) for r in state.rungs.values()] == [(False, True)] * 3
    screens = [v for v in state.verdicts if v.rule == SCREEN]
    assert len(screens) == 3
    assert not state.promoted


def test_a_candidate_that_only_looks_bad_when_short_is_found_by_surviving() -> None:
    lost, _ = pursued([0.5], {0.5: 3.0})
    assert lost.incumbent == lost.start.baseline
    found, _ = pursued([0.5], {0.5: 3.0}, plan=replace(PLAN, survivors=1.0))
    assert found.incumbent == found.proposals[1].candidate


def test_a_short_trial_that_fails_ends_the_candidate() -> None:
    state, _ = pursued([0.5], {0.5: None})
    [verdict] = [v for v in state.verdicts if v.rule == RUNG]
    assert verdict.decision is Decision.INVALID
    assert purposes(state, 1) == [Purpose.RUNG]


def test_where_the_baseline_cannot_be_short_there_is_no_rung() -> None:
    state, _ = pursued([0.5], {1.0: None})
    assert purposes(state, 1)[0] is Purpose.SCREEN
    assert state.incumbent == state.proposals[1].candidate


def test_a_task_without_one_and_an_exact_metric_have_no_rung() -> None:
    assert not pursued([2.0], share=None)[0].begun[Purpose.RUNG]
    assert not pursued([2.0], noise=Noise.EXACT)[0].begun[Purpose.RUNG]


def test_a_study_killed_anywhere_stops_the_same() -> None:
    rates, plan = [2.0, 0.7, 3.0, 0.5, 2.5], replace(PLAN, survivors=0.5)
    whole, _ = pursued(rates, plan=plan)
    when, died = 1, True
    while died:
        when += 1
        world, measure = world_of({})
        world.ledger.die_after = when
        study = world.begin(plan)
        try:
            world.pursuit(study, Script(rates), measure, trials=150).go()
            died = False
        except Killed:
            world.ledger.die_after = None
            study = world.resume()
            world.pursuit(study, Script(rates), measure, trials=150).go()
        assert study.state.rungs == whole.rungs
        assert study.state.incumbent == whole.incumbent
        assert len(study.state.outcomes) == len(whole.outcomes)
    assert when > 40
