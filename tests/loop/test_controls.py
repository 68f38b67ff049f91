"""Control arms: studies beside the study, on a share of the same budget."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.loop.studies import Killed, Script, World, noisy_loss

from upward.archive.archive import Archive
from upward.core.plan import Plan
from upward.core.records import Level, Purpose
from upward.ledger.replay import StudyState, replay
from upward.loop.controls import ControlArms
from upward.loop.run import Pursuit
from upward.loop.side import Side
from upward.loop.study import Study
from upward.report.rivals import best_of_unchanged, gain_after, rival
from upward.research.no_op import NoOpResearcher

MANY = [2.0 + 0.01 * n for n in range(300)]


class Pair:
    """A study with two arms: one that changes nothing, one that finds the same gain late."""

    def __init__(self, world: World, share: float = 0.2) -> None:
        self.world, self.share = world, share

    def begin(self, main: StudyState) -> Sequence[Side]:
        return [
            Side(self._arm("no-op"), NoOpResearcher(), Archive()),
            Side(self._arm("late"), Script([1.5, 1.6, 0.5, *MANY]), Archive()),
        ]

    def _arm(self, label: str) -> Study:
        name, ledger = f"toy~{label}", self.world.ledger
        if ledger.head(name) is not None:
            return Study.resume(name, ledger, self.world.blobs)
        main = self.world.resume()
        known = main.inherited()
        genesis = replace(main.state.start, secret=label, linked="toy", inherited=len(known) // 2)
        return Study.begin(name, genesis, ledger, self.world.blobs, *known)

    def pursuit(self, study: Study, trials: int = 120, workers: int = 1) -> Pursuit:
        script = Script([0.5, *MANY])
        found = self.world.pursuit(study, script, noisy_loss(), trials=trials, workers=workers)
        found.controls = ControlArms(self.share, self.begin)
        return found


def states(world: World) -> dict[str, StudyState]:
    names = world.ledger.studies()
    return {name: replay(name, world.ledger.entries(name)) for name in names}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_arms_get_their_share_of_one_budget(workers: int) -> None:
    world = World()
    Pair(world).pursuit(world.begin(), workers=workers).go()
    found = states(world)
    assert set(found) == {"toy", "toy~no-op", "toy~late"}
    done = {name: state.own_trials for name, state in found.items()}
    assert sum(done.values()) == 120
    arms = done["toy~no-op"] + done["toy~late"]
    assert 0.15 <= arms / (120 - Plan().calibration) <= 0.2
    assert abs(done["toy~no-op"] - done["toy~late"]) <= 1
    assert all(state.stopped == "120 trials are done" for state in found.values())


def test_an_arm_begins_with_the_studys_calibration_and_runs_none_of_its_own() -> None:
    world = World()
    Pair(world).pursuit(world.begin()).go()
    arm, main = states(world)["toy~late"], states(world)["toy"]
    assert arm.noise == main.noise
    assert arm.begun[Purpose.CALIBRATE] == arm.start.inherited == Plan().calibration
    assert arm.start.linked == "toy"
    baseline = arm.start.baseline
    assert arm.arm(baseline, baseline, Purpose.CALIBRATE) == main.record(baseline).counted[:8]
    assert arm.cpu_s == arm.own_trials  # a second each, and none for what was copied


def test_an_arm_is_judged_by_the_same_rule() -> None:
    world = World()
    Pair(world, share=0.5).pursuit(world.begin(), trials=200).go()
    arm = states(world)["toy~late"]
    assert [verdict.candidate for verdict in arm.accepted] == [arm.proposals[3].candidate]
    assert arm.record(arm.incumbent).level in (Level.VERIFIED, Level.CERTIFIED)
    assert states(world)["toy~no-op"].accepted == []


def test_arms_run_no_trial_before_the_noise_is_known_and_none_with_a_share_of_zero() -> None:
    world = World()
    Pair(world).pursuit(world.begin(), trials=8).go()
    assert set(states(world)) in ({"toy"}, {"toy", "toy~no-op", "toy~late"})
    assert sum(s.own_trials for n, s in states(world).items() if n != "toy") == 0
    other = World()
    Pair(other, share=0.0).pursuit(other.begin(), trials=60).go()
    assert set(states(other)) == {"toy"}


def test_a_study_that_has_nothing_left_to_propose_does_not_wait_for_its_arms() -> None:
    world = World()
    study = world.begin()
    pair = Pair(world)
    pursuit = pair.pursuit(study)
    pursuit.researcher = Script([0.5])
    assert pursuit.go() == "the researcher has nothing new to propose"


@pytest.mark.parametrize("after", [20, 33, 47, 60])
def test_killed_and_taken_up_again_the_arms_lose_nothing(after: int) -> None:
    whole, world = World(), World()
    Pair(whole).pursuit(whole.begin(), trials=70).go()
    world.ledger.die_after = after
    with pytest.raises(Killed):
        Pair(world).pursuit(world.begin(), trials=70).go()
    world.ledger.die_after = None
    Pair(world).pursuit(world.resume(), trials=70).go()
    for name, state in states(world).items():
        assert not state.pending
        assert sorted(state.outcomes) == sorted(state.trials)
        wanted = states(whole)[name]
        assert [v.candidate for v in state.accepted] == [v.candidate for v in wanted.accepted]


def test_they_are_compared_after_as_many_trials() -> None:
    world = World()
    Pair(world, share=0.3).pursuit(world.begin(), trials=150).go()
    found = states(world)
    main, arm = found["toy"], found["toy~late"]
    late = rival(arm, main)
    assert late.trials == arm.own_trials
    assert late.study == gain_after(main, late.trials)
    assert late.gain.estimate == pytest.approx(0.5, abs=0.2)
    assert late.lead is not None
    assert late.lead.low < 0 < late.lead.high  # both found the same gain
    early = gain_after(arm, 2)
    assert (early.estimate, early.low, early.high) == (0.0, 0.0, 0.0)


def test_the_best_of_runs_that_change_nothing_looks_like_a_gain() -> None:
    world = World()
    Pair(world, share=0.5).pursuit(world.begin(), trials=200).go()
    arm = states(world)["toy~no-op"]
    assert len(arm.proposals) > 5
    best = best_of_unchanged(arm)
    assert best is not None
    assert best[0] == sum(len(r.screened) for r in arm.records.values())
    assert best[1] > 0.1  # over one standard deviation, from nothing
    assert rival(arm, states(world)["toy"]).accepted == 0
