"""A sealed holdout that may be asked many times: the Ladder, and how long its answers stand.

Whoever is told how every candidate did on a holdout is soon optimising that holdout. The Ladder
tells one bit, and only for a clear improvement; a count of the questions says when it is used up.
"""

import math
from dataclasses import dataclass

from upward.core.errors import BadMeasurement, TooFewTrials
from upward.core.metric import Metric

# a holdout is used up when its bound is this many times that of its first question
WORN = 2.0


@dataclass(frozen=True, slots=True)
class Ladder:
    """The holdout's memory: the best value that was released, in the metric's unit.

    Args:
        best: the baseline's own holdout value at first.
        step: smallest improvement that is ever admitted; see `step_of`.
    """

    best: float
    step: float

    def ask(self, value: float, metric: Metric) -> tuple[bool, "Ladder"]:
        """Return whether a candidate is better by the step or more, and the ladder afterwards.

        Nothing else may reach the researcher: not the value, not how close it was.

        Args:
            value: the candidate's holdout value, metric unit.
            metric: says which way is better.

        Raises:
            BadMeasurement: no measurement of this metric, or a step that is not above 0.

        Source: Blum and Hardt (2015), arXiv:1502.04585, algorithm 1: the released value is
            rounded to the step, so that an answer carries no more than its bit.
        """
        if not (math.isfinite(self.step) and self.step > 0.0):
            raise BadMeasurement("step", f"{self.step} is not a step of a ladder")
        gain = metric.gain(metric.check(value), self.best)
        if gain < self.step:
            return False, self
        rungs = math.floor(gain / self.step)
        return True, Ladder(self.best - metric.gain(0.0, rungs * self.step), self.step)


def step_of(sd: float, n: int, *, width: float = 1.0) -> float:
    """Return the ladder's step: the larger of the noise and of what n examples can resolve.

    Args:
        sd: of one holdout measurement of the same candidate, metric unit.
        n: independent examples in the holdout.
        width: range of one example's loss, metric unit.

    Raises:
        TooFewTrials: no example.
        BadMeasurement: `sd` or `width` is negative, NaN or infinite.
    """
    _holdout(n)
    for name, value in (("sd", sd), ("width", width)):
        if not (math.isfinite(value) and value >= 0.0):
            raise BadMeasurement(name, f"{value} is no spread")
    return max(sd, width / math.sqrt(n))


def deviation(queries: int, accepted: int, n: int, *, delta: float = 0.05) -> float:
    """Return how far holdout and truth may be apart after that many questions.

    Args:
        queries: questions asked so far, 0 or more.
        accepted: how many of them were answered with yes.
        n: independent examples in the holdout.
        delta: chance that the bound fails, in (0, 1).

    Returns:
        In units of the range of one example's loss. The answers so far are one of
        C(queries, accepted) transcripts, so that many candidates may have been tried; Hoeffding's
        bound holds for all of them at once.

    Raises:
        TooFewTrials: no example.
        BadMeasurement: counts that cannot be, or `delta` is no share.

    Example:
        >>> round(deviation(0, 0, 1000), 3), round(deviation(200, 10, 1000), 3)
        (0.039, 0.143)
    """
    _holdout(n)
    if not 0 <= accepted <= queries:
        raise BadMeasurement("queries", f"{accepted} of {queries} answers cannot be")
    if not 0.0 < delta < 1.0:
        raise BadMeasurement("delta", f"{delta} is no share between 0 and 1")
    return math.sqrt((_log_choose(queries, accepted) + math.log(1.0 / delta)) / (2.0 * n))


def lasts(eps: float, accepted: int, n: int, *, delta: float = 0.05, most: int = 1_000_000) -> int:
    """Return how many questions a holdout stands before it must be rotated.

    Args:
        eps: how far it may be off, in units of the range of one example's loss.
        accepted: yes-answers that are expected by then.
        n: independent examples.
        delta: as in `deviation`.
        most: never more than this.

    Returns:
        The largest count of questions whose `deviation` is at most `eps`; 0 where even the first
        question is too many.
    """
    if deviation(accepted, accepted, n, delta=delta) > eps:
        return 0
    low, high = accepted, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        good = deviation(middle, accepted, n, delta=delta) <= eps
        low, high = (middle, high) if good else (low, middle)
    return low


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _holdout(n: int) -> None:
    if n < 1:
        raise TooFewTrials("a holdout", 1, n)
