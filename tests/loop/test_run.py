"""The loop on fakes: what is accepted, what is not, and what survives being killed."""

from collections import Counter
from collections.abc import Mapping

import pytest
from tests.loop.studies import Killed, Script, World, edit, noisy_loss, rate_of

from upward.core.errors import BadBudget, BaselineFails, SandboxFailed
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import (
    Decision,
    Draft,
    Isolation,
    Level,
    Outcome,
    Purpose,
    TrialState,
)
from upward.core.seen import Seen
from upward.loop.again import run_again
from upward.loop.budget import Budget
from upward.loop.study import Study
from upward.testing.fake_executor import FakeExecutor


def test_a_real_gain_is_verified_and_becomes_the_incumbent() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.5]), noisy_loss()).go()
    state = study.state
    assert state.incumbent == state.proposals[1].candidate
    verdict = state.accepted[0]
    assert verdict.level is Level.VERIFIED
    assert verdict.gain is not None
    assert verdict.gain == pytest.approx(0.5, abs=0.2)
    assert len(verdict.candidate_values) >= 1


def test_the_screening_trial_is_never_evidence() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.5]), noisy_loss()).go()
    candidate = study.state.proposals[1].candidate
    record = study.state.record(candidate)
    assert record.screened
    assert not set(record.screened) & set(study.state.accepted[0].candidate_values)


def test_a_harmful_change_costs_one_trial() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Script([3.0]), noisy_loss()).go()
    assert study.state.verdicts[-1].decision is Decision.REJECTED
    assert len(study.state.record(study.state.proposals[1].candidate).trials) == 1


def test_every_candidate_of_pure_noise_is_rarely_accepted() -> None:
    accepted = 0
    for trial in range(20):
        world = World()
        study = world.begin(secret=f"secret {trial}")
        same = Script([1.0 + 1e-9 * (n + 1) for n in range(10)])
        world.pursuit(study, same, noisy_loss(), trials=200).go()
        accepted += len(study.state.accepted)
    assert accepted <= 6  # 200 null candidates; at 1 % each 2 are expected, 7 or more 0.4 %


def test_a_crash_is_recorded_and_the_loop_goes_on() -> None:
    def measure(files: Mapping[str, str], seed: int) -> float | None:
        return None if rate_of(files) == 0.0 else noisy_loss()(files, seed)

    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.0, 0.5]), measure).go()
    first = study.state.record(study.state.proposals[1].candidate)
    assert first.failed == 1
    assert study.state.verdicts[0].decision is Decision.INVALID
    assert study.state.incumbent == study.state.proposals[2].candidate


def test_a_candidate_cannot_win_by_failing_on_some_seeds() -> None:
    calls = Counter[float]()

    def measure(files: Mapping[str, str], seed: int) -> float | None:
        rate = rate_of(files)
        calls[rate] += 1
        return None if rate == 0.5 and calls[rate] == 2 else noisy_loss()(files, seed)

    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.5]), measure).go()
    assert not study.state.accepted
    assert study.state.verdicts[-1].decision is Decision.REJECTED


@pytest.mark.parametrize(("broken", "fails"), [(3, False), (50, True)])
def test_a_sandbox_that_cannot_start_is_not_the_candidates_fault(broken: int, fails: bool) -> None:
    world = World()
    study = world.begin()
    pursuit = world.pursuit(study, Script([0.5]), noisy_loss())
    assert isinstance(pursuit.executor, FakeExecutor)
    pursuit.executor.break_next = broken
    if fails:
        with pytest.raises(SandboxFailed, match="run the same command again"):
            pursuit.go()
        assert study.state.pending
    else:
        pursuit.go()
        assert study.state.accepted
    assert study.state.failed == 0


def test_a_baseline_that_fails_ends_the_study_with_its_reason() -> None:
    world = World()
    pursuit = world.pursuit(world.begin(), Script([0.5]), lambda files, seed: None)
    with pytest.raises(BaselineFails, match="it crashed"):
        pursuit.go()


def test_without_isolation_nothing_is_verified() -> None:
    world = World(isolation=Isolation("plain", False, {"no network": False}))
    study = world.begin()
    world.pursuit(study, Script([0.5]), noisy_loss()).go()
    assert study.state.accepted[0].level is Level.PROVISIONAL


def test_an_exact_metric_needs_one_trial_and_any_gain_counts() -> None:
    world = World(noise=Noise.EXACT)
    study = world.begin()
    world.pursuit(study, Script([0.999999]), lambda f, s: rate_of(f), trials=6).go()
    candidate = study.state.proposals[1].candidate
    assert study.state.incumbent == candidate
    assert study.state.accepted[0].level is Level.VERIFIED


def test_another_start_of_an_exact_incumbent_counts_only_when_it_is_better() -> None:
    values = iter([5.0, 5.0, 5.0, 4.0, 4.5, 3.0, 3.5])
    world = World(noise=Noise.EXACT)
    study = world.begin()
    world.pursuit(study, Script([]), lambda f, s: next(values), trials=7).go()
    assert [v.gain for v in study.state.accepted] == [1.0, 1.0]
    assert study.state.value_of(study.state.incumbent) == 3.0
    assert study.state.record(study.state.incumbent).level is Level.VERIFIED


class Outside(Script):
    """Edits a file that it may not, then a broken one, then a proper one."""

    def propose(self, seen: Seen) -> Draft | None:
        good = edit(seen, 0.5)
        attempt = len(self.rates)
        self.rates.append(0.0)
        if attempt == 0:
            return Draft(good.parent, "steal", {"data.txt": "9"}, "set")
        if attempt == 1:
            return Draft(good.parent, "break", {"train.py": "RATE = (\n"}, "set")
        return good if attempt == 2 else None


def test_an_edit_outside_the_surface_is_refused_and_recorded() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Outside([]), noisy_loss()).go()
    assert len(study.state.refused) == 2
    assert "only these may change" in study.state.refused[0]
    assert "not valid Python" in study.state.refused[1]
    assert len(study.state.proposals) == 1


def test_two_workers_come_to_a_verdict_too() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.5, 0.4, 3.0, 0.2]), noisy_loss(), workers=2).go()
    assert study.state.accepted
    assert not study.state.pending


def test_the_same_seed_gives_the_same_ledger() -> None:
    heads = list[str]()
    for _ in range(2):
        world = World()
        study = world.begin()
        world.pursuit(study, Script([0.5, 0.7]), noisy_loss()).go()
        heads.append(study.state.head)
    assert heads[0] == heads[1]


@pytest.mark.parametrize("after", [1, 2, 5, 9, 10, 12, 15])
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_moment_no_completed_trial_is_lost_or_run_twice(
    after: int, workers: int
) -> None:
    world = World()
    study = world.begin()
    ran = Counter[tuple[str, int]]()
    left = after

    def measure(files: Mapping[str, str], seed: int) -> float:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        return noisy_loss()(files, seed)

    rates = [0.5, 0.9, 0.2]
    pursuit = world.pursuit(study, Script(rates), measure, workers=workers)
    with pytest.raises(Killed):
        pursuit.go()
    done = (study.state.trials[number] for number in study.state.outcomes)
    ran.update((trial.candidate, trial.seed) for trial in done)
    again = world.resume()
    assert again.state.outcomes == study.state.outcomes
    second = world.pursuit(again, Script(rates), noisy_loss(), workers=workers)
    second.go()
    ran.update(getattr(second.executor, "ran"))  # noqa: B009 - the fake's own record
    assert max(ran.values()) == 1
    assert not again.state.pending
    assert sorted(again.state.outcomes) == sorted(again.state.trials)


def work(world: World) -> list[tuple[str, bytes]]:
    """What the ledger says about the work itself, without who did it when."""
    entries = world.ledger.entries("toy")
    return [(e.kind, e.body) for e in entries if e.kind not in ("session", "stopped")]


def pursue(world: World, study: Study) -> None:
    """Three proposals: one gain, one that is overtaken or lost, one more gain."""
    world.pursuit(study, Script([0.5, 0.9, 0.2]), noisy_loss()).go()


def test_killed_after_any_entry_the_work_goes_on_as_if_nothing_had_happened() -> None:
    whole = World()
    pursue(whole, whole.begin())
    assert [kind for kind, _ in work(whole)].count("verdict") > 4
    for after in range(1, whole.ledger.extended):
        world = World()
        world.ledger.die_after = after
        with pytest.raises(Killed):
            pursue(world, world.begin())
        world.ledger.die_after = None
        pursue(world, world.resume())
        assert work(world) == work(whole)


def test_a_replay_in_between_does_not_hide_what_a_killed_process_owed() -> None:
    world = World()
    world.ledger.die_after = 2 + 2 * Plan().calibration  # the study, the session, all calibration
    with pytest.raises(Killed):
        pursue(world, world.begin())
    world.ledger.die_after = None
    study = world.resume()
    assert study.state.noise is None
    assert isinstance(study.state.unsettled, Outcome)
    baseline = study.state.start.baseline
    executor = FakeExecutor(world.blobs, noisy_loss())
    run_again(study, executor, baseline, 2, lambda done, planned: None)
    pursue(world, world.resume())
    state = world.resume().state
    assert state.noise is not None
    assert state.incumbent != baseline


def test_a_researcher_learns_the_same_lessons_after_a_restart() -> None:
    world = World()
    study = world.begin()
    first = Script([0.5, 3.0])
    world.pursuit(study, first, noisy_loss()).go()
    second = Script([0.5, 3.0])
    world.pursuit(world.resume(), second, noisy_loss()).go()
    assert first.lessons == second.lessons
    assert first.lessons


def test_an_interrupt_ends_the_work_at_once_and_is_recorded() -> None:
    world = World()
    study = world.begin()
    reason = world.pursuit(study, Script([0.5]), noisy_loss(), interrupted=lambda: True).go()
    assert reason == "interrupted"
    assert study.state.stopped == "interrupted"


def test_trials_are_counted_over_the_whole_study() -> None:
    world = World()
    world.pursuit(world.begin(), Script([0.5]), noisy_loss(), trials=4).go()
    study = world.resume()
    reason = world.pursuit(study, Script([0.5]), noisy_loss(), trials=6).go()
    assert reason == "6 trials are done"
    assert len(study.state.outcomes) == 6


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan")])
def test_a_budget_must_be_more_than_zero(minutes: float) -> None:
    with pytest.raises(BadBudget, match="more than 0"):
        Budget(minutes=minutes)


def test_calibration_comes_first_and_its_noise_is_on_record() -> None:
    world = World()
    study = world.begin()
    world.pursuit(study, Script([0.5]), noisy_loss(0.1)).go()
    first = [study.state.trials[n].purpose for n in range(1, 9)]
    assert set(first) == {Purpose.CALIBRATE}
    assert study.state.noise is not None
    assert 0.03 < study.state.noise.sd < 0.3
    assert study.state.noise.resolution > 0


def test_failed_trials_have_no_measurement() -> None:
    world = World()
    study = world.begin()
    measure = noisy_loss()
    world.pursuit(
        study, Script([0.0]), lambda f, s: None if rate_of(f) == 0 else measure(f, s)
    ).go()
    failed = [o for o in study.state.outcomes.values() if o.state is TrialState.FAILED]
    assert failed
    assert all(o.measurement is None and o.failure for o in failed)
