"""Numbers and records as words for a terminal."""

import math
from datetime import datetime

from upward.cli.common import clean
from upward.core.ids import short
from upward.core.metric import Metric
from upward.core.records import Change, Decision, Level, Verdict
from upward.ledger.replay import StudyState


def number(value: float | None, digits: int = 5) -> str:
    """Format a measurement; a dash where there is none.

    Example:
        >>> number(1.8512345), number(None)
        ('1.8512', '-')
    """
    if value is None:
        return "-"
    return f"{value:.{digits}g}"


def gained(metric: Metric, value: float, baseline: float) -> str:
    """How much better than the baseline, in percent of it.

    Example:
        >>> from upward.core.metric import Direction
        >>> gained(Metric("loss", "nats", Direction.MINIMIZE), 1.5, 2.0)
        '25.0 % better'
    """
    gain = metric.gain(value, baseline)
    if baseline == 0:
        return f"{abs(gain):.4g} {metric.unit} {'better' if gain >= 0 else 'worse'}"
    share = 100.0 * abs(gain / baseline)
    return f"{share:.1f} % {'better' if gain >= 0 else 'worse'}"


def duration(seconds: float) -> str:
    """Format a duration for people.

    Example:
        >>> duration(7), duration(125), duration(7500)
        ('7 s', '2 min 05 s', '2 h 05 min')
    """
    whole = max(0, math.floor(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def seconds_between(first: str, last: str) -> float:
    """Seconds between two ledger times."""
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def name_of(state: StudyState, candidate: str) -> str:
    """``p7`` for a proposal's candidate, ``baseline`` for the baseline."""
    record = state.records.get(candidate)
    if record is None:
        return short(candidate)
    return "baseline" if record.proposal is None else f"p{record.proposal}"


def changes_text(changes: tuple[Change, ...]) -> str:
    """Typed changes as one line."""
    return clean(", ".join(f"{c.knob.partition(':')[2]} {c.old} → {c.new}" for c in changes))


def verdict_word(verdict: Verdict) -> str:
    """One word for a verdict."""
    if verdict.level is not None and verdict.decision is not Decision.REJECTED:
        return str(verdict.level)
    return str(verdict.decision)


STYLE: dict[str, str] = {
    str(Level.CERTIFIED): "bold green",
    str(Level.VERIFIED): "green",
    str(Level.PROVISIONAL): "yellow",
    str(Decision.REJECTED): "dim",
    str(Decision.INVALID): "red",
    str(Decision.INCONCLUSIVE): "dim yellow",
}
