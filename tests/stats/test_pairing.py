import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.plan import Plan
from upward.stats.pairing import (
    break_even_ratio,
    pairing,
    pairing_of_races,
    pairing_so_far,
    sees_in_pairs,
)

NUMBER = st.integers(-1000, 1000).map(float)
PAIRS = st.lists(st.tuples(NUMBER, NUMBER), min_size=6, max_size=20)


def answers(one: list[float], other: list[float]) -> bool:
    try:
        pairing(one, other, break_even=0.8)
    except BadMeasurement:
        return False
    return True


@given(PAIRS, st.floats(0.01, 100.0), NUMBER, NUMBER)
def test_unit_and_origins_do_not_matter(
    pairs: list[tuple[float, float]], unit: float, here: float, there: float
) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    if answers(one, other):
        plain = pairing(one, other, break_even=0.8)
        moved = pairing(
            [unit * a + here for a in one], [unit * b + there for b in other], break_even=0.8
        )
        assert moved.correlation == pytest.approx(plain.correlation, rel=1e-6, abs=1e-6)
        assert moved.ratio_high == pytest.approx(plain.ratio_high, rel=1e-6, abs=1e-6)


@given(PAIRS)
def test_the_ratio_is_that_of_the_variances_and_lies_in_its_interval(
    pairs: list[tuple[float, float]],
) -> None:
    one, other = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    if answers(list(one), list(other)):
        found = pairing(list(one), list(other), break_even=0.8)
        assert found.ratio == pytest.approx(np.var(one - other) / (np.var(one) + np.var(other)))
        assert 0.0 <= found.ratio_low <= found.ratio <= found.ratio_high <= 2.0
        assert found.ratio_high == pytest.approx(1.0 - found.low)
        swapped = pairing(list(other), list(one), break_even=0.8)
        assert swapped.correlation == pytest.approx(found.correlation)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("n", [6, 20])
def test_the_interval_covers_the_truth_as_often_as_stated(rho: float, n: int) -> None:
    generator, inside, cases = np.random.default_rng(2), 0, 1500
    for _ in range(cases):
        shared, a, b = generator.normal(size=(3, n))
        one = math.sqrt(rho) * shared + math.sqrt(1 - rho) * a
        other = math.sqrt(rho) * shared + math.sqrt(1 - rho) * b
        found = pairing(list(one), list(other), break_even=0.8)
        inside += found.low <= rho <= found.high
    # four standard errors of 1500 cases at 95 %: 2.3 %
    assert inside / cases == pytest.approx(0.95, abs=0.023)


def test_independent_arms_are_rarely_said_to_pay_and_shared_luck_often() -> None:
    generator = np.random.default_rng(3)
    luck = generator.normal(size=(500, 8))
    free = [pairing(list(x), list(generator.normal(size=8)), break_even=0.82).pays for x in luck]
    near = [
        pairing(list(x), list(x + generator.normal(0.0, 0.2, 8)), break_even=0.82).pays
        for x in luck
    ]
    assert np.mean(free) < 0.03
    assert np.mean(near) > 0.95


def test_arms_that_differ_by_one_amount_share_all_luck() -> None:
    some = [1.0, 4.0, 2.0, 5.0, 3.0, 7.0]
    same = pairing(some, [v + 0.1 for v in some], break_even=0.8)
    assert (same.correlation, same.ratio, same.ratio_high, same.pays) == (1.0, 0.0, 0.0, True)
    against = pairing(some, [9.0 - v for v in some], break_even=0.8)
    assert (against.correlation, against.ratio, against.pays) == (-1.0, 2.0, False)


def test_pairs_must_save_more_than_they_cost() -> None:
    assert 0.75 < break_even_ratio(Plan(), incumbent_trials=8) < 0.9
    long_race = break_even_ratio(Plan(race_cap=40), incumbent_trials=8)
    assert break_even_ratio(Plan(race_cap=6), incumbent_trials=8) < long_race <= 1.0


def test_what_cannot_tell_is_refused() -> None:
    some = [1.0, 4.0, 2.0, 5.0, 3.0, 7.0]
    with pytest.raises(TooFewTrials):
        pairing(some[:5], some[1:], break_even=0.8)
    with pytest.raises(BadMeasurement, match="make no pairs"):
        pairing([*some, 1.0], some, break_even=0.8)
    with pytest.raises(BadMeasurement, match="never varies"):
        pairing(some, [1.0] * 6, break_even=0.8)
    with pytest.raises(BadMeasurement, match="nothing is learned"):
        pairing(some, list(some), break_even=0.8)
    for bad in (math.nan, math.inf):
        with pytest.raises(BadMeasurement):
            pairing(some, [*some[1:], bad], break_even=0.8)


# -- over the races of a study ---------------------------------------------------------------------

Race = tuple[list[float], list[float]]


def races_of(rho: float, sizes: tuple[int, ...], seed: int) -> list[Race]:
    """Races at levels and with spreads of their own, whose arms share luck."""
    generator, found = np.random.default_rng(seed), list[Race]()
    for n in sizes:
        shared, a, b = generator.normal(size=(3, n))
        unit, level = 10.0 ** generator.uniform(-2.0, 2.0), 100.0 * generator.normal()
        one = level + unit * (math.sqrt(rho) * shared + math.sqrt(1.0 - rho) * a)
        other = level + unit * (math.sqrt(rho) * shared + math.sqrt(1.0 - rho) * b - 0.5)
        found.append((one.tolist(), other.tolist()))
    return found


@given(PAIRS, st.floats(0.01, 100.0), NUMBER)
def test_one_race_says_what_its_pairs_say_in_any_unit(
    pairs: list[tuple[float, float]], unit: float, level: float
) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    if answers(one, other):
        plain = pairing(one, other, break_even=0.8)
        race = [unit * a + level for a in one], [unit * b + level for b in other]
        found = pairing_of_races([race], break_even=0.8)
        cut = math.tanh(4.6)
        assert found.correlation == pytest.approx(min(cut, max(-cut, plain.correlation)), abs=1e-6)
        assert found.n == plain.n


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("sizes", [(3, 3), (2, 2, 2, 2), (4, 10, 3)])
def test_over_races_the_interval_covers_the_truth_as_often_as_stated(
    rho: float, sizes: tuple[int, ...]
) -> None:
    cases = 600
    found = [pairing_of_races(races_of(rho, sizes, s), break_even=0.8) for s in range(cases)]
    inside = sum(f.low <= rho <= f.high for f in found)
    assert inside / cases == pytest.approx(0.95, abs=4.0 * math.sqrt(0.95 * 0.05 / cases))


def test_a_race_that_cannot_tell_is_left_out() -> None:
    races = races_of(0.9, (4, 6), 1)
    plain = pairing_of_races(races, break_even=0.8)
    dull = [([1.0, 1.0, 1.0], [2.0, 3.0, 4.0]), ([1.0, 2.0], [1.0, 2.0])]
    assert pairing_of_races([*dull, *races], break_even=0.8) == plain


def test_one_race_of_equal_differences_does_not_outweigh_all_others() -> None:
    certain: Race = [1.0, 2.0], [1.5, 2.5]
    against = races_of(0.0, (6, 6, 6), 3)
    assert not pairing_of_races([certain, *against], break_even=0.8).pays


def test_too_few_pairs_or_arms_of_two_lengths_say_nothing() -> None:
    with pytest.raises(TooFewTrials):
        pairing_of_races(races_of(0.9, (2, 3), 1), break_even=0.8)
    with pytest.raises(BadMeasurement):
        pairing_of_races([([1.0, 2.0], [1.0, 2.0, 3.0])], break_even=0.8)
    assert pairing_so_far(races_of(0.9, (2, 3), 1), 0.8) is None
    assert pairing_so_far(races_of(0.9, (5, 5), 1), None) is None


def test_pairs_that_pay_let_a_study_see_less_and_others_change_nothing() -> None:
    assert sees_in_pairs(races_of(0.99, (6, 6), 1), 0.8) < 0.3
    assert sees_in_pairs(races_of(0.0, (6, 6), 1), 0.8) == 1.0
    assert sees_in_pairs([], 0.8) == 1.0
