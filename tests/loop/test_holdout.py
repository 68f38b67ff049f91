"""The sealed holdout in a study: who asks, what it costs, what nobody hears."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from tests.loop.studies import Killed, Script, World, rate_of

from upward.core.ids import blob_id, derive_seed, tree_id
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import Purpose
from upward.core.task import Holdout
from upward.ledger.replay import StudyState

PLAN = Plan(publish=0, controls=0.0)
SEALED = Holdout(("python", "score.py", "--sealed"), 400, 0.4)  # a step of 0.02
SD = 0.01
Measure = Callable[[Mapping[str, str], int], float | None]


def world_of(
    there: Mapping[float, float | None],
    holdouts: tuple[Holdout, ...] = (SEALED,),
    noise: Noise = Noise.SEEDED,
) -> tuple[World, Measure]:
    """A world in which some rates are worth something else on the holdout (None: they fail)."""
    world = World(noise)
    world.task = replace(world.task, holdouts=holdouts)

    def measure(files: Mapping[str, str], seed: int) -> float | None:
        rate: float | None = rate_of(files)
        tree = {**world.task.files, "train.py": blob_id(files["train.py"].encode())}
        seeds = {derive_seed("secret", tree_id(tree), Purpose.HOLDOUT, i) for i in range(80)}
        if rate in there and seed in seeds:
            rate = there[rate]
        return (
            None if rate is None else 10.0 + rate + float(np.random.default_rng(seed).normal(0, SD))
        )

    return world, measure


def pursued(
    there: Mapping[float, float | None],
    rates: list[float],
    plan: Plan = PLAN,
    holdouts: tuple[Holdout, ...] = (SEALED,),
    noise: Noise = Noise.SEEDED,
) -> tuple[StudyState, Script]:
    world, measure = world_of(there, holdouts, noise)
    study, script = world.begin(plan), Script(rates)
    world.pursuit(study, script, measure, trials=260).go()
    return study.state, script


def test_a_gain_that_carries_over_is_confirmed_step_by_step() -> None:
    state, _ = pursued({}, [0.8, 0.6])
    first, one, two = state.answers
    assert first.candidate == state.start.baseline
    assert first.better is None
    assert [one.better, two.better] == [True, True]
    assert [two.asked, two.confirmed] == [2, 2]
    assert two.candidate == state.incumbent
    assert two.best == pytest.approx(10.6, abs=0.05)


def test_a_gain_on_what_decided_alone_is_not_confirmed_and_still_stands_in_the_study() -> None:
    state, _ = pursued({0.6: 0.8}, [0.8, 0.6])
    assert [answer.better for answer in state.answers] == [None, True, False]
    assert state.incumbent == state.proposals[2].candidate


def test_a_question_scores_outputs_that_are_there_and_runs_nothing() -> None:
    state, _ = pursued({}, [0.8])
    asked = [t for t in state.trials.values() if t.purpose is Purpose.HOLDOUT]
    assert [t.candidate for t in asked] == [state.start.baseline] * 2 + [state.incumbent] * 2
    for trial in asked:
        source = state.trials[trial.of]
        assert source.candidate == trial.candidate
        assert source.purpose is not Purpose.SCREEN
        assert state.outcomes[trial.of].kept


def test_no_value_of_the_holdout_counts_or_is_told() -> None:
    honest, script = pursued({}, [0.8, 0.6])
    lying, other = pursued({1.0: 55.0, 0.8: 44.0, 0.6: 66.0}, [0.8, 0.6])
    assert script.lessons == other.lessons
    for candidate, record in lying.records.items():
        assert max(record.counted + record.screened) < 20.0
        assert record.mean == honest.record(candidate).mean
    assert [v.reason for v in lying.verdicts] == [v.reason for v in honest.verdicts]


def test_a_candidate_that_fails_on_sealed_data_is_not_confirmed() -> None:
    state, _ = pursued({0.8: None}, [0.8])
    last = state.answers[-1]
    assert (last.better, last.values, last.asked) == (False, (), 1)


def test_where_the_baseline_fails_there_nothing_is_known() -> None:
    state, _ = pursued({1.0: None}, [0.8])
    assert [answer.better for answer in state.answers] == [None, None]


def test_a_study_that_accepts_nothing_asks_nothing() -> None:
    assert pursued({}, [1.5])[0].answers == []


@pytest.mark.parametrize("plan", [replace(PLAN, holdout=False)])
def test_a_plan_without_it_asks_nothing(plan: Plan) -> None:
    assert pursued({}, [0.8], plan)[0].answers == []


def test_an_exact_metric_and_a_task_without_one_ask_nothing() -> None:
    assert pursued({}, [0.8], noise=Noise.EXACT)[0].answers == []
    assert pursued({}, [0.8], holdouts=())[0].answers == []


def test_a_holdout_that_is_used_up_makes_room_for_the_next() -> None:
    rates = [round(0.95 - 0.05 * i, 2) for i in range(19)]
    no = dict.fromkeys(rates[1::2], 2.0)  # as many yes as no: the costliest answers
    state, _ = pursued(no, rates, holdouts=(SEALED, SEALED))
    assert {answer.holdout for answer in state.answers} == {0, 1}
    first = [answer for answer in state.answers if answer.holdout == 0]
    second = [answer for answer in state.answers if answer.holdout == 1]
    assert second[0].candidate == state.start.baseline
    assert second[1].asked == 1
    alone, _ = pursued(no, rates)
    assert [a.better for a in alone.answers] == [a.better for a in first]


def test_where_repeats_never_differ_and_no_width_is_given_any_gain_is_confirmed() -> None:
    world, script = World(), Script([0.8, 0.6])
    world.task = replace(world.task, holdouts=(replace(SEALED, width=0.0),))
    study = world.begin(PLAN)
    world.pursuit(study, script, lambda files, seed: 10.0 + rate_of(files), trials=100).go()
    assert [a.better for a in study.state.answers] == [None, True, True]
    assert study.state.answers[-1].best == pytest.approx(10.6)


def test_a_study_killed_anywhere_asks_the_same() -> None:
    whole, _ = pursued({0.6: 0.8}, [0.8, 0.6])
    when, died = 1, True
    while died:
        when += 1
        world, measure = world_of({0.6: 0.8})
        world.ledger.die_after = when
        study = world.begin(PLAN)
        try:
            world.pursuit(study, Script([0.8, 0.6]), measure, trials=200).go()
            died = False
        except Killed:
            world.ledger.die_after = None
            study = world.resume()
            world.pursuit(study, Script([0.8, 0.6]), measure, trials=200).go()
        assert study.state.answers == whole.answers
        assert len(study.state.outcomes) == len(whole.outcomes)
    assert when > 30


@pytest.mark.parametrize("trials", range(28, 46))
def test_questions_leave_room_for_the_publication(trials: int) -> None:
    world, measure = world_of({})
    study = world.begin(replace(PLAN, publish=3))
    world.pursuit(study, Script([0.8, 1.5, 0.6, 1.2, 0.4]), measure, trials=trials).go()
    state = study.state
    accepted = [step.trials for step in state.steps if step.candidate == state.incumbent][-1]
    room = trials - accepted >= 2 * 3
    assert (state.incumbent in state.publications) == room
