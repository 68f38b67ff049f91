"""Both arms of a comparison, as a ledger tells them: partners are found by their seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.codec import plain
from upward.core.design import SHARED, Design
from upward.core.noise import NoiseLevel
from upward.core.records import Decision, Level, Purpose, Trial, Verdict
from upward.ledger.reading import ENOUGH_PAIRS
from upward.ledger.replay import StudyState, replay
from upward.testing.strategies import History

SEEDS = 6
# when each trial ends, and which never measures anything
ENDS = st.permutations(range(2 * SEEDS))
FAILS = st.sets(st.integers(0, 2 * SEEDS - 1))


def raced(design: Design | None, order: list[int], fails: set[int]) -> tuple[StudyState, str]:
    """A race of six trials each; a measurement is the seed, and for the candidate a half more."""
    history = History()
    about = history.propose(history.baseline, "LR = 2").candidate
    trials = [
        history.trial(arm, Purpose.RACE, about, seed=100 + k, design=design)
        for k in range(SEEDS)
        for arm in (about, history.baseline)
    ]
    for at in order:
        trial = trials[at]
        if at in fails:
            history.fail(trial)
        else:
            history.complete(trial, trial.seed + 0.5 * (trial.candidate == about))
    return replay("s", history.entries), about


@given(st.sampled_from(SHARED), ENDS, FAILS)
def test_pairs_come_first_whatever_ended_when_and_what_failed(
    design: Design, order: list[int], fails: set[int]
) -> None:
    state, about = raced(design, order, fails)
    found = state.beside(about, state.incumbent, Purpose.RACE)
    mine = [100.5 + k for k in range(SEEDS) if 2 * k not in fails]
    theirs = [100.0 + k for k in range(SEEDS) if 2 * k + 1 not in fails]
    pairs = [v for v in theirs if v + 0.5 in mine]
    assert found.pairs == len(pairs)
    assert list(found.mine[: found.pairs]) == [v + 0.5 for v in pairs]
    assert list(found.theirs[: found.pairs]) == pairs
    assert sorted(found.mine) == mine
    assert sorted(found.theirs) == theirs
    assert (state.design_of(about, Purpose.RACE), found.design) == (design, design)


@pytest.mark.parametrize("design", [None, Design.POOLED])
def test_without_a_design_of_shared_seeds_nothing_is_a_pair(design: Design | None) -> None:
    state, about = raced(design, list(range(2 * SEEDS)), set())
    found = state.beside(about, state.incumbent, Purpose.RACE)
    assert (found.pairs, found.design) == (0, Design.POOLED)
    assert list(found.mine) == state.raced(about, about)


def test_the_latest_races_in_pairs_are_at_hand_and_no_more_than_needed() -> None:
    history = History()
    for n in range(12):
        about = history.propose(history.baseline, f"LR = {n + 2}").candidate
        values = tuple(float(10 * n + k) for k in range(6))
        verdict = Verdict(
            about,
            history.baseline,
            Decision.REJECTED,
            None,
            "race",
            "because",
            candidate_values=values,
            incumbent_values=values[:5],
            pairs=None if n == 11 else 5,
        )
        history.write("verdict", plain(verdict))
    found = replay("s", history.entries).races_in_pairs()
    assert found[0] == ((100.0, 101.0, 102.0, 103.0, 104.0),) * 2
    assert sum(len(mine) for mine, _ in found) == ENOUGH_PAIRS


def test_what_knows_nothing_of_designs_keeps_its_bytes() -> None:
    trial = Trial(1, "c", 7, Purpose.RACE, "c")
    level = NoiseLevel(8, 1.0, 0.1, 0.2, 1.0, 1.0)
    verdict = Verdict("c", "b", Decision.ACCEPTED, Level.VERIFIED, "race", "because")
    for record, name in ((trial, "design"), (level, "break_even"), (verdict, "pairs")):
        assert name not in plain(record)
