"""Comparisons on shared seeds: laws of their evidence, and what it rests on."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upward.core.design import Design
from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Metric
from upward.core.plan import Plan
from upward.core.records import Decision
from upward.stats.sequential import evidence, evidence_paired
from upward.stats.shared import WEIGHTS, Layout, Shared, compare
from upward.stats.verdict import race

LOSS = Metric("loss", "nats", Direction.MINIMIZE)
SCORE = Metric("score", "", Direction.MAXIMIZE)
PLAN = Plan()
MIXED, PAIRED = Layout(Design.MIXED), Layout(Design.PAIRED)
LAYOUTS = st.sampled_from([MIXED, PAIRED])

NUMBER = st.integers(-1000, 1000).map(float)
PAIR = st.tuples(NUMBER, NUMBER)
PAIRS = st.lists(PAIR, min_size=2, max_size=10)
EARLIER = st.lists(NUMBER, max_size=8)


def found(
    pairs: list[tuple[float, float]], layout: Layout = MIXED, earlier: list[float] | None = None
) -> Shared:
    new, old = [a for a, _ in pairs], [b for _, b in pairs]
    return compare(new, old, metric=LOSS, plan=PLAN, layout=layout, earlier=earlier or [])


# -- laws ------------------------------------------------------------------------------------


@given(PAIRS, EARLIER, LAYOUTS)
def test_the_evidence_is_the_average_of_both_bets(
    pairs: list[tuple[float, float]], earlier: list[float], layout: Layout
) -> None:
    new, old = [a for a, _ in pairs], [b for _, b in pairs]
    alone = evidence_paired([b - a for a, b in pairs])
    apart = evidence(new, old, metric=LOSS, earlier=earlier)
    weight = WEIGHTS[layout.design]
    expected = weight * alone + (1.0 - weight) * apart
    assert found(pairs, layout, earlier).evidence == pytest.approx(expected)


@given(PAIRS, EARLIER, LAYOUTS, st.floats(0.01, 100.0), NUMBER)
def test_unit_and_origin_do_not_matter(
    pairs: list[tuple[float, float]],
    earlier: list[float],
    layout: Layout,
    unit: float,
    origin: float,
) -> None:
    plain = found(pairs, layout, earlier)
    moved = found(
        [(unit * a + origin, unit * b + origin) for a, b in pairs],
        layout,
        [unit * v + origin for v in earlier],
    )
    assert moved.evidence == pytest.approx(plain.evidence, rel=1e-5)
    assert moved.estimate == pytest.approx(unit * plain.estimate, rel=1e-6, abs=1e-6)
    assert moved.hopeless == plain.hopeless


@given(PAIRS, LAYOUTS)
def test_a_candidate_that_is_better_here_is_worse_the_other_way_round(
    pairs: list[tuple[float, float]], layout: Layout
) -> None:
    one, other = found(pairs, layout), found([(b, a) for a, b in pairs], layout)
    assert other.estimate == pytest.approx(-one.estimate)
    assert min(one.evidence, other.evidence) <= 1.0 + 1e-9
    if one.gain is not None and other.gain is not None:
        assert other.gain.low == pytest.approx(-one.gain.high)


@given(PAIRS, LAYOUTS)
def test_direction_lives_in_the_metric(pairs: list[tuple[float, float]], layout: Layout) -> None:
    new, old = [-a for a, _ in pairs], [-b for _, b in pairs]
    turned = compare(new, old, metric=SCORE, plan=PLAN, layout=layout)
    assert turned.evidence == pytest.approx(found(pairs, layout).evidence)


@given(PAIRS, EARLIER, LAYOUTS, st.integers(0, 1000))
def test_the_order_of_the_pairs_does_not_matter(
    pairs: list[tuple[float, float]], earlier: list[float], layout: Layout, order: int
) -> None:
    mixed = [pairs[i] for i in np.random.default_rng(order).permutation(len(pairs))]
    assert found(mixed, layout, earlier).evidence == pytest.approx(
        found(pairs, layout, earlier).evidence
    )


@given(PAIRS, st.lists(NUMBER, min_size=10, max_size=10), LAYOUTS)
def test_luck_that_both_have_in_common_leaves_the_bet_on_the_pairs_as_it_is(
    pairs: list[tuple[float, float]], luck: list[float], layout: Layout
) -> None:
    same = [(a + x, b + x) for (a, b), x in zip(pairs, luck, strict=False)]
    alone = evidence_paired([b - a for a, b in pairs])
    assert found(same, layout).evidence >= WEIGHTS[layout.design] * alone * (1.0 - 1e-9)


# -- a candidate that changed nothing ------------------------------------------------------------


@given(st.lists(NUMBER, min_size=2, max_size=10), EARLIER, LAYOUTS)
def test_an_equal_candidate_is_never_accepted_and_soon_given_up(
    values: list[float], earlier: list[float], layout: Layout
) -> None:
    equal = found([(v, v) for v in values], layout, earlier)
    assert equal.evidence <= 1.0
    assert equal.estimate == 0.0
    assert equal.hopeless == (len(values) >= 3)
    judged = race(values, values, metric=LOSS, plan=PLAN, earlier=earlier, layout=layout)
    assert judged.decision in (None, Decision.REJECTED)


@given(st.lists(st.floats(1.0, 1000.0), min_size=3, max_size=10), LAYOUTS)
def test_the_last_digits_of_a_double_are_no_gain(values: list[float], layout: Layout) -> None:
    nearly = found([(v * (1.0 - 4e-16), v) for v in values], layout)
    assert nearly.evidence <= 1.0
    assert nearly.hopeless


@pytest.mark.parametrize("n", range(1, 11))
def test_a_steady_gain_that_is_only_rounded_off_is_not_infinitely_certain(n: int) -> None:
    base = [1000.0 + 0.37 * k for k in range(max(2, n))]
    exact = compare([v - 0.5 for v in base[:n]], base, metric=LOSS, plan=PLAN, layout=MIXED)
    fuzzy = [v - 0.5 + 1e-13 * (-1) ** k for k, v in enumerate(base[:n])]
    rounded = compare(fuzzy, base, metric=LOSS, plan=PLAN, layout=MIXED)
    assert rounded.evidence == pytest.approx(exact.evidence, rel=1e-3)
    assert exact.evidence < 20.0 or n > 3


# -- what is looked at ---------------------------------------------------------------------------


def test_a_trial_without_its_partner_speaks_for_its_arm_only() -> None:
    new, old = [1.0, 1.2, 1.1], [2.0, 2.3, 2.1]
    whole = compare(new, old, metric=LOSS, plan=PLAN, layout=MIXED)
    early = compare(new, old[:2], metric=LOSS, plan=PLAN, layout=MIXED)
    other = compare([*new[:2], 9.0], old[:2], metric=LOSS, plan=PLAN, layout=PAIRED)
    assert (whole.pairs, early.pairs, other.pairs) == (3, 2, 2)
    assert not early.hopeless
    lost = Layout(Design.MIXED, pairs=1)
    assert compare(new, old, metric=LOSS, plan=PLAN, layout=lost).pairs == 1


def test_shared_luck_hides_no_gain_and_a_verdict_says_how_it_was_seen() -> None:
    luck = np.random.default_rng(1).normal(size=8)
    own = 0.02 * np.random.default_rng(2).normal(size=(2, 8))
    new, old = (luck + own[0] - 0.1).tolist(), (luck + own[1]).tolist()
    hidden = race(new[:5], old[:5], metric=LOSS, plan=PLAN)
    seen = race(new[:5], old[:5], metric=LOSS, plan=PLAN, layout=MIXED)
    assert hidden.decision is not Decision.ACCEPTED
    assert seen.decision is Decision.ACCEPTED
    assert "in 5 pairs on shared seeds" in seen.reason
    assert seen.low is not None
    assert seen.low > 0.0
    one_more = race(new[:5], old[:6], metric=LOSS, plan=PLAN, layout=MIXED)
    assert "in 5 pairs on shared seeds and 1 further trial" in one_more.reason


def test_a_race_whose_pairs_were_lost_ends_all_the_same() -> None:
    last, once, twice = Layout(Design.MIXED, pairs=0), Plan(race_cap=1), Plan(race_cap=2)
    judged = race([1.0], [2.0], metric=LOSS, plan=once, layout=last)
    assert judged.decision is Decision.INCONCLUSIVE
    judged = race([1.0, 1.1], [2.0, 2.1], metric=LOSS, plan=twice, layout=last)
    assert judged.decision is not None


def test_what_is_no_comparison_is_refused() -> None:
    with pytest.raises(TooFewTrials):
        compare([], [1.0, 2.0], metric=LOSS, plan=PLAN, layout=MIXED)
    with pytest.raises(TooFewTrials):
        compare([1.0], [1.0], metric=LOSS, plan=PLAN, layout=MIXED)
    for bad in (math.nan, math.inf):
        with pytest.raises(BadMeasurement):
            compare([1.0, bad], [1.0, 2.0], metric=LOSS, plan=PLAN, layout=MIXED)


# -- by simulation -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("layout", [MIXED, PAIRED])
@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_the_narrower_interval_covers_the_gain_as_often_as_stated(
    rho: float, layout: Layout
) -> None:
    generator, inside, cases, n = np.random.default_rng(5), 0, 250, 5
    for _ in range(cases):
        seed, mine, theirs = generator.normal(size=(3, n))
        new = math.sqrt(rho) * seed + math.sqrt(1.0 - rho) * mine - 0.7
        old = math.sqrt(rho) * seed + math.sqrt(1.0 - rho) * theirs
        earlier = generator.normal(size=8).tolist()
        gain = found(list(zip(new.tolist(), old.tolist(), strict=True)), layout, earlier).gain
        assert gain is not None
        inside += gain.low <= 0.7 <= gain.high
    assert inside / cases > 0.95 - 4.0 * math.sqrt(0.95 * 0.05 / cases)
