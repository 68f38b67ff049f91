"""A belief about the whole space of knobs: a Gaussian process over what was tried.

Additive over the knobs, so that a few trials already say something about each of them, plus a
product for what they do together. It is fitted to a bounded window of trials, so its cost is flat.

Source: Rasmussen and Williams (2006), algorithm 2.1 and section 5.4; Duvenaud et al. (2011) for
the additive part; Jones et al. (1998) for the expected improvement.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REACHES = (0.2, 0.45, 1.0)
SUMS = (0.2, 0.6, 0.95)
JITTER = 1e-6
STEPS = 12
RATE = 0.35
PRIOR_SD = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How the belief bends.

    Args:
        reach: length scale in coordinates of the knobs.
        additive: share of the variance that is a sum over single knobs, in [0, 1].
    """

    reach: float
    additive: float


@dataclass(frozen=True, slots=True)
class Trials:
    """What was measured.

    Args:
        points: shape (n, d), coordinates.
        values: shape (n,).
        noise: shape (n,), variances of the values.
        switch: shape (d,), 1 for the columns of switches and choices, 0 for numbers: whatever the
            length scale, another choice stays another choice.
    """

    points: Floats
    values: Floats
    noise: Floats
    switch: Floats

    @property
    def scale(self) -> float:
        """Prior variance of the values."""
        return max(float(np.var(self.values)), 0.25)


@dataclass(frozen=True, slots=True)
class Surrogate:
    """A fitted belief.

    Args:
        trials: what it was fitted to.
        weights: shape (d,), relevance of the columns, about 1.
        shape: see `Shape`.
        lower: shape (n, n), Cholesky factor of the covariance over the prior variance.
        alpha: shape (n,), the covariance's inverse times the residuals.
        evidence: logarithm of the marginal likelihood, up to a constant.
    """

    trials: Trials
    weights: Floats
    shape: Shape
    lower: Floats
    alpha: Floats
    evidence: float

    def predict(self, places: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation, shape (m,) each, at places of shape (m, d)."""
        near = _near(places, self.trials, self.shape)
        cross = _correlation(near, np.exp(-near), self.weights, self.shape)
        mean = float(self.trials.values.mean()) + cross @ self.alpha
        solved = np.linalg.solve(self.lower, cross.T)
        variance = np.maximum(1.0 - np.sum(solved**2, axis=0), 1e-9)
        return mean, np.sqrt(self.trials.scale * variance)


def fit(trials: Trials) -> Surrogate:
    """Fit shape and relevance by marginal likelihood, the relevance with a prior around 1.

    Cost: O(n^3 + n^2 d) for a fixed number of steps; no randomness.
    """
    ones = np.ones(trials.points.shape[1])
    tables = [_table(trials, reach) for reach in REACHES]
    first = [_solved(trials, ones, Shape(t.reach, share), t) for t in tables for share in SUMS]
    best = max(first, key=lambda surrogate: surrogate.evidence)
    return _relevant(best, tables[REACHES.index(best.shape.reach)])


@dataclass(frozen=True, slots=True)
class Table:
    """What every pair of trials has to do with each other in every column, shape (n, n, d)."""

    reach: float
    near: Floats
    alike: Floats


def _table(trials: Trials, reach: float) -> Table:
    near = _near(trials.points, trials, Shape(reach, 0.0))
    return Table(reach, near, np.exp(-near))


def _near(places: Floats, trials: Trials, shape: Shape) -> Floats:
    reach = np.where(trials.switch > 0, 1.0, shape.reach)
    return 0.5 * ((places[:, None, :] - trials.points[None, :, :]) / reach) ** 2


def _correlation(near: Floats, alike: Floats, weights: Floats, shape: Shape) -> Floats:
    additive = alike @ (weights / weights.sum())
    return shape.additive * additive + (1.0 - shape.additive) * _product(near, weights)


def _product(near: Floats, weights: Floats) -> Floats:
    return np.exp(-(near @ weights) / np.sqrt(len(weights)))


def _solved(trials: Trials, weights: Floats, shape: Shape, table: Table) -> Surrogate:
    covariance = _correlation(table.near, table.alike, weights, shape)
    covariance[np.diag_indices(len(trials.values))] += trials.noise / trials.scale + JITTER
    lower: Floats = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    half = np.linalg.solve(lower, trials.values - trials.values.mean())
    size = 2.0 * float(np.sum(np.log(np.diag(lower)))) + len(half) * np.log(trials.scale)
    evidence = -0.5 * (float(half @ half) / trials.scale + size)
    return Surrogate(trials, weights, shape, lower, np.linalg.solve(lower.T, half), evidence)


def _relevant(first: Surrogate, table: Table) -> Surrogate:
    """Climb the marginal likelihood in the logarithms of the weights, by signed steps."""
    trials, shape = first.trials, first.shape
    best, here, posterior = first, first, first.evidence
    rates = np.full(len(first.weights), RATE)
    before = np.zeros(len(first.weights))
    for _ in range(STEPS):
        logs = np.log(here.weights)
        slope = _slope(here, table) * here.weights - logs / PRIOR_SD**2
        turned = slope * before < 0
        rates = np.where(turned, rates * 0.5, np.minimum(rates * 1.2, RATE))
        weights = np.exp(np.clip(logs + rates * np.sign(slope), -4.0, 3.0))
        before = slope
        here = _solved(trials, weights, shape, table)
        reached = here.evidence - 0.5 * float(np.sum(np.log(weights) ** 2)) / PRIOR_SD**2
        if reached > posterior:
            best, posterior = here, reached
    return best


def _slope(here: Surrogate, table: Table) -> Floats:
    """Derivative of the log evidence by every weight, shape (d,)."""
    near, alike = table.near, table.alike
    inverse = np.linalg.inv(here.lower)
    outer = np.outer(here.alpha, here.alpha) / here.trials.scale
    pull = 0.5 * (outer - inverse.T @ inverse)
    total = float(here.weights.sum())
    additive = alike @ (here.weights / total)
    product = _product(near, here.weights)
    rise = np.tensordot(pull, alike, 2) - float(np.sum(pull * additive))
    fall = np.tensordot(pull * product, near, 2) / np.sqrt(len(here.weights))
    return here.shape.additive * rise / total - (1.0 - here.shape.additive) * fall


def expected_gain(mean: Floats, sd: Floats, best: float) -> Floats:
    """Return how much more than `best` is expected, counting only what is above it.

    Args:
        mean: shape (m,).
        sd: shape (m,), positive.
        best: the value to beat.
    """
    z = (mean - best) / sd
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return np.maximum(sd * (z * below(z) + density), 0.0)


def below(z: Floats) -> Floats:
    """Return the normal distribution function, to an absolute error of 1e-7.

    Source: Abramowitz and Stegun (1964), 26.2.17.
    """
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    series = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    tail = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi) * series
    return np.where(z >= 0, 1.0 - tail, tail)
