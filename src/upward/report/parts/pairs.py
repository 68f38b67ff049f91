"""What a study's races say of the luck that two candidates share on one seed."""

from upward.core.metric import Noise
from upward.report.text import count, number, percent
from upward.report.view import View
from upward.stats.pairing import Pairing, pairing_so_far

SHARED = (
    "Races run both candidates on the same seeds, so that luck which both have in common cancels."
)


def pairs(view: View) -> str:
    """Return in a few sentences which design the races use and why; empty without any."""
    state = view.state
    if state.task.metric.noise is not Noise.SEEDED or not state.designs:
        return ""
    known = pairing_so_far(state.races_in_pairs(), state.noise.break_even if state.noise else None)
    if known is None:
        return f"{SHARED} How much of it is common is not known yet: too few pairs."
    return f"{SHARED} {_found(known)} {_then(known)}"


def _found(known: Pairing) -> str:
    keeps = f"{percent(known.ratio)} ({percent(known.ratio_low)} to {percent(known.ratio_high)})"
    span = f"{number(known.low, 2)} to {number(known.high, 2)}"
    return (
        f"Over the last {count(known.n, 'pair')} the correlation is {number(known.correlation, 2)} "
        f"({span}): a difference keeps {keeps} of the variance that it would have otherwise."
    )


def _then(known: Pairing) -> str:
    if known.pays:
        return "That pays, so three quarters of the evidence of the next race are on the pairs."
    return (
        "It is not sure that this pays, so the evidence of the next race stays half on the pairs, "
        "half on the two groups of trials as a whole."
    )
