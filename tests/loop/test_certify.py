"""Certification: accepted steps run again, and hold or do not when all races are counted."""

from collections.abc import Iterator, Mapping

import pytest
from tests.loop.studies import SOUND, Killed, Script, World, noisy_loss, rate_of
from tests.loop.test_run import work

from upward.core.plan import Plan
from upward.core.records import Isolation, Level, Purpose
from upward.ledger.replay import StudyState
from upward.loop.certify import certificate, total_evidence
from upward.loop.study import Study
from upward.stats.several import e_bh

# certified only with evidence of a million, so that every step has to run again
STRICT = Plan(certify_alpha=1e-6, certify_share=0.3)
TAKEN_BACK = "t0"  # a seed at which the first race is just won
SOME = [0.7, *(0.7 + 1e-9 * n for n in range(1, 40))]


def ended(plan: Plan, rates: list[float], *, secret: str = "secret", trials: int = 150) -> Study:
    world = World()
    study = world.begin(plan, secret=secret)
    world.pursuit(study, Script(rates), noisy_loss(), trials=trials).go()
    return study


def moments(world: World) -> Iterator[StudyState]:
    """The state after each entry, wherever nothing more follows from it."""
    state = StudyState("toy")
    for entry in world.ledger.entries("toy"):
        state.apply(entry)
        if state.certificate is not None and state.unsettled is None:
            yield state


def test_strong_evidence_in_a_race_is_a_certificate_at_once() -> None:
    study = ended(Plan(), [0.2])
    state = study.state
    assert state.record(state.incumbent).level is Level.CERTIFIED
    assert not state.begun[Purpose.CERTIFY]
    assert state.certificate is not None
    assert state.certificate.raced == len(state.races) == 1


def test_an_accepted_step_runs_again_beside_what_it_was_accepted_against() -> None:
    state = ended(STRICT, SOME).state
    [verdict] = state.accepted
    again = [t for t in state.trials.values() if t.purpose is Purpose.CERTIFY]
    assert {t.candidate for t in again} == {verdict.candidate, verdict.incumbent}
    assert {t.about for t in again} == {verdict.candidate}
    assert verdict.evidence is not None
    assert verdict.evidence < 1e6 <= total_evidence(state, verdict)
    assert state.record(verdict.candidate).level is Level.CERTIFIED


def test_it_keeps_to_its_share_of_the_trials() -> None:
    plan = Plan(certify_alpha=1e-300, certify_share=0.1)
    state = ended(plan, SOME).state
    assert 0 < state.begun[Purpose.CERTIFY] <= 0.1 * len(state.trials)
    assert state.record(state.incumbent).level is Level.VERIFIED


def test_a_candidate_that_fails_when_it_runs_again_is_not_certified() -> None:
    def measure(files: Mapping[str, str], seed: int) -> float | None:
        late = study.state.begun[Purpose.CERTIFY] > 0
        return None if late and rate_of(files) == 0.7 else noisy_loss()(files, seed)

    world = World()
    study = world.begin(STRICT)
    world.pursuit(study, Script(SOME[:1]), measure).go()
    world.pursuit(study, Script([0.7, *(3.0 + n for n in range(30))]), measure).go()
    [verdict] = study.state.accepted
    assert total_evidence(study.state, verdict) == 0.0
    assert study.state.record(verdict.candidate).level is Level.VERIFIED


def test_what_was_not_isolated_is_never_certified() -> None:
    world = World(isolation=Isolation("none", False, {}))
    study = world.begin()
    world.pursuit(study, Script([0.2]), noisy_loss()).go()
    assert study.state.accepted
    assert study.state.certificate is None


@pytest.mark.parametrize("secret", ["a", "b", "c"])
def test_at_every_moment_exactly_what_e_bh_allows_is_certified(secret: str) -> None:
    world = World()
    study = world.begin(Plan(certify_alpha=0.004, certify_share=0.3), secret=secret)
    rates = [1.0 - 0.07 * n for n in range(1, 12)]
    world.pursuit(study, Script(rates), noisy_loss(), trials=160).go()
    seen = set[int]()
    for state in moments(world):
        held = set(state.certificate.evidence) if state.certificate else set[str]()
        assert {c for c, r in state.records.items() if r.level is Level.CERTIFIED} == held
        seen.add(len(held))
    assert len(seen) > 1
    assert not certificate(study.state)  # nothing is owed at the end


def test_a_certificate_is_taken_back_when_many_more_races_are_lost() -> None:
    world = World()
    study = world.begin(Plan(certify_share=0.0), secret=TAKEN_BACK)
    rates = [0.75, *(0.75 + 1e-9 * k for k in range(1, 60))]
    world.pursuit(study, Script(rates), noisy_loss(), trials=300).go()
    [verdict] = study.state.accepted
    held = [bool(state.certificate and state.certificate.evidence) for state in moments(world)]
    assert True in held
    assert not held[-1]
    assert study.state.record(verdict.candidate).level is Level.VERIFIED
    evidence = [verdict.evidence or 0.0, *[0.0] * (len(study.state.races) - 1)]
    assert not e_bh(evidence, alpha=0.1)
    assert e_bh(evidence[:1], alpha=0.1) == [0]


def test_killed_after_any_entry_certificates_and_publications_are_the_same() -> None:
    def pursue(world: World, study: Study) -> None:
        world.pursuit(study, Script(SOME[:14]), noisy_loss()).go()

    whole = World(isolation=SOUND)
    pursue(whole, whole.begin(STRICT))
    kinds = [kind for kind, _ in work(whole)]
    assert "certificate" in kinds
    assert "published" in kinds
    for after in range(1, whole.ledger.extended, 4):
        world = World()
        world.ledger.die_after = after
        with pytest.raises(Killed):
            pursue(world, world.begin(STRICT))
        world.ledger.die_after = None
        pursue(world, world.resume())
        assert work(world) == work(whole)
