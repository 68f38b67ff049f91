"""How a removal is judged: like any other candidate, against an incumbent that is a little worse.

To show that nothing is lost cannot be done; to show that less than a margin is lost is the same
comparison with the margin given in advance.
"""

from collections.abc import Sequence
from dataclasses import replace

from upward.core.metric import Metric
from upward.core.records import Decision, Level
from upward.ledger.replay import StudyState
from upward.stats.say import amount, count, odds
from upward.stats.verdict import Judgement


def eased(state: StudyState, candidate: str, against: Sequence[float]) -> Sequence[float]:
    """Return what a candidate is compared with: for a removal, worse by its margin."""
    margin, metric = state.margin_of(candidate), state.task.metric
    return [metric.worsened(value, margin) for value in against] if margin else against


def exactly(judged: Judgement) -> Judgement:
    """Return the judgement of a removal measured exactly: equal is enough, and no tolerance."""
    if judged.gain != 0.0:
        return judged
    reason = "Simpler, and exactly equal."
    return replace(judged, decision=Decision.ACCEPTED, level=Level.VERIFIED, reason=reason)


def plainly(judged: Judgement, metric: Metric, margin: float, trials: int) -> Judgement:
    """Return a judgement of a removal with its true gain, in words that say what was asked.

    Args:
        judged: from a comparison with `eased` values.
        metric: of the task.
        margin: of the removal; 0 leaves everything as it is.
        trials: fresh trials of the removal, 0 for a screen.
    """
    if not margin or judged.gain is None:
        return judged
    gain = judged.gain - margin
    low, high = (None if end is None else end - margin for end in (judged.low, judged.high))
    found = replace(judged, gain=gain, low=low, high=high)
    return replace(found, reason=_words(found, metric, margin, trials))


def _words(judged: Judgement, metric: Metric, margin: float, trials: int) -> str:
    unit, gain = metric.unit, judged.gain or 0.0
    most = f"{amount(margin, margin)} {unit}".rstrip()
    size = f"{amount(abs(gain), margin)} {unit}".rstrip() + (" worse" if gain < 0 else " better")
    if judged.low is not None and judged.high is not None:
        ends = f"{amount(judged.low, margin)} to {amount(judged.high, margin)}"
        size += f" (95 % interval of the gain: {ends})"
    runs = f"in {count(trials, 'fresh trial')}" if trials else "in one trial"
    if judged.decision is Decision.ACCEPTED:
        chance = f"; odds {odds(judged.evidence)} to 1" if judged.evidence else ""
        return f"Simpler, and its loss is less than {most}: {size} {runs}{chance}."
    if not trials:
        passed = judged.level is Level.PROVISIONAL
        then = "not clearly worse, so a race decides" if passed else "too much to be dead weight"
        return f"Left out, it is {size} {runs}: {then}."
    if judged.high is not None and judged.high < 0.0:
        return f"Needed: left out, it is {size} {runs}."
    return f"Not shown to be dispensable: left out, it is {size} {runs}, and {most} are allowed."
