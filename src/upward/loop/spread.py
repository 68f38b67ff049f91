"""How much one measurement varies now: the calibration, corrected by the incumbent's own trials."""

from upward.core.errors import TooFewTrials
from upward.ledger.replay import StudyState
from upward.stats.noise import recalibrated


def spread_now(state: StudyState) -> float:
    """Return the standard deviation of one measurement of the incumbent, metric unit.

    Calibration measures the baseline, and what was accepted since may vary far less: a study that
    went on with the old figure would pass over gains that it could see.

    Raises:
        TooFewTrials: the noise is not known yet.
    """
    if state.noise is None:
        raise TooFewTrials("the noise", state.start.plan.calibration, 0)
    return recalibrated(state.noise.sd, state.newer)


def resolution_now(state: StudyState) -> float:
    """Return the smallest gain over the incumbent that a race finds in 80 % of cases, metric unit.

    In proportion to `spread_now`; 0 where repeats never differed.

    Raises:
        TooFewTrials: the noise is not known yet.
    """
    spread, noise = spread_now(state), state.noise
    return noise.seen_at(spread) if noise else 0.0
