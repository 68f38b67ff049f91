import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Direction, Metric
from upward.stats.sequential import evidence, evidence_paired, interval, interval_paired
from upward.stats.sums import Arms, Pairs

UP = Metric("accuracy", "share", Direction.MAXIMIZE)
DOWN = Metric("loss", "nats", Direction.MINIMIZE)

# Whole numbers times a power of two are exact under the shifts and scales below.
whole = st.integers(-2000, 2000).map(float)
few = st.lists(whole, min_size=2, max_size=9)
varied = few.filter(lambda values: len(set(values)) > 1)
Values = NDArray[np.float64]


def _numbers(seed: int, count: int, mean: float = 0.0, sd: float = 1.0) -> list[float]:
    return list(np.random.default_rng(seed).normal(mean, sd, count))


def _by_quadrature(
    gain: float, size: float, df: float, ss: float, scales: Sequence[float]
) -> float:
    """The Bayes factor from its definition: over sigma within, over delta without.

    Sigma is integrated on its logarithm, and the exponent is kept relative to its own peak.
    """

    def over_sigma(delta: float) -> float:
        def density(log_sigma: float) -> float:
            sigma = math.exp(log_sigma)
            rest = ss + size * (gain - delta * sigma) ** 2
            return math.exp(-(df + 1) * log_sigma - rest / (2 * sigma**2) + df * math.log(unit))

        return integrate.quad(density, -6, 6, points=[math.log(unit)], limit=400)[0]

    unit = math.sqrt((ss + size * gain**2) / (df + 1))
    null = over_sigma(0.0)

    def prior(delta: float) -> float:
        return float(np.mean([2 * stats.norm.pdf(delta, scale=s) for s in scales]))

    top = 12 * max(scales)

    def weighted(delta: float) -> float:
        return prior(delta) * over_sigma(delta)

    return integrate.quad(weighted, 0, top, limit=400, epsabs=0)[0] / null


def _parts(candidate: Values, incumbent: Values) -> tuple[float, float, float, float]:
    """Gain, effective size, degrees of freedom and sum of squares, pooled."""
    k, n = len(candidate), len(incumbent)
    ss = k * np.var(candidate) + n * np.var(incumbent)
    gain = float(np.mean(candidate) - np.mean(incumbent))
    return gain, n * k / (n + k), n + k - 2.0, float(ss)


@pytest.mark.labs
@pytest.mark.slow
@pytest.mark.parametrize("shift", [-1.0, 0.3, 2.5])
@pytest.mark.parametrize("scales", [(2.0,), (1.0, 4.0)])
def test_the_closed_form_is_the_integral_that_defines_it(
    shift: float, scales: tuple[float, ...]
) -> None:
    # One pair count is a two-arm problem with the same sums, so that Welch plays no part.
    gains = np.array(_numbers(7, 6, shift))
    ss = float(len(gains) * np.var(gains))
    found = Pairs(float(np.mean(gains)), len(gains), ss).log_evidence(scales)
    expected = _by_quadrature(float(np.mean(gains)), len(gains), len(gains) - 1.0, ss, scales)
    assert math.exp(float(found)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.labs
@pytest.mark.slow
def test_two_arms_give_no_more_than_the_pooled_integral() -> None:
    for seed, spread in ((1, 1.0), (2, 0.2), (3, 4.0)):
        candidate = np.array(_numbers(seed, 4, 1.5, spread))
        incumbent = np.array(_numbers(seed + 10, 8))
        pooled = _by_quadrature(*_parts(candidate, incumbent), scales=(2.0,))
        assert evidence(list(candidate), list(incumbent), metric=UP) <= pooled * (1 + 1e-6)


@pytest.mark.labs
@pytest.mark.slow
def test_equal_arms_of_equal_spread_reach_the_pooled_integral() -> None:
    # With as many trials and the same spread in both arms, Welch's test is the pooled one.
    incumbent = np.array(_numbers(5, 6))
    candidate = incumbent + 1.25
    pooled = _by_quadrature(*_parts(candidate, incumbent), scales=(2.0,))
    assert evidence(list(candidate), list(incumbent), metric=UP) == pytest.approx(pooled, rel=1e-6)


@given(st.floats(-6, 6), st.integers(2, 30), st.floats(0.3, 5))
def test_both_sides_of_the_prior_add_up_to_the_known_two_sided_factor(
    t: float, n: int, scale: float
) -> None:
    ss = n * (n - 1.0)
    sides = [math.exp(float(Pairs(sign * t, n, ss).log_evidence((scale,)))) for sign in (1, -1)]
    r, df = 1 + n * scale**2, n - 1.0
    factor = r**-0.5 * ((1 + t * t / df) / (1 + t * t / (df * r))) ** ((df + 1) / 2)
    assert sum(sides) / 2 == pytest.approx(factor, rel=1e-9)


def test_it_begins_at_one_and_a_single_trial_never_speaks_in_favour() -> None:
    incumbent = _numbers(1, 8)
    assert evidence([], incumbent, metric=UP) == 1.0
    assert evidence([50.0], incumbent, metric=UP) == 1.0
    assert evidence([-50.0], incumbent, metric=UP) < 0.5
    assert evidence_paired([]) == evidence_paired([9.0]) == 1.0


@given(few, few)
def test_direction_is_only_a_sign(candidate: list[float], incumbent: list[float]) -> None:
    turned = evidence([-v for v in candidate], [-v for v in incumbent], metric=DOWN)
    assert turned == pytest.approx(evidence(candidate, incumbent, metric=UP), rel=1e-9)


@given(few, few, st.integers(-9, 9), st.integers(-1000, 1000))
def test_evidence_does_not_depend_on_the_unit_or_the_zero(
    candidate: list[float], incumbent: list[float], power: int, shift: int
) -> None:
    scale = 2.0**power

    def moved(values: list[float]) -> list[float]:
        return [scale * (v + shift) for v in values]

    expected = evidence(candidate, incumbent, metric=UP)
    assert evidence(moved(candidate), moved(incumbent), metric=UP) == pytest.approx(expected)


@given(few, few, st.integers(1, 500))
def test_a_better_candidate_never_has_less_evidence(
    candidate: list[float], incumbent: list[float], more: int
) -> None:
    # Distances within an arm stay; that between the arms grows. The step of rounding may change.
    spread = [*candidate, *[v + 0.001 for v in candidate]]
    higher = [v + more for v in spread]
    before = evidence(spread, incumbent, metric=UP)
    assert evidence(higher, incumbent, metric=UP) >= before * (1 - 1e-9)


@given(few, few, st.randoms())
def test_order_within_an_arm_does_not_matter(
    candidate: list[float], incumbent: list[float], random: "np.random.Generator"
) -> None:
    mixed, other = list(candidate), list(incumbent)
    random.shuffle(mixed)
    random.shuffle(other)
    expected = evidence(candidate, incumbent, metric=UP)
    assert evidence(mixed, other, metric=UP) == pytest.approx(expected, rel=1e-9)


@given(few, few)
def test_swapped_arms_cannot_both_win(candidate: list[float], incumbent: list[float]) -> None:
    ahead = evidence(candidate, incumbent, metric=UP)
    behind = evidence(incumbent, candidate, metric=UP)
    assert min(ahead, behind) <= 1.0


@given(few, few)
def test_it_is_always_a_finite_number_that_is_not_negative(
    candidate: list[float], incumbent: list[float]
) -> None:
    found = evidence(candidate, incumbent, metric=UP)
    assert math.isfinite(found)
    assert 0.0 <= found <= 1e12


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_a_value_that_is_no_number_is_refused_in_every_place(bad: float) -> None:
    good = [1.0, 2.0, 3.0]
    for candidate, incumbent in ((good, [*good, bad]), ([bad, *good], good)):
        with pytest.raises(BadMeasurement):
            evidence(candidate, incumbent, metric=UP)
        with pytest.raises(BadMeasurement):
            interval(candidate, incumbent, metric=UP)
    with pytest.raises(BadMeasurement):
        evidence_paired([1.0, bad])


def test_a_value_beyond_the_bound_is_refused() -> None:
    bounded = Metric("loss", "nats", Direction.MINIMIZE, bound=0.0)
    with pytest.raises(BadMeasurement):
        evidence([-0.1, 0.2], [1.0, 1.1], metric=bounded)


def test_too_few_trials_of_the_incumbent_are_refused() -> None:
    with pytest.raises(TooFewTrials):
        evidence([1.0, 2.0], [1.0], metric=UP)
    with pytest.raises(TooFewTrials):
        interval([1.0], [1.0, 2.0], metric=UP)


def test_constant_arms_are_taken_to_be_rounded_not_to_be_certain() -> None:
    assert evidence([0.5] * 5, [0.5] * 8, metric=UP) == 1.0
    small = [evidence([0.98] * k, [0.97] * 8, metric=UP) for k in (1, 2, 3, 4)]
    large = [evidence([99.0] * k, [0.97] * 8, metric=UP) for k in (1, 2, 3, 4)]
    assert small == pytest.approx(large)
    assert small == sorted(small)
    assert small[2] < 20 < small[3]
    assert evidence([0.96] * 4, [0.97] * 8, metric=UP) < 0.2


def test_the_last_digits_of_a_double_are_no_difference() -> None:
    jitter = [0.3, 0.1 + 0.2, 0.3 + 2e-16, 0.3]
    assert evidence(jitter, [0.3] * 8, metric=UP) == 1.0
    assert evidence([0.4, 0.4 + 1e-16], jitter, metric=UP) == pytest.approx(
        evidence([0.4, 0.4], [0.3] * 4, metric=UP)
    )


def test_tiny_and_huge_units_neither_overflow_nor_vanish() -> None:
    incumbent, candidate = _numbers(3, 8), _numbers(4, 5, 2.0)
    expected = evidence(candidate, incumbent, metric=UP)
    for unit in (1e-160, 1e140):
        scaled = evidence([v * unit for v in candidate], [v * unit for v in incumbent], metric=UP)
        assert scaled == pytest.approx(expected)


@given(st.lists(whole.filter(bool), min_size=2, max_size=9))
def test_paired_evidence_cannot_speak_for_both_signs(gains: list[float]) -> None:
    assert min(evidence_paired(gains), evidence_paired([-g for g in gains])) <= 1.0


def test_pairs_without_any_difference_say_nothing() -> None:
    assert evidence_paired([0.0, 0.0, 0.0]) == 1.0


def test_sums_of_many_races_give_what_one_race_gives() -> None:
    candidate, incumbent = np.array(_numbers(8, 4, 1.0)), np.array(_numbers(9, 8))
    arms = Arms(
        gain=np.array([np.mean(candidate) - np.mean(incumbent)] * 3),
        candidate_n=4,
        candidate_ss=4 * np.var(candidate),
        incumbent_n=8,
        incumbent_ss=8 * np.var(incumbent),
    )
    expected = evidence(list(candidate), list(incumbent), metric=UP)
    assert np.exp(arms.log_evidence()) == pytest.approx([expected] * 3)


@pytest.mark.labs
@given(varied, varied, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_is_welchs(
    candidate: list[float], incumbent: list[float], level: float
) -> None:
    found = interval(candidate, incumbent, metric=UP, level=level)
    test = stats.ttest_ind(candidate, incumbent, equal_var=False)
    expected = test.confidence_interval(level)
    assert found.low == pytest.approx(float(expected.low), rel=1e-7, abs=1e-7)
    assert found.high == pytest.approx(float(expected.high), rel=1e-7, abs=1e-7)


@given(few, few)
def test_swapping_the_arms_flips_the_interval(
    candidate: list[float], incumbent: list[float]
) -> None:
    one = interval(candidate, incumbent, metric=UP)
    two = interval(incumbent, candidate, metric=UP)
    turned = (-two.estimate, -two.high, -two.low)
    assert (one.estimate, one.low, one.high) == pytest.approx(turned, abs=1e-9)


@pytest.mark.labs
@given(varied)
def test_the_interval_of_pairs_is_students(gains: list[float]) -> None:
    found = interval_paired(gains)
    expected = stats.ttest_1samp(gains, 0.0).confidence_interval(0.95)
    ends = (float(expected.low), float(expected.high))
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-7, abs=1e-7)


def test_an_interval_of_width_zero_is_that_of_a_metric_that_never_varies() -> None:
    found = interval([0.5, 0.5], [0.25, 0.25, 0.25], metric=UP)
    assert (found.low, found.estimate, found.high) == (0.25, 0.25, 0.25)
    assert interval_paired([2.0, 2.0]).low == 2.0
