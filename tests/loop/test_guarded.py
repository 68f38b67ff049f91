"""Guards in the loop: bought gains are rejected by name, and nothing is accepted unseen."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from tests.loop.studies import Killed, Script, World, noisy_loss, rate_of

from upward.core.codec import plain, restore
from upward.core.metric import Direction, Guard, GuardState, Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Level, Measurement, Outcome, Purpose, Verdict
from upward.ledger.replay import OVERTAKEN, RACE, SCREEN
from upward.loop.study import Study
from upward.testing.fake_executor import FakeExecutor

Measured = Callable[[Mapping[str, str], int], Measurement]

MEMORY = Guard("memory", Direction.MINIMIZE, 10.0)
SPEED = Guard("speed", Direction.MAXIMIZE, 0.5)


def measured(
    memory: Callable[[float, np.random.Generator], float], *, exact: bool = False
) -> Measured:
    """Loss is RATE plus luck; memory is what the function makes of RATE and luck."""

    def measure(files: Mapping[str, str], seed: int) -> Measurement:
        loss = 10.0 + rate_of(files) if exact else noisy_loss()(files, seed)
        luck = np.random.default_rng(seed + 1)
        return Measurement(loss, {"memory": memory(rate_of(files), luck), "speed": 5.0})

    return measure


def exact_bytes(rate: float, _: np.random.Generator) -> float:
    """100, and 50 more for a RATE below 0.6."""
    return 150.0 if rate < 0.6 else 100.0


def harmless(_: float, luck: np.random.Generator) -> float:
    return float(luck.normal(100.0, 2.0))


def wild(_: float, luck: np.random.Generator) -> float:
    return float(luck.normal(100.0, 12.0))


def creeping(rate: float, luck: np.random.Generator) -> float:
    """16 more than at the start for a RATE below 0.6: too much, but less than the noise shows."""
    return float(luck.normal(116.0 if rate < 0.6 else 100.0, 8.0))


def pursued(world: World, measure: Measured, rates: tuple[float, ...] = (0.5,)) -> Study:
    study = world.begin()
    world.pursuit(study, Script(rates), measure).go()
    return study


def verdicts_on(study: Study, number: int) -> list[Verdict]:
    candidate = study.state.proposals[number].candidate
    return [v for v in study.state.verdicts if v.candidate == candidate]


# -- the screen ------------------------------------------------------------------------------


def test_a_gain_that_is_bought_with_an_exact_guard_is_rejected_by_its_first_trial() -> None:
    study = pursued(World(guards=(MEMORY, SPEED)), measured(exact_bytes))
    [verdict] = verdicts_on(study, 1)
    assert (verdict.rule, verdict.decision, verdict.level) == (SCREEN, Decision.REJECTED, None)
    assert (
        verdict.reason == "memory got worse by 50 (10 allowed): 150 against 100 of the incumbent."
    )
    assert [(g.name, g.state) for g in verdict.guards] == [
        ("memory", GuardState.BROKEN),
        ("speed", GuardState.HELD),
    ]
    assert study.state.incumbent == study.state.start.baseline


def test_a_screen_that_the_metric_rejects_does_not_look_at_guards() -> None:
    study = pursued(World(guards=(MEMORY,)), measured(exact_bytes), (3.0,))
    [verdict] = verdicts_on(study, 1)
    assert verdict.decision is Decision.REJECTED
    assert verdict.guards == ()


# -- the race --------------------------------------------------------------------------------


def test_a_gain_whose_guards_are_shown_to_hold_is_accepted_with_their_bounds() -> None:
    study = pursued(World(guards=(MEMORY, SPEED)), measured(harmless))
    [_, verdict] = verdicts_on(study, 1)
    assert (verdict.decision, verdict.level) == (Decision.ACCEPTED, Level.VERIFIED)
    memory, speed = verdict.guards
    assert memory.state is speed.state is GuardState.HELD
    assert memory.upper is not None
    assert memory.loss < memory.upper <= 10.0
    assert (memory.confidence, speed.confidence) == (0.95, 1.0)
    assert "memory holds: " in verdict.reason
    assert "speed holds: no change in every reading (0.5 allowed)." in verdict.reason


def test_a_small_break_that_a_screen_cannot_see_is_found_by_the_race() -> None:
    study = pursued(World(guards=(MEMORY,)), measured(creeping))
    screened, raced = verdicts_on(study, 1)
    assert screened.level is Level.PROVISIONAL
    assert (raced.rule, raced.decision, raced.level) == (RACE, Decision.REJECTED, None)
    assert raced.reason.startswith("memory ")
    assert "worse by" in raced.reason
    assert raced.candidate_values
    assert raced.evidence is not None
    assert raced.evidence >= 20.0  # the metric was won


def test_a_guard_that_noise_hides_keeps_the_race_going_to_its_cap_and_accepts_nothing() -> None:
    study = pursued(World(guards=(MEMORY,)), measured(wild))
    [_, verdict] = verdicts_on(study, 1)
    assert (verdict.decision, verdict.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert len(verdict.candidate_values) == Plan().race_cap
    assert "But memory is not shown to hold: " in verdict.reason
    assert "can show a tolerance of about" in verdict.reason
    assert [g.state for g in verdict.guards] == [GuardState.OPEN]
    alone = pursued(World(), measured(wild))
    assert len(verdicts_on(alone, 1)[-1].candidate_values) < Plan().race_cap


def test_only_readings_that_ran_beside_each_other_are_compared() -> None:
    calls = 0

    def growing(_: float, luck: np.random.Generator) -> float:
        nonlocal calls
        calls += 1
        return float(luck.normal(100.0, 1.0)) + (0.0 if calls <= 8 else 40.0)

    # since calibration the machine costs everybody 40 more, four times the tolerance
    study = pursued(World(guards=(Guard("memory", Direction.MINIMIZE, 10.0),)), measured(growing))
    assert verdicts_on(study, 1)[0].decision is Decision.REJECTED  # the screen cannot know better

    def hidden(rate: float, luck: np.random.Generator) -> float:
        nonlocal calls
        calls += 1
        return float(luck.normal(100.0, 1.0)) + (0.0 if calls <= 9 else 40.0)

    calls = 0
    study = pursued(World(guards=(MEMORY,)), measured(hidden))
    assert verdicts_on(study, 1)[-1].decision is Decision.ACCEPTED


def test_a_guard_without_readings_is_never_accepted() -> None:
    study = pursued(World(guards=(Guard("recall", Direction.MAXIMIZE, 1.0),)), measured(harmless))
    verdict = verdicts_on(study, 1)[-1]
    assert (verdict.rule, verdict.decision) == (RACE, Decision.INCONCLUSIVE)
    assert "guard recall needs at least" in verdict.reason
    assert study.state.incumbent == study.state.start.baseline


def test_a_second_candidate_is_guarded_against_the_incumbent_of_its_time() -> None:
    def stepping(rate: float, _: np.random.Generator) -> float:
        return 100.0 + 9.0 * (rate < 0.9) + 9.0 * (rate < 0.4)

    study = pursued(World(guards=(MEMORY,)), measured(stepping), (0.5, 0.1))
    assert [v.decision for v in study.state.accepted] == [Decision.ACCEPTED] * 2
    assert [v.guards[0].loss for v in study.state.accepted] == [9.0, 9.0]


# -- exact metrics ---------------------------------------------------------------------------


def test_an_exact_gain_with_an_exact_guard_needs_one_trial() -> None:
    study = pursued(World(Noise.EXACT, guards=(MEMORY,)), measured(exact_bytes, exact=True), (0.7,))
    verdict = verdicts_on(study, 1)[0]
    assert (verdict.rule, verdict.decision) == (SCREEN, Decision.ACCEPTED)
    assert verdict.guards[0].state is GuardState.HELD


def test_an_exact_gain_with_a_noisy_guard_is_raced_for_the_guard_alone() -> None:
    world = World(Noise.EXACT, guards=(MEMORY,))
    study = pursued(world, measured(harmless, exact=True))
    screened, raced = verdicts_on(study, 1)[:2]
    assert (screened.decision, screened.level) == (Decision.INCONCLUSIVE, Level.PROVISIONAL)
    assert "memory is not shown to hold: one reading is not enough" in screened.reason
    assert screened.reason.endswith("A race decides.")
    assert (raced.rule, raced.decision, raced.level) == (RACE, Decision.ACCEPTED, Level.VERIFIED)
    assert raced.gain == pytest.approx(0.5)
    assert study.state.incumbent == study.state.proposals[1].candidate


class Backwards(FakeExecutor):
    """All trials under way end together, the latest first."""

    def finished(self, timeout_s: float) -> list[Outcome]:
        found = list[Outcome]()
        while ended := super().finished(timeout_s):
            found += ended
        return found[::-1]


def test_a_candidate_that_ends_before_its_incumbent_waits_for_it() -> None:
    world = World(Noise.EXACT, guards=(MEMORY,))
    study = world.begin()
    measure = measured(harmless, exact=True)
    pursuit = world.pursuit(study, Script((0.5,)), measure, workers=2)
    pursuit.executor = Backwards(world.blobs, measure, workers=2)
    pursuit.go()
    assert verdicts_on(study, 1)[1].decision is Decision.ACCEPTED


def test_an_exact_gain_that_breaks_a_noisy_guard_is_rejected_by_name() -> None:
    study = pursued(World(Noise.EXACT, guards=(MEMORY,)), measured(creeping, exact=True))
    verdict = verdicts_on(study, 1)[-1]
    assert verdict.decision is Decision.REJECTED
    assert verdict.reason.startswith("memory ")
    assert verdict.guards[0].state is GuardState.BROKEN
    assert study.state.incumbent == study.state.start.baseline


# -- what is learned -------------------------------------------------------------------------


def test_a_broken_guard_teaches_that_the_idea_failed_and_not_that_it_gained() -> None:
    world = World(guards=(MEMORY,))
    study, script = world.begin(), Script((0.5, 0.7))
    world.pursuit(study, script, measured(exact_bytes)).go()
    broken, *others = script.lessons
    assert (broken.decision, broken.gain_sd, broken.failure) == (Decision.REJECTED, None, "guard")
    assert others
    assert all(lesson.gain_sd is not None and lesson.failure is None for lesson in others)


# -- the record ------------------------------------------------------------------------------


def test_a_verdict_with_guards_travels_and_one_without_is_what_it_was() -> None:
    study = pursued(World(guards=(MEMORY, SPEED)), measured(harmless))
    [screened, raced] = verdicts_on(study, 1)
    assert restore(Verdict, plain(raced)) == raced
    assert "guards" not in plain(screened)
    old = {k: v for k, v in plain(raced).items() if k != "guards"}
    assert restore(Verdict, old).guards == ()


@pytest.mark.parametrize("noise", [Noise.SEEDED, Noise.EXACT])
@pytest.mark.parametrize("memory", [harmless, creeping, wild])
def test_killed_after_any_entry_the_guards_come_to_the_same_verdicts(
    noise: Noise, memory: Callable[[float, np.random.Generator], float]
) -> None:
    def pursue(world: World, study: Study) -> None:
        measure = measured(memory, exact=noise is Noise.EXACT)
        world.pursuit(study, Script([0.5, 0.2]), measure, trials=40).go()

    def work(world: World) -> list[tuple[str, bytes]]:
        entries = world.ledger.entries("toy")
        return [(e.kind, e.body) for e in entries if e.kind not in ("session", "stopped")]

    whole = World(noise, guards=(MEMORY,))
    pursue(whole, whole.begin())
    assert any(b'"guards":[' in body for kind, body in work(whole) if kind == "verdict")
    for after in range(1, whole.ledger.extended, 3):
        world = World(noise, guards=(MEMORY,))
        world.ledger.die_after = after
        with pytest.raises(Killed):
            pursue(world, world.begin())
        world.ledger.die_after = None
        pursue(world, world.resume())
        assert work(world) == work(whole)


def test_two_workers_come_to_guarded_verdicts_too() -> None:
    world = World(guards=(MEMORY,))
    study = world.begin()
    world.pursuit(study, Script([0.5, 0.7, 3.0]), measured(harmless), workers=2).go()
    assert {v.rule for v in study.state.verdicts} <= {SCREEN, RACE, OVERTAKEN}
    assert not study.state.contenders
    races = [t for t in study.state.trials.values() if t.purpose is Purpose.RACE]
    assert races
    assert study.state.accepted[-1].guards[0].state is GuardState.HELD
