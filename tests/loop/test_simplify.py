"""Leave one out: dead weight goes, what carries the gain stays."""

import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from tests.loop.studies import Killed, World, edit, moments_around, rate_of
from tests.loop.test_run import work

from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import Change, Decision, Draft
from upward.core.seen import Lesson, Seen
from upward.ledger.replay import StudyState
from upward.loop.simplify import NAME
from upward.loop.study import Study
from upward.research.leave_out import LeaveOut

PLAN = Plan(simplify_share=0.5, publish=0, controls=0.0)
SD = 0.02


class Both:
    """Proposes one change of two knobs, then rates that are worse."""

    name = "both"

    def propose(self, seen: Seen) -> Draft | None:
        if seen.number > 1:
            return edit(seen, 2.0 + 0.01 * seen.number) if seen.number < 60 else None
        text = seen.incumbent.files["train.py"]
        new = text.replace("RATE = 1.0", "RATE = 0.5").replace("WIDTH = 8", "WIDTH = 16")
        changes = (Change("train.py:RATE", "1.0", "0.5"), Change("train.py:WIDTH", "8", "16"))
        return Draft(seen.incumbent.candidate, "both", {"train.py": new}, "set", changes)

    def learn(self, lesson: Lesson) -> None:
        pass


def worth(width: float) -> Callable[[Mapping[str, str], int], float]:
    """A loss from which the wide setting takes away so much."""

    def measure(files: Mapping[str, str], seed: int) -> float:
        found = re.search(r"WIDTH = (\d+)", files["train.py"])
        wide = found is not None and found[1] == "16"
        luck = float(np.random.default_rng(seed).normal(0, SD))
        return 10.0 + rate_of(files) - width * wide + luck

    return measure


def pursued(
    width: float, plan: Plan = PLAN, noise: Noise = Noise.SEEDED, secret: str = "s0"
) -> StudyState:
    world = World(noise)
    study = world.begin(plan, secret=secret)
    world.pursuit(study, Both(), worth(width), trials=120, remover=LeaveOut()).go()
    return study.state


def removal(state: StudyState, knob: str) -> tuple[Decision, str]:
    [proposal] = [
        p
        for p in state.proposals.values()
        if p.margin is not None and [c.knob for c in p.changes] == [f"train.py:{knob}"]
    ]
    last = [v for v in state.verdicts if v.candidate == proposal.candidate][-1]
    return last.decision, last.reason


def test_dead_weight_is_taken_out_and_what_carries_the_gain_stays() -> None:
    state = pursued(0.0)
    decision, reason = removal(state, "WIDTH")
    assert decision is Decision.ACCEPTED
    assert reason.startswith("Simpler, and its loss is less than")
    [step] = [p for p in state.lineage(state.incumbent) if p.margin is not None]
    assert step.researcher == NAME
    assert [c.new for c in state.changes_of(state.incumbent)] == ["0.5", "16", "8"]


def test_a_part_that_is_needed_stays_and_the_verdict_says_so() -> None:
    decision, reason = removal(pursued(0.0), "RATE")
    assert decision is Decision.REJECTED
    assert reason.startswith("Left out, it is 0.4")
    assert reason.endswith("too much to be dead weight.")


def test_a_part_that_is_worth_three_times_the_margin_stays() -> None:
    decision, reason = removal(pursued(0.12), "WIDTH")
    assert decision is Decision.REJECTED
    assert "worse" in reason


def test_how_often_a_part_is_left_out_falls_with_what_it_is_worth() -> None:
    secrets = [f"s{i}" for i in range(6)]
    left_out = [
        sum(removal(pursued(width, secret=s), "WIDTH")[0] is Decision.ACCEPTED for s in secrets)
        for width in (0.0, 0.06)
    ]
    assert left_out[0] >= 2
    assert left_out[1] == 0


def test_the_gain_on_record_is_the_true_one_without_the_margin() -> None:
    state = pursued(0.0)
    [verdict] = [v for v in state.accepted if state.margin_of(v.candidate)]
    assert verdict.gain is not None
    assert abs(verdict.gain) < 2 * SD
    margin = state.margin_of(verdict.candidate)
    assert verdict.low is not None
    assert verdict.low > -2 * margin


def test_removals_stay_within_their_share() -> None:
    state = pursued(0.0, Plan(simplify_share=0.2, publish=0, controls=0.0))
    about = {p.candidate for p in state.proposals.values() if p.margin is not None}
    spent = sum(t.about in about or t.candidate in about for t in state.trials.values())
    assert about
    assert spent <= 0.2 * len(state.trials) + 12


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_short_study_asks_nothing(share: float) -> None:
    state = pursued(0.0, Plan(simplify_share=share, publish=0, controls=0.0))
    assert not [p for p in state.proposals.values() if p.margin is not None]


def test_an_exact_metric_whose_repeats_differ_asks_nothing() -> None:
    state = pursued(0.0, noise=Noise.EXACT)
    assert not [p for p in state.proposals.values() if p.margin is not None]


def exact(width: float) -> StudyState:
    world = World(Noise.EXACT)
    study = world.begin(PLAN)
    lucky = worth(width)
    world.pursuit(
        study, Both(), lambda files, _: lucky(files, 0), trials=40, remover=LeaveOut()
    ).go()
    return study.state


def test_where_repeats_never_differ_equal_is_left_out() -> None:
    state = exact(0.0)
    decision, reason = removal(state, "WIDTH")
    assert (decision, reason) == (Decision.ACCEPTED, "Simpler, and exactly equal.")
    assert state.is_removal(state.incumbent)
    assert removal(state, "RATE")[0] is Decision.REJECTED


def test_where_repeats_never_differ_the_smallest_loss_is_too_much() -> None:
    state = exact(1e-9)
    decision, reason = removal(state, "WIDTH")
    assert decision is Decision.REJECTED
    assert "no tolerance" in reason


def test_a_timing_asks_nothing() -> None:
    state = pursued(0.0, noise=Noise.TIMING)
    assert state.accepted
    assert not [p for p in state.proposals.values() if p.margin is not None]


def pursue(world: World, study: Study) -> None:
    world.pursuit(study, Both(), worth(0.0), trials=70, remover=LeaveOut()).go()


def test_killed_around_any_removal_the_ledger_is_the_same() -> None:
    whole = World()
    pursue(whole, whole.begin(PLAN, secret="s0"))
    bodies = [body for items in whole.ledger.wrote for _, body in items]
    asked = {body["candidate"] for body in bodies if body.get("margin")}
    assert len(asked) > 1
    for after in moments_around(whole.ledger, lambda body: body.get("candidate") in asked):
        world = World()
        world.ledger.die_after = after
        with pytest.raises(Killed):
            pursue(world, world.begin(PLAN, secret="s0"))
        world.ledger.die_after = None
        pursue(world, world.resume())
        assert work(world) == work(whole), after
