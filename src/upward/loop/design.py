"""How the two arms of a comparison are laid out, fixed before its first trial.

A study cannot know beforehand how much luck two programs share on one seed. Its races tell it:
each leaves pairs of two different programs. So races always share seeds, at first with half of the
bet on the pairs, and with most of it as soon as the pairs so far show that this pays.
"""

from upward.core.design import Design
from upward.core.metric import Noise
from upward.core.records import Purpose
from upward.ledger.replay import StudyState
from upward.stats.pairing import pairing_so_far

# Three pairs leave two degrees of freedom: their interval is narrower than that of the arms only
# where the difference surely keeps less than a quarter of the variance.
PUBLISHED_BELOW = 0.25


def design_for(state: StudyState, about: str, purpose: Purpose) -> Design:
    """Return how the arms of a comparison about a candidate are laid out.

    Args:
        state: the study so far.
        about: content id of the candidate.
        purpose: race, certify, stack or publish.

    Returns:
        What the first trial of the comparison has on record, if it has begun. Else interleaved
        pairs for timings, seeds of their own for exact metrics; for all others what earlier races
        of the study suggest. It depends on the ledger alone, so that a process that was killed
        chooses the same.
    """
    begun, noise = state.designs.get((purpose, about)), state.task.metric.noise
    if begun is not None:
        return begun
    if noise is Noise.EXACT:
        return Design.POOLED
    if noise is Noise.TIMING:
        return Design.POOLED if purpose is Purpose.PUBLISH else Design.INTERLEAVED
    known = pairing_so_far(state.races_in_pairs(), state.noise.break_even if state.noise else None)
    if purpose is Purpose.PUBLISH:
        surely = known is not None and known.ratio_high < PUBLISHED_BELOW
        return Design.PAIRED if surely else Design.POOLED
    return Design.PAIRED if known is not None and known.pays else Design.MIXED
