"""The error and the power of the race, looked at after every trial, by simulation."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from upward.stats.sums import Arms, Pairs, hopeless

Values = NDArray[np.float64]
Source = Callable[[np.random.Generator, tuple[int, int]], Values]

RACES, HELD, CAP, BAR = 3000, 8, 10, float(np.log(20.0))


class Raced(NamedTuple):
    accepted: float
    trials: float


def _gauss(generator: np.random.Generator, shape: tuple[int, int]) -> Values:
    return generator.standard_normal(shape)


def _heavy(generator: np.random.Generator, shape: tuple[int, int]) -> Values:
    return generator.standard_t(3, shape) / np.sqrt(3.0)


def _skewed(generator: np.random.Generator, shape: tuple[int, int]) -> Values:
    return generator.standard_exponential(shape) - 1.0


def _dependent(generator: np.random.Generator, shape: tuple[int, int]) -> Values:
    values = generator.standard_normal(shape)
    for i in range(1, shape[1]):
        values[:, i] = 0.3 * values[:, i - 1] + np.sqrt(1 - 0.09) * values[:, i]
    return values


def _sum(candidate: Values, incumbent: Values, earlier: Values) -> Arms:
    k, n, m = candidate.shape[1], incumbent.shape[1], earlier.shape[1]
    gain = np.mean(candidate, axis=1) - np.mean(incumbent, axis=1)
    theirs = n * np.var(incumbent, axis=1) + m * np.var(earlier, axis=1)
    return Arms(gain, k, k * np.var(candidate, axis=1), n, theirs, m - 1)


def _race(
    source: Source,
    *,
    gain: float = 0.0,
    noisier: float = 1.0,
    held: int = HELD,
    give_up: bool = False,
    drift: float = 0.0,
    seed: int = 11,
) -> Raced:
    """Race many candidates at once, in turn with their incumbent, which was measured before."""
    values = source(np.random.default_rng(seed), (RACES, held + CAP + CAP))
    # In the order of time: what the incumbent brought along, then both arms in turn.
    fresh = values[:, held:]
    candidate = noisier * fresh[:, 0::2] + gain
    incumbent, earlier = fresh[:, 1::2], values[:, :held] - drift
    live, won = np.ones(RACES, bool), np.zeros(RACES, bool)
    used = np.full(RACES, CAP)
    for k in range(1, CAP + 1):
        arms = _sum(candidate[:, :k], incumbent[:, : max(2, k)], earlier)
        wins = live & (arms.log_evidence() >= BAR)
        over = wins | (live & hopeless(arms, cap=CAP, bar=BAR) if give_up and k >= 3 else wins)
        won |= wins
        used[over] = k
        live &= ~over
    return Raced(float(np.mean(won)), float(np.mean(used)))


def _error(share: float) -> float:
    """Four standard errors of a simulated share."""
    return 4.0 * float(np.sqrt(max(share, 0.01) * (1 - share) / RACES))


@pytest.mark.parametrize("source", [_gauss, _heavy, _skewed, _dependent])
@pytest.mark.parametrize("held", [4, 8])
def test_peeking_after_every_trial_keeps_the_error_below_one_in_twenty(
    source: Source, held: int
) -> None:
    share = _race(source, held=held).accepted
    assert share + _error(share) < 0.05


def test_a_machine_that_drifted_since_calibration_keeps_the_error() -> None:
    share = _race(_gauss, drift=5.0).accepted
    assert share + _error(share) < 0.05


@pytest.mark.parametrize("noisier", [0.3, 3.0, 30.0])
def test_a_candidate_of_other_noise_keeps_the_error_too(noisier: float) -> None:
    share = _race(_gauss, noisier=noisier).accepted
    assert share + _error(share) < 0.05


def test_a_worse_candidate_is_accepted_less_often_than_an_equal_one() -> None:
    assert _race(_gauss, gain=-0.5).accepted <= _race(_gauss).accepted
    assert _race(_gauss, gain=-2.0).accepted == 0.0


@pytest.mark.parametrize(
    ("gain", "at_least", "trials"), [(1.0, 0.24, 6.5), (2.0, 0.85, 6.0), (4.0, 0.99, 3.3)]
)
def test_gains_are_found_as_often_and_as_soon_as_documented(
    gain: float, at_least: float, trials: float
) -> None:
    raced = _race(_gauss, gain=gain, give_up=True)
    assert raced.accepted > at_least
    assert raced.trials < trials


def test_giving_up_saves_most_trials_of_null_candidates_and_few_gains() -> None:
    assert _race(_gauss, give_up=True).trials < 4.0
    assert _race(_gauss).trials > 9.5
    lost = _race(_gauss, gain=2.0).accepted - _race(_gauss, gain=2.0, give_up=True).accepted
    assert 0.0 <= lost < 0.05


@pytest.mark.parametrize("source", [_gauss, _heavy, _dependent])
def test_pairs_keep_the_error_too(source: Source) -> None:
    gains = source(np.random.default_rng(4), (RACES, CAP))
    if source is _dependent:
        # Side by side, both arms share the slow part of the noise; what is left is independent.
        gains = np.diff(source(np.random.default_rng(4), (RACES, 2 * CAP)), axis=1)[:, ::2]
    won = np.zeros(RACES, bool)
    for n in range(2, CAP + 1):
        head = gains[:, :n]
        sums = Pairs(np.mean(head, axis=1), n, n * np.var(head, axis=1))
        won |= sums.log_evidence() >= BAR
    share = float(np.mean(won))
    assert share + _error(share) < 0.05
