"""How much one measurement varies now: the calibration, corrected by the incumbent's own trials."""

from upward.core.errors import TooFewTrials
from upward.ledger.replay import StudyState
from upward.stats.noise import recalibrated
from upward.stats.pairing import sees_in_pairs


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

    In proportion to `spread_now`, and smaller where the study's pairs show that much of the luck
    is shared; 0 where repeats never differed.

    Raises:
        TooFewTrials: the noise is not known yet.
    """
    spread, noise = spread_now(state), state.noise
    if noise is None:
        return 0.0
    return noise.seen_at(spread) * sees_in_pairs(state.races_in_pairs(), noise.break_even)
