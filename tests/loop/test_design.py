"""Races on shared seeds: which seed, which partner, which design, and what they then see."""

import re
from collections.abc import Mapping

import pytest
from tests.loop.studies import Killed, Script, World, noisy_loss, rate_of
from tests.loop.test_run import work

from upward.core.design import SHARED, Design
from upward.core.metric import Noise
from upward.core.plan import Plan
from upward.core.records import Decision, Draft, Outcome, Purpose, Trial
from upward.core.seen import Seen
from upward.ledger.replay import RACE, StudyState
from upward.loop.design import design_for
from upward.loop.spread import resolution_now, spread_now
from upward.loop.study import Planned, Study
from upward.testing.fake_executor import FakeExecutor

PLAN = Plan(controls=0.0, publish=0, certify_share=0.0)
# each a fifth of the noise better than the one before
SMALL = [1.0 - 0.02 * n for n in range(1, 31)]


class NewestFirst(FakeExecutor):
    """The trial that was begun last ends first."""

    def finished(self, timeout_s: float) -> list[Outcome]:
        self._jobs.rotate(1)
        return super().finished(timeout_s)


class Keyed(Script):
    """Proposes another value of WIDTH, which changes nothing."""

    def propose(self, seen: Seen) -> Draft | None:
        if seen.number > len(self.rates):
            return None
        text = seen.incumbent.files["train.py"]
        new = re.sub(r"WIDTH = \d+", f"WIDTH = {8 + seen.number}", text)
        return Draft(seen.incumbent.candidate, f"p{seen.number}", {"train.py": new}, "set")


def ended(
    rates: list[float],
    *,
    shared: float = 0.0,
    plan: Plan = PLAN,
    noise: Noise = Noise.SEEDED,
    secret: str = "secret",
    trials: int = 250,
) -> Study:
    world = World(noise)
    study = world.begin(plan, secret=secret)
    world.pursuit(study, Script(rates), noisy_loss(shared=shared), trials=trials).go()
    return study


def arms(state: StudyState, about: str, purpose: Purpose = Purpose.RACE) -> list[list[Trial]]:
    """The trials of the candidate, and those of what ran beside it."""
    found = [t for t in state.trials.values() if (t.about, t.purpose) == (about, purpose)]
    mine = [t for t in found if t.candidate == about]
    return [mine, [t for t in found if t.candidate != about]]


def races(state: StudyState) -> list[Design]:
    return [state.design_of(about, Purpose.RACE) for about in state.races]


# -- seeds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [Noise.SEEDED, Noise.TIMING])
def test_both_arms_of_a_race_walk_through_the_same_seeds(noise: Noise) -> None:
    state = ended([0.5, 0.2], noise=noise).state
    assert len(state.races) > 1
    for about in state.races:
        mine, theirs = ([t.seed for t in arm] for arm in arms(state, about))
        short = min(len(mine), len(theirs))
        assert short > 1
        assert mine[:short] == theirs[:short]
        assert len(set(mine)) == len(mine)


def test_no_seed_is_used_for_anything_else() -> None:
    state = ended([0.5, 0.2, 0.1]).state
    used = [(t.seed, t.about, t.purpose) for t in state.trials.values()]
    for seed, about, purpose in used:
        assert {(a, p) for s, a, p in used if s == seed} == {(about, purpose)}
    for about in state.races:
        [screen] = [
            t for t in state.trials.values() if t.purpose is Purpose.SCREEN and t.about == about
        ]
        assert screen.design is None


def test_a_shared_seed_hangs_on_the_content_of_the_candidate_that_it_judges() -> None:
    study = ended([0.5, 0.4])
    first, second = (p.candidate for p in study.state.proposals.values())
    incumbent = study.state.start.baseline

    def seed(about: str, design: Design) -> int:
        [trial] = study.plan_trials(Planned(incumbent, Purpose.RACE, about, design=design))
        return trial.seed

    assert seed(first, Design.MIXED) != seed(second, Design.MIXED)
    assert seed(first, Design.MIXED) == seed(first, Design.PAIRED)


# -- partners --------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", [FakeExecutor, NewestFirst])
def test_partners_are_found_by_their_seed_however_trials_end(
    executor: type[FakeExecutor],
) -> None:
    world, measure = World(), noisy_loss(shared=0.9)
    study = world.begin(PLAN)
    pursuit = world.pursuit(study, Script(SMALL), measure)
    pursuit.executor = executor(world.blobs, measure, workers=4)
    pursuit.go()
    decided = [v for v in study.state.verdicts if v.rule == RACE]
    assert decided
    for verdict in decided:
        assert verdict.pairs is not None
        ran = [t for t in study.state.trials.values() if t.about == verdict.candidate]
        seeds = {value_of(study, t): t.seed for t in ran if t.purpose is Purpose.RACE}
        pairs = zip(verdict.candidate_values, verdict.incumbent_values, strict=False)
        for mine, theirs in list(pairs)[: verdict.pairs]:
            assert seeds[mine] == seeds[theirs]


def value_of(study: Study, trial: Trial) -> float | None:
    outcome = study.state.outcomes.get(trial.number)
    return outcome.measurement.value if outcome and outcome.measurement else None


def test_a_failed_trial_of_the_incumbent_drops_its_pair_and_no_more() -> None:
    begun = 0

    def measure(files: Mapping[str, str], seed: int) -> float | None:
        nonlocal begun
        beside = study.state.begun[Purpose.RACE] and rate_of(files) == 1.0
        begun += bool(beside)
        return None if beside and begun == 2 else noisy_loss(shared=0.9)(files, seed)

    world = World()
    study = world.begin(PLAN, secret="b")
    world.pursuit(study, Script([0.92]), measure, workers=2).go()
    [verdict] = [v for v in study.state.verdicts if v.rule == RACE]
    seeds = [{t.seed for t in arm} for arm in arms(study.state, verdict.candidate)]
    [failed] = [t for t in study.state.trials.values() if value_of(study, t) is None]
    assert len(seeds[0]) == 10
    assert seeds[0] < seeds[1]
    assert failed.seed in seeds[0]
    assert verdict.pairs == 9


def test_an_incumbent_that_keeps_failing_ends_no_race_without_an_end() -> None:
    def measure(files: Mapping[str, str], seed: int) -> float | None:
        beside = study.state.begun[Purpose.RACE] and rate_of(files) == 1.0
        return None if beside and seed % 2 else noisy_loss(shared=0.5)(files, seed)

    world = World()
    study = world.begin(PLAN)
    world.pursuit(study, Script([0.95, 0.97]), measure, workers=2, trials=150).go()
    assert not study.state.contenders
    assert len(study.state.outcomes) < 150


# -- designs ---------------------------------------------------------------------------------


def test_a_study_begins_mixed_and_goes_over_to_pairs_where_they_pay() -> None:
    state = ended(SMALL, shared=0.95).state
    designs = races(state)
    assert designs[0] is Design.MIXED
    assert designs[-1] is Design.PAIRED
    assert designs == sorted(designs)
    for about in state.races:
        both = [trial for arm in arms(state, about) for trial in arm]
        assert {t.design for t in both} == {state.design_of(about, Purpose.RACE)}


def test_where_no_luck_is_shared_it_stays_mixed() -> None:
    state = ended([0.5, 0.2, *(0.2 + 1e-9 * n for n in range(1, 12))]).state
    assert len(state.races) > 3
    assert set(races(state)) == {Design.MIXED}


def test_exact_metrics_run_on_seeds_of_their_own_and_timings_interleaved() -> None:
    timing = ended([0.5], noise=Noise.TIMING).state
    assert set(races(timing)) == {Design.INTERLEAVED}
    exact = ended([0.5], noise=Noise.EXACT, trials=12).state
    assert design_for(exact, exact.incumbent, Purpose.RACE) is Design.POOLED


def test_what_was_begun_in_one_design_ends_in_it() -> None:
    state = ended(SMALL, shared=0.95).state
    first = next(iter(state.races))
    assert design_for(state, first, Purpose.RACE) is Design.MIXED
    assert design_for(state, "another", Purpose.RACE) is Design.PAIRED


def test_re_runs_and_publication_share_seeds_too_where_it_pays() -> None:
    plan = Plan(controls=0.0, certify_alpha=1e-9, certify_share=0.3)
    state = ended(SMALL, shared=0.97, plan=plan).state
    again = {t.about for t in state.trials.values() if t.purpose is Purpose.CERTIFY}
    assert again
    for about in again:
        mine, theirs = ([t.seed for t in arm] for arm in arms(state, about, Purpose.CERTIFY))
        assert mine[: len(theirs)] == theirs[: len(mine)]
        assert state.design_of(about, Purpose.CERTIFY) in SHARED
    [published] = state.publications.values()
    mine, theirs = (
        [t.seed for t in arm] for arm in arms(state, published.candidate, Purpose.PUBLISH)
    )
    assert sorted(mine) == sorted(theirs)
    assert state.design_of(published.candidate, Purpose.PUBLISH) is Design.PAIRED
    assert published.low is not None
    assert published.high is not None
    true = 1.0 - rate_of({"train.py": _text(state, published.candidate)})
    assert published.low < true < published.high
    assert published.high - published.low < 0.2  # three trials each: 0.5 without pairs


def _text(state: StudyState, candidate: str) -> str:
    changes = state.changes_of(candidate)
    return f"RATE = {changes[-1].new}\n"


def test_without_enough_pairs_the_publication_stays_as_it_was() -> None:
    plan = Plan(controls=0.0)
    state = ended([0.5], plan=plan).state
    assert state.design_of(state.incumbent, Purpose.PUBLISH) is Design.POOLED


# -- what is seen ----------------------------------------------------------------------------


def test_gains_far_below_the_noise_are_verified_where_luck_is_shared() -> None:
    blind, sharp = (
        sum(len(ended([0.93], shared=shared, secret=str(s)).state.accepted) for s in range(12))
        for shared in (0.0, 0.98)
    )
    assert sharp >= blind + 3


def test_the_smallest_visible_gain_follows_what_pairs_show() -> None:
    blind, sharp = ended(SMALL).state, ended(SMALL, shared=0.97).state
    assert blind.noise is not None
    assert sharp.noise is not None
    assert 0.7 < sharp.noise.break_even < 0.9 if sharp.noise.break_even else False
    assert resolution_now(sharp) < 0.6 * sharp.noise.seen_at(spread_now(sharp))
    assert resolution_now(blind) == blind.noise.seen_at(spread_now(blind))


def test_a_candidate_that_changes_nothing_is_never_accepted() -> None:
    world = World()
    study = world.begin(PLAN)
    world.pursuit(study, Keyed([0.0] * 30), noisy_loss(shared=1.0), trials=200).go()
    assert study.state.races
    assert not study.state.accepted
    for verdict in study.state.verdicts:
        if verdict.rule == RACE:
            assert verdict.decision is Decision.REJECTED
            assert "no difference in 3 pairs on shared seeds" in verdict.reason


@pytest.mark.slow
@pytest.mark.parametrize("shared", [0.6, 0.95])
def test_candidates_that_differ_and_are_no_better_are_rarely_accepted(shared: float) -> None:
    accepted = 0
    for trial in range(12):
        rates = [1.0 + 1e-9 * (n + 1) for n in range(10)]
        study = ended(rates, shared=shared, secret=f"secret {trial}")
        accepted += len(study.state.accepted)
    assert accepted <= 4  # 120 null candidates; at 1.5 % of those raced one is expected


@pytest.mark.slow
def test_killed_after_any_entry_seeds_and_designs_are_the_same() -> None:
    plan = Plan(controls=0.0, certify_alpha=1e-6, certify_share=0.2)

    def pursue(world: World, study: Study) -> None:
        world.pursuit(study, Script(SMALL[::2]), noisy_loss(shared=0.95)).go()

    whole = World()
    pursue(whole, whole.begin(plan))
    assert {Design.MIXED, Design.PAIRED} <= set(whole.resume().state.designs.values())
    for after in range(1, whole.ledger.extended, 5):
        world = World()
        world.ledger.die_after = after
        with pytest.raises(Killed):
            pursue(world, world.begin(plan))
        world.ledger.die_after = None
        pursue(world, world.resume())
        assert work(world) == work(whole)
