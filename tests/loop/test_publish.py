"""Publication: fresh trials of the best candidate beside the baseline, before a study ends."""

from collections.abc import Mapping

import pytest
from tests.loop.studies import Script, World, noisy_loss, rate_of

from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import Purpose
from upward.ledger.facts import Publication
from upward.loop.budget import Budget
from upward.loop.study import Study


def ended(rates: list[float], *, trials: int = 100, workers: int = 1) -> Study:
    world = World()
    study = world.begin()
    world.pursuit(study, Script(rates), noisy_loss(), trials=trials, workers=workers).go()
    return study


def of(study: Study) -> Publication:
    return study.state.publications[study.state.incumbent]


def publishing(study: Study) -> list[str]:
    state = study.state
    trials = [t for t in state.trials.values() if t.purpose is Purpose.PUBLISH]
    return ["best" if t.candidate == state.incumbent else "baseline" for t in trials]


def test_what_was_found_runs_again_beside_the_baseline_in_turn() -> None:
    study = ended([0.5])
    assert publishing(study) == ["baseline", "best", "best", "baseline", "baseline", "best"]
    found = of(study)
    assert len(found.values) == len(found.baseline_values) == Plan().publish
    assert found.gain == pytest.approx(0.5, abs=0.2)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
    assert (found.attempts, found.failed) == (1, 0)


def test_trials_that_decided_something_are_not_published() -> None:
    study = ended([0.5, 0.2])
    state = study.state
    decided = {v for verdict in state.verdicts for v in verdict.candidate_values}
    assert not decided & set(of(study).values)


def test_a_study_that_found_nothing_publishes_nothing() -> None:
    study = ended([2.0, 3.0])
    assert not study.state.publications
    assert not study.state.begun[Purpose.PUBLISH]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_last_trials_of_a_budget_are_kept_for_it(workers: int) -> None:
    study = ended([0.5, *(2.0 + 0.001 * n for n in range(90))], trials=50, workers=workers)
    assert len(study.state.outcomes) == 50
    assert study.state.stopped == "50 trials are done"
    assert of(study).gain is not None


def test_it_is_done_once_for_each_best_candidate() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.5]), noisy_loss()).go()
    done, first = len(study.state.outcomes), study.state.incumbent
    world.pursuit(study, Script([0.5]), noisy_loss()).go()
    assert len(study.state.outcomes) == done
    world.pursuit(study, Script([0.5, 0.1]), noisy_loss()).go()
    assert set(study.state.publications) == {first, study.state.incumbent}
    assert first != study.state.incumbent


def test_a_best_candidate_that_only_fails_now_is_published_without_a_number() -> None:
    calls = 0

    def measure(files: Mapping[str, str], seed: int) -> float | None:
        nonlocal calls
        calls += publish.state.begun[Purpose.PUBLISH] > 0
        return None if calls and rate_of(files) == 0.5 else noisy_loss()(files, seed)

    world = World()
    publish = world.begin()
    world.pursuit(publish, Script([0.5]), measure).go()
    found = of(publish)
    assert found.failed == Plan().publish
    assert (found.gain, found.low, found.high) == (None, None, None)


def test_an_exact_proof_needs_no_more_trials() -> None:
    world = World(Noise.EXACT)
    study = world.begin()
    world.pursuit(study, Script([0.5]), lambda files, seed: rate_of(files), trials=12).go()
    assert study.state.accepted
    assert not study.state.publications


def test_room_for_it_is_counted_in_minutes_and_in_cpu_time_too() -> None:
    state = ended([0.5]).state
    assert state.noise is not None
    each, used = state.noise.trial_cpu_s, state.cpu_s
    hours = Budget(cpu_hours=(used + 5 * each) / 3600)
    assert hours.closes([state], 0.0, 6, 1)
    assert not hours.closes([state], 0.0, 4, 1)
    minutes = Budget(minutes=(100 + 3.5 * state.noise.trial_wall_s) / 60)
    assert minutes.closes([state], 100.0, 6, 1)
    assert not minutes.closes([state], 100.0, 6, 2)
    assert not minutes.closes([state], 100.0, 0, 1)
